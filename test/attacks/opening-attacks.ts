import { randomBytes } from 'node:crypto'
import { boxKeyBytes, openBoxWithKey } from '@tributary/shared/he/box'
import { openShare } from '@tributary/shared/he/share'
import type { SiteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { coordinatorName, memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { Adversary } from './adversary.ts'
import { type Attack, allSaid, said } from './attack.ts'
import { dealOf, helperOf, outcome, usual, victimOf, withAdversary } from './usual-attack.ts'

/** What is asked to be opened, of deals and boxes, that a dispute has no use for. */
export const openingAttacks: readonly Attack[] = [
  {
    name: 'demand that a dealer opens its deal after it sealed',
    rules: 'R24, R3',
    expects: {
      happened: 'sealed: ROUND_REFUSED; after a restart: ROUND_REFUSED; openings sent: 0',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.upTo(0, 0)
        const victim = victimOf(adversary)
        const demand = { kind: 'open-deal', study: adversary.study, step: 0, attempt: 0 } as const
        const sealed = said(await adversary.tell(victim, demand))
        adversary.site(victim).restart()
        const restarted = said(await adversary.tell(victim, demand))
        const { dealOpenings } = adversary.round(fields)
        return {
          happened: `sealed: ${sealed}; after a restart: ${restarted}; openings sent: ${dealOpenings.length}`,
          ...outcome(adversary, fields, victim),
        }
      }),
  },
  {
    name: 'open a deal in a feigned dispute, then have it sealed under',
    rules: 'R24, R3',
    expects: {
      happened:
        'openings sent: 1; told to contribute all the same: nothing sent, withdrawn; in the next attempt: contributed under another deal',
      learns: 'chance',
      named: [],
    },
    run: () => withAdversary(usual, feignedDispute),
  },
  {
    name: 'demand that a dealer opens its deal while it contributes',
    rules: 'R24, R3',
    expects: {
      happened:
        'of 8 attempts in which both were asked at once, 0 saw a deal opened and sealed under, 8 saw one of the two',
      learns: 'chance',
      named: [],
    },
    run: () => withAdversary(usual, openedWhileSealing),
  },
  {
    name: "have holders open their boxes without the dealer's own signature",
    rules: 'R24',
    expects: {
      happened:
        'signed by the coordinator: 3 times SIGNATURE_INVALID at signature; by the colluder: 3 times SIGNATURE_INVALID at signature; by the dealer for another deal: 3 times BOX_INVALID; boxes opened: 0',
      learns: 'chance',
      named: ['h01, in refusals'],
    },
    run: () => withAdversary(usual, unsignedOpening),
  },
  {
    name: "deal the victim's own boxes, open that deal, and have holders show the keys of them",
    rules: 'R24, R2',
    expects: {
      happened:
        'check values for the copied boxes: 0; boxes opened: 3 of 3; shares of the victim that those keys open: 0',
      learns: 'chance',
      named: ['h05, in checks'],
    },
    run: () => withAdversary(usual, copiedBoxes),
  },
]

const feignedDispute = async (adversary: Adversary) => {
  const fields = await adversary.deal(0, 0)
  await adversary.check(0, 0)
  const victim = victimOf(adversary)
  await adversary.tell(victim, { kind: 'open-deal', study: adversary.study, step: 0, attempt: 0 })
  const { dealOpenings, contributions, withdrawn } = adversary.round(fields)
  const error = await adversary.tell(victim, { kind: 'contribute', broadcast: adversary.broadcast(fields) })
  const isSilent = !contributions.has(victim)
  const left = withdrawn.includes(victim) ? 'withdrawn' : said(error)
  const next = await adversary.upTo(0, 1)
  const isOther = hashBytes(dealOf(adversary, fields, victim).body) !== hashBytes(dealOf(adversary, next, victim).body)
  const happened = [
    `openings sent: ${dealOpenings.length}`,
    `told to contribute all the same: ${isSilent ? 'nothing sent' : 'contributed'}, ${left}`,
    `in the next attempt: contributed under ${isOther ? 'another' : 'the same'} deal`,
  ].join('; ')
  return { happened, ...outcome(adversary, next, victim) }
}

/** Both orders at once, one or the other first by a few turns of the loop. */
const openedWhileSealing = async (adversary: Adversary) => {
  const victim = victimOf(adversary)
  let [both, one] = [0, 0]
  for (let attempt = 0; attempt < 8; attempt++) {
    const fields = await adversary.deal(0, attempt)
    await adversary.check(0, attempt)
    const orders: Parameters<Adversary['tell']>[1][] = [
      { kind: 'open-deal', study: adversary.study, step: 0, attempt },
      { kind: 'contribute', broadcast: adversary.broadcast(fields) },
    ]
    const [early, late] = (attempt % 2 === 0 ? orders : orders.toReversed()) as [(typeof orders)[0], (typeof orders)[0]]
    const first = adversary.tell(victim, early)
    for (let turn = 0; turn < attempt; turn++) await Promise.resolve()
    await Promise.all([first, adversary.tell(victim, late)])
    const { dealOpenings, contributions } = adversary.round(fields)
    const [isOpened, isSealed] = [dealOpenings.length > 0, contributions.has(victim)]
    if (isOpened && isSealed) both++
    else if (isOpened || isSealed) one++
  }
  const fields = await adversary.upTo(0, 8)
  return {
    happened: `of 8 attempts in which both were asked at once, ${both} saw a deal opened and sealed under, ${one} saw one of the two`,
    ...outcome(adversary, fields, victim),
  }
}

const unsignedOpening = async (adversary: Adversary) => {
  const fields = await adversary.deal(0, 0)
  await adversary.check(0, 0)
  const [victim, ...holders] = adversary.names() as [SiteId, ...SiteId[]]
  const { study, step, attempt, round, roster } = fields
  const deal = hashBytes(dealOf(adversary, fields, victim).body)
  const keys = adversary.holders.map(() => new Uint8Array(randomBytes(boxKeyBytes)))
  const body = { study, step, attempt, round, roster, deal, keys }
  const helper = helperOf(adversary)
  const other = { ...body, deal: hashBytes(dealOf(adversary, fields, helper.name).body) }
  const openings: readonly [string, SignedMessage][] = [
    [
      'signed by the coordinator',
      { ...signBody('deal-opening', coordinatorName, body, adversary.identity), signer: victim },
    ],
    ['by the colluder', { ...helper.sign('deal-opening', body), signer: victim }],
    ['by the dealer for another deal', signBody('deal-opening', victim, other, adversary.identityOf(victim))],
  ]
  const happened: string[] = []
  for (const [what, opening] of openings) {
    const errors = []
    for (const site of holders) errors.push(await adversary.tell(site, { kind: 'open-box', opening }))
    happened.push(`${what}: ${allSaid(errors)}`)
  }
  const { boxOpenings } = adversary.round(fields)
  happened.push(`boxes opened: ${boxOpenings.length}`)
  await adversary.contribute(fields)
  return { happened: happened.join('; '), ...outcome(adversary, fields, victim) }
}

/**
 * The colluder signs a deal whose boxes are the victim's, which it cannot read, and then opens "its" deal: a holder owes it the key
 * of each box, which must be of no use for the victim's.
 */
const copiedBoxes = async (adversary: Adversary) => {
  const fields = await adversary.deal(0, 0)
  const [victim, ...holders] = adversary.names() as [SiteId, ...SiteId[]]
  const helper = helperOf(adversary)
  const { study, step, attempt, round, roster } = fields
  const stolen = adversary.round(fields).deals.get(victim)!.boxes
  const boxes = adversary.holders.map((to, i) => ({ to, box: hashBytes(stolen[i] as Uint8Array) }))
  // Something else in it, or the two deals would have one hash.
  const seen = [{ site: helper.name, body: new Uint8Array(1), signature: new Uint8Array(64) }]
  const message = helper.sign('deal', { ...fields, epoch: 0, boxes, seen })
  adversary.onBoxes = (to, given) => [
    ...given.filter(({ deal }) => deal.signer !== helper.name),
    { deal: message, box: stolen[adversary.holders.indexOf(to)] as Uint8Array },
  ]
  await adversary.check(0, 0)
  const values = holders.reduce((sum, site) => sum + adversary.valuesFor(fields, site, [helper.name]), 0)
  const keys = adversary.holders.map(() => new Uint8Array(randomBytes(boxKeyBytes)))
  const body = { study, step, attempt, round, roster, deal: hashBytes(message.body), keys }
  const opening = helper.sign('deal-opening', body)
  for (const site of holders) await adversary.tell(site, { kind: 'open-box', opening })
  adversary.onBoxes = (_, given) => given
  await adversary.contribute(fields)
  const { boxOpenings } = adversary.round(fields)
  const shares = boxOpenings.flatMap((shown) => {
    const site = shown.signer as SiteId
    const holder = adversary.holders.indexOf(site) + 1
    const { key } = openBody('box-opening', shown, memberOf(adversary.roster, site))
    const context = { study, round, roster, from: victim, to: site }
    try {
      const share = openBoxWithKey(key ?? new Uint8Array(), context, stolen[holder - 1] as Uint8Array)
      return [{ round, dealer: victim, holder, residues: openShare(adversary.ring, share).residues }]
    } catch {
      return []
    }
  })
  return {
    happened: `check values for the copied boxes: ${values}; boxes opened: ${boxOpenings.length} of ${holders.length}; shares of the victim that those keys open: ${shares.length}`,
    learned: adversary.learned(fields, victim, { shares }),
    control: adversary.control(fields, victim),
    named: adversary.named,
  }
}

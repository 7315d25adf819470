import { randomBytes } from 'node:crypto'
import { boxKeyBytes, openBox, openBoxWithKey } from '@tributary/shared/he/box'
import { openShare } from '@tributary/shared/he/share'
import type { SiteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { coordinatorName, memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { Adversary, type AdversaryParts } from './adversary.ts'
import { type Attack, allSaid, said } from './attack.ts'
import type { Colluder } from './colluder.ts'
import { withAdversary } from './set-attacks.ts'

const usual: AdversaryParts = { sites: 5, colluders: 1, least: 4, helpers: 1 }

type Fields = Awaited<ReturnType<Adversary['deal']>>
const victimOf = (adversary: Adversary): SiteId => adversary.names()[0] as SiteId
const helperOf = (adversary: Adversary): Colluder => adversary.colluders[0] as Colluder
const dealOf = (adversary: Adversary, fields: Fields, site: SiteId): SignedMessage =>
  adversary.round(fields).deals.get(site)!.message

const outcome = (adversary: Adversary, fields: Fields, victim = victimOf(adversary)) => ({
  learned: adversary.learned(fields, victim),
  control: adversary.control(fields, victim),
  named: [],
})

/** Shares under false names, to false keys, in false rounds. */
export const boxAttacks: readonly Attack[] = [
  {
    name: 'boxes of one study presented in another',
    rules: 'R2',
    expects: {
      happened:
        "shown the other study's deals: values for 0 of 4; its boxes in deals signed anew by the colluder: values for 0 of 1; the round itself: 4 times answered",
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary({ ...usual, name: 'other' }, (other) =>
        withAdversary(usual, async (adversary) => {
          const foreign = await other.deal(0, 0)
          const fields = await adversary.deal(0, 0)
          const [victim, ...holders] = adversary.names() as [SiteId, ...SiteId[]]
          adversary.onBoxes = (to) => other.boxesFor(foreign, to)
          await adversary.check(0, 0, holders.slice(0, 1))
          const shown = adversary.valuesFor(fields, holders[0] as SiteId, adversary.sites)
          // The colluder passes the victim's boxes of the other study off as its own.
          const stolen = other.round(foreign).deals.get(victim)!.boxes
          const boxes = adversary.holders.map((to, i) => ({ to, box: hashBytes(stolen[i] as Uint8Array) }))
          const helper = helperOf(adversary)
          const message = helper.sign('deal', { ...fields, epoch: 0, boxes, seen: [] })
          adversary.onBoxes = (to, given) =>
            given.map((each) =>
              each.deal.signer === helper.name
                ? { deal: message, box: stolen[adversary.holders.indexOf(to)] as Uint8Array }
                : each,
            )
          await adversary.check(0, 0, holders.slice(1, 2))
          const passed = adversary.valuesFor(fields, holders[1] as SiteId, [helper.name])
          adversary.onBoxes = (_, given) => given
          await adversary.contribute(fields)
          const asked = await adversary.ask(adversary.announcement(fields, adversary.sites), adversary.names())
          return {
            happened: [
              `shown the other study's deals: values for ${shown} of 4`,
              `its boxes in deals signed anew by the colluder: values for ${passed} of 1`,
              `the round itself: ${allSaid(asked, 'answered')}`,
            ].join('; '),
            ...outcome(adversary, fields, victim),
          }
        }),
      ),
  },
  {
    name: 'swap boxes',
    rules: 'R2, R24',
    expects: {
      happened:
        "another dealer's box: BOX_INVALID; another holder's boxes: BOX_INVALID; checks sent: 0; an answer with swapped boxes: BOX_INVALID",
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.deal(0, 0)
        const [victim, second, third, fourth] = adversary.names() as [SiteId, SiteId, SiteId, SiteId]
        const swapped = (_: SiteId, boxes: readonly DealtBox[]) => {
          const of = (dealer: SiteId) => boxes.find(({ deal }) => deal.signer === dealer)!.box
          return boxes.map((each) =>
            each.deal.signer === victim
              ? { ...each, box: of(third) }
              : each.deal.signer === third
                ? { ...each, box: of(victim) }
                : each,
          )
        }
        const task = { kind: 'check', study: adversary.study, step: 0, attempt: 0 } as const
        adversary.onBoxes = swapped
        const dealers = said(await adversary.tell(second, task))
        adversary.onBoxes = () => adversary.boxesFor(fields, victim)
        const holders = said(await adversary.tell(third, task))
        adversary.onBoxes = (_, boxes) => boxes
        await adversary.contribute(fields)
        adversary.onBoxes = swapped
        for (const site of [fourth]) adversary.site(site).restart()
        const answer = await adversary.ask(adversary.announcement(fields, adversary.sites), [fourth])
        return {
          happened: `another dealer's box: ${dealers}; another holder's boxes: ${holders}; checks sent: ${adversary.round(fields).checks.size}; an answer with swapped boxes: ${allSaid(answer, 'answered')}`,
          ...outcome(adversary, fields, victim),
        }
      }),
  },
  {
    name: 'substitute box keys',
    rules: 'R1, R2',
    expects: {
      happened:
        "signed by the coordinator: SIGNATURE_INVALID at signature; by the colluder: SIGNATURE_INVALID at signature; of another study: ROUND_REFUSED; of another epoch, under the holder's own name: done, and nobody can open that holder's box",
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary({ ...usual, name: 'other' }, (other) =>
        withAdversary(usual, async (adversary) => {
          const helper = helperOf(adversary)
          const [victim, holder] = adversary.names() as [SiteId, SiteId]
          adversary.statements.set(`${helper.name} 0`, helper.statement(0))
          const honest = adversary.boxKeyStatements()
          const body = { study: adversary.study, epoch: 0, key: helper.boxKeys.publicKey }
          const ofOther = other.boxKeyStatements().find(({ signer }) => signer === holder) as SignedMessage
          const early = signBody('box-keys', holder, { ...body, epoch: 1 }, adversary.identityOf(holder))
          const substitutes: readonly [string, SignedMessage][] = [
            ['signed by the coordinator', signBody('box-keys', holder, body, adversary.identity)],
            ['by the colluder', { ...helper.sign('box-keys', body), signer: holder }],
            ['of another study', ofOther],
          ]
          const happened: string[] = []
          for (const [what, message] of substitutes) {
            const boxKeys = honest.map((each) => (each.signer === holder ? message : each))
            const task = { kind: 'deal', study: adversary.study, step: 0, attempt: 0, boxKeys } as const
            happened.push(`${what}: ${said(await adversary.tell(victim, task))}`)
          }
          const fields = await adversary.upTo(0, 0)
          // A holder that helped: its own statement, but for another epoch and with the colluder's key.
          const boxKeys = honest.map((each) => (each.signer === holder ? early : each))
          const task = { kind: 'deal', study: adversary.study, step: 0, attempt: 1, boxKeys } as const
          const dealt = said(await adversary.tell(victim, task))
          const next = adversary.fields(0, 1)
          const opens = [helper.boxKeys].filter((keys) => {
            const context = { study: next.study, round: next.round, roster: next.roster, from: victim, to: holder }
            try {
              openBox(keys, context, adversary.boxesFor(next, holder)[0]!.box)
              return true
            } catch {
              return false
            }
          })
          const what = opens.length === 0 ? "nobody can open that holder's box" : 'THE COLLUDER OPENS IT'
          happened.push(`of another epoch, under the holder's own name: ${dealt}, and ${what}`)
          return { happened: happened.join('; '), ...outcome(adversary, fields, victim) }
        }),
      ),
  },
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
      named: [],
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
      named: [],
    },
    run: () => withAdversary(usual, copiedBoxes),
  },
  {
    name: 'count a site twice, by a colluder that signs the very deal of the victim',
    rules: 'R2, R7',
    expects: {
      happened:
        'the colluder named before it: one hash, asked for both: 4 times BOX_INVALID; named after it: one hash, asked for both: 4 times BOX_INVALID',
      learns: 'chance',
      named: [],
    },
    run: async () => {
      // Whichever of the two deals is found first.
      const before = await withAdversary({ ...usual, helpers: [0] }, countedTwice)
      const after = await withAdversary(usual, countedTwice)
      return {
        ...before,
        happened: `the colluder named before it: ${before.happened}; named after it: ${after.happened}`,
      }
    },
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
    named: [],
  }
}

/** Answers that found a share by the hash of the deal alone gave the victim's for both: twice its vector in one sum. */
const countedTwice = async (adversary: Adversary) => {
  const fields = await adversary.deal(0, 0)
  const victim = victimOf(adversary)
  const helper = helperOf(adversary)
  const real = adversary.round(fields).deals.get(victim)!
  const body = openBody('deal', real.message, memberOf(adversary.roster, victim))
  const message = helper.sign('deal', body)
  const own = helper.deals.get(fields.round)!
  helper.deals.set(fields.round, { ...own, message })
  adversary.round(fields).deals.set(helper.name, { message, boxes: real.boxes })
  await adversary.check(0, 0)
  await adversary.contribute(fields)
  const isSame = hashBytes(message.body) === hashBytes(real.message.body)
  const asked = await adversary.ask(adversary.announcement(fields, adversary.sites), adversary.names())
  return {
    happened: `${isSame ? 'one hash' : 'two hashes'}, asked for both: ${allSaid(asked, 'answered')}`,
    ...outcome(adversary, fields, victim),
  }
}

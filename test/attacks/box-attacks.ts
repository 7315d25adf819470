import { openBox } from '@tributary/shared/he/box'
import type { SiteId } from '@tributary/shared/ids'
import { openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { memberOf } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import type { Adversary } from './adversary.ts'
import { type Attack, allSaid, said } from './attack.ts'
import { helperOf, outcome, usual, victimOf, withAdversary } from './usual-attack.ts'

/** Shares under false names, to false keys, in false rounds. */
export const boxAttacks: readonly Attack[] = [
  {
    name: 'boxes of one study presented in another',
    rules: 'R2',
    expects: {
      happened:
        "shown the other study's deals: values for 0 of 4; its boxes in deals signed anew by the colluder: values for 0 of 1; the round itself: 4 times answered",
      learns: 'chance',
      named: ['h05, in checks'],
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
      named: ['h01, in refusals'],
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
      named: ['h02, in refusals'],
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
    name: 'count a site twice, by a colluder that signs the very deal of the victim',
    rules: 'R2, R7',
    expects: {
      happened:
        'the colluder named before it: one hash, asked for both: 4 times BOX_INVALID; named after it: one hash, asked for both: 4 times BOX_INVALID',
      learns: 'chance',
      named: ['h01, in checks', 'h01, in refusals'],
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

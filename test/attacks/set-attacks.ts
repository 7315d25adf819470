import type { SiteId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Adversary } from './adversary.ts'
import { type Attack, allSaid, said } from './attack.ts'
import { allBut, outcome, usual, withAdversary } from './usual-attack.ts'

const onlyHelper = (adversary: Adversary): SiteId[] => adversary.colluders.map(({ name }) => name)

/** What the coordinator does to learn one site's vector from the sets it announces. */
export const setAttacks: readonly Attack[] = [
  {
    name: "isolate one site's ciphertext",
    rules: 'R4, R7',
    expects: {
      happened:
        'the site alone: 4 times ROUND_REFUSED at contributors; with the colluder: 4 times ROUND_REFUSED at contributors; with the colluder thrice: 4 times ROUND_REFUSED at contributors; all: 4 times answered',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.upTo(0, 0)
        const [victim] = adversary.names() as [SiteId]
        const ask = async (sites: readonly SiteId[]) =>
          allSaid(await adversary.ask(adversary.announcement(fields, sites), adversary.names()), 'answered')
        const [helper] = onlyHelper(adversary) as [SiteId]
        const happened = [
          `the site alone: ${await ask([victim])}`,
          `with the colluder: ${await ask([victim, helper])}`,
          `with the colluder thrice: ${await ask([victim, helper, helper, helper])}`,
          `all: ${await ask(adversary.sites)}`,
        ]
        return {
          happened: happened.join('; '),
          ...outcome(adversary, fields, victim),
        }
      }),
  },
  {
    name: 'drop all but one',
    rules: 'R7',
    expects: {
      happened:
        'broadcast to it alone: ROUND_REFUSED at dealers; only its contribution and the colluder named: 4 times ROUND_REFUSED at contributors',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.deal(0, 0)
        await adversary.check(0, 0)
        const [victim] = adversary.names() as [SiteId]
        const { deals } = adversary.round(fields)
        const own = { site: victim, deal: hashBytes(deals.get(victim)!.message.body) }
        const alone = await adversary.tell(victim, {
          kind: 'contribute',
          broadcast: adversary.broadcast(fields, { dealers: [own] }),
        })
        await adversary.contribute(fields, [victim])
        const left = adversary.announcement(fields, [victim, ...onlyHelper(adversary)])
        const asked = await adversary.ask(left, adversary.names())
        return {
          happened: `broadcast to it alone: ${said(alone)}; only its contribution and the colluder named: ${allSaid(asked, 'answered')}`,
          ...outcome(adversary, fields, victim),
        }
      }),
  },
  {
    name: 'ask twice with different sets',
    rules: 'R4',
    expects: {
      happened:
        'all: 4 times answered; all but one: 3 times ANSWER_REFUSED; after a restart: 3 times ANSWER_REFUSED; the same set again: 4 times the same bytes',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.upTo(0, 0)
        const [victim, ...others] = adversary.names() as [SiteId, ...SiteId[]]
        const all = adversary.announcement(fields, adversary.sites)
        const without = adversary.announcement(fields, allBut(adversary, victim))
        const first = allSaid(await adversary.ask(all, adversary.names()), 'answered')
        const second = allSaid(await adversary.ask(without, others))
        for (const name of others) adversary.site(name).restart()
        const third = allSaid(await adversary.ask(without, others))
        await adversary.ask(all, adversary.names())
        const { answers } = adversary.round(fields)
        const same = adversary
          .names()
          .filter(
            (name) =>
              new Set(answers.filter(({ site }) => site === name).map(({ message }) => hashBytes(message.body)))
                .size === 1,
          )
        const twice = answers.length === 2 * adversary.names().length
        return {
          happened: `all: ${first}; all but one: ${second}; after a restart: ${third}; the same set again: ${twice ? same.length : 0} times the same bytes`,
          learned: adversary.learned(fields, victim),
          // What a second answer of those sites would have been worth.
          control: adversary.learned(fields, victim, secondAnswers(adversary, fields, others, victim)),
          named: adversary.named,
        }
      }),
  },
  {
    name: 'leave out a contribution that was acknowledged',
    rules: 'R4, R7',
    expects: {
      happened: 'left out: ROUND_REFUSED at contributors; the others: 3 times answered',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.upTo(0, 0)
        const [victim, ...others] = adversary.names() as [SiteId, ...SiteId[]]
        const without = adversary.announcement(fields, allBut(adversary, victim))
        const own = said((await adversary.ask(without, [victim]))[0] ?? null, 'answered')
        return {
          happened: `left out: ${own}; the others: ${allSaid(await adversary.ask(without, others), 'answered')}`,
          ...outcome(adversary, fields, victim),
        }
      }),
  },
]

/** Answers of `sites` over everybody but `victim`, made with what they would never show. */
const secondAnswers = (
  adversary: Adversary,
  fields: Awaited<ReturnType<Adversary['deal']>>,
  sites: readonly SiteId[],
  victim: SiteId,
) => {
  const dealers = allBut(adversary, victim)
  const { shares = [] } = adversary.forbidden(fields, sites, dealers)
  const answers = sites.map((site) => {
    const holder = adversary.holders.indexOf(site) + 1
    const own = shares.filter((each) => each.holder === holder)
    const residues = adversary.ring.combine(own.map((each) => ({ factor: 1n, residues: each.residues })))
    return { round: fields.round, dealers, holder, residues }
  })
  return { answers }
}

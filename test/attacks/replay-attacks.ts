import type { SiteId } from '@tributary/shared/ids'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Adversary } from './adversary.ts'
import { type Attack, allSaid, said } from './attack.ts'
import { allBut, dealOf, entriesOf, outcome, usual, victimOf, withAdversary } from './usual-attack.ts'

/** Asking again for what was asked before, or for the same in another guise. */
export const replayAttacks: readonly Attack[] = [
  {
    name: 'a second broadcast for one attempt',
    rules: 'R3, R6',
    expects: {
      happened:
        'another model: 4 times the stored bytes; after a restart: 4 times the stored bytes; two models at once: 1 contribution; charged 2 for 2 attempts',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.upTo(0, 0)
        const victim = victimOf(adversary)
        const bytesOf = (site: SiteId) => {
          const { message, parts } = adversary.contributionOf(fields, site)
          return [message.body, ...parts].map((bytes) => hashBytes(bytes)).join()
        }
        const first = adversary.names().map(bytesOf)
        const told = async () => {
          const broadcast = adversary.broadcast(fields)
          for (const site of adversary.names()) await adversary.tell(site, { kind: 'contribute', broadcast })
          return adversary.names().filter((site, i) => bytesOf(site) === first[i]).length
        }
        const honest = adversary.onModel
        adversary.onModel = () => adversary.model(1)
        const again = await told()
        for (const { name } of adversary.honest) adversary.site(name).restart()
        const restarted = await told()
        const learned = adversary.learned(fields, victim)
        const control = adversary.control(fields, victim)
        adversary.onModel = honest
        const second = await atOnce(adversary, victim)
        return {
          happened: `another model: ${again} times the stored bytes; after a restart: ${restarted} times the stored bytes; two models at once: ${second} contribution; charged ${adversary.site(victim).charged().size} for 2 attempts`,
          learned,
          control,
          named: adversary.named,
        }
      }),
  },
  {
    name: 'different models to different sites',
    rules: 'R7',
    expects: {
      happened:
        'broadcasts: 4 times done; announced together: 4 times ROUND_REFUSED at contributors; announced as of one model: 4 times ROUND_REFUSED at contributors',
      learns: 'chance',
      named: ['h01, in refusals', 'h02, in refusals'],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const fields = await adversary.deal(0, 0)
        await adversary.check(0, 0)
        const victim = victimOf(adversary)
        const errors = []
        for (const site of adversary.names()) {
          const model = adversary.model(site === victim ? 1 : 0)
          adversary.onModel = () => model
          errors.push(await adversary.tell(site, { kind: 'contribute', broadcast: adversary.broadcast(fields) }))
        }
        await adversary.contribute(fields, [])
        const together = adversary.announcement(fields, adversary.sites)
        const asOne = adversary.announcement(fields, adversary.sites, { model: hashBytes(adversary.model(0)) })
        return {
          happened: [
            `broadcasts: ${allSaid(errors)}`,
            `announced together: ${allSaid(await adversary.ask(together, adversary.names()), 'answered')}`,
            `announced as of one model: ${allSaid(await adversary.ask(asOne, adversary.names()), 'answered')}`,
          ].join('; '),
          ...outcome(adversary, fields, victim),
        }
      }),
  },
  {
    name: 'replay an old round',
    rules: 'R2, R4',
    expects: {
      happened:
        'the old set without one: 3 times ANSWER_REFUSED; old contributions in the new round: 4 times ROUND_REFUSED at attempt; old deals in place of the new: ROUND_REFUSED; the old broadcast again: the stored bytes',
      learns: 'chance',
      named: [],
    },
    run: () =>
      withAdversary(usual, async (adversary) => {
        const old = await adversary.upTo(0, 0)
        const victim = victimOf(adversary)
        await adversary.ask(adversary.announcement(old, adversary.sites), adversary.names())
        const fields = await adversary.upTo(0, 1)
        const others = adversary.names().slice(1)
        const without = allSaid(
          await adversary.ask(adversary.announcement(old, allBut(adversary, victim)), others),
          'answered',
        )
        const mixed = adversary.announcement(fields, adversary.sites, { contributors: entriesOf(adversary, old) })
        const stale = allSaid(await adversary.ask(mixed, adversary.names()), 'answered')
        await adversary.deal(0, 2)
        adversary.onBoxes = (to) => adversary.boxesFor(old, to)
        const third = adversary.fields(0, 2)
        const broadcast = adversary.broadcast(third)
        const deals = said(await adversary.tell(victim, { kind: 'contribute', broadcast }))
        adversary.onBoxes = (_, boxes) => boxes
        const before = hashBytes(adversary.contributionOf(old, victim).message.body)
        const again = await adversary.tell(victim, { kind: 'contribute', broadcast: adversary.broadcast(old) })
        const after = hashBytes(adversary.contributionOf(old, victim).message.body)
        return {
          happened: [
            `the old set without one: ${without}`,
            `old contributions in the new round: ${stale}`,
            `old deals in place of the new: ${deals}`,
            `the old broadcast again: ${again === null && before === after ? 'the stored bytes' : said(again)}`,
          ].join('; '),
          ...outcome(adversary, fields, victim),
        }
      }),
  },
  {
    name: 'announce a failure after opening in secret',
    rules: 'R5, R6',
    expects: {
      happened:
        'the sum is opened, then called failed; the victim is left out of the second try; charged 2 of 2 tries; fresh keys: yes; fresh vectors: yes',
      learns: 'chance',
      named: [],
    },
    run: () => withAdversary(usual, (adversary) => secretOpening(adversary)),
  },
]

/** Two orders to contribute at the same moment, for different models; how many different contributions left. */
const atOnce = async (adversary: Adversary, victim: SiteId): Promise<number> => {
  const fields = await adversary.deal(0, 1)
  await adversary.check(0, 1)
  const models = [adversary.model(0), adversary.model(1)]
  const broadcasts = models.map((model) => adversary.broadcast(fields, { model: hashBytes(model) }))
  let asked = 0
  adversary.onModel = () => models[asked++ % 2] as Uint8Array
  const sent = new Set<string>()
  adversary.onContribution = (message) => void sent.add(hashBytes(message.body))
  await Promise.all(broadcasts.map((broadcast) => adversary.tell(victim, { kind: 'contribute', broadcast })))
  return sent.size
}

/** Two attempts of one step, the first opened and denied; the second without the victim, so that their difference would be it. */
const secretOpening = async (adversary: Adversary) => {
  const victim = victimOf(adversary)
  const old = await adversary.upTo(0, 0)
  await adversary.ask(adversary.announcement(old, adversary.sites), adversary.names())
  const fields = await adversary.deal(0, 1)
  await adversary.check(0, 1)
  await adversary.contribute(fields)
  const without = adversary.announcement(fields, allBut(adversary, victim))
  await adversary.ask(without, adversary.names().slice(1))
  const charged = adversary.site(victim).charged().size
  const hashOf = (round: typeof old) => hashBytes(dealOf(adversary, round, victim).body)
  const isFresh = adversary.names().every((site) => {
    const [first, second] = [adversary.truthOf(old, site), adversary.truthOf(fields, site)]
    return first.some((value, i) => value !== second[i])
  })
  const learned = adversary.learned(old, victim)
  return {
    happened: `the sum is opened, then called failed; the victim is left out of the second try; charged ${charged} of 2 tries; fresh keys: ${hashOf(old) === hashOf(fields) ? 'no' : 'yes'}; fresh vectors: ${isFresh ? 'yes' : 'no'}`,
    learned,
    control: await staleVectors(adversary.manifest.sites.length),
    named: adversary.named,
  }
}

/** The same against sites that would send the same vector again in every attempt, which R5 forbids. */
const staleVectors = (sites: number) =>
  withAdversary({ ...usual, sites }, async (adversary) => {
    const victim = victimOf(adversary)
    const kept = new Map<SiteId, Float64Array>()
    const fresh = adversary.onQuery
    adversary.onQuery = (site, layout) => {
      const values = kept.get(site) ?? fresh(site, layout)
      kept.set(site, values)
      return values.slice()
    }
    const old = await adversary.upTo(0, 0)
    await adversary.ask(adversary.announcement(old, adversary.sites), adversary.names())
    const fields = await adversary.upTo(0, 1)
    const others = adversary.names().slice(1)
    await adversary.ask(adversary.announcement(fields, allBut(adversary, victim)), others)
    return adversary.learned(old, victim)
  })

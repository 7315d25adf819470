import type { DisputedDeal } from '@tributary/shared/he/deal-verdict'
import { dealVerdict } from '@tributary/shared/he/deal-verdict'
import type { Ring } from '@tributary/shared/he/ring'
import { openShare, packShare } from '@tributary/shared/he/share'
import type { RoundId, SiteId } from '@tributary/shared/ids'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { disputedDeal } from '../../coordinator/disputes/disputed-deal.ts'
import type { Attack } from './attack.ts'
import { attackSite } from './attack-study.ts'
import { InsideJob } from './inside-job.ts'
import type { Tricks } from './insider-turns.ts'

/** Six hospitals, the last of them in bad hands, at most one lost before it contributes: t = 4. */
const usual = { sites: 6, colluders: 0, least: 5, insider: 5 }
const insider = attackSite(usual.insider)
const victim = attackSite(0)
const second = attackSite(1)

export const withInsider = async <T>(tricks: Tricks, work: (job: InsideJob) => Promise<T>): Promise<T> => {
  const job = await InsideJob.open({ ...usual, tricks })
  try {
    return await work(job)
  } finally {
    job.close()
  }
}

export const roundNamed = (job: InsideJob, step: number, attempt: number): RoundId =>
  roundIdOf(job.federation.study, step, attempt)

export const read = (job: InsideJob, round: RoundId, site: SiteId = victim) => ({
  learned: job.learned(round, site),
  control: job.control(round, site),
})

/** A share whose first residue is one more. */
export const shifted = (ring: Ring, share: Uint8Array): Uint8Array => {
  const { residues, mask } = openShare(ring, share)
  residues[0] = ((residues[0] as bigint) + 1n) % ring.q.value
  return packShare(ring, { residues, mask })
}

/** Frames carry 58 bits a residue, 58 ones are more than q. */
export const unreduced = (frame: Uint8Array): Uint8Array => {
  const other = frame.slice()
  other.fill(255, 16, 24)
  return other
}

/** The one dispute, once it is judged, and whether a stranger who has only the evidence judges the same. */
const judged = async (job: InsideJob) => {
  const { coordinator, study } = job.federation
  const found = () => coordinator.disputes.disputes(study).find(({ phase }) => phase === 'closed')
  await job.until(() => found() !== undefined)
  const dispute = found() as NonNullable<ReturnType<typeof found>>
  const { verdict } = dispute
  const evidence: DisputedDeal = disputedDeal(coordinator.studies.study(study), dispute, coordinator.disputes)
  const isProven = JSON.stringify(dealVerdict(job.heard.ring, evidence)) === JSON.stringify(verdict)
  return { dispute, verdict: verdict as NonNullable<typeof verdict>, isProven }
}

const disputeAttack = (name: string, tricks: Tricks, expects: Attack['expects'], disputed: SiteId): Attack => ({
  name,
  rules: 'R24',
  expects,
  run: () =>
    withInsider(tricks, async (job) => {
      const { contributors } = await job.opened()
      const round = roundNamed(job, 0, 0)
      const { verdict, isProven } = await judged(job)
      const { contributions, dealOpenings, boxOpenings } = job.heard.round(round)
      const next = await job.opened(1)
      const happened = [
        `${disputed} is left out, ${contributors.length} of ${usual.sites} are summed`,
        `deals opened: ${dealOpenings.length}, boxes: ${boxOpenings.length}`,
        `sealed under the disputed key: ${contributions.has(disputed) ? 'YES' : 'nothing'}`,
        verdict.why,
        `the evidence alone says ${isProven ? 'the same' : 'SOMETHING ELSE'}`,
        `in the next step ${next.contributors.includes(disputed) ? 'it takes part again' : 'it is left out again'}`,
      ].join('; ')
      const named = [
        ...(verdict.dealer === 'sound' ? [] : [`${disputed}: ${verdict.dealer}`]),
        ...verdict.holders.map(({ site, finding }) => `${site}: ${finding}`),
      ]
      return { happened, ...read(job, round, second), named }
    }),
})

export const insideAttacks: readonly Attack[] = [
  disputeAttack(
    'a site that deals inconsistent shares',
    { shares: (shares, ring) => shares.map((share, i) => (i === 2 ? shifted(ring, share) : share)) },
    {
      happened:
        'h06 is left out, 5 of 6 are summed; deals opened: 1, boxes: 0; sealed under the disputed key: nothing; h06 dealt badly: its shares are not of one polynomial; the evidence alone says the same; in the next step it takes part again',
      learns: 'chance',
      named: ['h06: bad'],
    },
    insider,
  ),
  disputeAttack(
    'a site that deals inconsistent shares and will not open its deal',
    { shares: (shares, ring) => shares.map((share, i) => (i === 2 ? shifted(ring, share) : share)), opens: false },
    {
      happened:
        'h06 is left out, 5 of 6 are summed; deals opened: 0, boxes: 0; sealed under the disputed key: nothing; h06 would not open its deal; the evidence alone says the same; in the next step it takes part again',
      learns: 'chance',
      named: ['h06: unopened'],
    },
    insider,
  ),
  disputeAttack(
    'a site that deals a residue above the modulus',
    { shares: (shares) => shares.map((share, i) => (i === 2 ? unreduced(share) : share)) },
    {
      happened:
        'h06 is left out, 5 of 6 are summed; deals opened: 1, boxes: 0; sealed under the disputed key: nothing; h06 dealt badly: the box for h03 holds no share under the key that its dealer signed; the evidence alone says the same; in the next step it takes part again',
      learns: 'chance',
      named: ['h06: bad'],
    },
    insider,
  ),
  disputeAttack(
    'a holder that lies in its check of an honest deal',
    { lieAbout: [victim] },
    {
      happened:
        'h01 is left out, 5 of 6 are summed; deals opened: 1, boxes: 1; sealed under the disputed key: nothing; h06 signed another check value than its box gives under the key that it signed itself; the evidence alone says the same; in the next step it takes part again',
      learns: 'chance',
      named: ['h06: lied'],
    },
    victim,
  ),
  disputeAttack(
    'a holder that lies in its check and then says nothing',
    { lieAbout: [victim], opens: false },
    {
      happened:
        'h01 is left out, 5 of 6 are summed; deals opened: 1, boxes: 0; sealed under the disputed key: nothing; h06 complained and did not open its box; the evidence alone says the same; in the next step it takes part again',
      learns: 'chance',
      named: ['h06: silent'],
    },
    victim,
  ),
  {
    name: 'a site that contributes under an old counter',
    rules: 'R4',
    expects: {
      happened:
        'first step: 6 contribute, the sum is exact; then refused: COUNTER_REFUSED; 5 contribute, the sum is exact, in 1 attempt',
      learns: 'chance',
      named: ['h06'],
    },
    run: () =>
      withInsider({ counter: 1 }, async (job) => {
        const first = await job.opened()
        const next = await job.opened(1)
        const told = (opened: typeof first) =>
          `${opened.contributors.length} contribute, the sum is ${job.isExact(opened) ? 'exact' : 'WRONG'}`
        const [refused] = job.turns.refused
        return {
          happened: `first step: ${told(first)}; then refused: ${refused?.code}; ${told(next)}, in ${next.attempt + 1} attempt`,
          ...read(job, roundNamed(job, 0, 0)),
          named: job.named,
        }
      }),
  },
]

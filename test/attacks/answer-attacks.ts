import { openFrame, packFrame } from '@tributary/shared/he/frame'
import type { Ring } from '@tributary/shared/he/ring'
import type { SiteId } from '@tributary/shared/ids'
import type { Attack } from './attack.ts'
import { attackSite } from './attack-study.ts'
import { read, roundNamed, unreduced, withInsider } from './inside-attacks.ts'
import type { InsideJob } from './inside-job.ts'

const shiftedFrame = (frame: Uint8Array, ring: Ring): Uint8Array => {
  const residues = openFrame(ring, frame, 1)
  residues[7] = ((residues[7] as bigint) + 1n) % ring.q.value
  return packFrame(ring, residues)
}

/** What became of the first attempt: the state that the coordinator stored. */
const firstAttempt = (job: InsideJob) => {
  const { coordinator, study } = job.federation
  const found = coordinator.rounds.rounds(study).find(({ step, attempt }) => step === 0 && attempt === 0)
  if (found === undefined) throw new Error('there was no attempt')
  return found
}

/** h06 answers with a wrong sum of shares while `away` give no answer: t = 4 of 6. */
const wrongAnswer = (away: readonly SiteId[], expects: Attack['expects']): Attack => ({
  name: `a wrong answer among ${6 - away.length} where 4 are needed`,
  rules: 'R24, R7',
  expects,
  run: () =>
    withInsider({ answer: shiftedFrame }, async (job) => {
      job.isAway = (site) => away.includes(site) && !job.federation.isOver && job.federation.round.phase === 'answering'
      const isSettled = () => ['opened', 'aborted'].includes(firstAttempt(job).phase)
      await job.until(isSettled)
      const { phase, answered, reason } = firstAttempt(job)
      const opened = job.federation.coordinator.opened.find(({ step, attempt }) => step === 0 && attempt === 0)
      const isExact = opened !== undefined && job.isExact(opened)
      const happened = [
        `${answered.length} answered`,
        phase === 'opened' ? `opened, ${isExact ? 'the sum is exact' : 'THE SUM IS WRONG'}` : `not opened: ${reason}`,
      ].join('; ')
      return { happened, ...read(job, roundNamed(job, 0, 0)), named: job.named }
    }),
})

/** What a site in bad hands answers. */
export const answerAttacks: readonly Attack[] = [
  wrongAnswer([], { happened: '6 answered; opened, the sum is exact', learns: 'chance', named: ['h06'] }),
  wrongAnswer([attackSite(3)], {
    happened: '5 answered; not opened: AGGREGATE_INVALID: the replies disagree and the wrong one cannot be told',
    learns: 'chance',
    named: [],
  }),
  wrongAnswer([attackSite(3), attackSite(4)], {
    happened: '4 answered; not opened: AGGREGATE_INVALID: the sum of keys does not open the sum of contributions',
    learns: 'chance',
    named: [],
  }),
  {
    name: 'an answer with a residue above the modulus',
    rules: 'R7',
    expects: {
      happened: 'refused: FRAME_INVALID at residues; 5 answered; opened, the sum is exact',
      learns: 'chance',
      named: ['h06'],
    },
    run: () =>
      withInsider({ answer: unreduced }, async (job) => {
        const opened = await job.opened()
        const [first] = job.turns.refused
        return {
          happened: `refused: ${first?.code} at ${first?.place?.field}; ${firstAttempt(job).answered.length} answered; opened, ${job.isExact(opened) ? 'the sum is exact' : 'THE SUM IS WRONG'}`,
          ...read(job, roundNamed(job, 0, 0)),
          named: job.named,
        }
      }),
  },
]

import type { Ring } from '@tributary/shared/he/ring'
import { blockCount, type SlotLayout } from '@tributary/shared/he/slots'
import type { Attack } from './attack.ts'
import { read, roundNamed, withInsider } from './inside-attacks.ts'
import type { InsideJob } from './inside-job.ts'
import type { OwnSlots } from './insider-turns.ts'

/** Where a slot lies: its coefficient, and its place in it. */
interface Place {
  readonly coefficient: number
  readonly slot: number
}

/** Zeros as the plan packs them, but for one slot, of the gradient, which holds `content`; sealed coefficient by coefficient. */
const oneSlot = (
  plan: SlotLayout,
  ring: Ring,
  at: (plan: SlotLayout) => Place,
  content: number,
): OwnSlots | undefined => {
  const { dimension, valuesPerCoefficient: k, slotBits, scaleBits, bound } = plan
  if (k === 1) return undefined
  const bits = k * slotBits
  const own = 2 ** (bits - 1) - 1
  const dimensionOfAll = blockCount(ring, plan) * ring.degree
  const layout: SlotLayout = {
    dimension: dimensionOfAll,
    contributors: 1,
    valuesPerCoefficient: 1,
    slotBits: bits,
    scaleBits,
    bound: own,
  }
  const place = at(plan)
  const sealed = Float64Array.from({ length: dimensionOfAll }, (_, coefficient) => {
    let message = 0
    for (let slot = k - 1; slot >= 0; slot--) {
      const isPlace = coefficient === place.coefficient && slot === place.slot
      message = message * 2 ** slotBits + (isPlace ? content : bound + 1)
    }
    return message - own - 1
  })
  return { layout, sealed, values: new Float64Array(dimension) }
}

/** How the first attempt at the gradient ended, and where its sum is another than the sum of the vectors. */
const gradientOf = async (job: InsideJob): Promise<string> => {
  const { coordinator, study } = job.federation
  const found = () => coordinator.rounds.rounds(study).find(({ step, attempt }) => step === 1 && attempt === 0)
  await job.until(() => ['opened', 'aborted'].includes(found()?.phase ?? ''))
  const opened = coordinator.opened.find(({ step, attempt }) => step === 1 && attempt === 0)
  if (opened === undefined) return `not opened: ${found()?.reason}`
  const off = job.differences(opened).map(({ at, by }) => `value ${at} by ${by}`)
  return `opened, off: ${off.join(', ')}; suspected: ${opened.suspects.join() || 'nobody'}`
}

const slotAttack = (
  name: string,
  at: (plan: SlotLayout) => Place,
  contentOf: (plan: SlotLayout) => number,
  happened: string,
): Attack => ({
  name,
  rules: 'R12',
  expects: { happened, learns: 'chance', named: [] },
  run: () =>
    withInsider({ slots: (plan, ring) => oneSlot(plan, ring, at, contentOf(plan)) }, async (job) => {
      const happened = await gradientOf(job)
      return { happened, ...read(job, roundNamed(job, 1, 0)), named: job.named }
    }),
})

const first = (): Place => ({ coefficient: 0, slot: 0 })
const full = ({ slotBits }: SlotLayout) => 2 ** slotBits - 1

/** A site that puts more into a slot than the plan allows: some of it is noticed, a carry into the neighbour is not. */
export const slotAttacks: readonly Attack[] = [
  slotAttack(
    'overflow a slot into its neighbour',
    first,
    full,
    'opened, off: value 0 by -5462, value 1 by 1; suspected: nobody',
  ),
  slotAttack(
    'overflow the last slot of a coefficient',
    () => ({ coefficient: 0, slot: 2 }),
    full,
    'not opened: AGGREGATE_INVALID: the sum of keys does not open the sum of contributions',
  ),
  slotAttack(
    'fill a slot after the end of the vector',
    ({ dimension }) => ({ coefficient: Math.floor(dimension / 3) + 10, slot: 0 }),
    ({ bound }) => bound + 2,
    'not opened: AGGREGATE_INVALID: the sum of keys does not open the sum of contributions',
  ),
]

import { delta as deltaOf, type Delta, type Epsilon } from '../units.ts'
import { truncationCharge } from './batch-capacity.ts'
import { type ReservedPhase, reservedBranches } from './plan-branches.ts'
import { epsilonOfCurve, rdpCurve, rdpOrders } from './rdp.ts'

/** The most that all studies together may cost a unit. */
export interface FilterCap {
  readonly epsilon: Epsilon
  readonly delta: Delta
}

/**
 * A frozen plan with all its attempts (R6); `distance` is that of its noise from the ideal, in total variation (R20), `delta` its
 * study's, of which batches that drop somebody may take their share (batch-capacity.ts).
 */
export interface FilteredPlan {
  readonly phases: readonly ReservedPhase[]
  readonly distance: number
  readonly delta: number
}

/** One fixed order of the filter and its part of delta. */
interface FilterOrder {
  readonly order: number
  /** Its place in `rdpOrders`. */
  readonly place: number
  readonly delta: Delta
}

/**
 * Part of the cap's delta for the samplers and the dropped draws of all plans. Fixed: what is left for the filter must not depend on
 * the plans.
 */
const mechanismShare = 1 / 8
/** Part of what is left that the leading order has; the others share the rest. */
const leadingShare = 3 / 4
/** Orders for plans whose curve climbs steeply before the leading order, or that need a larger one. */
const ladder = [1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26, 32, 48, 63]

/**
 * The order at which plain Gaussian releases that use up the cap are cheapest: epsilon = rho + 2 sqrt(rho L) for rho-zCDP, L =
 * ln(1/delta) (Bun and Steinke 2016, proposition 1.3), so rho = (sqrt(L + epsilon) - sqrt(L))^2 and the order is 1 + sqrt(L / rho).
 */
const leadingOrder = ({ epsilon, delta }: FilterCap): number => {
  const log = Math.log(1 / delta)
  const wanted = 1 + Math.sqrt(log) / (Math.sqrt(log + epsilon) - Math.sqrt(log))
  return rdpOrders.reduce((best, order) => (Math.abs(order - wanted) < Math.abs(best - wanted) ? order : best))
}

/** The filter's orders: a function of the cap alone, so fixed before any study is chosen. Their deltas add up to 7/8 of delta. */
const filterOrders = (cap: FilterCap): readonly FilterOrder[] => {
  const total = cap.delta * (1 - mechanismShare)
  const lead = leadingOrder(cap)
  const others = ladder.filter((order) => order !== lead)
  const parts: readonly (readonly [number, number])[] = [
    [lead, total * leadingShare],
    ...others.map((order) => [order, (total * (1 - leadingShare)) / others.length] as const),
  ]
  return parts.map(([order, delta]) => ({ order, place: rdpOrders.indexOf(order), delta: deltaOf(delta) }))
}

const curves = new Map<string, Float64Array>()
const mostCurves = 256

/** Of a plan that parts its patients (plan-branches.ts) at each order the dearer branch: no patient is in both. */
const curveOf = (phases: readonly ReservedPhase[]): Float64Array => {
  const key = JSON.stringify(phases)
  const known = curves.get(key)
  if (known !== undefined) return known
  const branches = reservedBranches(phases).map((branch) => rdpCurve(branch).values)
  const values = branches.reduce((most, curve) => most.map((value, i) => Math.max(value, curve[i]!)))
  if (curves.size >= mostCurves) curves.clear()
  curves.set(key, values)
  return values
}

/**
 * What plans cost one unit together at `cap.delta`, neighbouring relation add or remove: the figure of a Renyi filter at fixed
 * orders. While it is at most `cap.epsilon`, the whole history is (cap.epsilon, cap.delta)-private although each plan was chosen
 * after looking at the results of those before it (the Renyi filter of Feldman and Zrnic 2021 at one order; over several, every
 * history is charged to an order a that it satisfies, and sum_a E[1_a (1 - e^(epsilon - loss))+] <= sum_a delta_a by the
 * pointwise inequality behind Balle et al. 2020, theorem 21). Out of an eighth of delta come (1 + e^cap.epsilon) times the samplers'
 * distances (R20) and what dropped draws cost each study. Infinity where they need more. Cost: one Renyi curve a plan, 0.1 s, once
 * a process.
 */
export const renyiEpsilon = (plans: readonly FilteredPlan[], cap: FilterCap): number => {
  if (plans.length === 0) return 0
  if (cap.delta === 0) return Infinity
  const sum = (of: (plan: FilteredPlan) => number) => plans.reduce((total, plan) => total + of(plan), 0)
  const samplers = (1 + Math.exp(cap.epsilon)) * sum(({ distance }) => distance)
  if (!(samplers + sum(truncationCharge) <= cap.delta * mechanismShare)) return Infinity
  const all = plans.map(({ phases }) => curveOf(phases))
  return filterOrders(cap).reduce((least, { order, place, delta }) => {
    // Upwards by more than additions can lose.
    const value = all.reduce((sum, curve) => sum + curve[place]!, 0) * (1 + 1e-12)
    return Math.min(least, epsilonOfCurve({ orders: [order], values: Float64Array.of(value) }, delta).epsilon)
  }, Infinity)
}

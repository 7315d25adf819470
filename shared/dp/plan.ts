/**
 * A study's queries: described (before any patient is read), priced, and checked, by the coordinator and by every hospital
 * alike. `site-agent/contribution/plan` alone executes one.
 */
export { admitPlan, checkPlan } from './plan-check.ts'
export type { AdversaryRow, EpsilonFigure } from './adversary-table.ts'
export { type PlanPrice, pricePlan, type QueryPrice } from './plan-price.ts'
export { planQueries } from './plan-queries.ts'

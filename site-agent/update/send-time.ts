/**
 * When a contribution leaves: the first multiple of `every` after `arrived`, when its order came, that is not before `now`, at
 * least one. All in ms. How long the work took follows who was drawn; when the result leaves follows the plan (R10), as long
 * as the work fits into one period.
 */
export const sendTime = (arrived: number, now: number, every: number): number =>
  arrived + Math.max(1, Math.ceil((now - arrived) / every)) * every

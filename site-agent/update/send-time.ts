/**
 * When a contribution leaves: the first multiple of `every` after `started`, when work on rows began, that is not before `now`,
 * at least one. All in ms. How long the work took follows who was drawn; when the result leaves follows the plan (R10) as long
 * as the work fits into one period; longer work shows how many periods it took.
 */
export const sendTime = (started: number, now: number, every: number): number =>
  started + Math.max(1, Math.ceil((now - started) / every)) * every

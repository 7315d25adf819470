/**
 * When a contribution leaves: the first multiple of `every` after `started`, when work on rows began, that is not before `now`,
 * at least one. All in ms. The work is the same for every table that keeps its promise (contribution/plan); what is left of it in
 * the time, by caches and load, is hidden as long as the work fits into one period (R10); longer work shows how many it took.
 */
export const sendTime = (started: number, now: number, every: number): number =>
  started + Math.max(1, Math.ceil((now - started) / every)) * every

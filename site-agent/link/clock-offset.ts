/**
 * The coordinator's clock less this one, ms, from one greeting sent and answered at `sent` and `received` here and answered at
 * `theirs` there. What the way may account for is taken off, so that the clocks differ by at least this much (Cristian 1989);
 * 0 where the coordinator does not say.
 */
export const clockOffset = (sent: number, received: number, theirs: number): number => {
  if (theirs === 0) return 0
  if (theirs < sent) return theirs - sent
  return theirs > received ? theirs - received : 0
}

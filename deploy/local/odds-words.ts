/**
 * What an epsilon lets somebody conclude about one patient: a belief of `before` that the patient is in the data becomes at most
 * e^epsilon p / (1 - p + e^epsilon p) (except with probability delta).
 */
export const beliefAfter = (before: number, epsilon: number): number => 1 / (1 + Math.exp(-epsilon) * (1 / before - 1))

const percent = (share: number): string => {
  const value = 100 * share
  return `${value > 99.9 ? '> 99.9' : value < 10 ? value.toFixed(1) : value.toFixed(0)} %`
}

/** `50 % before -> at most 88 % after; 1 % -> at most 6.9 %` */
export const oddsWords = (epsilon: number): string =>
  `50 % before -> at most ${percent(beliefAfter(0.5, epsilon))} after; 1 % -> at most ${percent(beliefAfter(0.01, epsilon))}`

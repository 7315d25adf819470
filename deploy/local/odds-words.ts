import { odds } from '@tributary/shared/dp/odds'

const percent = (share: number): string => {
  const value = 100 * share
  return `${value > 99.9 ? '> 99.9' : value < 10 ? value.toFixed(1) : value.toFixed(0)} %`
}

/** `50 % before -> at most 88 % after; 1 % -> at most 6.9 %`: what an epsilon lets somebody conclude about one patient. */
export const oddsWords = (epsilon: number): string =>
  `50 % before -> at most ${percent(odds(epsilon, 0.5))} after; 1 % -> at most ${percent(odds(epsilon, 0.01))}`

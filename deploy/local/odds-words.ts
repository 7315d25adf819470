import { beliefText, odds } from '@tributary/shared/dp/odds'

/** `50 % before -> at most 89 % after; 1 % -> at most 7 %`: what an epsilon lets somebody conclude about one patient. */
export const oddsWords = (epsilon: number): string =>
  `50 % before -> at most ${beliefText(odds(epsilon, 0.5))} after; 1 % -> at most ${beliefText(odds(epsilon, 0.01))}`

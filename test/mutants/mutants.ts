import { accountingMutants } from './accounting-mutants.ts'
import { contributionMutants } from './contribution-mutants.ts'
import { familyMutants } from './family-mutants.ts'
import { roundMutants } from './round-mutants.ts'
import type { Mutant } from './mutant.ts'

/** Mistakes made in other libraries, or nearly made here (research: dp-engines, sections 2 to 4; issue 4). */
export const mutants: readonly Mutant[] = [
  ...contributionMutants,
  ...familyMutants,
  ...accountingMutants,
  ...roundMutants,
]

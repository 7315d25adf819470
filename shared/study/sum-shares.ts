import { promisedUnits } from './federation.ts'
import type { Manifest } from './study-schema.ts'

/** What a sum of some of a study's sites has in it. */
export interface SumShares {
  /** Noise shares in it, one a contributor: more than the plan counts on wherever all sites came. */
  readonly shares: number
  /** Promised units of the contributors over those of all sites (R19). */
  readonly part: number
}

/** Of a sum of these contributors: public facts alone. */
export const sharesIn = (
  { privacy, sites }: Pick<Manifest, 'privacy' | 'sites'>,
  contributors: readonly string[],
): SumShares => {
  const present = sites.filter(({ name }) => contributors.includes(name))
  return {
    shares: contributors.length,
    part: promisedUnits({ privacy, sites: present }) / promisedUnits({ privacy, sites }),
  }
}

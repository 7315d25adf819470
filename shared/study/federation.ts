import { fewestContributors } from '../he/thresholds.ts'
import { committeeSizes, mostSitesWithoutCommittee } from '../wire/committee.ts'
import type { Manifest, StudyFile } from './study-schema.ts'

/**
 * The federation's rules with their defaults. At most five sites: all must contribute (R7: two different sets can be opened
 * by fewer colluders as soon as one site may be away); more: four fifths, never under max(c, 1) + 2, nor fewer than n less
 * floor((n - c) / 4). Noise shares are sized
 * for what is left when max(c, 1) contributors know their own (R8). More than 20 sites: a committee holds the shares.
 */
export const federationOf = (file: Pick<StudyFile, 'federation' | 'sites'>): Manifest['federation'] => {
  const sites = file.sites.length
  const colluders = file.federation.colluders ?? 0
  const usual = sites <= 5 ? sites : Math.max(fewestContributors(sites, colluders), Math.ceil(0.8 * sites))
  const least = file.federation.least_contributors ?? usual
  const shares = file.federation.noise_shares ?? Math.max(1, least - Math.max(colluders, 1))
  const committee = file.federation.committee ?? (sites > mostSitesWithoutCommittee ? committeeSizes.least : undefined)
  return {
    least_contributors: least,
    colluders,
    noise_shares: shares,
    ...(committee !== undefined && { committee }),
  }
}

/** Promised units of privacy over all sites: rows or patients, public (R19). */
export const promisedUnits = ({ privacy, sites }: Pick<Manifest, 'privacy' | 'sites'>): number =>
  sites.reduce((sum, site) => sum + (privacy.unit === 'row' ? site.promised_rows : site.promised_patients), 0)

/** The largest site's promised units. */
export const largestSite = ({ privacy, sites }: Pick<Manifest, 'privacy' | 'sites'>): number =>
  Math.max(...sites.map((site) => (privacy.unit === 'row' ? site.promised_rows : site.promised_patients)))

/** m: how many sites hold shares of every one-time key (R7). In the manifest alone, so that the planner knows it. */
export const holderCount = ({ federation, sites }: Pick<Manifest, 'federation' | 'sites'>): number =>
  federation.committee ?? sites.length

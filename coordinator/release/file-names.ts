import { csvwSuffix } from '@tributary/shared/synthetic-mark'

/** What stands where in a release folder. */
export const fileNames = {
  csv: 'data/cohort.csv',
  csvMetadata: `data/cohort.csv${csvwSuffix}`,
  parquet: 'data/cohort.parquet',
  release: 'release.json',
  privacy: 'privacy.json',
  report: 'report.json',
  reportPage: 'report.html',
  readme: 'README.txt',
  checksums: 'SHA256SUMS',
  attestation: 'attestation.dsse.json',
} as const

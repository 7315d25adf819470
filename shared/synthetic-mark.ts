/**
 * The marks that every release carries and that every site refuses: both sides must name them alike. The digital source type is
 * a term of the IPTC and C2PA vocabularies.
 */
export const markColumn = '_synthetic_release'

/**
 * What the mark column holds: a release's id, `unreleased-` and the study of a cohort that an operator drew, or the word that
 * marks the rows of a probe.
 */
export const markValues = { ids: ['rel-[0-9a-z]{16}', 'unreleased-[0-9a-f]{12}'], probe: 'probe' } as const

/** Keys of a Parquet file's footer. `order`: the SHA-256 of what was asked. */
export const parquetMarks = {
  synthetic: 'synthetic',
  release: 'synthetic.release',
  generator: 'synthetic.generator',
  order: 'synthetic.order',
  sourceType: 'synthetic.digitalSourceType',
} as const

export const digitalSourceType = 'http://c2pa.org/digitalsourcetype/trainedAlgorithmicData'

/** What stands first in release.json, and the type of what its attestation signs. */
export const releaseFormat = 'release/1'
export const attestationType = 'application/vnd.tributary.sha256sums'

/** CSVW: `dc:type` of a table of synthetic rows, and the suffix of the document beside it. */
export const csvwSyntheticType = 'Synthetic'
export const csvwSuffix = '-metadata.json'

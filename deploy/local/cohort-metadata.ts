import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { csvwDatatype } from '@tributary/shared/schema/csvw-datatype'
import { markColumn } from '@tributary/shared/synthetic-mark'
import type { Manifest } from '@tributary/shared/study/study-schema'

export interface CohortFacts {
  readonly manifest: Manifest
  readonly study: string
  readonly rows: number
  readonly seed: number
  readonly epsilon: { readonly public: number; readonly peer: number }
}

type ColumnSpec = Manifest['columns'][number]

const property = (name: string, value: string | number) => ({
  '@type': 'schema:PropertyValue',
  'schema:name': name,
  'schema:value': value,
})

const csvwColumn = (column: ColumnSpec) => ({
  name: column.name,
  titles: column.name,
  ...(column.missing === 'level' ? {} : { required: true }),
  datatype: csvwDatatype(column),
  ...(column.kind === 'numeric' && column.unit !== undefined ? { 'schema:unitText': column.unit } : {}),
  ...(column.kind === 'categorical' ? { 'schema:valueReference': column.levels } : {}),
})

/**
 * The CSVW document (W3C, Metadata Vocabulary for Tabular Data, 2015) that stands beside a cohort and says that it is
 * synthetic, from which study, under which guarantee. `cohortFile` is read once for its hash.
 */
export const cohortMetadata = (cohortFile: string, url: string, facts: CohortFacts) => ({
  '@context': 'http://www.w3.org/ns/csvw',
  url,
  'dc:title': `${facts.manifest.name}: synthetic cohort`,
  'dc:description':
    'SYNTHETIC DATA. No row is a patient: every row was drawn from a differentially private generator. Do not link to people.',
  'dc:type': 'Synthetic',
  'schema:additionalProperty': [
    property('synthetic', 'true'),
    property('study', facts.study),
    property('unit', facts.manifest.privacy.unit),
    property('epsilon, to the public', facts.epsilon.public),
    property('epsilon, to another hospital', facts.epsilon.peer),
    property('delta', facts.manifest.privacy.delta),
    property('rows', facts.rows),
    property('seed', facts.seed),
    property('sha256', createHash('sha256').update(readFileSync(cohortFile)).digest('hex')),
  ],
  dialect: { header: true, encoding: 'utf-8' },
  tableSchema: {
    columns: [
      ...facts.manifest.columns.map(csvwColumn),
      { name: markColumn, titles: markColumn, required: true, datatype: { base: 'string' } },
    ],
  },
})

import type { Column } from '@tributary/shared/schema/column'
import { csvwDatatype } from '@tributary/shared/schema/csvw-datatype'
import { csvwSyntheticType, digitalSourceType, markColumn } from '@tributary/shared/synthetic-mark'
import { additionsOf } from '../cohort/order.ts'
import type { ReleaseManifest } from './release-schema.ts'

const property = (name: string, value: string | number | boolean) => ({
  '@type': 'schema:PropertyValue',
  'schema:name': name,
  'schema:value': value,
})

const csvwColumn = (column: Column) => ({
  name: column.name,
  titles: column.name,
  ...(column.missing === 'level' ? { null: [column.missingTexts[0] ?? ''] } : { required: true }),
  datatype: csvwDatatype(column),
  ...(column.kind === 'numeric' && column.unit !== undefined ? { 'schema:unitText': column.unit } : {}),
  ...(column.kind === 'categorical' ? { 'schema:valueReference': column.levels } : {}),
})

const markOf = (release: string) => ({
  name: 'synthetic_release',
  titles: markColumn,
  required: true,
  datatype: { base: 'string' },
  'dc:description': 'The release that this synthetic row belongs to: the same in every row.',
  'schema:valueReference': [release],
})

/**
 * The CSVW document (W3C, Metadata Vocabulary for Tabular Data, 2015) that stands beside a cohort: its columns, and that it is
 * synthetic, by which release, under which guarantee. `sha256` is that of the CSV file.
 */
export const csvwMetadata = (url: string, sha256: string, columns: readonly Column[], release: ReleaseManifest) => ({
  '@context': 'http://www.w3.org/ns/csvw',
  url,
  'dc:title': `${release.study.name}: synthetic cohort`,
  'dc:description': release.notice,
  'dc:type': csvwSyntheticType,
  'dc:identifier': release.release,
  'dc:created': release.created,
  'schema:additionalProperty': [
    property('synthetic', true),
    property('digitalSourceType', digitalSourceType),
    property('release', release.release),
    property('study', release.study.id),
    property('unit', release.privacy.unit),
    property('epsilon, to the public', release.privacy.epsilon.public),
    property('epsilon, to another hospital', release.privacy.epsilon.peer),
    property('delta', release.privacy.delta),
    property('rows', release.request.rows),
    property('seed', release.request.seed),
    ...(release.request.where === null ? [] : [property('where', release.request.where)]),
    ...Object.entries(additionsOf(release.request)).map(([name, asked]) => property(name, JSON.stringify(asked))),
    ...(release.request.order_sha256 === undefined ? [] : [property('order (SHA-256)', release.request.order_sha256)]),
    property('sha256', sha256),
  ],
  dialect: {
    header: true,
    encoding: 'utf-8',
    delimiter: ',',
    quoteChar: '"',
    doubleQuote: true,
    lineTerminators: ['\n'],
  },
  tableSchema: { columns: [...columns.map(csvwColumn), markOf(release.release)] },
})

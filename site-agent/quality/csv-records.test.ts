import { test } from '@fast-check/vitest'
import { csvField } from '@tributary/shared/csv-field'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { csvRecords } from './csv-records.ts'

const read = async (text: string, cut: number) => {
  const pieces = async function* () {
    for (let at = 0; at < text.length; at += cut) yield text.slice(at, at + cut)
  }
  const records: (readonly string[] | null)[] = []
  for await (const record of csvRecords(pieces())) records.push(record)
  return records
}

const field = fc.string({ unit: fc.constantFrom('a', ' ', ',', '"', '\n', 'é'), maxLength: 5 })

test.prop([
  fc.array(fc.array(field, { minLength: 2, maxLength: 4 }), { maxLength: 6 }),
  fc.integer({ min: 1, max: 7 }),
])('what a release writes comes back, however the text is cut', async (records, cut) => {
  const text = records.map((fields) => fields.map(csvField).join(',')).join('\r\n')
  expect(await read(text, cut)).toEqual(records)
})

it('a quote that is never closed is told apart', async () => {
  expect(await read('a,b\n"c,d\n', 3)).toEqual([['a', 'b'], null])
})

import { fc, test } from '@fast-check/vitest'
import { expect, it } from 'vitest'
import { plainText } from './plain-text.ts'
import { printable, printableLines } from './printable.ts'

/** What a terminal may obey; line feeds aside. */
const obeyed = /(?!\n)[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u

it('escape sequences of both kinds, and marks that turn text around, become spaces', () => {
  expect(printable('a\u001b[31mb\u009b2Jc\u007f\r\nd\u202ee')).toBe('a [31mb 2Jc   d e')
  expect(printableLines('a\tb\nc\rd\u001b]0;title\u0007')).toBe('a\tb\nc d ]0;title ')
  expect(printable('Zürich ≥ 60 \u{1f600}')).toBe('Zürich ≥ 60 \u{1f600}')
})

const text = fc.string({ unit: 'binary' }).map((drawn) => `${drawn}\u001b[31m`)
const row = fc.dictionary(text, fc.oneof(text, fc.double(), fc.constant(null), fc.array(text)))

test.prop([
  fc.oneof(text, row, fc.array(row, { minLength: 1 }), fc.array(text), fc.record({ a: row, b: fc.array(row) })),
])('no data steers a terminal, wherever in it the text stands', (data) => {
  expect(plainText(data).replaceAll('\t', '')).not.toMatch(obeyed)
})

test.prop([fc.array(fc.record({ a: text, b: text }), { minLength: 1 })])('no text makes a line of its own', (rows) => {
  expect(plainText(rows).split('\n')).toHaveLength(rows.length + 1)
})

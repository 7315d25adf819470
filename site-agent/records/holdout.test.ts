import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { fc, test as property } from '@fast-check/vitest'
import { heldOutShare } from '@tributary/shared/evaluation/held-out-share'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { adoptHoldout, Holdout, openHoldout } from './holdout.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdout-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const keys = Array.from({ length: 20_000 }, (_, i) => `patient ${i}`)
const heldOut = (holdout: Holdout) => keys.filter((key) => holdout.isHeldOut(key))

test('R22 holdout: the same patients after every start, others in another hospital', () => {
  const first = heldOut(openHoldout(folder, true))
  expect(heldOut(openHoldout(folder, true))).toEqual(first)
  expect(heldOut(openHoldout(folder, false))).toEqual(first)
  const other = heldOut(new Holdout(randomBytes(32)))
  expect(other.filter((key) => first.includes(key)).length).toBeLessThan(0.3 * first.length)
})

test('R22 holdout: about the share of the patients, whatever their keys look like', () => {
  const holdout = openHoldout(folder, true)
  for (const keyOf of [(i: number) => String(i), (i: number) => `MRN-${i * 7919}`]) {
    const count = Array.from({ length: 20_000 }, (_, i) => keyOf(i)).filter((key) => holdout.isHeldOut(key)).length
    // Six binomial deviations.
    expect(Math.abs(count - 20_000 * heldOutShare)).toBeLessThan(
      6 * Math.sqrt(20_000 * heldOutShare * (1 - heldOutShare)),
    )
  }
})

const fixed = new Holdout(new Uint8Array(32).fill(7))

test('R22 holdout: a key, once given out, decides as it always did', () => {
  expect(Array.from({ length: 60 }, (_, i) => i).filter((i) => fixed.isHeldOut(String(i)))).toEqual([3, 10, 24, 26, 58])
})

property.prop([fc.nat(), fc.nat(5), fc.nat(4)])(
  'R22 holdout: one patient is one, however a source writes the key',
  (number, zeros, decimals) => {
    const expected = fixed.isHeldOut(String(number))
    const forms = [`${'0'.repeat(zeros)}${number}`, ` ${number}\t`, `+${number}`, `${number}.${'0'.repeat(decimals)}`]
    for (const form of forms) expect(fixed.isHeldOut(form)).toBe(expected)
  },
)

test('R22 holdout: Unicode forms of one text are one, other texts are not', () => {
  const differs = (a: (i: number) => string, b: (i: number) => string) =>
    Array.from({ length: 300 }, (_, i) => i).filter((i) => fixed.isHeldOut(a(i)) !== fixed.isHeldOut(b(i))).length
  expect(
    differs(
      (i) => `é${i}`,
      (i) => `e\u0301${i}`,
    ),
  ).toBe(0)
  expect(
    differs(
      (i) => `${i}`,
      (i) => `-${i + 1}`,
    ),
  ).toBeGreaterThan(0)
  expect(
    differs(
      (i) => `${i}.5`,
      (i) => `${i}`,
    ),
  ).toBeGreaterThan(0)
  expect(
    differs(
      (i) => `a${i}`,
      (i) => `A${i}`,
    ),
  ).toBeGreaterThan(0)
})

test('R22 holdout: a lost key is never made anew, a second never written over the first', () => {
  expect(() => openHoldout(folder, false)).toThrowError(expect.objectContaining({ code: 'HOLDOUT_LOST' }))
  expect(readdirSync(folder)).toEqual([])
  const first = heldOut(openHoldout(folder, true))
  const earlier = mkdtempSync(join(tmpdir(), 'holdout-'))
  try {
    openHoldout(earlier, true)
    expect(() => adoptHoldout(folder, earlier)).toThrowError(expect.objectContaining({ code: 'ALREADY_EXISTS' }))
    expect(heldOut(openHoldout(folder, false))).toEqual(first)
    // Into a new data directory it goes with the ledger.
    rmSync(join(folder, 'holdout-key'))
    adoptHoldout(folder, earlier)
    expect(heldOut(openHoldout(folder, false))).toEqual(heldOut(openHoldout(earlier, false)))
  } finally {
    rmSync(earlier, { recursive: true })
  }
})

test('R22 holdout: the key is private, whole, and printed nowhere', () => {
  const holdout = openHoldout(folder, true)
  const path = join(folder, 'holdout-key')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(folder)).toEqual(['holdout-key'])
  const secret = readFileSync(path)
  expect(secret).toHaveLength(32)
  for (const printed of [inspect(holdout, { showHidden: true, depth: 9 }), JSON.stringify(holdout), String(holdout)])
    for (const form of ['hex', 'base64', 'latin1'] as const) expect(printed).not.toContain(secret.toString(form))
  writeFileSync(path, secret.subarray(1))
  expect(() => openHoldout(folder, false)).toThrowError(expect.objectContaining({ code: 'STATE_CORRUPT' }))
})

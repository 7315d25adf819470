import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { siteId, studyId } from '@tributary/shared/ids'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { BoxKeyRing } from './box-key-ring.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'box-keys-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const [study, other] = [studyId('a'.repeat(64)), studyId('b'.repeat(64))]
const identity = generateIdentity()
const me = siteId('north')
const opened = () => new BoxKeyRing(folder)
const gone = expect.objectContaining({ code: 'BOX_INVALID' })
const over = expect.objectContaining({ code: 'ROUND_REFUSED', place: { field: 'epoch' } })

test('box keys: one pair a study and epoch, the same after a restart', () => {
  const first = opened()
  const [a, b, c] = [
    first.statement(study, 0, me, identity),
    first.statement(study, 1, me, identity),
    first.statement(other, 0, me, identity),
  ]
  const keys = [first.privateKeys(study, 0), first.privateKeys(study, 1), first.privateKeys(other, 0)]
  expect(new Set(keys.map(({ publicKey }) => Buffer.from(publicKey).toString('hex'))).size).toBe(3)
  const again = opened()
  expect([
    again.statement(study, 0, me, identity),
    again.statement(study, 1, me, identity),
    again.statement(other, 0, me, identity),
  ]).toEqual([a, b, c])
})

test('box keys: a future epoch has none', () => {
  opened().statement(study, 0, me, identity)
  expect(() => opened().privateKeys(study, 1)).toThrow(gone)
})

test('box keys: an erased epoch is gone from memory and disk, for good, in its own study alone', () => {
  const ring = opened()
  for (const epoch of [0, 1, 2]) ring.statement(study, epoch, me, identity)
  ring.statement(other, 0, me, identity)
  ring.privateKeys(study, 0)
  ring.eraseBefore(study, 2)
  for (const each of [ring, opened()]) {
    for (const epoch of [0, 1]) {
      expect(() => each.privateKeys(study, epoch)).toThrow(gone)
      expect(() => each.statement(study, epoch, me, identity)).toThrow(over)
      expect(() => each.refuseErased(study, epoch)).toThrow(over)
    }
    expect(() => each.refuseErased(study, 2)).not.toThrow()
    each.privateKeys(study, 2)
    each.privateKeys(other, 0)
    each.refuseErased(other, 0)
  }
  expect(readdirSync(folder).filter((name) => existsSync(join(folder, name, 'keys')))).toHaveLength(2)
})

test('box keys: what was erased stays erased when an earlier epoch is named later', () => {
  const ring = opened()
  ring.statement(study, 0, me, identity)
  ring.eraseBefore(study, 3)
  ring.eraseBefore(study, 1)
  expect(() => ring.statement(study, 2, me, identity)).toThrow(over)
})

test('box keys: a study that is over has none, whatever epoch is asked for', () => {
  const ring = opened()
  for (const epoch of [0, 1]) ring.statement(study, epoch, me, identity)
  ring.statement(other, 0, me, identity)
  ring.retire(study)
  for (const epoch of [0, 1, 2, 500]) expect(() => opened().statement(study, epoch, me, identity)).toThrow(over)
  expect(readdirSync(folder).filter((name) => existsSync(join(folder, name, 'keys')))).toEqual([`${other}-0`])
})

test('box keys: those that a crash left behind the mark are not used, and go at the next call', () => {
  opened().statement(study, 0, me, identity)
  const keys = join(folder, `${study}-0`)
  const aside = `${folder}-aside`
  cpSync(keys, aside, { recursive: true })
  opened().eraseBefore(study, 1)
  // As a power cut between the mark and the erasing leaves it.
  cpSync(aside, keys, { recursive: true })
  rmSync(aside, { recursive: true })
  const survivor = opened()
  expect(() => survivor.privateKeys(study, 0)).toThrow(gone)
  expect(() => survivor.statement(study, 0, me, identity)).toThrow(over)
  survivor.eraseBefore(study, 1)
  expect(existsSync(keys)).toBe(false)
})

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

/** Every key of a random stream that was opened: only this test's spy ever holds one. */
const keys: Buffer[] = []
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>()
  const spy = (algorithm: string, key: Uint8Array, iv: Uint8Array) => {
    // The challenge of a check (he/share-check) is public: its counter starts at zero, and every holder derives the same.
    if (algorithm === 'aes-256-ctr' && iv.some((byte) => byte !== 0)) keys.push(Buffer.from(key))
    return crypto.createCipheriv(algorithm, key, iv)
  }
  return { ...crypto, createCipheriv: spy }
})

let federation: InProcessFederation
beforeEach(async () => {
  keys.length = 0
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 2, spares: { marginals: 1, gradient: 1 } })
})
afterEach(() => federation.close())

const filesUnder = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))

/** Files that hold one of the keys, as bytes or in words. */
const holders = (): string[] =>
  filesUnder(federation.folder).filter((file) => {
    const bytes = readFileSync(file)
    return keys.some((key) => bytes.includes(key) || bytes.includes(key.toString('hex')))
  })

it('R16 streams: a new key for every site and attempt, and none is ever on disk, in any store of any party', async () => {
  await federation.complete()
  const attempts = federation.outcome.attempts.reduce((sum, count) => sum + count, 0)
  expect(attempts).toBe(3)
  expect(keys.length).toBeGreaterThanOrEqual(3 * attempts)
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(keys.length)
  expect(keys.every((key) => key.length === 32 && key.some((byte) => byte !== 0))).toBe(true)
  expect(filesUnder(federation.folder).length).toBeGreaterThan(10)
  expect(holders()).toEqual([])
  // The search would find one.
  const planted = join(federation.folder, 'planted')
  writeFileSync(planted, Buffer.concat([Buffer.alloc(4321), keys[4]!, Buffer.alloc(99)]))
  expect(holders()).toEqual([planted])
})

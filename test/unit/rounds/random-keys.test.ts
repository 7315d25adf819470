import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeCanonical, hashBytes, hashCanonical } from '@tributary/shared/wire/canonical'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

/** Every key of a stream that was opened: only this test's spy ever holds one. */
const opened: Buffer[] = []
/**
 * Keys that the challenges of checks (he/share-check) are drawn with: of every deal that was made, by the rule that anybody can follow.
 * No other stream may do without a key of its own.
 */
const challenges = new Set<string>()
const keys = (): Buffer[] => opened.filter((key) => !challenges.has(key.toString('hex')))
const noteChallenge = ({ body }: SignedMessage): void => {
  const { round } = decodeCanonical(body) as { round: string }
  challenges.add(hashCanonical('check', [round, hashBytes(body)]))
}
vi.mock('node:crypto', async (original) => {
  const crypto = await original<typeof import('node:crypto')>()
  const spy = (algorithm: string, key: Uint8Array, iv: Uint8Array) => {
    if (algorithm === 'aes-256-ctr') opened.push(Buffer.from(key))
    return crypto.createCipheriv(algorithm, key, iv)
  }
  return { ...crypto, createCipheriv: spy }
})

let federation: InProcessFederation
beforeEach(async () => {
  opened.length = 0
  challenges.clear()
  federation = await InProcessFederation.open({ sites: 3, least: 3, steps: 2, spares: { marginals: 1, gradient: 1 } })
  const { coordinator } = federation
  const { putDeal } = coordinator.handlers
  coordinator.handlers = {
    ...coordinator.handlers,
    putDeal: async (peer, message, boxes) => {
      noteChallenge(message)
      await putDeal(peer, message, boxes)
    },
  }
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
    return keys().some((key) => bytes.includes(key) || bytes.includes(key.toString('hex')))
  })

it('R16 streams: a new key for every site and attempt, and none is ever on disk, in any store of any party', async () => {
  await federation.complete()
  const attempts = federation.outcome.attempts.reduce((sum, count) => sum + count, 0)
  expect(attempts).toBe(3)
  const fresh = keys()
  // Every holder of every attempt drew the challenge of every deal.
  expect(challenges.size).toBe(3 * attempts)
  expect(opened.length - fresh.length).toBe(3 * 3 * attempts)
  expect(fresh.length).toBeGreaterThanOrEqual(3 * attempts)
  expect(new Set(fresh.map((key) => key.toString('hex'))).size).toBe(fresh.length)
  expect(fresh.every((key) => key.length === 32 && key.some((byte) => byte !== 0))).toBe(true)
  expect(filesUnder(federation.folder).length).toBeGreaterThan(10)
  expect(holders()).toEqual([])
  // The search would find one.
  const planted = join(federation.folder, 'planted')
  writeFileSync(planted, Buffer.concat([Buffer.alloc(4321), fresh[4]!, Buffer.alloc(99)]))
  expect(holders()).toEqual([planted])
})

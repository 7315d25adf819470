import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { systemClock } from '@tributary/shared/system/clock'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { EgressJournal, journalled } from './egress-journal.ts'
import { connect } from './client.ts'

let folder = ''
let journal: EgressJournal
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-egress-'))
  journal = EgressJournal.open(join(folder, 'egress.sqlite'), systemClock)
})
afterEach(() => {
  journal.close()
  rmSync(folder, { recursive: true })
})

/** A client that reaches nobody: what left is what was noted before. */
const unreachable = () => {
  const client = connect({ address: '127.0.0.1:9', ca: '', clock: systemClock, patienceMs: 0 })
  const gone = () => Promise.reject(new CodedError('UNAVAILABLE', 'gone'))
  return journalled({ ...client, renew: gone, hello: gone }, journal)
}

it('a request to renew is noted by size and hash before it is sent', async () => {
  const [csr, identityProof] = [new Uint8Array(300).fill(1), new Uint8Array(64).fill(2)]
  await expect(unreachable().renew({ csr, identityProof })).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  journal.noteRequest('enrolment', { csr, identityProof })
  expect(journal.latest(2)).toMatchObject([
    { kind: 'enrolment', bytes: 364 },
    { kind: 'renewal', bytes: 364, message: hashBytes(csr), payload: hashBytes(identityProof) },
  ])
})

it('greetings are counted in the totals, and not listed', async () => {
  const client = unreachable()
  const greeting = { protocols: [1], software: 'site-agent', session: 'ab'.repeat(16) }
  for (let i = 0; i < 3; i++) await client.hello(greeting).catch(() => undefined)
  expect(journal.totals()).toEqual([{ kind: 'greeting', messages: 3, bytes: 3 * 43 }])
  expect(journal.latest(5)).toEqual([])
})

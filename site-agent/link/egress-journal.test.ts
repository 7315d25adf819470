import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CodedError } from '@tributary/shared/errors'
import { systemClock } from '@tributary/shared/system/clock'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { messageBytes } from '@tributary/shared/wire/body'
import { generateIdentity, type SignedMessage, signMessage } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { EgressJournal, journalled } from './egress-journal.ts'
import { connect, type SiteClient } from './client.ts'

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

const message = (kind: string) => signMessage(kind, 'north', { round: 'ab'.repeat(32) }, generateIdentity())
type Sender = (client: SiteClient, message: SignedMessage) => Promise<void>
const [one, other] = [new Uint8Array(500).fill(1), new Uint8Array(70).fill(2)]

const offered = [one, other].map((part) => Buffer.from(hashBytes(part), 'hex'))
it.each<[string, Sender, readonly Uint8Array[], (readonly Uint8Array[])?]>([
  ['countersignature', (client, said) => client.countersign(said), []],
  ['approval', (client, said) => client.approve(said), []],
  ['box-keys', (client, said) => client.putBoxKeys(said), []],
  ['deal', (client, said) => client.putDeal(said, [one, other]), [one, other]],
  ['check', (client, said) => client.check(said), []],
  [
    'contribution',
    (client, said) => client.contribute(said, [one, other]),
    // The offer has the hashes of the parts; the parts go after it.
    [...offered, one, other],
    offered,
  ],
  ['answer', (client, said) => client.answer(said), []],
  ['deal-opening', (client, said) => client.openDeal(said), []],
  ['box-opening', (client, said) => client.openBox(said), []],
  ['withdrawal', (client, said) => client.withdraw(said), []],
])(
  'a %s is noted before it is sent: its bytes, its hash, and those of what goes beside it',
  async (kind, send, beside, told = beside) => {
    const said = message(kind)
    await expect(send(unreachable(), said)).rejects.toMatchObject({ code: 'UNAVAILABLE' })
    const payload = Buffer.concat(beside)
    const bytes = messageBytes(said).length + payload.length
    expect(journal.latest(2)).toEqual([
      {
        sequence: 1,
        at: expect.any(Number),
        kind,
        bytes,
        message: hashBytes(messageBytes(said)),
        payload: payload.length === 0 ? null : hashBytes(Buffer.concat(told)),
      },
    ])
    expect(journal.totals()).toEqual([{ kind, messages: 1, bytes }])
  },
)

it('the hashes of the parts are taken from who sealed them: nothing is hashed again', async () => {
  const hashes = [message('deal'), message('check')].map(({ body }) => hashBytes(body))
  const given: unknown[] = []
  const client = { contribute: async (...about: unknown[]) => void given.push(about[3]) } as unknown as SiteClient
  await journalled(client, journal).contribute(message('contribution'), [one, other], undefined, hashes)
  expect(given).toEqual([hashes])
  expect(journal.latest(1)[0]?.payload).toBe(hashBytes(Buffer.from(hashes.join(''), 'hex')))
})

it('whatever the client can send is noted, but for requests to read', () => {
  const client = connect({ address: '127.0.0.1:9', ca: '', clock: systemClock, patienceMs: 0 })
  const watched = journalled(client, journal)
  const plain = Object.keys(client).filter(
    (name) => watched[name as keyof SiteClient] === client[name as keyof SiteClient],
  )
  expect(plain.toSorted()).toEqual(['boxes', 'close', 'enrol', 'model', 'next', 'present', 'roster', 'studies'])
})

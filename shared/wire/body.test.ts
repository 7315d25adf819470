import { describe, expect, it } from 'vitest'
import { boxKeyBytes, boxPublicKeyBytes } from '../he/box.ts'
import { digest, roundId, siteId, studyId } from '../ids.ts'
import { type Body, messageBytes, messageFrom, openBody, signBody } from './body.ts'
import type { Canonical } from './canonical.ts'
import { bodySchemas, type MessageKind } from './messages.ts'
import { generateIdentity, signMessage } from './signed.ts'

const hash = digest('a'.repeat(64))
const study = studyId('b'.repeat(64))
const attemptOf = { study, step: 3, attempt: 0, round: roundId('c'.repeat(64)), roster: hash }
const site = siteId('north')
const bytes = (length: number) => new Uint8Array(length).fill(7)

const bodies: { readonly [Kind in MessageKind]: Body<Kind> } = {
  'roster-signature': { roster: hash, version: 2 },
  countersignature: { roster: hash },
  approval: { study, manifest: hash, roster: hash },
  'box-keys': { study, epoch: 1, key: bytes(boxPublicKeyBytes) },
  deal: {
    ...attemptOf,
    epoch: 0,
    boxes: [{ to: site, box: hash }],
    seen: [{ site, body: bytes(600), signature: bytes(64) }],
  },
  check: {
    ...attemptOf,
    checks: [
      { site, deal: hash, value: bytes(8) },
      { site: siteId('south'), deal: hash, value: null },
    ],
  },
  'deal-opening': { ...attemptOf, deal: hash, keys: [bytes(boxKeyBytes)] },
  'box-opening': { ...attemptOf, dealer: site, deal: hash, key: bytes(boxKeyBytes) },
  broadcast: { ...attemptOf, manifest: hash, query: 0, model: hash, dealers: [{ site, deal: hash }] },
  contribution: { ...attemptOf, model: hash, deal: hash, ciphertext: hash, bytes: 9, counter: 1, charged: 1 },
  announcement: {
    ...attemptOf,
    model: hash,
    contributors: [{ site, deal: hash, body: bytes(10), signature: bytes(64) }],
  },
  answer: { ...attemptOf, announcement: hash, share: bytes(100) },
  withdrawal: attemptOf,
}
const kinds = Object.keys(bodies) as MessageKind[]
const identity = generateIdentity()
const signer = { name: 'north', publicKey: identity.publicKey }
const refused = (field: string) => expect.objectContaining({ code: 'CANONICAL_INVALID', place: { field } })
/** Signed by `north` whatever it is. */
const opening = <Kind extends MessageKind>(kind: Kind, body: unknown) =>
  openBody(kind, signMessage(kind, 'north', body as Canonical, identity), signer)

describe('message bodies', () => {
  it.each(kinds)('%s is read as it was signed, and survives storage', (kind) => {
    const message = signBody(kind, 'north', bodies[kind], identity)
    expect(openBody(kind, message, signer)).toEqual(bodies[kind])
    expect(openBody(kind, messageFrom(messageBytes(message)), signer)).toEqual(bodies[kind])
  })

  it.each(kinds)('%s with a field too many, a field missing or as another kind is refused', (kind) => {
    expect(() => opening(kind, { ...bodies[kind], more: 1 })).toThrow(refused(''))
    for (const field of Object.keys(bodies[kind])) {
      const { [field as keyof object]: _, ...less } = bodies[kind] as object
      expect(() => opening(kind, less)).toThrow(refused(field))
    }
    const message = signBody(kind, 'north', bodies[kind], identity)
    for (const other of kinds) {
      if (other !== kind) expect(() => openBody(other, message, signer)).toThrow()
    }
  })

  it.each<[MessageKind, object, string]>([
    ['check', { checks: [{ site, deal: hash, value: bytes(7) }] }, 'checks.0.value'],
    ['check', { checks: [{ site, deal: hash, value: bytes(9) }] }, 'checks.0.value'],
    ['check', { checks: [{ site, deal: hash }] }, 'checks.0.value'],
    ['check', { checks: Array.from({ length: 65 }, () => ({ site, deal: hash, value: null })) }, 'checks'],
    ['check', { checks: [{ site: 'North', deal: hash, value: null }] }, 'checks.0.site'],
    ['deal-opening', { keys: [bytes(boxKeyBytes - 1)] }, 'keys.0'],
    ['deal-opening', { keys: [null] }, 'keys.0'],
    ['deal-opening', { keys: Array.from({ length: 65 }, () => bytes(boxKeyBytes)) }, 'keys'],
    ['box-opening', { key: bytes(boxKeyBytes + 1) }, 'key'],
    ['box-opening', { dealer: '' }, 'dealer'],
    ['deal', { epoch: -1 }, 'epoch'],
    ['deal', { seen: [{ site, body: bytes(2049), signature: bytes(64) }] }, 'seen.0.body'],
    ['roster-signature', { version: 0 }, 'version'],
    ['box-keys', { key: bytes(boxPublicKeyBytes - 1) }, 'key'],
    ['contribution', { bytes: 0.5 }, 'bytes'],
    ['withdrawal', { round: 'x' }, 'round'],
  ])('%s with %o is refused, naming the field', (kind, change, field) => {
    expect(() => opening(kind, { ...bodies[kind], ...change })).toThrow(refused(field))
  })

  it('every kind is tried here', () => {
    expect(kinds.toSorted()).toEqual(Object.keys(bodySchemas).toSorted())
  })
})

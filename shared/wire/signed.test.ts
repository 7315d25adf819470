import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fc, test as property } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { domainPrefix, encodeCanonical } from './canonical.ts'
import {
  exportIdentity,
  fingerprint,
  fingerprintDigest,
  generateIdentity,
  importIdentity,
  openMessage,
  PROTOCOL_VERSION,
  type SignedMessage,
  signMessage,
} from './signed.ts'

const vector = JSON.parse(readFileSync(new URL('../../test/vectors/v1/signed-message.json', import.meta.url), 'utf8'))
const fromHex = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const code = (name: string) => expect.objectContaining({ code: name })
const value = { round: vector.value.round, share: fromHex(vector.value.share.$bytes) }

describe('signed messages', () => {
  const pem = createPrivateKey({ key: Buffer.from(vector.pkcs8, 'hex'), format: 'der', type: 'pkcs8' })
    .export({ format: 'pem', type: 'pkcs8' })
    .toString()
  const identity = importIdentity(pem)
  const message = signMessage('answer', 'north', value, identity)
  const expected = { kind: 'answer', signer: 'north', publicKey: identity.publicKey }

  it('are signed as the vector says', () => {
    expect(hex(identity.publicKey)).toBe(vector.publicKey)
    expect(hex(message.body)).toBe(vector.body)
    expect(hex(message.signature)).toBe(vector.signature)
    expect(fingerprint(identity.publicKey)).toBe(vector.fingerprint)
    expect(fingerprintDigest(identity.publicKey).startsWith(vector.fingerprint.replaceAll(' ', ''))).toBe(true)
    expect(openMessage(message, expected)).toEqual(value)
  })

  it('of another version are refused before all else, naming both versions', () => {
    const newer = { ...message, protocol: 7, signature: new Uint8Array(0) }
    expect(() => openMessage(newer, expected)).toThrow(code('PROTOCOL_UNSUPPORTED'))
    expect(() => openMessage(newer, expected)).toThrow(new RegExp(`7.*${PROTOCOL_VERSION}`))
  })

  it.each<[string, Partial<SignedMessage>]>([
    ['another kind', { kind: 'deal' }],
    ['another signer', { signer: 'south' }],
    ['another body', { body: fromHex('a0') }],
    ['no signature', { signature: new Uint8Array(0) }],
    ['a signature of zeros', { signature: new Uint8Array(64) }],
  ])('with %s are refused', (_, change) => {
    expect(() => openMessage({ ...message, ...change }, expected)).toThrow(code('SIGNATURE_INVALID'))
  })

  it('relabelled to what is expected are refused: kind and signer are signed too', () => {
    const deal = signMessage('deal', 'north', value, identity)
    expect(() => openMessage({ ...deal, kind: 'answer' }, expected)).toThrow(code('SIGNATURE_INVALID'))
    const south = signMessage('answer', 'south', value, identity)
    expect(() => openMessage({ ...south, signer: 'north' }, expected)).toThrow(code('SIGNATURE_INVALID'))
  })

  it('under another or a malformed key are refused', () => {
    for (const publicKey of [generateIdentity().publicKey, new Uint8Array(31), new Uint8Array(32).fill(255)]) {
      expect(() => openMessage(message, { ...expected, publicKey })).toThrow(code('SIGNATURE_INVALID'))
    }
  })

  it('with a body that is not canonical, though signed, or longer than the limit are refused', () => {
    const body = fromHex('1817')
    const signed = Buffer.concat([domainPrefix('signed'), encodeCanonical([PROTOCOL_VERSION, 'answer', 'north', body])])
    const forged = { ...message, body, signature: sign(null, signed, identity.privateKey) }
    expect(() => openMessage(forged, expected)).toThrow(code('CANONICAL_INVALID'))
    expect(() => openMessage(message, expected, message.body.length - 1)).toThrow(code('CANONICAL_INVALID'))
  })

  property.prop([fc.nat(63), fc.integer({ min: 1, max: 255 })])(
    'one flipped bit of the signature is seen',
    (at, bits) => {
      const signature = message.signature.slice()
      signature[at] = signature[at]! ^ bits
      expect(() => openMessage({ ...message, signature }, expected)).toThrow(code('SIGNATURE_INVALID'))
    },
  )
})

describe('identities', () => {
  it('survive storage and are all different', () => {
    const made = generateIdentity()
    expect(importIdentity(exportIdentity(made)).publicKey).toEqual(made.publicKey)
    expect(made.publicKey).toHaveLength(32)
    expect(generateIdentity().publicKey).not.toEqual(made.publicKey)
  })

  it('of another algorithm or damaged are refused without quoting the file', () => {
    const x25519 = generateKeyPairSync('x25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
    for (const text of [x25519, 'secret text', '']) {
      expect(() => importIdentity(text)).toThrow(code('STATE_CORRUPT'))
      expect(() => importIdentity(text)).not.toThrow(/secret text/)
    }
  })
})

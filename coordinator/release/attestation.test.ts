import { createPublicKey, verify } from 'node:crypto'
import { attestationType } from '@tributary/shared/synthetic-mark'
import { fingerprint, generateIdentity } from '@tributary/shared/wire/signed'
import { expect, it } from 'vitest'
import { attest, openAttestation, preAuthenticationEncoding } from './attestation.ts'

const signer = generateIdentity()
const payload = Buffer.from(`${'ab'.repeat(32)}  data/cohort.csv\n`)
const text = attest(payload, signer)

it('attestation: the encoding is that of the DSSE specification (protocol.md, test vector)', () => {
  expect(preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString()).toBe(
    'DSSEv1 29 http://example.com/HelloWorld 11 hello world',
  )
  expect(preAuthenticationEncoding('é', Buffer.from('é')).toString()).toBe('DSSEv1 2 é 2 é')
})

it('attestation: anyone can check it with an Ed25519 library alone', () => {
  const envelope = JSON.parse(text) as {
    payloadType: string
    payload: string
    signatures: { keyid: string; sig: string; public_key: string }[]
  }
  const [signature] = envelope.signatures
  const x = Buffer.from(signature!.public_key, 'base64').toString('base64url')
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' })
  const said = Buffer.from(envelope.payload, 'base64')
  const signed = Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${said.length} ${said}`)
  expect(verify(null, signed, key, Buffer.from(signature!.sig, 'base64'))).toBe(true)
  expect(said).toEqual(payload)
  expect(envelope.payloadType).toBe(attestationType)
  expect(signature!.keyid).toBe(fingerprint(signer.publicKey))
})

it('attestation: opens as it was made, and equal things are signed alike', () => {
  expect(openAttestation(text)).toEqual({
    payload,
    publicKey: Buffer.from(signer.publicKey),
    signer: fingerprint(signer.publicKey),
  })
  expect(attest(payload, signer)).toBe(text)
})

it('attestation: not one bit of the file can change unseen', () => {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Buffer.from(bytes)
    flipped[at]! ^= 1 << (at % 8)
    expect(() => openAttestation(flipped.toString('latin1')), `byte ${at}`).toThrow(
      expect.objectContaining({ code: 'SIGNATURE_INVALID' }),
    )
  }
})

it('attestation: other spellings of the same envelope, a second signature, another fingerprint are refused', () => {
  const envelope = JSON.parse(text) as { signatures: Record<string, string>[]; payload: string }
  const [signature] = envelope.signatures
  const other = JSON.parse(attest(payload, generateIdentity())) as typeof envelope
  const written = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`
  const forms = [
    JSON.stringify(envelope),
    `${text} `,
    written({ ...envelope, note: 'more' }),
    written({ ...envelope, signatures: [signature, signature] }),
    written({ ...envelope, signatures: [] }),
    written({ ...envelope, payload: `${envelope.payload}=` }),
    written({ ...envelope, signatures: [{ ...signature, keyid: other.signatures[0]!.keyid }] }),
    written({ ...envelope, signatures: [{ ...signature, public_key: other.signatures[0]!.public_key }] }),
    written({ ...envelope, signatures: [{ ...signature, public_key: '' }] }),
    written({ ...envelope, signatures: other.signatures, payload: Buffer.from('x').toString('base64') }),
    'null',
    '',
  ]
  for (const form of forms)
    expect(() => openAttestation(form)).toThrow(expect.objectContaining({ code: 'SIGNATURE_INVALID' }))
})

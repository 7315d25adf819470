import { createPublicKey, sign, verify } from 'node:crypto'
import { CodedError } from '@tributary/shared/errors'
import { attestationType } from '@tributary/shared/synthetic-mark'
import { fingerprint, type IdentityKey } from '@tributary/shared/wire/signed'
import * as z from 'zod'

/** A DSSE envelope (secure-systems-lab/dsse, version 1.0.2) with the public key beside the signature. */
const envelopeSchema = z.strictObject({
  payloadType: z.literal(attestationType),
  payload: z.string(),
  signatures: z.tuple([z.strictObject({ keyid: z.string(), sig: z.string(), public_key: z.string() })]),
})

/** A signature that holds: these bytes, by this key. Whose key it is, only its fingerprint can tell. */
export interface Attested {
  readonly payload: Buffer
  readonly publicKey: Buffer
  /** Eight groups of four hex digits. */
  readonly signer: string
}

/** What is signed: the DSSE pre-authentication encoding; lengths in bytes, so that no two pairs share an encoding. */
export const preAuthenticationEncoding = (type: string, payload: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])

/** The text of attestation.dsse.json: Ed25519 over `payload`, the bytes of SHA256SUMS. */
export const attest = (payload: Uint8Array, signer: IdentityKey): string =>
  encode({
    payloadType: attestationType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [
      {
        keyid: fingerprint(signer.publicKey),
        sig: sign(null, preAuthenticationEncoding(attestationType, payload), signer.privateKey).toString('base64'),
        public_key: Buffer.from(signer.publicKey).toString('base64'),
      },
    ],
  })

/**
 * Reads exactly what `attest` writes, so that not one byte of the file can change unseen, and checks the signature. Throws
 * `SIGNATURE_INVALID`.
 */
export const openAttestation = (text: string): Attested => {
  const envelope = parse(text)
  const [{ keyid, sig, public_key }] = envelope.signatures
  const payload = fromBase64(envelope.payload)
  const publicKey = fromBase64(public_key)
  if (publicKey.length !== 32) return refuse('an Ed25519 public key has 32 bytes')
  const signer = fingerprint(publicKey)
  if (keyid !== signer) return refuse('the fingerprint is not that of the key beside it')
  if (encode(envelope) !== text) return refuse('not written as Tributary writes it')
  if (!isSigned(payload, fromBase64(sig), publicKey)) return refuse('the signature does not hold')
  return { payload, publicKey, signer }
}

const encode = (envelope: z.infer<typeof envelopeSchema>): string => `${JSON.stringify(envelope, null, 2)}\n`

const parse = (text: string): z.infer<typeof envelopeSchema> => {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refuse('not JSON')
  }
  const { payloadType, payload, signatures } =
    envelopeSchema.safeParse(value).data ?? refuse('no attestation of a release')
  const [{ keyid, sig, public_key }] = signatures
  return { payloadType, payload, signatures: [{ keyid, sig, public_key }] }
}

/** Base64 has several spellings of the same bytes; one is accepted. */
const fromBase64 = (text: string): Buffer => {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : refuse('not base64 as it is written')
}

const isSigned = (payload: Buffer, signature: Buffer, raw: Buffer): boolean => {
  try {
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    return verify(null, preAuthenticationEncoding(attestationType, payload), key, signature)
  } catch {
    return false // no point of the curve
  }
}

const refuse = (why: string): never => {
  throw new CodedError('SIGNATURE_INVALID', why, { place: { file: 'attestation.dsse.json' } })
}

import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPrivateKey,
  createPublicKey,
  decapsulate,
  diffieHellman,
  encapsulate,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto'
import { CodedError } from '../errors.ts'
import type { Digest, RoundId, StudyId } from '../ids.ts'
import { domainPrefix, encodeCanonical } from '../wire/canonical.ts'

/**
 * A share box: X25519 (RFC 7748) with a fresh sender key and ML-KEM-768 (FIPS 203) to the holder, so that it stays shut unless
 * both break; one AES-256-GCM key and nonce from HKDF-SHA-256 over both secrets, bound to both of the holder's public keys, to
 * the sender's and to the ciphertext. Bytes: sender's X25519 key (32), ML-KEM ciphertext (1,088), sealed share, tag (16).
 * A box says nothing about who made it: the deal that carries it is signed.
 */
const x25519Bytes = 32
const kemKeyBytes = 1184
const kemBytes = 1088
const tagBytes = 16
const aesKeyBytes = 32
/** AES-256 key and nonce of one box. */
export const boxKeyBytes = 44
const headBytes = x25519Bytes + kemBytes

/** The other end of SubjectPublicKeyInfo (RFC 5280) is the raw key; these are the ends before it. */
const x25519Prefix = Buffer.from('302a300506032b656e032100', 'hex')
const kemPrefix = Buffer.from('308204b2300b0609608648016503040402038204a100', 'hex')

/** What a box is for; a box opened as anything else is `BOX_INVALID`. */
export interface BoxContext {
  readonly study: StudyId
  readonly round: RoundId
  readonly roster: Digest
  readonly from: string
  readonly to: string
}

/** Bytes of a holder's public key: X25519, then ML-KEM-768. */
export const boxPublicKeyBytes = x25519Bytes + kemKeyBytes

/** A holder's keys for one epoch (study/epoch.ts); `publicKey` is what its box-keys message carries. */
export interface BoxKeys {
  readonly publicKey: Uint8Array<ArrayBuffer>
  readonly x25519: KeyObject
  readonly kem: KeyObject
}

const rawPublic = (key: KeyObject, bytes: number): Buffer =>
  createPublicKey(key).export({ type: 'spki', format: 'der' }).subarray(-bytes)

const keysOf = (x25519: KeyObject, kem: KeyObject): BoxKeys => ({
  publicKey: new Uint8Array(Buffer.concat([rawPublic(x25519, x25519Bytes), rawPublic(kem, kemKeyBytes)])),
  x25519,
  kem,
})

/** Fresh keys from the operating system's randomness. */
export const newBoxKeys = (): BoxKeys =>
  keysOf(generateKeyPairSync('x25519').privateKey, generateKeyPairSync('ml-kem-768').privateKey)

/** Two PKCS #8 blocks in PEM, unencrypted: kept in a file for the service user alone, outside ordinary backups (R4). */
export const exportBoxKeys = ({ x25519, kem }: BoxKeys): string =>
  [x25519, kem].map((key) => key.export({ type: 'pkcs8', format: 'pem' }).toString()).join('')

/** Reads `exportBoxKeys`' text; throws `STATE_CORRUPT`, without quoting it, when it is anything else. */
export const importBoxKeys = (text: string): BoxKeys => {
  const blocks = text.match(/-----BEGIN PRIVATE KEY-----[^-]*-----END PRIVATE KEY-----/g) ?? []
  try {
    const [x25519, kem] = blocks.map((block) => createPrivateKey(block))
    if (x25519?.asymmetricKeyType === 'x25519' && kem?.asymmetricKeyType === 'ml-kem-768') return keysOf(x25519, kem)
  } catch {
    // Below: the text may hold a secret and is not quoted.
  }
  throw new CodedError('STATE_CORRUPT', 'the box keys are not an X25519 and an ML-KEM-768 key in PEM')
}

const imported = (prefix: Buffer, raw: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.concat([prefix, raw]), format: 'der', type: 'spki' })

/**
 * AES key and nonce; the secrets are wiped. A key is used for one box, so the nonce may be derived with it. The context enters the
 * key itself: what a holder shows of a box in a dispute must not open the same bytes in the deal that they were copied from.
 */
const keyAndNonce = (
  secrets: readonly Uint8Array[],
  holder: Uint8Array,
  head: Uint8Array,
  context: BoxContext,
): Uint8Array<ArrayBuffer> => {
  // HKDF's info holds 1,024 bytes at most in OpenSSL, so the keys enter by their hash; all but the context are of one length.
  const bound = createHash('sha256').update(domainPrefix('box')).update(holder).update(head)
  const info = bound.update(associated(context)).digest()
  const secret = Buffer.concat(secrets)
  const bytes = new Uint8Array(hkdfSync('sha256', secret, new Uint8Array(0), info, boxKeyBytes))
  for (const used of [...secrets, secret]) used.fill(0)
  return bytes
}

const associated = ({ study, round, roster, from, to }: BoxContext): Uint8Array =>
  encodeCanonical({ study, round, roster, from, to })

const invalid = (why: string): CodedError => new CodedError('BOX_INVALID', why)

/** A sealed box, and what opens it without the holder (AES-256 key, then nonce): a dealer keeps it for a dispute (R24). */
export interface SealedBox {
  readonly box: Uint8Array<ArrayBuffer>
  readonly key: Uint8Array<ArrayBuffer>
}

/** Seals `share` to the holder whose public key is `holder`. Throws `BOX_INVALID` when that is none. */
export const sealBox = (holder: Uint8Array, context: BoxContext, share: Uint8Array): SealedBox => {
  if (holder.length !== boxPublicKeyBytes) throw invalid(`a box key has ${boxPublicKeyBytes} bytes`)
  const own = generateKeyPairSync('x25519')
  let secrets: Buffer[]
  let ciphertext: Buffer
  try {
    const kem = encapsulate(imported(kemPrefix, holder.subarray(x25519Bytes)))
    ciphertext = kem.ciphertext
    const publicKey = imported(x25519Prefix, holder.subarray(0, x25519Bytes))
    secrets = [diffieHellman({ privateKey: own.privateKey, publicKey }), kem.sharedKey]
  } catch {
    throw invalid(`the box key of ${context.to} is not usable`)
  }
  const head = Buffer.concat([rawPublic(own.privateKey, x25519Bytes), ciphertext])
  const key = keyAndNonce(secrets, holder, head, context)
  const cipher = createCipheriv('aes-256-gcm', key.subarray(0, aesKeyBytes), key.subarray(aesKeyBytes))
  cipher.setAAD(associated(context))
  const box = Buffer.concat([head, cipher.update(share), cipher.final(), cipher.getAuthTag()])
  return { box: new Uint8Array(box.buffer, box.byteOffset, box.length), key }
}

const unopened = ({ from, to }: BoxContext): CodedError => invalid(`the box from ${from} to ${to} does not open`)

/** The key of a box as its holder derives it for this context, `boxKeyBytes` long. Throws `BOX_INVALID` where none can be. */
export const derivedBoxKey = (keys: BoxKeys, context: BoxContext, box: Uint8Array): Uint8Array<ArrayBuffer> => {
  if (box.length < headBytes + tagBytes) throw invalid('too short for a box')
  const head = box.subarray(0, headBytes)
  try {
    const publicKey = imported(x25519Prefix, head.subarray(0, x25519Bytes))
    const secrets = [
      diffieHellman({ privateKey: keys.x25519, publicKey }),
      decapsulate(keys.kem, head.subarray(x25519Bytes)),
    ]
    return keyAndNonce(secrets, keys.publicKey, head, context)
  } catch {
    throw invalid('a box whose sender key leaves no secret')
  }
}

/** The share in a box, by the key of that box alone. Throws `BOX_INVALID`, naming sender and holder, where it does not open. */
export const openBoxWithKey = (key: Uint8Array, context: BoxContext, box: Uint8Array): Uint8Array<ArrayBuffer> => {
  if (key.length !== boxKeyBytes || box.length < headBytes + tagBytes) throw unopened(context)
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.subarray(0, aesKeyBytes), key.subarray(aesKeyBytes))
    decipher.setAAD(associated(context)).setAuthTag(box.subarray(-tagBytes))
    const opened = decipher.update(box.subarray(headBytes, -tagBytes))
    decipher.final()
    return new Uint8Array(opened.buffer, opened.byteOffset, opened.length)
  } catch {
    throw unopened(context)
  }
}

/**
 * The share in a box sealed to these keys for exactly this context. Throws `BOX_INVALID`, naming the sender and no cause, for
 * any other box, context or key.
 */
export const openBox = (keys: BoxKeys, context: BoxContext, box: Uint8Array): Uint8Array<ArrayBuffer> => {
  let key: Uint8Array
  try {
    key = derivedBoxKey(keys, context, box)
  } catch {
    throw unopened(context)
  }
  try {
    return openBoxWithKey(key, context, box)
  } finally {
    key.fill(0)
  }
}

import type { Ciphertext, Encryptor, Plaintext, SEALContext, SecretKey } from 'node-seal/allows'
import { CodedError } from '../errors.ts'
import type { SealObjects } from './seal-objects.ts'

/**
 * Where the residues lie in SEAL 4.1's uncompressed serialisations with one prime. SEAL keeps this layout for 4.x but does not
 * promise it, so lengths are asserted here and values by the golden vector in ring.ts; the package is pinned exactly.
 */
const cipherBody = 113
const plainBody = 88
/** One byte of a ciphertext's header says whether its polynomials are in NTT order. */
const nttFlag = 48
const seedBytes = 64
/** A seeded ciphertext ends in the generator's header (16), its kind (1) and its seed (64). */
const seedInfoBytes = 81

const assertLength = (length: number, expected: number, what: string): void => {
  if (length !== expected) {
    throw new CodedError('ENGINE_UNAVAILABLE', `SEAL's ${what} has ${length} bytes where ${expected} were expected`)
  }
}

/**
 * Serialisations made by this process whose bodies are overwritten with residues that shared/he has checked: the only bytes that
 * ever reach a SEAL `load`.
 */
export class SealLayout {
  readonly #objects: SealObjects
  readonly #context: SEALContext
  readonly #length: number
  readonly #cipher: Uint8Array
  readonly #seeded: Uint8Array
  readonly #plain: Uint8Array
  readonly #key: Uint8Array

  /** `one` is the CKKS plaintext 1 at scale 1; `secret` any secret key; `encryptor` holds it. */
  constructor(
    objects: SealObjects,
    context: SEALContext,
    degree: number,
    from: { one: Plaintext; secret: SecretKey; encryptor: Encryptor },
  ) {
    this.#objects = objects
    this.#context = context
    this.#length = degree * 8
    const none = objects.seal.ComprModeType.none
    const serial = objects.own(from.encryptor.encryptSymmetricSerializable(from.one))
    this.#seeded = serial.saveToArray(none) as Uint8Array
    objects.free(serial)
    assertLength(this.#seeded.length, cipherBody + this.#length + seedInfoBytes, 'seeded ciphertext')
    this.#seeded.fill(0, cipherBody, cipherBody + this.#length)
    const cipher = objects.own(new objects.seal.Ciphertext())
    from.encryptor.encryptSymmetric(from.one, cipher)
    this.#cipher = cipher.saveToArray(none) as Uint8Array
    objects.free(cipher)
    assertLength(this.#cipher.length, cipherBody + 2 * this.#length, 'ciphertext')
    this.#cipher.fill(0, cipherBody)
    this.#plain = from.one.saveToArray(none) as Uint8Array
    assertLength(this.#plain.length, plainBody + this.#length, 'plaintext')
    this.#plain.fill(0, plainBody)
    this.#key = from.secret.saveToArray(none) as Uint8Array
    assertLength(this.#key.length, plainBody + this.#length, 'secret key')
    this.#key.fill(0, plainBody)
  }

  /**
   * into = (residues, second), in NTT order or as coefficients; what is left out is 0. The scratch bytes are wiped: a message may
   * have been in them.
   */
  loadCipher(into: Ciphertext, residues: BigUint64Array | undefined, ntt: boolean, second?: BigUint64Array): void {
    const bytes = this.#cipher
    bytes[nttFlag] = ntt ? 1 : 0
    if (residues !== undefined) bytes.set(bytesOf(residues), cipherBody)
    if (second !== undefined) bytes.set(bytesOf(second), cipherBody + this.#length)
    try {
      this.#objects.guard('load a polynomial', () => into.loadFromArray(this.#context, bytes))
    } finally {
      bytes.fill(0, cipherBody)
    }
  }

  /** into = (residues or 0, a), where a is SEAL's expansion of the 64-byte seed, in NTT order. */
  loadPublic(into: Ciphertext, seed: Uint8Array, residues?: BigUint64Array): void {
    if (seed.length !== seedBytes) throw new CodedError('INTERNAL', `a seed has ${seedBytes} bytes`)
    const bytes = this.#seeded
    bytes.set(seed, bytes.length - seedBytes)
    if (residues !== undefined) bytes.set(bytesOf(residues), cipherBody)
    try {
      this.#objects.guard('expand a seed', () => into.loadFromArray(this.#context, bytes))
    } finally {
      bytes.fill(0, cipherBody, cipherBody + this.#length)
    }
  }

  /** into = the polynomial that is `constant` everywhere in NTT order: the constant polynomial. */
  loadConstant(into: Plaintext, constant: bigint): void {
    new BigUint64Array(this.#plain.buffer, this.#plain.byteOffset + plainBody, this.#length / 8).fill(constant)
    this.#objects.guard('load a constant', () => into.loadFromArray(this.#context, this.#plain))
  }

  loadKey(into: SecretKey, residues: BigUint64Array): void {
    this.#key.set(bytesOf(residues), plainBody)
    try {
      this.#objects.guard('load a key', () => into.loadFromArray(this.#context, this.#key))
    } finally {
      this.#key.fill(0, plainBody)
    }
  }

  /** The polynomials of a ciphertext from `which` on, as many as `out` has room for. */
  saveCipher(from: Ciphertext, which: 0 | 1, out: BigUint64Array): void {
    const bytes = from.saveToArray(this.#objects.seal.ComprModeType.none) as Uint8Array
    const start = cipherBody + which * this.#length
    bytesOf(out).set(bytes.subarray(start, start + out.byteLength))
    bytes.fill(0)
  }

  savePlain(from: Plaintext, out: BigUint64Array): void {
    const bytes = from.saveToArray(this.#objects.seal.ComprModeType.none) as Uint8Array
    bytesOf(out).set(bytes.subarray(plainBody, plainBody + this.#length))
    bytes.fill(0)
  }
}

const bytesOf = (residues: BigUint64Array): Uint8Array =>
  new Uint8Array(residues.buffer, residues.byteOffset, residues.byteLength)

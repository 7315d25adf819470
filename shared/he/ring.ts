import type { Ciphertext, Decryptor, Encryptor, Evaluator, Plaintext, SEALContext, SecretKey } from 'node-seal/allows'
import { CodedError } from '../errors.ts'
import { type Modulus, modulusOf } from './residues.ts'
import type { RingParameters } from './ring-parameters.ts'
import { SealLayout } from './seal-layout.ts'
import type { SealObjects } from './seal-objects.ts'

/** What SEAL can do with a polynomial key while `Ring.withKey` lends it. */
export interface KeyedRing {
  /** -a s + e + message: `message` in coefficients (left as it is), `out` in NTT order; a is expanded from `seed`. */
  seal(seed: Uint8Array, message: BigUint64Array, out: BigUint64Array): void
  /** The coefficients of sealed + a s; `sealed` in NTT order, and may be `out`. */
  open(seed: Uint8Array, sealed: BigUint64Array, out: BigUint64Array): void
  /** `open` for two polynomials after one another in `sealed` and `out`; a quarter faster than one at a time. */
  openTwo(seeds: readonly [Uint8Array, Uint8Array], sealed: BigUint64Array, out: BigUint64Array): void
}

/**
 * R_q with its arithmetic done by SEAL in WebAssembly, used as a ring engine through a CKKS context. Scratch objects are made
 * once and used again, so calls never nest and a ring serves one thread. Polynomials are residues in NTT order unless named
 * coefficients.
 */
export class Ring {
  readonly degree: number
  readonly modulus: bigint
  readonly q: Modulus
  readonly #objects: SealObjects
  readonly #layout: SealLayout
  readonly #context: SEALContext
  readonly #evaluator: Evaluator
  readonly #encryptor: Encryptor
  /** A key that protects nothing: it sits in the encryptor between uses. */
  readonly #idleKey: SecretKey
  readonly #zero: Plaintext
  readonly #plain: Plaintext
  readonly #public: Ciphertext
  readonly #left: Ciphertext
  readonly #right: Ciphertext
  #scratch: number

  constructor(objects: SealObjects, parameters: RingParameters) {
    this.degree = parameters.degree
    this.modulus = parameters.modulus
    this.q = modulusOf(parameters.modulus)
    this.#objects = objects
    const { seal } = objects
    this.#context = contextOf(objects, parameters)
    this.#evaluator = objects.own(new seal.Evaluator(this.#context))
    const generator = objects.own(new seal.KeyGenerator(this.#context))
    this.#idleKey = objects.own(generator.secretKey())
    const publicKey = objects.own(generator.createPublicKey())
    this.#encryptor = objects.own(new seal.Encryptor(this.#context, publicKey, this.#idleKey))
    const encoder = objects.own(new seal.CKKSEncoder(this.#context))
    this.#plain = objects.own(new seal.Plaintext())
    encoder.encode(Float64Array.of(1), 1, this.#plain)
    this.#layout = new SealLayout(objects, this.#context, this.degree, {
      one: this.#plain,
      secret: this.#idleKey,
      encryptor: this.#encryptor,
    })
    objects.free(encoder, publicKey, generator)
    this.#zero = objects.own(new seal.Plaintext())
    this.#layout.loadConstant(this.#zero, 0n)
    this.#public = objects.own(new seal.Ciphertext())
    this.#left = objects.own(new seal.Ciphertext())
    this.#right = objects.own(new seal.Ciphertext())
    this.#scratch = objects.live
  }

  /** SEAL objects held in WebAssembly memory beyond the ring's own scratch: none whenever no call is running. */
  liveObjects(): number {
    return this.#objects.live - this.#scratch
  }

  /** The public polynomial of a 64-byte seed. */
  expand(seed: Uint8Array): BigUint64Array {
    this.#layout.loadPublic(this.#public, seed)
    const out = new BigUint64Array(this.degree)
    this.#layout.saveCipher(this.#public, 1, out)
    return out
  }

  /** The sum of factor * polynomial over `terms`; factors in [0, q). Cost: one pointwise product a term. */
  combine(terms: readonly { readonly factor: bigint; readonly residues: BigUint64Array }[]): BigUint64Array {
    const [sum, term] = [this.#left, this.#right]
    try {
      this.#layout.loadCipher(sum, undefined, true)
      for (const { factor, residues } of terms) {
        this.#layout.loadCipher(term, residues, true)
        this.#layout.loadConstant(this.#plain, factor)
        this.#objects.guard('combine polynomials', () => {
          this.#evaluator.multiplyPlainInplace(term, this.#plain)
          term.setScale(1)
          this.#evaluator.addInplace(sum, term)
        })
      }
      const out = new BigUint64Array(this.degree)
      this.#layout.saveCipher(sum, 0, out)
      return out
    } finally {
      this.#wipe()
    }
  }

  /** Lends the ring with `key` (uniform in R_q, NTT order) loaded; every copy inside SEAL is gone when it returns or throws. */
  withKey<T>(key: BigUint64Array, work: (keyed: KeyedRing) => T): T {
    const { seal } = this.#objects
    const secret = this.#objects.own(new seal.SecretKey())
    let decryptor: Decryptor | undefined
    try {
      this.#layout.loadKey(secret, key)
      const loaded = this.#objects.guard('take a key', () => new seal.Decryptor(this.#context, secret))
      decryptor = this.#objects.own(loaded)
      this.#objects.guard('take a key', () => this.#encryptor.setSecretKey(secret))
      return work({
        seal: (seed, message, out) => this.#seal(loaded, seed, message, out),
        open: (seed, sealed, out) => this.#open(loaded, [seed], sealed, out),
        openTwo: (seeds, sealed, out) => this.#open(loaded, seeds, sealed, out),
      })
    } finally {
      this.#encryptor.setSecretKey(this.#idleKey)
      this.#objects.free(decryptor, secret)
      this.#wipe()
    }
  }

  /** Frees what lives in WebAssembly memory; the ring cannot be used afterwards. */
  dispose(): void {
    this.#scratch = 0
    this.#objects.free(this.#right, this.#left, this.#public, this.#plain, this.#zero)
    this.#objects.free(this.#encryptor, this.#idleKey, this.#evaluator, this.#context)
  }

  /**
   * SEAL encrypts zero under s with an a' of its own: (-a' s - e, a'). Adding the message and taking the public a from a'
   * re-bases it: decrypting (-a' s - e + m, a' - a) under s gives -a s - e + m, and e is symmetric.
   */
  #seal(decryptor: Decryptor, seed: Uint8Array, message: BigUint64Array, out: BigUint64Array): void {
    const [fresh, term] = [this.#left, this.#right]
    this.#layout.loadCipher(term, message, false)
    this.#layout.loadPublic(this.#public, seed)
    this.#objects.guard('seal a block', () => {
      this.#evaluator.cipherTransformToNttInplace(term)
      this.#encryptor.encryptSymmetric(this.#zero, fresh)
      this.#evaluator.addInplace(fresh, term)
      this.#evaluator.subInplace(fresh, this.#public)
      decryptor.decrypt(fresh, this.#plain)
    })
    this.#layout.savePlain(this.#plain, out)
  }

  #open(decryptor: Decryptor, seeds: readonly Uint8Array[], sealed: BigUint64Array, out: BigUint64Array): void {
    const { degree } = this
    const placeOf = (residues: BigUint64Array, at: number) => residues.subarray(at * degree, (at + 1) * degree)
    for (const [at, seed] of seeds.entries()) {
      this.#layout.loadPublic(this.#left, seed, placeOf(sealed, at))
      this.#objects.guard('open a block', () => decryptor.decrypt(this.#left, this.#plain))
      this.#layout.savePlain(this.#plain, placeOf(out, at))
    }
    // A ciphertext has two polynomials, and SEAL transforms both.
    const second = seeds.length === 2 ? placeOf(out, 1) : undefined
    this.#layout.loadCipher(this.#left, placeOf(out, 0), true, second)
    this.#objects.guard('open a block', () => this.#evaluator.cipherTransformFromNttInplace(this.#left))
    this.#layout.saveCipher(this.#left, 0, out)
  }

  /** Overwrites scratch objects that may hold a message or a share. */
  #wipe(): void {
    this.#layout.loadCipher(this.#left, undefined, true)
    this.#layout.loadCipher(this.#right, undefined, true)
    this.#layout.loadConstant(this.#plain, 0n)
  }
}

const contextOf = (objects: SealObjects, { degree, modulus, securityLevel }: RingParameters): SEALContext => {
  const { seal } = objects
  return objects.guard('take the ring parameters', () => {
    const parameters = objects.own(new seal.EncryptionParameters(seal.SchemeType.ckks))
    const prime = objects.own(new seal.Modulus(modulus))
    const primes = objects.own(seal.vecFromArrayModulus([prime]))
    parameters.setPolyModulusDegree(degree)
    parameters.setCoeffModulus(primes)
    const context = objects.own(new seal.SEALContext(parameters, true, securityLevel(seal)))
    objects.free(primes, prime, parameters)
    if (context.parametersSet()) return context
    objects.free(context)
    throw new CodedError('INTERNAL', `SEAL refuses degree ${degree} at the security level asked for`)
  })
}

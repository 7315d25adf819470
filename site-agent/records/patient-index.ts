import { GrowingArray } from './growing-array.ts'
import { canonicalPatientKey } from './patient-key.ts'

const written = { canonically: 0, otherwise: 1, severally: 2 } as const

/** Numbers patients from 0 in the order of their first row, one however their key is written; holds their keys only as long as it lives itself. */
export class PatientIndex {
  /** By the canonical key. */
  readonly #numbers = new Map<string, number>()
  /** By every other text that the source has for a key. */
  readonly #variants = new Map<string, number>()
  /** How each patient's key was written so far. */
  readonly #written = new GrowingArray<Uint8Array>((length) => new Uint8Array(length))
  #severallyWritten = 0
  readonly #missing: ReadonlySet<string>
  #rows = new Uint32Array(1024)

  /** `missing` are the source's texts for a missing value: a key that is one of them, however it is written, is no key. */
  constructor(missing: readonly string[]) {
    this.#missing = new Set([...missing, ...missing.map(canonicalPatientKey)])
  }

  get patients(): number {
    return this.#written.length
  }

  /** Patients whose key the source writes in more than one way. */
  get severallyWritten(): number {
    return this.#severallyWritten
  }

  /** The patient's number, or -1 without a key: empty, blank or a text for missing (R19). */
  numberOf(key: string | null): number {
    if (key === null || key.trim() === '' || this.#missing.has(key)) return -1
    const known = this.#variants.get(key)
    if (known !== undefined) return known
    const patient = canonicalPatientKey(key)
    if (this.#missing.has(patient)) return -1
    const isVariant = key !== patient
    let number = this.#numbers.get(patient)
    if (number === undefined) {
      number = this.patients
      this.#numbers.set(patient, number)
      this.#written.append(Uint8Array.of(isVariant ? written.otherwise : written.canonically))
    } else this.#writtenAgain(number, isVariant)
    if (isVariant) this.#variants.set(key, number)
    return number
  }

  /** Counts one row of the patient and returns how many there are now. */
  countRow(patient: number): number {
    if (patient >= this.#rows.length) {
      const grown = new Uint32Array(2 * this.#rows.length)
      grown.set(this.#rows)
      this.#rows = grown
    }
    this.#rows[patient]! += 1
    return this.#rows[patient]!
  }

  /** Forgets the key texts. */
  clear(): void {
    this.#numbers.clear()
    this.#variants.clear()
  }

  /** In a text that may be another than before; a variant is a new one. */
  #writtenAgain(patient: number, isVariant: boolean): void {
    const before = this.#written.view()
    if (before[patient] === written.severally || (before[patient] === written.canonically && !isVariant)) return
    before[patient] = written.severally
    this.#severallyWritten += 1
  }
}

import { canonicalPatientKey } from './patient-key.ts'

/** Numbers patients from 0 in the order of their first row, one however their key is written; holds their keys only as long as it lives itself. */
export class PatientIndex {
  /** By the canonical key, and by every other way in which the source writes it. */
  readonly #numbers = new Map<string, number>()
  #patients = 0
  readonly #missing: ReadonlySet<string>
  #rows = new Uint32Array(1024)

  /** `missing` are the source's texts for a missing value: a key that is one of them is no key. */
  constructor(missing: readonly string[]) {
    this.#missing = new Set(missing)
  }

  get patients(): number {
    return this.#patients
  }

  /** The patient's number, or -1 without a key: empty, blank or a text for missing (R19). */
  numberOf(key: string | null): number {
    if (key === null || key.trim() === '' || this.#missing.has(key)) return -1
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const patient = canonicalPatientKey(key)
    const number = this.#numbers.get(patient) ?? this.#patients++
    this.#numbers.set(patient, number)
    this.#numbers.set(key, number)
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
  }
}

import { CodedError } from '@tributary/shared/errors'

/** A typed array that doubles as it fills: appending n values costs O(n) in all, and at most twice their memory. */
export class GrowingArray<T extends Uint8Array | Uint16Array | Uint32Array> {
  readonly #make: (length: number) => T
  #values: T
  #length = 0

  constructor(make: (length: number) => T, first = 1024) {
    this.#make = make
    this.#values = make(first)
  }

  get length(): number {
    return this.#length
  }

  append(values: T): void {
    const wanted = this.#length + values.length
    if (wanted > this.#values.length) this.#grow(wanted)
    this.#values.set(values as Uint8Array & Uint16Array & Uint32Array, this.#length)
    this.#length = wanted
  }

  /** The values so far: a view that the next `append` may leave behind. */
  view(): T {
    return this.#values.subarray(0, this.#length) as T
  }

  #grow(wanted: number): void {
    let grown: T
    try {
      grown = this.#make(Math.max(wanted, 2 * this.#values.length))
    } catch (cause) {
      throw new CodedError('TABLE_INVALID', 'the table does not fit into memory', { cause })
    }
    grown.set(this.view() as Uint8Array & Uint16Array & Uint32Array)
    this.#values = grown
  }
}

import { inspect } from 'node:util'
import type { Query, QueryKind } from '@tributary/shared/dp/query'

/**
 * One site's noised integers for one attempt: what is sealed, and the last thing that exists in the clear. Opaque: it prints its
 * kind and size, and only update/seal asks for the integers.
 */
export class Contribution {
  readonly kind: QueryKind
  readonly dimension: number
  readonly #integers: Float64Array

  constructor(query: Pick<Query, 'kind' | 'dimension'>, integers: Float64Array) {
    this.kind = query.kind
    this.dimension = query.dimension
    this.#integers = integers
  }

  static integersOf(contribution: Contribution): Float64Array {
    return contribution.#integers
  }

  toJSON(): unknown {
    return { kind: this.kind, dimension: this.dimension }
  }

  [inspect.custom](): string {
    return `Contribution(${this.kind}, ${this.dimension})`
  }
}

/** Wire steps, each within +-wireBound: for sealing alone. */
export const integersOf = (contribution: Contribution): Float64Array => Contribution.integersOf(contribution)

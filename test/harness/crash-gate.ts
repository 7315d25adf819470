/** What a process that was killed throws from then on; no product code knows it. */
export class Crash extends Error {
  constructor(at: string) {
    super(`killed ${at}`)
  }
}

/**
 * Where a process can be killed: around every call of its stores and of the network. `trace` lists the calls in order; `killAt`
 * names the crossing, counted from now, at which the process dies. A dead process gets nothing more from its stores.
 */
export class CrashGate {
  readonly trace: string[] = []
  /** Crossings so far. */
  crossed = 0
  #dead = false
  #left = Number.POSITIVE_INFINITY
  #place: (crossing: string) => boolean = () => false

  get isDead(): boolean {
    return this.#dead
  }

  kill(): void {
    this.#dead = true
  }

  killAt(crossing: number): void {
    this.#left = crossing
  }

  /** Dies at the first crossing, such as "before outbox.store" or "after outbox.store", of which `isPlace` is true. */
  killWhere(isPlace: (crossing: string) => boolean): void {
    this.#place = isPlace
  }

  cross(crossing: string): void {
    if (this.#dead || this.#left-- === 0 || this.#place(crossing)) {
      this.#dead = true
      throw new Crash(crossing)
    }
    this.crossed++
  }

  /** The same object, with a crossing before and after each call of `methods`; calls of any method fail once dead. */
  around<T extends object>(name: string, object: T, methods: readonly (keyof T & string)[]): T {
    return new Proxy(object, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        const isCrossing = methods.some((method) => method === property)
        return (...args: unknown[]): unknown => {
          if (property === 'close') return value.apply(target, args)
          if (this.#dead) throw new Crash(`before ${name}.${String(property)}`)
          if (!isCrossing) return value.apply(target, args)
          const call = `${name}.${String(property)}`
          this.cross(`before ${call}`)
          const result: unknown = value.apply(target, args)
          this.trace.push(call)
          const returned = (outcome: unknown): unknown => {
            this.cross(`after ${call}`)
            return outcome
          }
          return result instanceof Promise ? result.then(returned) : returned(result)
        }
      },
    })
  }
}

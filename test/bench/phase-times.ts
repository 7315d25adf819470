/** Milliseconds by phase, added up over calls. */
export class PhaseTimes {
  readonly #milliseconds = new Map<string, number>()

  add(phase: string, milliseconds: number): void {
    this.#milliseconds.set(phase, (this.#milliseconds.get(phase) ?? 0) + milliseconds)
  }

  time<T>(phase: string, work: () => T): T {
    const started = performance.now()
    try {
      return work()
    } finally {
      this.add(phase, performance.now() - started)
    }
  }

  async timeAsync<T>(phase: string, work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    try {
      return await work()
    } finally {
      this.add(phase, performance.now() - started)
    }
  }

  of(phase: string): number {
    return this.#milliseconds.get(phase) ?? 0
  }

  get phases(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#milliseconds)
  }

  get total(): number {
    return [...this.#milliseconds.values()].reduce((sum, each) => sum + each, 0)
  }
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** A moment: wall clock and this process's processor time, milliseconds. */
export interface Moment {
  readonly wall: number
  readonly processor: number
}

export const moment = (): Moment => {
  const { user, system } = process.cpuUsage()
  return { wall: performance.now(), processor: (user + system) / 1000 }
}

export const between = (start: Moment, end: Moment): Moment => ({
  wall: end.wall - start.wall,
  processor: end.processor - start.processor,
})

/** Milliseconds by phase, added up over calls. Beside other programs the wall clock says too much; then read the processor's. */
export class PhaseTimes {
  readonly #spent = new Map<string, Moment>()

  add(phase: string, spent: Moment): void {
    const before = this.#spent.get(phase) ?? { wall: 0, processor: 0 }
    this.#spent.set(phase, { wall: before.wall + spent.wall, processor: before.processor + spent.processor })
  }

  /** From `start` until now. */
  since(phase: string, start: Moment): void {
    this.add(phase, between(start, moment()))
  }

  time<T>(phase: string, work: () => T): T {
    const start = moment()
    try {
      return work()
    } finally {
      this.since(phase, start)
    }
  }

  async timeAsync<T>(phase: string, work: () => Promise<T>): Promise<T> {
    const start = moment()
    try {
      return await work()
    } finally {
      this.since(phase, start)
    }
  }

  /** Wall clock, milliseconds. */
  get phases(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#spent].map(([phase, { wall }]) => [phase, wall]))
  }

  /** All phases together, seconds. */
  get seconds(): number {
    return this.#sum(({ wall }) => wall) / 1000
  }

  get processorSeconds(): number {
    return this.#sum(({ processor }) => processor) / 1000
  }

  #sum(of: (spent: Moment) => number): number {
    return [...this.#spent.values()].reduce((sum, each) => sum + of(each), 0)
  }
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

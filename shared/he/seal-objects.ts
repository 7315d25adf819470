import initialize, { type ClassHandle, type MainModule } from 'node-seal/allows'
import { CodedError } from '../errors.ts'

type Seal = MainModule & { getExceptionMessage(thrown: unknown): string | readonly string[] }

let loading: Promise<Seal> | undefined

/** The WebAssembly module, loaded once. Throws `NODE_TOO_OLD` or `ENGINE_UNAVAILABLE`. */
export const loadSeal = async (): Promise<Seal> => {
  loading ??= initialize() as Promise<Seal>
  try {
    return await loading
  } catch (cause) {
    loading = undefined
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
    const old = major < 24 || (major === 24 && minor < 15)
    throw old
      ? new CodedError('NODE_TOO_OLD', `Node ${process.versions.node} cannot load SEAL`, { cause })
      : new CodedError('ENGINE_UNAVAILABLE', 'SEAL does not load', { cause })
  }
}

/**
 * Owns handles to objects in WebAssembly memory, which no garbage collector sees, and turns SEAL's exceptions, which are not
 * Errors, into `INTERNAL`: what reaches SEAL was checked before, so a refusal is a defect of ours.
 */
export class SealObjects {
  readonly seal: Seal
  #live = 0

  constructor(seal: Seal) {
    this.seal = seal
  }

  /** Handles that were owned and not yet freed. */
  get live(): number {
    return this.#live
  }

  own<T extends ClassHandle>(handle: T): T {
    this.#live++
    return handle
  }

  free(...handles: readonly (ClassHandle | undefined)[]): void {
    for (const handle of handles) {
      if (handle === undefined) continue
      handle.delete()
      this.#live--
    }
  }

  /** Runs `work` and translates what SEAL throws. */
  guard<T>(what: string, work: () => T): T {
    try {
      return work()
    } catch (thrown) {
      if (thrown instanceof Error) throw thrown
      const said = [this.seal.getExceptionMessage(thrown)].flat().join(': ')
      throw new CodedError('INTERNAL', `SEAL refused to ${what}: ${said}`)
    }
  }
}

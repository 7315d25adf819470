import { beforeAll, describe, expect, it } from 'vitest'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import type { KeyedRing, Ring } from './ring.ts'
import { selfTest } from './ring-self-test.ts'

const unavailable = (message: string) => expect.objectContaining({ code: 'ENGINE_UNAVAILABLE', message })

/** A SEAL that differs from the real one in one thing. */
type Change = (ring: Ring) => Partial<Record<keyof Ring, unknown>>

describe('ring self-test', () => {
  let ring: Ring
  beforeAll(async () => {
    ring = await createInsecureRing()
  })
  const changed = (change: Change): Ring => {
    const other = change(ring)
    const bound = (value: unknown) => (typeof value === 'function' ? value.bind(ring) : value)
    return new Proxy(ring, {
      get: (_, name) => (name in other ? other[name as keyof Ring] : bound(ring[name as keyof Ring])),
    })
  }
  /** `after` sees what seal or open wrote. */
  const withKeyed = (after: { seal?: (out: BigUint64Array) => void; open?: (out: BigUint64Array) => void }): Change =>
    ((real: Ring) => ({
      withKey: (key: BigUint64Array, work: (keyed: KeyedRing) => unknown) =>
        real.withKey(key, (keyed) =>
          work({
            seal(seed, message, out) {
              keyed.seal(seed, message, out)
              after.seal?.(out)
            },
            open(seed, sealed, out) {
              keyed.open(seed, sealed, out)
              after.open?.(out)
            },
            openTwo(seeds, sealed, out) {
              keyed.openTwo(seeds, sealed, out)
              after.open?.(out)
            },
          }),
        ),
    })) as Change

  it('passes as SEAL is', () => selfTest(changed(() => ({}))))

  it.each<[string, Change, string]>([
    [
      'expands seeds otherwise',
      (real) => ({ expand: (seed: Uint8Array) => real.expand(seed).map((residue) => residue ^ 1n) }),
      'SEAL expands the golden seed to another polynomial',
    ],
    ['adds an error of 22', withKeyed({ open: (out) => void (out[5] = 22n) }), 'SEAL adds errors beyond 21'],
    ['adds no error', withKeyed({ open: (out) => void out.fill(0n) }), 'SEAL adds errors of another spread'],
    [
      'adds the same error everywhere',
      withKeyed({ open: (out) => void out.fill(20n) }),
      'SEAL adds errors of another spread',
    ],
    [
      'changes one sealed value',
      withKeyed({
        open: (out) => void (out[9] = out[9]! < 2n ** 20n || out[9]! > 2n ** 57n ? out[9]! : out[9]! + (1n << 7n)),
      }),
      'SEAL opens a fixed sum to another one',
    ],
    ['leaves an object behind', () => ({ liveObjects: () => 1 }), 'SEAL is left with objects in its memory'],
  ])('a SEAL that %s is refused', (_, change, message) => {
    expect(() => selfTest(changed(change))).toThrow(unavailable(message))
  })
})

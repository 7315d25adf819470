import { beforeAll, describe, expect, it } from 'vitest'
import { openSum } from '../../shared/he/open-sum.ts'
import { createRing } from '../../shared/he/create-ring.ts'
import type { Ring } from '../../shared/he/ring.ts'
import { interpolateKey } from '../../shared/he/shamir.ts'
import { newSiteKey } from '../../shared/he/site-key.ts'
import { sealVector } from '../../shared/he/sealed-vector.ts'
import { contextNamed, osRandom, repliesOf, sealedSites, sumOf, widestLayout } from '../harness/sealed-round.ts'

interface Memory {
  readonly buffer: ArrayBuffer
}
interface Instantiated {
  readonly instance?: { readonly exports: object }
}
/** What of Node's WebAssembly is used here; its types have no name for it. */
const engine = Reflect.get(globalThis, 'WebAssembly') as {
  Memory: abstract new () => Memory
  instantiate(...given: unknown[]): Promise<Instantiated>
}

/** SEAL's memory, which no garbage collector sees and which only ever grows; caught as the module is made. */
const memories: Memory[] = []
const instantiate = engine.instantiate
engine.instantiate = async (...given) => {
  const made = await instantiate(...given)
  // A compiled module gives an instance, bytes give both.
  const { exports } = made.instance ?? (made as { readonly exports: object })
  memories.push(...Object.values(exports).filter((each) => each instanceof engine.Memory))
  return made
}

const rounds = 1000
const warm = 20
const sites = 3
const layout = widestLayout(9000, sites, 2)

describe('SEAL as it is', () => {
  let ring: Ring
  beforeAll(async () => {
    ring = await createRing()
  })

  /** Deals, seals, loses the last site, answers and opens; every third round goes wrong somewhere. */
  const play = (round: number): void => {
    const context = contextNamed(`leak ${round}`)
    const vectors = Array.from({ length: sites }, (_, site) => new Float64Array(9000).fill(round + site))
    const all = sealedSites(ring, layout, 2, vectors, () => context)
    const present = all.slice(0, 2)
    const { key } = interpolateKey(ring, repliesOf(ring, present, [1, 2, 3]), 2)
    const sum = sumOf(ring, layout, present)
    if (round % 3 === 1) expect(() => openSum(ring, key, sum, 2, contextNamed('other'))).toThrow('does not open')
    if (round % 3 === 2) {
      const half = new Float64Array(9000).fill(0.5, 8999)
      expect(() => sealVector(ring, newSiteKey(ring, osRandom), context, layout, half)).toThrow('whole number')
    }
    const opened = openSum(ring, key, sum, 2, context)
    if (opened.some((value) => value !== 2 * round + 1)) throw new Error(`round ${round} is not exact`)
    key.erase()
  }

  it('holds nothing after a round, and its memory does not grow in 1,000 rounds of the real ring', () => {
    expect(memories).toHaveLength(1)
    const bytes = () => memories[0]!.buffer.byteLength
    for (let round = 0; round < warm; round++) play(round)
    const before = bytes()
    for (let round = warm; round < rounds; round++) {
      play(round)
      if (ring.liveObjects() !== 0) throw new Error(`round ${round} leaves ${ring.liveObjects()} objects`)
    }
    expect(bytes()).toBe(before)
    expect(ring.liveObjects()).toBe(0)
  })
})

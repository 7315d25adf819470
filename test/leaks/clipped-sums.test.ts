import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { families } from '@tributary/shared/synthesizers/families'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { openWorkspace } from '@tributary/shared/tensor/workspace'
import { beforeAll, describe, expect, it } from 'vitest'
import { contractQueries, smallSizes, smallStudy } from '../harness/family-contract.ts'

const rounds = 1000
/** Until compilers and caches have what they keep. */
const warm = 200
/** An array kept of every round, however short, takes more. */
const mostGrowth = 128 * 1024

setFlagsFromString('--expose-gc')
const collect: () => void = runInNewContext('gc')

/** Bytes that live: JavaScript's objects, and the arrays outside its heap. */
const livingBytes = (): number => {
  for (let i = 0; i < 3; i++) collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

const engine: Engine = await loadEngine({ prefer: 'wasm' })
const units = Array.from({ length: 150 }, (_, unit) =>
  Array.from({ length: 1 + (unit % 3) }, (_row, r) =>
    Uint16Array.from(smallSizes, (size, column) => (unit * 7 + r + column * 3) % size),
  ),
)
const queries = await Promise.all(
  families.map(async (family) => await contractQueries(family, smallStudy(family.name), engine)),
).then((each) => each.flat())

describe.each(queries.map((query) => [query.name, query] as const))('%s', (_name, { announced, sum }) => {
  let tensors: ReturnType<Engine['tf']['memory']>
  const play = (round: number) => {
    const vector = sum(announced[round % announced.length]!, units, round % 5).sum
    if (!vector.some((value) => value !== 0)) throw new Error(`round ${round} adds nothing`)
    if (round % 50 === 0) expect(() => sum(new Float32Array(announced[0]!.length + 1), units)).toThrow()
  }
  beforeAll(() => {
    for (let round = 0; round < warm; round++) play(round)
    tensors = { ...engine.tf.memory() }
  })

  it(`${rounds} rounds leave no tensor, no array and no object`, () => {
    const before = livingBytes()
    const workspace = openWorkspace(1, 0).float32(1).buffer.byteLength
    for (let round = 0; round < rounds; round++) {
      play(round)
      if (engine.tf.memory().numTensors !== tensors.numTensors) throw new Error(`round ${round} leaves a tensor`)
    }
    const { numBytes, numDataBuffers } = engine.tf.memory()
    expect({ numBytes, numDataBuffers }).toEqual({
      numBytes: tensors.numBytes,
      numDataBuffers: tensors.numDataBuffers,
    })
    expect(openWorkspace(1, 0).float32(1).buffer.byteLength).toBe(workspace)
    expect(livingBytes() - before).toBeLessThan(mostGrowth)
  })
})

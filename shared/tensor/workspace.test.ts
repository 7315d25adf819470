import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { openWorkspace, plainWorkspace, type Workspace } from './workspace.ts'

const run = fc.record({ toAt: fc.nat(9), fromAt: fc.nat(9), count: fc.nat(70), seed: fc.nat(1e6) })
type Run = typeof run extends fc.Arbitrary<infer T> ? T : never

/** Values of every size, with the ones that arithmetic treats apart. */
const valueAt = (seed: number, i: number) => {
  const turn = (seed + 31 * i) % 11
  return turn === 0
    ? Number.NaN
    : turn === 1
      ? Number.POSITIVE_INFINITY
      : turn === 2
        ? -0
        : Math.sin(seed + i) * 10 ** ((seed + i) % 9)
}

const length = 90
const arraysOf = (space: Workspace, seed: number) => {
  const [left, right, wide] = [space.float32(length), space.float32(length), space.float64(length)]
  for (let i = 0; i < length; i++) {
    left[i] = valueAt(seed, i)
    right[i] = valueAt(seed + 5, i)
    wide[i] = valueAt(seed + 7, i)
  }
  return { left, right, wide }
}

const operations: Record<string, (space: Workspace, arrays: ReturnType<typeof arraysOf>, run: Run) => void> = {
  copy: (space, { left, right }, { toAt, fromAt, count }) => space.copy(left, toAt, right, fromAt, count),
  add: (space, { left, right }, { toAt, fromAt, count }) => space.add(left, toAt, right, fromAt, count),
  addWide: (space, { wide, right }, { toAt, fromAt, count }) => space.addWide(wide, toAt, right, fromAt, count),
  gate: (space, { left, right }, { toAt, fromAt, count }) => space.gate(left, toAt, right, fromAt, count),
  scale: (space, { left }, { toAt, count, seed }) => space.scale(left, toAt, count, Math.sin(seed), seed % 3 > 0),
}

describe('openWorkspace', () => {
  test.prop([fc.constantFrom(...Object.keys(operations)), run])(
    'does to the last bit what plain loops do, inside the run alone',
    (name, given) => {
      const [fast, plain] = [openWorkspace(2 * length, length), plainWorkspace()].map((space) => {
        const arrays = arraysOf(space, given.seed)
        operations[name]!(space, arrays, given)
        return arrays
      })
      expect(fast).toEqual(plain)
    },
  )

  it('adds otherwise than in one float32 sum: float64 keeps what float32 loses', () => {
    const space = openWorkspace(1, 1)
    const [small, wide] = [space.float32(1).fill(2 ** -40), space.float64(1).fill(1)]
    space.addWide(wide, 0, small, 0, 1)
    expect(wide[0]).toBe(1 + 2 ** -40)
  })

  it('starts with zeros in the memory of the one before, which grows no further', () => {
    const before = openWorkspace(1000, 0).float32(1000).fill(7).buffer.byteLength
    // Vectors of this machine, not the plain loops.
    expect(before % 65_536).toBe(0)
    for (let i = 0; i < 100; i++) {
      const values = openWorkspace(1000, 0).float32(1000)
      expect(values.buffer.byteLength).toBe(before)
      expect(values.every((value) => value === 0)).toBe(true)
      values.fill(7)
    }
  })

  it('refuses more arrays than it was opened for', () => {
    const space = openWorkspace(10, 0)
    expect(() => space.float32(1000)).toThrow(RangeError)
  })
})

import { randomInt } from 'node:crypto'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { threshold } from '@tributary/shared/he/thresholds'
import { expect, it } from 'vitest'
import { isOneSet, keyMixes, type Told } from './key-mixes.ts'

const { q } = ringFacts
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
const seed = Number(process.env.MIXES_SEED ?? randomInt(2 ** 31))

/** The rule on plans: sets that leave so few out cannot be mixed. */
const isAllowed = (sites: number, colluders: number, least: number) =>
  least === sites || 4 * (sites - least) <= sites - colluders

const subsets = (of: readonly number[], size: number): number[][] =>
  size === 0 ? [[]] : of.flatMap((first, i) => subsets(of.slice(i + 1), size - 1).map((rest) => [first, ...rest]))

/** Every way to split `count` holders by whom they miss: 0 nobody, else one dealer or another, whichever. */
function* splits(count: number, first: readonly number[] = []): Generator<readonly number[]> {
  if (first.length === count) return yield first
  const next = Math.max(0, ...first) + 1
  for (let missing = 0; missing <= next; missing++) yield* splits(count, [...first, missing])
}

const found = (
  t: number,
  colluding: readonly number[],
  told: readonly Told[],
  dealers: readonly number[],
): string[] => {
  const mixes = keyMixes(q, t, colluding, told, dealers)
  if (isOneSet(mixes, told, dealers)) return []
  return [`t ${t}, colluders ${colluding}: ${told.map((each) => `${each.holder} is told ${each.dealers}`).join('; ')}`]
}

it.each([5, 6, 7, 8])(
  'R7 mixed sets: %i sites of which one may be away: whatever set each holder is told, fewer than 2t - m colluders get one sum at most',
  (sites) => {
    const wrong: string[] = []
    const seen = new Map<number, number>()
    for (const colluders of upTo(sites).map((c) => c - 1)) {
      const t = threshold(sites, colluders)
      if (t > sites || !isAllowed(sites, colluders, sites - 1)) continue
      // Fewer rows, and the same: a smaller t - k leaves every combination of a larger one.
      for (let k = 0; k < 2 * t - sites; k++) seen.set(k, Math.min(seen.get(k) ?? sites, t))
    }
    let families = 0
    let sums = 0
    for (const [k, t] of seen)
      for (const colluding of subsets(upTo(sites), k)) {
        const honest = upTo(sites).filter((site) => !colluding.includes(site))
        // Whom a number stands for is all the same: the dealers' polynomials know nothing of their names.
        const dealers = upTo(honest.length)
        for (const missing of splits(honest.length)) {
          const told = honest.map((holder, i) => ({ holder, dealers: dealers.filter((v) => v !== missing[i]) }))
          families++
          if (keyMixes(q, t, colluding, told, dealers).length > 0) sums++
          wrong.push(...found(t, colluding, told, dealers))
        }
      }
    expect(wrong).toEqual([])
    // Where enough holders are told one set, its sum is found.
    expect(families).toBeGreaterThan(200)
    expect(sums).toBeGreaterThan(10)
  },
)

/** Each holder is told one of a few sets; which, and what they leave out, by chance. */
const randomTold = (honest: readonly number[], dealers: readonly number[], away: number, random: () => number) => {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const sets = Array.from({ length: 2 + Math.floor(random() * 7) }, () => {
    const missing = Array.from({ length: away }, () => pick([...dealers, 0]))
    return dealers.filter((dealer) => !missing.includes(dealer))
  })
  return honest.map((holder) => ({ holder, dealers: pick(sets) }))
}

/** Marsaglia's xorshift: repeatable. */
const randomOf = (start: number) => {
  let state = start | 1
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
}

it.each([
  { sites: 8, colluders: 0, least: 6 },
  { sites: 10, colluders: 2, least: 8 },
  { sites: 12, colluders: 0, least: 9 },
  { sites: 16, colluders: 0, least: 12 },
])(
  `R7 mixed sets: $sites sites, c $colluders, least $least: 4000 families of sets by chance (MIXES_SEED=${seed})`,
  ({ sites, colluders, least }) => {
    expect(isAllowed(sites, colluders, least)).toBe(true)
    const random = randomOf(seed)
    const t = threshold(sites, colluders)
    const wrong: string[] = []
    for (let i = 0; i < 4000; i++) {
      const colluding = upTo(sites)
        .toSorted(() => random() - 0.5)
        .slice(0, Math.floor(random() * (colluders + 1)))
        .toSorted((a, b) => a - b)
      const honest = upTo(sites).filter((site) => !colluding.includes(site))
      wrong.push(...found(t, colluding, randomTold(honest, honest, sites - least, random), honest))
    }
    expect(wrong).toEqual([])
  },
)

/** Prouhet 1851: {1,4,6,7} and {2,3,5,8} have equal sums of powers up to 2; also Tarry and Escott 1912: {1,5,6}, {2,3,7} and {0,4,5}, {1,2,6}, moved. */
const prouhet: readonly (readonly [readonly number[], readonly number[]])[] = [
  [
    [1, 4, 6, 7],
    [2, 3, 5, 8],
  ],
  [
    [1, 5, 6],
    [2, 3, 7],
  ],
  [
    [2, 6, 7],
    [3, 4, 8],
  ],
  [
    [1, 6, 3],
    [2, 5, 4],
  ],
]

it('R7 mixed sets: holders in Prouhet-Tarry-Escott sets, every pair of sets of 8, c 0, least 6, and both for the rest', () => {
  const dealers = upTo(8)
  const sets = [0, 1, 2]
    .flatMap((away) => subsets(dealers, away))
    .map((gone) => dealers.filter((v) => !gone.includes(v)))
  const t = threshold(8, 0)
  const wrong: string[] = []
  for (const [left, right] of prouhet)
    for (const one of sets)
      for (const other of sets) {
        const told = dealers.map((holder) => ({
          holder,
          dealers: left.includes(holder) ? one : right.includes(holder) ? other : dealers,
        }))
        wrong.push(...found(t, [], told, dealers))
      }
  expect(wrong).toEqual([])
})

it('mixed sets: outside the rule they are found: 6 sites, c 0, least 3, and no set with enough answers', () => {
  const [a, b] = [
    [1, 3, 6],
    [2, 4, 5],
  ]
  const toldOf: Readonly<Record<number, readonly number[]>> = { 1: a, 6: a, 2: b, 5: b, 3: upTo(6), 4: upTo(6) }
  const told = upTo(6).map((holder) => ({ holder, dealers: toldOf[holder] as readonly number[] }))
  expect(isAllowed(6, 0, 3)).toBe(false)
  const [mix, ...others] = keyMixes(q, threshold(6, 0), [], told, upTo(6))
  expect(others).toEqual([])
  const [one, two] = [mix!.keys[0]!, mix!.keys[1]!]
  expect(one).toBe((5n * two) % q.value)
  expect(mix!.keys).toEqual(upTo(6).map((dealer) => (a.includes(dealer) ? one : two)))
  expect(isOneSet([mix!], told, upTo(6))).toBe(false)
})

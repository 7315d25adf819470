/** A way to divide the atoms into groups, and what each group's share of the rows is to be; the shares add up to 1. */
export interface Margin {
  /** By atom. */
  readonly group: readonly number[]
  readonly shares: readonly number[]
}

const mostPasses = 4000
const close = 1e-12
const enough = 1e-9

/** `worst`: the margin that is furthest from its shares where they cannot all hold. */
export type Fit = { readonly shares: readonly number[] } | { readonly worst: number }

/**
 * The shares of atoms nearest to `masses` (least relative entropy, Csiszár 1975) under which every group has its share: iterative
 * proportional fitting (Deming and Stephan 1940). Inside every atom nothing changes. Cost: passes x margins x atoms, 4000 passes
 * at most.
 */
export const fittedShares = (masses: readonly number[], margins: readonly Margin[]): Fit => {
  const whole = masses.reduce((a, b) => a + b, 0)
  const shares = masses.map((mass) => mass / whole)
  for (let pass = 0; pass < mostPasses; pass++) {
    let furthest = 0
    for (const { group, shares: wanted } of margins) {
      const sums = summed(shares, group, wanted.length)
      wanted.forEach((share, g) => (furthest = Math.max(furthest, Math.abs(share - sums[g]!))))
      shares.forEach((share, i) => {
        const sum = sums[group[i]!]!
        if (sum > 0) shares[i] = (share * wanted[group[i]!]!) / sum
      })
    }
    if (furthest < close) break
  }
  const errors = margins.map(({ group, shares: wanted }) => {
    const sums = summed(shares, group, wanted.length)
    return Math.max(...wanted.map((share, g) => Math.abs(share - sums[g]!)))
  })
  const worst = errors.indexOf(Math.max(0, ...errors))
  return worst >= 0 && errors[worst]! > enough ? { worst } : { shares }
}

const summed = (values: readonly number[], group: readonly number[], groups: number): Float64Array => {
  const sums = new Float64Array(groups)
  values.forEach((value, i) => (sums[group[i]!]! += value))
  return sums
}

/**
 * Whole numbers of rows, adding up to `rows`, near `shares` x rows, under which every group of every margin has its share of the
 * rows, rounded up or down: largest remainders first, then one row at a time from atom to atom while that brings a group nearer.
 * Null where that ends before all groups are there. An atom without a share gets no row. Cost: atoms^2 x margins a step.
 */
export const quotasOf = (shares: readonly number[], rows: number, margins: readonly Margin[]): number[] | null => {
  const quotas = largestRemainders(shares, rows)
  const counts = margins.map(({ group, shares: wanted }) => summed(quotas, group, wanted.length))
  const excess = (margin: number, g: number, change: number): number => {
    const target = margins[margin]!.shares[g]! * rows
    const count = counts[margin]![g]! + change
    return Math.max(0, count - Math.ceil(target - rounding), Math.floor(target + rounding) - count)
  }
  /** What a row moved from one atom to another takes off the distance. */
  const gain = (from: number, to: number): number => {
    let sum = 0
    margins.forEach(({ group }, m) => {
      const [a, b] = [group[from]!, group[to]!]
      if (a !== b) sum += excess(m, a, 0) + excess(m, b, 0) - excess(m, a, -1) - excess(m, b, 1)
    })
    return sum
  }
  const isThere = () => margins.every(({ shares: wanted }, m) => wanted.every((_, g) => excess(m, g, 0) === 0))
  while (!isThere()) {
    let best = { gain: 0, strain: 0, from: -1, to: -1 }
    for (let from = 0; from < quotas.length; from++) {
      if (quotas[from] === 0) continue
      for (let to = 0; to < quotas.length; to++) {
        if (to === from || shares[to] === 0) continue
        const gained = gain(from, to)
        if (gained <= 0 || gained < best.gain) continue
        const strain = quotas[to]! - shares[to]! * rows - (quotas[from]! - shares[from]! * rows)
        if (gained > best.gain || strain < best.strain) best = { gain: gained, strain, from, to }
      }
    }
    if (best.from < 0) return null
    quotas[best.from]!--
    quotas[best.to]!++
    margins.forEach(({ group }, m) => {
      counts[m]![group[best.from]!]!--
      counts[m]![group[best.to]!]!++
    })
  }
  return quotas
}

/** A share of the rows is a whole number where it is this near to one. */
const rounding = 1e-6

/** Hamilton's method; of equal remainders the first. */
export const largestRemainders = (shares: readonly number[], rows: number): number[] => {
  const quotas = shares.map((share) => Math.floor(share * rows + rounding))
  const left = rows - quotas.reduce((a, b) => a + b, 0)
  const order = shares
    .map((share, i) => ({ i, remainder: share * rows - quotas[i]! }))
    .filter(({ i }) => shares[i]! > 0)
    .sort((a, b) => b.remainder - a.remainder || a.i - b.i)
  for (let k = 0; k < left; k++) quotas[order[k % order.length]!.i]!++
  return quotas
}

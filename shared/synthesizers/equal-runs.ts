/**
 * Levels in their order, cut into `runs` runs of mass as equal as whole levels allow: a level's run, from 0 upwards. The cut
 * minimises the largest run of more than one level; runs left over halve the heaviest. No run is empty while there are as many
 * levels as runs. `mass`: not negative, any sum, zeros allowed. Cost: 64 passes over the levels, and runs squared.
 */
export const equalRuns = (mass: Float64Array, runs: number): Uint16Array => {
  const total = mass.reduce((a, b) => a + b, 0)
  let low = 0
  let high = total
  for (let i = 0; i < 64 && low < high; i++) {
    const middle = (low + high) / 2
    if (startsWithin(mass, middle, runs) === null) low = middle
    else high = middle
  }
  const starts = startsWithin(mass, high, runs) ?? [0]
  while (starts.length < Math.min(runs, mass.length)) split(mass, starts)
  const run = new Uint16Array(mass.length)
  starts.forEach((start, i) => run.fill(i, start, starts[i + 1] ?? mass.length))
  return run
}

/** First level of each run when a run takes levels while it stays within `most`; null when that needs more than `runs`. */
const startsWithin = (mass: Float64Array, most: number, runs: number): number[] | null => {
  const starts = [0]
  let held = mass[0] ?? 0
  for (let level = 1; level < mass.length; level++) {
    held += mass[level]!
    if (held <= most) continue
    if (starts.push(level) > runs) return null
    held = mass[level]!
  }
  return starts
}

/** Halves the heaviest run of more than one level, of equally heavy ones the longest. */
const split = (mass: Float64Array, starts: number[]): void => {
  const end = (i: number) => starts[i + 1] ?? mass.length
  let chosen = -1
  let chosenMass = 0
  for (let i = 0; i < starts.length; i++) {
    const length = end(i) - starts[i]!
    if (length < 2) continue
    const weight = sumOf(mass, starts[i]!, end(i))
    const isLonger = chosen >= 0 && weight === chosenMass && length > end(chosen) - starts[chosen]!
    if (chosen < 0 || weight > chosenMass || isLonger) {
      chosen = i
      chosenMass = weight
    }
  }
  const first = starts[chosen]!
  const last = end(chosen) - 1
  let cut = first + 1
  if (chosenMass === 0) cut = (first + last + 1) >> 1
  else for (let held = mass[first]!; cut < last && held + mass[cut]! / 2 < chosenMass / 2; cut++) held += mass[cut]!
  starts.splice(chosen + 1, 0, cut)
}

const sumOf = (values: Float64Array, start: number, end: number): number => {
  let sum = 0
  for (let i = start; i < end; i++) sum += values[i]!
  return sum
}

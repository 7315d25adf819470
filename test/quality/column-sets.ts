const threeWaySets = 200

/** All sets of `ways` of `columns` columns, ascending; of 3 ways 200 spread evenly over them, always the same. */
export const columnSets = (columns: number, ways: 1 | 2 | 3): number[][] => {
  let sets: number[][] = [[]]
  for (let way = 0; way < ways; way++)
    sets = sets.flatMap((set) =>
      Array.from({ length: columns }, (_, j) => j).flatMap((j) => (j > (set.at(-1) ?? -1) ? [[...set, j]] : [])),
    )
  if (ways < 3 || sets.length <= threeWaySets) return sets
  return Array.from({ length: threeWaySets }, (_, i) => sets[Math.floor(((i + 0.5) * sets.length) / threeWaySets)]!)
}

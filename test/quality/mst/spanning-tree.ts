export type Edge = readonly [number, number]

/**
 * A spanning tree of `columns` columns, edge by edge (McKenna, Miklau and Sheldon 2021, algorithm 1): each pick by the exponential
 * mechanism at `epsilon` among the edges that join two parts, for a score of sensitivity 1. `uniform`: numbers in (0, 1).
 */
export const privateSpanningTree = (
  columns: number,
  scoreOf: (edge: Edge) => number,
  epsilon: number,
  uniform: () => number,
): Edge[] => {
  const part = Array.from({ length: columns }, (_, j) => j)
  const scores = new Map<Edge, number>()
  for (let a = 0; a < columns; a++)
    for (let b = a + 1; b < columns; b++) {
      const edge: Edge = [a, b]
      scores.set(edge, scoreOf(edge))
    }
  const tree: Edge[] = []
  while (tree.length < columns - 1) {
    const open = [...scores.keys()].filter(([a, b]) => part[a] !== part[b])
    const picked =
      open[
        exponentialPick(
          open.map((edge) => scores.get(edge)!),
          epsilon,
          uniform(),
        )
      ]!
    tree.push(picked)
    const [kept, joined] = [part[picked[0]]!, part[picked[1]]!]
    part.forEach((own, j) => {
      if (own === joined) part[j] = kept
    })
  }
  return tree
}

/** One of `scores` with chance proportional to exp(epsilon score / 2) (McSherry and Talwar 2007). */
const exponentialPick = (scores: readonly number[], epsilon: number, uniform: number): number => {
  const top = Math.max(...scores)
  const weights = scores.map((score) => Math.exp((epsilon * (score - top)) / 2))
  let left = uniform * weights.reduce((sum, weight) => sum + weight, 0)
  const at = weights.findIndex((weight) => {
    left -= weight
    return left < 0
  })
  return at < 0 ? scores.length - 1 : at
}

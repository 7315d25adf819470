/**
 * Least log delta of rho-zCDP at `epsilon` over the Renyi orders (Canonne, Kamath and Steinke 2020, corollary 13): the order that
 * minimises (a - 1)(a rho - epsilon) + a log(1 - 1/a) - log(a - 1), by bisection of its derivative.
 */
const logDeltaOf = (rho: number, epsilon: number): number => {
  let [low, high] = [1.01, (epsilon + 1) / (2 * rho) + 2]
  for (let i = 0; i < 200; i++) {
    const order = (low + high) / 2
    const slope = (2 * order - 1) * rho - epsilon + Math.log1p(-1 / order)
    if (slope < 0) low = order
    else high = order
  }
  const order = (low + high) / 2
  return (order - 1) * (order * rho - epsilon) + order * Math.log1p(-1 / order) - Math.log(order - 1)
}

/** The largest rho whose mechanisms are (epsilon, delta)-private. */
export const rhoOf = (epsilon: number, delta: number): number => {
  let [low, high] = [0, epsilon + 1]
  for (let i = 0; i < 200; i++) {
    const rho = (low + high) / 2
    if (logDeltaOf(rho, epsilon) <= Math.log(delta)) low = rho
    else high = rho
  }
  return low
}

/** What MST buys of a budget of `rho` for `columns` columns: a third each for 1-way marginals, the tree, and its 2-way marginals. */
export const mstBudget = (rho: number, columns: number) => {
  const sigma = Math.sqrt(3 / (2 * rho))
  return {
    /** Standard deviation of a count in each 1-way marginal: one unit is in one cell of each. */
    oneWayNoise: sigma * Math.sqrt(columns),
    /** Epsilon of each pick of an edge: epsilon^2 / 8 of zCDP. */
    pickEpsilon: columns > 1 ? Math.sqrt((8 * rho) / 3 / (columns - 1)) : 0,
    twoWayNoise: columns > 1 ? sigma * Math.sqrt(columns - 1) : 0,
  }
}

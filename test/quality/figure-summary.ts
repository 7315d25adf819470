import type { GroupFigures } from './subgroups.ts'
import type { TableFigures } from './table-figures.ts'

/** Of one figure over seeds: mean and standard deviation, and the same of its excess over real rows of the same seed. */
export interface FigureSummary {
  readonly mean: number
  readonly deviation: number
  readonly excess: number
  readonly excessDeviation: number
}

/** How a method serves a group: its mean excess over real rows. */
export interface GroupExcess {
  readonly name: string
  readonly excess: number
}

export interface MethodSummary {
  readonly method: string
  readonly figures: Readonly<Record<string, FigureSummary>>
  /** Worst first: the distance of pairs inside the group; the AUC lost in it. */
  readonly groups: { readonly tvd2: readonly GroupExcess[]; readonly auc: readonly GroupExcess[] }
  readonly seconds: { readonly fit: number; readonly measure: number }
}

export interface MethodRun extends TableFigures {
  readonly seconds: { readonly fit: number; readonly measure: number }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Of a sample; 0 for one value. */
const deviationOf = (values: readonly number[]): number => {
  if (values.length < 2) return 0
  const mean = meanOf(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
}

/** `runs` and `real`: one for each seed, in the same order. */
export const summaryOf = (method: string, runs: readonly MethodRun[], real: readonly TableFigures[]): MethodSummary => {
  const names = Object.keys(runs[0]?.figures ?? {})
  const figures = Object.fromEntries(
    names.map((name): [string, FigureSummary] => {
      const values = runs.map((run) => run.figures[name]!)
      const excesses = runs.map((run, i) => run.figures[name]! - real[i]!.figures[name]!)
      return [
        name,
        {
          mean: meanOf(values),
          deviation: deviationOf(values),
          excess: meanOf(excesses),
          excessDeviation: deviationOf(excesses),
        },
      ]
    }),
  )
  return {
    method,
    figures,
    groups: {
      tvd2: excessOf(runs, real, ({ tvd2 }, ceiling) => (ceiling.tvd2 === null ? null : (tvd2 ?? 1) - ceiling.tvd2)),
      auc: excessOf(runs, real, ({ auc }, ceiling) =>
        auc === null || ceiling.auc === null ? null : ceiling.auc - auc,
      ),
    },
    seconds: {
      fit: meanOf(runs.map(({ seconds }) => seconds.fit)),
      measure: meanOf(runs.map(({ seconds }) => seconds.measure)),
    },
  }
}

const excessOf = (
  runs: readonly TableFigures[],
  real: readonly TableFigures[],
  lossOf: (group: GroupFigures, ceiling: GroupFigures) => number | null,
): GroupExcess[] => {
  const losses = new Map<string, number[]>()
  runs.forEach(({ groups }, i) => {
    for (const group of groups) {
      const ceiling = real[i]!.groups.find(({ name }) => name === group.name)
      const loss = ceiling === undefined ? null : lossOf(group, ceiling)
      if (loss !== null) losses.set(group.name, [...(losses.get(group.name) ?? []), loss])
    }
  })
  return [...losses].map(([name, of]) => ({ name, excess: meanOf(of) })).sort((a, b) => b.excess - a.excess)
}

import type { GroupExcess, MethodSummary } from './figure-summary.ts'

/** Where the ceiling is 0 or means nothing, an excess does too. */
const withoutExcess = /^(discriminator|calibration_slope|rare_|violations)/

const titles: Readonly<Record<string, string>> = {
  tvd1: 'TVD, 1-way',
  tvd1_worst: 'TVD, worst column',
  tvd2: 'TVD, 2-way',
  tvd3: 'TVD, 3-way',
  correlation: "Cramer's V error",
  auc_trees: 'AUC, boosted trees',
  auc_logistic: 'AUC, logistic',
  calibration_error: 'calibration error',
  calibration_slope: 'calibration slope',
  discriminator: 'discriminator AUC',
  rare_covered: 'rare levels kept',
  rare_lost: 'rare levels lost',
  violations: 'rows breaking a rule',
}

const titleOf = (name: string): string => {
  const [kind = '', ...target] = name.split(' ')
  return [titles[kind] ?? kind, ...target].join(' ')
}

const signed = (value: number): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4).replace(/^0/, '')}`

const worstText = ([worst]: readonly GroupExcess[]): string =>
  worst === undefined ? '' : `${signed(worst.excess)} ${worst.name}`

/**
 * Figures down, methods across, real rows first: `mean ~deviation +excess over real rows`, without a deviation for one seed. Monospaced,
 * right for a terminal and a code block.
 */
export const benchTable = (methods: readonly MethodSummary[], seeds: number): string => {
  const names = Object.keys(methods[0]?.figures ?? {})
  const rows = names.map((name) => [
    titleOf(name),
    ...methods.map(({ figures }, i) => {
      const figure = figures[name]
      if (figure === undefined) return ''
      const spread = seeds > 1 ? ` ~${figure.deviation.toFixed(4).replace(/^0/, '')}` : ''
      const excess = i === 0 || withoutExcess.test(name) ? '' : ` ${signed(figure.excess)}`
      return `${figure.mean.toFixed(4)}${spread}${excess}`
    }),
  ])
  if (methods.some(({ groups }) => groups.tvd2.length > 0))
    rows.push(['worst group, TVD 2-way', ...methods.map(({ groups }, i) => (i === 0 ? '' : worstText(groups.tvd2)))])
  if (methods.some(({ groups }) => groups.auc.length > 0))
    rows.push(['worst group, AUC lost', ...methods.map(({ groups }, i) => (i === 0 ? '' : worstText(groups.auc)))])
  rows.push(['seconds to fit', ...methods.map(({ seconds }, i) => (i === 0 ? '' : seconds.fit.toFixed(1)))])
  const all = [['', ...methods.map(({ method }) => method)], ...rows]
  const widths = all[0]!.map((_, column) => Math.max(...all.map((row) => row[column]!.length)))
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

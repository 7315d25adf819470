import { printData } from '@tributary/shared/cli/output'
import { printable } from '@tributary/shared/cli/printable'
import { type GeneratorColumn, type GeneratorDetail, generatorDetailSchema, generatorsSchema } from '../api/schemas.ts'
import { apiPath } from './api-client.ts'
import { findGenerator } from './find-generator.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { openSession } from './session.ts'
import { deltaText, epsilonText, shellWord, textList, textTable, wholeText } from './text-table.ts'

/** `tributary catalog [generator]` */
export const catalog = async (
  text: string | undefined,
  options: RemoteOptions,
  ports: ResearcherPorts,
): Promise<void> => {
  const { api } = await openSession(ports, options)
  const json = options.json === true
  if (text === undefined) {
    const list = await api.json('/generators', generatorsSchema)
    const [first] = list.generators
    const next =
      first === undefined ? 'tributary catalog' : `tributary catalog ${shellWord(printable(first.generator))}`
    printData(list, { json, next, text: first === undefined ? '(none yet)' : table(list.generators) })
    return
  }
  const { study } = await findGenerator(api, text)
  const detail = await api.json(apiPath('generators', study), generatorDetailSchema)
  printData(detail, { json, text: details(detail), next: `tributary probe ${shellWord(printable(detail.generator))}` })
}

const table = (
  generators: readonly Omit<GeneratorDetail, 'columns' | 'estimand' | 'odds' | 'model_sha256'>[],
): string =>
  textTable(
    ['generator', 'sites', 'patients', 'unit', 'epsilon', 'epsilon to a site', 'delta', 'completed', 'purpose'],
    generators.map((each) => [
      each.generator,
      String(each.sites.length),
      wholeText(each.promised_patients),
      each.unit,
      epsilonText(each.epsilon.public),
      epsilonText(each.epsilon.peer),
      deltaText(each.delta),
      each.completed.slice(0, 10),
      each.purpose,
    ]),
  )

const details = (generator: GeneratorDetail): string => {
  const { epsilon, odds, sites } = generator
  const facts = textList([
    ['generator', generator.generator],
    ['study', generator.study],
    ['purpose', generator.purpose],
    ['estimand', generator.estimand],
    ['sites', `${sites.length}: ${sites.join(', ')}`],
    ['patients', `${wholeText(generator.promised_patients)}, as the sites promised`],
    [
      'epsilon',
      `${epsilonText(epsilon.public)} to the public, ${epsilonText(epsilon.peer)} to another hospital; delta ${deltaText(generator.delta)}; unit = one ${generator.unit}`,
    ],
    ['odds, public', odds.public],
    ['odds, a site', odds.peer],
    ...(generator.held_out === undefined ? [] : [['held out', generator.held_out.sentence] as const]),
    ['model', `sha256 ${generator.model_sha256}`],
    ['completed', generator.completed],
  ])
  const columns = [...generator.columns].sort((a, b) => a.position - b.position)
  const variables = textTable(
    ['variable', 'condition', 'missing', 'values'],
    columns.map((column) => [column.name, column.handling, column.missing ? 'may be' : 'never', values(column)]),
  )
  return `${facts}\n\n${variables}`
}

const values = (column: GeneratorColumn): string => {
  if (column.kind === 'categorical') {
    const shown = column.levels.slice(0, 12).join(' | ')
    return column.levels.length > 12 ? `${shown} | ... (${column.levels.length} levels)` : shown
  }
  if (column.kind === 'date') return `date, ${column.from} to ${column.to}, by the ${column.every}`
  const what = column.integer ? 'whole number' : 'number'
  const unit = column.unit === undefined ? '' : ` ${column.unit}`
  return `${what}, ${column.bins[0] ?? '?'} to ${column.maximum}${unit}, in ${column.bins.length} bins`
}

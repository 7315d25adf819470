import { type Json, listField } from './program.ts'

const place = (problem: Json): string => {
  const part = (name: string) => {
    const value = problem[name]
    return typeof value === 'string' || typeof value === 'number' ? [`${name} ${value}`] : []
  }
  return [...part('column'), ...part('row'), ...part('line')].join(', ')
}

/**
 * What keeps a table from being approved, one line a problem: hospital, column, first row or line, kind, how many. `said` is what
 * `site-agent study check --json` printed: the envelope with what it found, then an error where that is in the way of approval. No
 * value of a row is in it. Empty where the command found nothing or came to nothing.
 */
export const tableProblems = (site: string, said: readonly Json[]): string[] => {
  const data = said.find((line) => line['status'] === 'ok')?.['data']
  if (typeof data !== 'object' || data === null) return []
  return listField(data as Json, 'problems')
    .filter((problem) => problem['blocks'] === true)
    .map((problem) => {
      const at = place(problem)
      return `${site}${at && `, ${at}`}: ${problem['kind']}: ${problem['detail']} (there are ${problem['count']})`
    })
}

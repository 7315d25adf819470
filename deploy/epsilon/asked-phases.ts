import type { Phase } from '@tributary/shared/dp/accountant'
import { requirePriced } from '@tributary/shared/dp/phase'
import { CodedError, type ErrorCode } from '@tributary/shared/errors'
import { count, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { parseDocument } from 'yaml'

/** Each distinct phase costs the accountant a transform and a grid. */
const mostPhases = 100
const keys = ['sigma', 'q', 'steps', 'records'] as const
const form = '[{"sigma":1,"q":0.01,"steps":1000}]'

const refuse = (code: ErrorCode, place: string, message: string): never => {
  throw new CodedError(code, `${place}: ${message}`, { place: { field: place } })
}

/** One of the units' checks, its refusal naming the place in the list. */
const checked = <T>(place: string, value: unknown, check: (value: number) => T): T => {
  if (typeof value !== 'number') return refuse('ARGUMENT_INVALID', place, 'must be a number')
  try {
    return check(value)
  } catch (thrown) {
    if (thrown instanceof CodedError) return refuse(thrown.code, place, thrown.message)
    throw thrown
  }
}

const phaseOf = (entry: unknown, place: string): Phase => {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    return refuse('ARGUMENT_INVALID', place, `must be an object like ${form.slice(1, -1)}`)
  const given = new Map<string, unknown>(Object.entries(entry))
  for (const key of given.keys())
    if (!keys.some((known) => known === key))
      refuse('ARGUMENT_INVALID', `${place}.${key}`, `no such key; a phase has ${keys.join(', ')}`)
  for (const key of ['sigma', 'q', 'steps'])
    if (!given.has(key)) refuse('ARGUMENT_INVALID', `${place}.${key}`, 'is missing')
  const records = given.has('records') ? given.get('records') : 1
  const phase: Phase = {
    noiseMultiplier: checked(`${place}.sigma`, given.get('sigma'), noiseMultiplier),
    samplingRate: checked(`${place}.q`, given.get('q'), samplingRate),
    steps: checked(`${place}.steps`, given.get('steps'), (value) => count('steps', value, 1)),
    recordsPerUnit: checked(`${place}.records`, records, (value) => count('records', value, 1)),
  }
  for (const [what, key] of [
    ['sigma', 'sigma'],
    ['rate', 'q'],
    ['steps', 'steps'],
  ] as const)
    checked(`${place}.${key}`, given.get(key), (value) => requirePriced(what, key, value))
  checked(`${place}.records`, records, (value) => requirePriced('records', 'records', value))
  checked(`${place}.records`, phase.noiseMultiplier / (phase.recordsPerUnit ?? 1), (value) =>
    requirePriced('sigmaPerRecord', 'sigma over records', value),
  )
  return phase
}

/** JSON.parse keeps the last of two equal keys in silence; every JSON text is YAML too, whose parser tells. */
const hasDoubledKey = (text: string): boolean =>
  parseDocument(text, { schema: 'json', prettyErrors: false }).errors.some(({ code }) => code === 'DUPLICATE_KEY')

/**
 * The phases of `--phases`: a JSON list of `{sigma, q, steps, records?}`; sigma is noise over clip norm, q the Poisson sampling
 * rate, records how many rows of one patient are drawn independently. Throws `ARGUMENT_INVALID` for what is no such list and
 * `UNIT_OUT_OF_RANGE` for a number outside its range, each with its place (`phases[0].sigma`).
 */
export const askedPhases = (text: string): readonly Phase[] => {
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch {
    return refuse('ARGUMENT_INVALID', 'phases', `must be JSON like ${form} (NaN and Infinity are no JSON)`)
  }
  if (hasDoubledKey(text)) return refuse('ARGUMENT_INVALID', 'phases', 'a key stands twice in one object')
  if (!Array.isArray(list) || list.length === 0)
    return refuse('ARGUMENT_INVALID', 'phases', `must be a list of at least one phase, like ${form}`)
  if (list.length > mostPhases) return refuse('ARGUMENT_INVALID', 'phases', `may hold at most ${mostPhases} phases`)
  return list.map((entry, i) => phaseOf(entry, `phases[${i}]`))
}

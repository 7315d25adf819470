import { printData } from '@tributary/shared/cli/output'
import { requirePriced } from '@tributary/shared/dp/phase'
import { CodedError } from '@tributary/shared/errors'
import { count, type Delta, delta, epsilon, samplingRate } from '@tributary/shared/units'
import { Command } from 'commander'
import { askedPhases } from './asked-phases.ts'
import { noiseWords, planWords } from './epsilon-words.ts'
import { type NoiseForTarget, noiseForTarget, type Target } from './noise-for-target.ts'
import { planEpsilon } from './plan-epsilon.ts'

interface Options {
  readonly phases?: string
  readonly delta: string
  readonly calibrate?: true
  readonly target?: string
  readonly q?: string
  readonly steps?: string
  readonly json?: true
}

const examples = `
Examples:
  $ npm run -s epsilon -- --phases '[{"sigma":1,"q":0.01,"steps":1000}]' --delta 1e-5
  $ npm run -s epsilon -- --phases '[{"sigma":12,"q":1,"steps":1},{"sigma":1.5,"q":0.05,"steps":300}]' --json
  $ npm run -s epsilon -- --phases '[{"sigma":2,"q":0.05,"steps":300,"records":8}]'
  $ npm run -s epsilon -- --calibrate --target 1 --q 0.05 --steps 300

A phase is a number of releases alike: sigma is the noise over the clip norm, q the chance of a patient to be drawn
(1: everybody), records how many rows of one patient are drawn one by one (1 unless given).`

const refuse = (flag: string, message: string): never => {
  throw new CodedError('ARGUMENT_INVALID', `${flag} ${message}`, { place: { field: flag } })
}

/** A flag's number inside its range; an empty word or a hexadecimal one is no number here. */
const numberOf = <T>(flag: string, text: string | undefined, check: (value: number) => T): T => {
  if (text === undefined) return refuse(flag, 'is missing')
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text.trim())) return refuse(flag, 'must be a number')
  try {
    return check(Number(text))
  } catch (thrown) {
    if (thrown instanceof CodedError)
      throw new CodedError(thrown.code, `${flag}: ${thrown.message}`, { place: { field: flag } })
    throw thrown
  }
}

/** Gaussian noise promises nothing at delta 0, so it must be above. */
const positive = (value: number): Delta => {
  if (value > 0 && value < 1) return delta(value)
  throw new CodedError('UNIT_OUT_OF_RANGE', `delta must be above 0 and below 1, got ${value}`)
}

/** What no noise that is priced reaches is refused where it was asked for. */
const noiseFor = (asked: Target): NoiseForTarget => {
  try {
    return noiseForTarget(asked)
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown
    throw new CodedError('UNIT_OUT_OF_RANGE', `--target: ${thrown.message}`, { place: { field: '--target' } })
  }
}

const answer = (options: Options): { readonly data: object; readonly text: string } => {
  const { target, q, steps } = options
  const bound = numberOf('--delta', options.delta, positive)
  if (options.calibrate) {
    if (options.phases !== undefined)
      return refuse('--phases', 'is not for --calibrate: give --target, --q and --steps')
    const noise = noiseFor({
      target: numberOf('--target', target, epsilon),
      q: numberOf('--q', q, (value) => samplingRate(requirePriced('rate', 'q', samplingRate(value)))),
      steps: numberOf('--steps', steps, (value) => requirePriced('steps', 'steps', count('steps', value, 1))),
      delta: bound,
    })
    return { data: noise, text: noiseWords(noise) }
  }
  for (const [flag, value] of Object.entries({ '--target': target, '--q': q, '--steps': steps }))
    if (value !== undefined) return refuse(flag, 'is for --calibrate')
  if (options.phases === undefined) return refuse('--phases', 'is missing (or --calibrate)')
  const plan = planEpsilon(askedPhases(options.phases), bound)
  return { data: plan, text: planWords(plan) }
}

/**
 * `npm run epsilon`: what a plan costs, or what noise a cost needs. --json prints the figures as one bare object, made to be
 * compared with other accountants; errors are the usual envelope. `write` gets what goes to stdout.
 */
export const epsilonCommand = (write: (text: string) => void): Command =>
  new Command('epsilon')
    .description('Epsilon of a plan of noisy sums, or the noise for an epsilon, and what that means for one patient.')
    .option('--phases <json>', 'the plan: a list of {"sigma", "q", "steps", "records"?}')
    .option(
      '--delta <number>',
      'allowance beside epsilon, as if, with that probability, anything might be revealed; above 0 and below 1',
      '1e-5',
    )
    .option('--calibrate', 'find the least sigma for --target, --q and --steps')
    .option('--target <epsilon>', 'epsilon that may be spent (with --calibrate)')
    .option('--q <rate>', 'chance of a patient to be drawn in a step (with --calibrate)')
    .option('--steps <number>', 'how many steps (with --calibrate)')
    .option('--json', 'print one JSON object')
    .addHelpText('after', examples)
    .action((options: Options) => {
      const { data, text } = answer(options)
      if (options.json) write(`${JSON.stringify(data)}\n`)
      else printData(text)
    })

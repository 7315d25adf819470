import type { RandomSource } from '@tributary/shared/ports'
import type { Engine } from '@tributary/shared/tensor/engine'
import { openedSum } from '../quality/pooled-training.ts'
import { type AuditLine, judge } from './canary-audit.ts'
import { countedPairs, ownLevels, pairsOfLevels } from './canary-design.ts'
import { observe } from './white-box.ts'

/**
 * One run of each design: unsampled histograms, the whole plan that they open, gradients through a hidden layer, and tables of two
 * columns. `say` hears of every sum before it is made.
 */
export const runAudit = async (
  canaries: number,
  engine: Engine,
  random: RandomSource,
  say: (text: string) => void = () => {},
): Promise<AuditLine[]> => {
  const levels = ownLevels(canaries)
  const pairs = pairsOfLevels(Math.floor(Math.sqrt(canaries / 4)))
  const tables = countedPairs(Math.floor(Math.sqrt(canaries / 4)))
  let opened = 0
  const opening: typeof openedSum = (...of) => {
    say(`${of[0].name}: sum ${++opened}`)
    return openedSum(...of)
  }
  const seenLevels = await observe(levels, engine, random, opening)
  const seenPairs = await observe(pairs, engine, random, opening)
  const seenTables = await observe(tables, engine, random, opening)
  const whole = (manifest: { readonly privacy: { readonly epsilon: number } }) => ({
    claimed: manifest.privacy.epsilon,
  })
  return [
    judge('histogram, every patient', levels, seenLevels, { looked: [0] }),
    judge('whole plan, one column', levels, seenLevels, whole(levels.manifest)),
    judge('sampled gradients, clipped', pairs, seenPairs, whole(pairs.manifest)),
    judge('tables of two columns', tables, seenTables, whole(tables.manifest)),
  ]
}

const figure = (value: number) => value.toFixed(2)

/** For people: what is claimed, what one run shows, and how far they are apart. */
export const auditText = (lines: readonly AuditLine[]): string[] => lines.flatMap(textOf)

const textOf = ({ what, canaries, rounds, printed, deciding, noise, signal, fitted, refuted }: AuditLine): string[] => [
  `${what}: ${canaries} canaries, ${rounds} ${rounds === 1 ? 'round' : 'rounds'}`,
  `  claimed epsilon ${figure(printed.claimed)}, lower bound ${figure(printed.lower)} (${percent(printed.lower / printed.claimed)}) at delta ${printed.delta.toExponential()}, ` +
    `confidence ${percent(1 - printed.significance)}: ${printed.correct} of ${printed.guesses} guesses right`,
  `  to decide: claimed ${figure(deciding.claimed)}, lower bound ${figure(deciding.lower)} at delta ${deciding.delta.toExponential()}, wrong once in a million runs`,
  ...noise.map(
    (ratio, i) =>
      `  noise ${ratio.measured.toFixed(3)} of the plan's (${ratio.least.toFixed(3)} to ${ratio.most.toFixed(3)}), ` +
      `signal ${figure(signal[i]!.measured)} of the clip norm (${figure(signal[i]!.least)} to ${figure(signal[i]!.most)})`,
  ),
  `  noise as measured is worth epsilon ${figure(fitted.measured)} (${figure(fitted.least)} to ${figure(fitted.most)})`,
  `  ${refuted.length === 0 ? 'nothing refutes the claim' : `REFUTED: ${refuted.join('; ')}`}`,
]

const percent = (part: number) => `${Math.round(100 * part)} %`

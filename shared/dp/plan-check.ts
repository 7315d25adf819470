import { CodedError } from '../errors.ts'
import { fewestContributors, smallestScaleBits, threshold } from '../he/thresholds.ts'
import { checkFacts } from '../study/facts.ts'
import { holderCount, largestSite, promisedUnits } from '../study/federation.ts'
import { type Finding, invalid, refused, type StudyPath, StudyRefused } from '../study/finding.ts'
import { queriesOf } from '../study/plan-block.ts'
import type { Manifest, StudyDraft } from '../study/study-schema.ts'
import { delta } from '../units.ts'
import { committeeSizes, mostSitesWithoutCommittee } from '../wire/committee.ts'
import { priceOf } from './accountant.ts'
import { batchCapacity } from './batch-capacity.ts'
import { mostRowsOf, mostUnits } from './exact-sizes.ts'
import { noiseTable } from './noise-table.ts'
import { deepestFold, leastFoldedShare } from './fold.ts'
import { branchesOf } from './plan-branches.ts'
import { atMostFigure } from './odds.ts'
import { phasesOf, stepOf } from './plan-queries.ts'
import { pricePlan } from './plan-price.ts'
import type { Query } from './query.ts'
import { type QueryFacts, queryFactsOf } from './query-facts.ts'
import { leastClamp, slackLimit, slackOf, slotBitsOf, slotsFit } from './slack.ts'

/**
 * log2 of how far a draw of noise may be from its law. Each is charged 2^-64; what is left pays for the random order of a batch's
 * rows. All tables are within 2^-65.68.
 */
const mostTableDistance = -65.5

/** What a draft's privacy and federation blocks must keep before any plan is built: R7, R8, R20; and how large a site may be. */
export const checkPromises = (draft: StudyDraft): Finding[] => {
  const { privacy, federation, sites } = draft
  const { least_contributors: least, colluders, noise_shares: shares } = federation
  const found: Finding[] = []
  const check = (holds: boolean, path: StudyPath, message: string) => {
    if (!holds) found.push(refused(path, message))
  }
  const largest = 1 / (10 * promisedUnits(draft))
  check(
    privacy.delta <= largest || privacy.published_comparison === true,
    ['privacy', 'delta'],
    `above 1/(10 N) = ${largest.toPrecision(3)} for the promised ${privacy.unit}s; published_comparison: true allows it, flagged`,
  )
  const fewest = fewestContributors(sites.length, colluders)
  check(
    least >= fewest,
    ['federation', 'least_contributors'],
    `of ${sites.length} sites, ${colluders} of them colluding, at least ${fewest} must contribute`,
  )
  check(least <= sites.length, ['federation', 'least_contributors'], `there are only ${sites.length} sites`)
  check(
    shares <= least,
    ['federation', 'noise_shares'],
    `at most least_contributors = ${least} shares are sure to be there`,
  )
  const holders = holderCount(draft)
  check(threshold(holders, colluders) <= holders, ['federation', 'colluders'], `too many for ${holders} share holders`)
  const { least: smallest, most } = committeeSizes
  check(
    (federation.committee !== undefined) === sites.length > mostSitesWithoutCommittee,
    ['federation', 'committee'],
    sites.length > mostSitesWithoutCommittee
      ? `missing: with more than ${mostSitesWithoutCommittee} sites a committee of ${smallest} to ${most} holds the shares`
      : `only for more than ${mostSitesWithoutCommittee} sites: with fewer all of them hold shares`,
  )
  return [...found, ...checkSizes(draft)]
}

/** Sums of one site that stay exact, and sampled batches whose rows can be placed at random (R15). */
const checkSizes = (draft: StudyDraft): Finding[] => {
  const { privacy, sites } = draft
  const promise = privacy.unit === 'row' ? 'promised_rows' : 'promised_patients'
  const found = sites.flatMap((site, i) =>
    site[promise] <= mostUnits
      ? []
      : [refused(['sites', i, promise], `at most ${mostUnits} ${privacy.unit}s a site: beyond, sums are not exact`)],
  )
  const facts = draftFacts(draft)
  if (!('length' in facts)) return [...found, facts]
  for (const { kind, dimension } of facts)
    if (dimension > mostValues) found.push(refused(['family'], tooMany(kind, dimension)))
  for (const query of facts.filter(({ kind }) => kind === 'gradient')) {
    const [rows, most] = [batchCapacity(query, facts, draft, largestSite(draft)), mostRowsOf(query.dimension)]
    if (rows > most)
      found.push(
        refused(
          ['family', 'sampling_rate'],
          `batches of ${rows} rows at the largest site; at most ${most} are placed at random`,
        ),
      )
  }
  return found
}

/** Values of one vector: what a site and the coordinator hold in memory, several times over. */
const mostValues = 2 ** 25

const tooMany = (kind: string, dimension: number) =>
  `a release of ${kind} would have ${dimension.toLocaleString('en')} values, more than ${mostValues.toLocaleString('en')}: fewer levels or groups of them`

/** The study's queries, or why its family cannot ask any. */
const draftFacts = (draft: StudyDraft): readonly QueryFacts[] | Finding => {
  try {
    return queryFactsOf(draft)
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'ARGUMENT_INVALID') throw error
    const { field } = error.place
    return invalid(field === undefined ? ['family'] : ['family', field], error.message)
  }
}

/**
 * Everything a frozen plan must keep, each finding with the path of the line to change; empty when it may run. The plan's
 * numbers are recomputed from the study's facts; only the noise may differ from what the planner would choose, and it is
 * accepted for what it is worth: the whole plan must cost at most `privacy.epsilon`. Cost: that of `pricePlan`.
 */
export const checkPlan = (manifest: Manifest): Finding[] => {
  const early = [...checkFacts(manifest), ...checkPromises(manifest)]
  if (early.length > 0) return early
  const { plan, federation, privacy } = manifest
  const queries = queriesOf(plan)
  const facts = queryFactsOf(manifest)
  if (queries.length !== facts.length || queries.some(({ kind }, i) => kind !== facts[i]?.kind)) {
    const asks = facts.map(({ kind }) => kind).join(', then ')
    return [refused(['plan', 'queries'], `a plan of family ${manifest.family.name} asks for ${asks}, once each`)]
  }
  const found = facts.flatMap((expected, i) => checkQuery(manifest, queries[i]!, expected, ['plan', 'queries', i]))
  const t = threshold(holderCount(manifest), federation.colluders)
  if (plan.threshold !== t)
    found.push(refused(['plan', 'threshold'], `must be floor((share holders + colluders) / 2) + 1 = ${t}`))
  if (found.length > 0) return found
  return checkEpsilon(manifest, privacy.epsilon)
}

/** Throws `StudyRefused` (a CodedError) with all findings when the plan may not run. */
export const admitPlan = (manifest: Manifest): void => {
  const findings = checkPlan(manifest)
  if (findings.length > 0) throw new StudyRefused(findings)
}

const checkEpsilon = (manifest: Manifest, promised: number): Finding[] => {
  try {
    const { epsilon, idealNoise } = pricePlan(manifest).epsilon.target
    if (epsilon <= promised && !idealNoise) return []
    const at = ['plan', 'queries', dearestQuery(manifest), 'noise_multiplier']
    return [refused(at, `the plan costs epsilon ${atMostFigure(epsilon, 5)}, more than the promised ${promised}`)]
  } catch (error) {
    if (error instanceof StudyRefused) return [...error.findings]
    throw error
  }
}

/** Whose noise to change: the last training query's, or the scores' where held-out patients pay more than those trained on. */
const dearestQuery = ({ plan, federation, privacy }: Manifest): number => {
  const { training, heldOut } = branchesOf(queriesOf(plan))
  const shares = federation.noise_shares
  const cost = (branch: readonly Query[]) => priceOf(phasesOf(branch, shares, shares), delta(privacy.delta)).epsilon
  return heldOut.length > 0 && cost(heldOut) > cost(training) ? training.length : training.length - 1
}

const checkQuery = (manifest: Manifest, query: Query, expected: QueryFacts, path: StudyPath): Finding[] => {
  const { federation, sites } = manifest
  const { grid, kind } = query
  const found: Finding[] = []
  const check = (holds: boolean, field: string, message: string) => {
    if (!holds) found.push(refused([...path, ...field.split('.')], message))
  }
  const equal = (actual: number, expected: number, field: string, why: string) =>
    check(Math.abs(actual - expected) <= 1e-12 * expected, field, `must be ${expected}: ${why}`)
  equal(query.dimension, expected.dimension, 'dimension', 'the length of the vector that these columns give')
  equal(query.clipNorm, expected.clipNorm, 'clip_norm', 'the norm that the site clips to')
  equal(query.samplingRate, expected.samplingRate, 'sampling_rate', "the family's")
  equal(query.steps, expected.steps, 'steps', "the family's")
  equal(query.attempts, expected.attempts, 'attempts', 'the steps and the spares, all paid for')
  equal(query.divisor, expected.divisor, 'divisor', 'the sampling rate times the promised units')

  const enough = grid.shareSteps >= leastFoldedShare
  check(enough, 'grid.share_steps', `one site's noise must be at least ${leastFoldedShare} steps wide`)
  if (enough) found.push(...checkTable(grid, path))
  const step = stepOf(query.noiseMultiplier, query.clipNorm, federation.noise_shares, grid.shareSteps)
  equal(grid.step, step, 'grid.step', 'noise_multiplier clip_norm / sqrt(noise_shares) / share_steps')
  check(
    slackOf(query) <= slackLimit[kind],
    'grid.step',
    `rounding may add at most ${slackLimit[kind]} of the clip norm`,
  )

  check(
    !enough || grid.foldBits <= deepestFold(grid.shareSteps),
    'grid.fold_bits',
    `one site's noise must stay at least ${leastFoldedShare} steps wide after the fold`,
  )
  equal(
    grid.scaleBits,
    smallestScaleBits(sites.length),
    'grid.scale_bits',
    'the smallest that clears the encryption errors',
  )
  equal(
    grid.slotBits,
    slotBitsOf(grid.scaleBits, grid.valuesPerCoefficient),
    'grid.slot_bits',
    'what a coefficient holds',
  )
  check(
    slotsFit(sites.length, grid),
    'grid.clamp',
    `${sites.length} sites would overflow slots of ${grid.slotBits} bits, or exact numbers`,
  )
  const least = leastClamp(query, expected.reach, largestSite(manifest))
  check(
    grid.clamp * grid.step >= least,
    'grid.clamp',
    `saturates at ${(grid.clamp * grid.step).toPrecision(3)}, where ordinary sums need ${least.toPrecision(3)}`,
  )
  return found
}

const checkTable = (grid: Query['grid'], path: StudyPath): Finding[] => {
  try {
    const table = noiseTable(grid.shareSteps)
    if (table.log2Distance > mostTableDistance)
      return [refused([...path, 'grid', 'share_steps'], 'no sampler is close enough there')]
    if (table.noiseBound !== grid.noiseBound)
      return [refused([...path, 'grid', 'noise_bound'], `must be ${table.noiseBound}: the sampler's support`)]
    return []
  } catch {
    return [refused([...path, 'grid', 'share_steps'], 'no noise table has this width')]
  }
}

/*
 * Trains the study centrally on the pooled hospitals, by the product's own contributions and training at the noise that the
 * hospitals' plan adds, and prints how much worse its cohort is than the real training rows. For choosing a study's public
 * knobs: each may be changed here, and the plan is frozen anew for the study's epsilon.
 *
 *   node --conditions=source test/quality/central.ts [--study FILE] [--splits 3] [--from 0] [--steps N] [--sampling-rate Q]
 *     [--hidden N] [--learning-rate R] [--averaged-share S] [--marginals-share S] [--epsilon E] [--shares H]
 *     [--rows ROWS] [--engine wasm] [--json]
 */
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { layoutOfColumns } from '@tributary/shared/schema/column'
import { layoutOf } from '@tributary/shared/synthesizers/cells'
import { networkBlock } from '@tributary/shared/synthesizers/autoregressive/study-network'
import { type EngineName, loadEngine } from '@tributary/shared/tensor/engine'
import { root } from '../harness/sources.ts'
import { boundsOf, boundText } from './bounds.ts'
import { cohortCells } from './cohort-cells.ts'
import { type CohortQuality, outcomeOf, qualityOf, referenceOf } from './cohort-quality.ts'
import { datasetOf, readHospitals } from './dataset.ts'
import { machine, machineText } from './machine.ts'
import { meanRange, meanRangeText } from './mean-range.ts'
import { publicEpsilon, variantOf } from './noise-variants.ts'
import { pooled, splitOf, unitsOf, weighted } from './patient-splits.ts'
import { recordsOf, trainPooled } from './pooled-training.ts'

const knob = { type: 'string' } as const
const { values: options } = parseArgs({
  options: {
    study: { type: 'string', default: join(root, 'deploy/samples/studies/diabetes5-row.yaml') },
    splits: { type: 'string', default: '3' },
    from: { type: 'string', default: '0' },
    steps: knob,
    'sampling-rate': knob,
    hidden: knob,
    'learning-rate': knob,
    'averaged-share': knob,
    'marginals-share': knob,
    epsilon: knob,
    shares: knob,
    rows: knob,
    engine: { type: 'string', default: 'wasm' },
    json: { type: 'boolean', default: false },
  },
})

const file = resolve(options.study)
const { draft } = parseStudy(readFileSync(file, 'utf8'), file, 'drop')
const given = (text: string | undefined, otherwise: number) => (text === undefined ? otherwise : Number(text))
const { privacy, federation } = draft
const family = networkBlock(draft)
const manifest = freezeStudy({
  ...draft,
  family: {
    ...family,
    steps: given(options.steps, family.steps),
    sampling_rate: given(options['sampling-rate'], family.sampling_rate),
    hidden: given(options.hidden, family.hidden),
    learning_rate: given(options['learning-rate'], family.learning_rate),
    averaged_share: given(options['averaged-share'], family.averaged_share),
    marginals_share: given(options['marginals-share'], family.marginals_share),
  },
  privacy: { ...privacy, epsilon: given(options.epsilon, privacy.epsilon) },
  federation: { ...federation, noise_shares: given(options.shares, federation.noise_shares) },
})
const pooledStudy = variantOf(manifest, 1)
const { unit } = manifest.privacy
const layout = layoutOf(layoutOfColumns(manifest.columns).sizes)
const dataset = datasetOf(manifest)
const outcome = outcomeOf(manifest, dataset.outcome)
const hospitals = readHospitals(manifest, dataset)
const engine = await loadEngine({ prefer: options.engine as EngineName })

const run = async (split: number) => {
  const { train, heldOut } = splitOf(hospitals, split)
  const all = pooled(train)
  const units = unitsOf(all, unit)
  const started = performance.now()
  const model = await trainPooled(pooledStudy, [recordsOf(all, manifest)], engine, split)
  const seconds = Math.round((performance.now() - started) / 10) / 100
  const cells = await cohortCells(model, given(options.rows, units), split)
  const reference = referenceOf(layout, outcome, weighted(all, unit), weighted(heldOut, unit))
  return { split, trained: all.patients.length, units, ...qualityOf(reference, cells), seconds }
}

const epsilon = publicEpsilon(pooledStudy)
console.error(`${machineText(machine())}; ${engine.description}; epsilon ${epsilon.toFixed(3)} to the public`)
const results: Awaited<ReturnType<typeof run>>[] = []
for (let i = 0; i < Number(options.splits); i++) {
  const result = await run(Number(options.from) + i)
  results.push(result)
  if (!options.json)
    console.log(
      Object.entries(result)
        .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
        .join('  '),
    )
}
const over = (measure: keyof CohortQuality) => meanRange(results.map((result) => result[measure]))
const means = {
  tvd1: over('tvd1'),
  tvd2: over('tvd2'),
  tvd2Excess: over('tvd2Excess'),
  auc: over('auc'),
  aucDifference: over('aucDifference'),
}
if (options.json) console.log(JSON.stringify({ family: manifest.family, unit, epsilon, results, ...means }))
else {
  console.log(
    Object.entries(means)
      .map(([name, range]) => `${name} ${meanRangeText(range)}`)
      .join('; '),
  )
  const bounds = boundsOf(manifest.name)
  if (bounds.length > 0) console.log(`wanted: ${bounds.map(boundText).join(', ')}`)
}

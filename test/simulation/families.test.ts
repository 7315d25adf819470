import { queriesOf } from '@tributary/shared/study/plan-block'
import { marginalCountNoise } from '@tributary/shared/study/marginal-noise'
import { freezeStudy, type Manifest, parseStudy } from '@tributary/shared/study/manifest'
import { levelMarginals } from '@tributary/shared/generator/generator-levels'
import { sampleCells } from '@tributary/shared/generator/sample'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { type Engine, loadEngine } from '@tributary/shared/tensor/engine'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { Training } from '../../coordinator/model/training.ts'
import { modelFolder } from '../../coordinator/studies/study-runs.ts'
import { runReport } from '../../coordinator/studies/run-report.ts'
import { executeQuery } from '../../site-agent/contribution/plan.ts'
import { EncodedRecords } from '../../site-agent/records/encoded-records.ts'
import { InProcessFederation } from '../harness/in-process-federation.ts'

const sizes = [3, 4, 12]
const patients = 2000
const sites = ['ash', 'birch', 'cedar']

const families = {
  autoregressive:
    '{ name: autoregressive, hidden: 16, steps: 20, learning_rate: 0.05, sampling_rate: 0.2, most_levels: 6 }',
  mixture: '{ name: mixture, components: 40, fit_steps: 200, most_groups: 6, steps: { marginals: 2, pairs: 3 } }',
  gan: '{ name: gan, draws: 64, hidden: 16, generator_steps: 300, steps: 12, most_levels: 6 }',
  auto: '{ name: auto, outcome: b, most_rounds: 8 }',
}

const levels = (size: number) => Array.from({ length: size }, (_, level) => `l${level}`).join(', ')
const studyOf = (family: string): Manifest => {
  const columns = sizes.map((size, j) => `{ name: ${'abc'[j]}, kind: categorical, levels: [${levels(size)}] }`)
  const text = `tributary: study/1
name: families
purpose: test
source: { format: csv }
columns: [${columns.join(', ')}]
privacy: { patient_key: who, epsilon: 3, delta: 1.0e-5 }
family: ${family}
deadlines: { deal_seconds: 60, contribute_seconds: 600, send_every_milliseconds: 1, answer_seconds: 60 }
sites: [${sites.map((name) => `{ name: ${name}, promised_patients: ${patients}, promised_rows: ${2 * patients} }`).join(', ')}]
`
  return freezeStudy(parseStudy(text, 'families.yaml').draft)
}

/** Patients of one to three rows: b is mostly a, c has a long tail. Hospitals differ. */
const recordsOf = (site: number): EncodedRecords => {
  const random = counterRandom(site, 4)
  const starts = new Uint32Array(patients + 1)
  for (let i = 0; i < patients; i++) starts[i + 1] = starts[i]! + 1 + (i % 3)
  const codes = new Uint16Array(3 * starts[patients]!)
  for (let row = 0; row < starts[patients]!; row++) {
    const a = Math.floor(random.uniform(row, 0) ** (1 + site / 4) * 3)
    codes[3 * row] = a
    codes[3 * row + 1] = random.uniform(row, 1) < 0.8 ? a : Math.floor(random.uniform(row, 2) * 4)
    codes[3 * row + 2] = Math.floor(random.uniform(row, 3) ** 3 * 12)
  }
  return new EncodedRecords(3, codes, starts)
}

/** Every patient counts once, all their rows together. */
const truthOf = (tables: readonly EncodedRecords[]) => {
  const marginals = new Float64Array(sizes.reduce((a, b) => a + b, 0))
  let same = 0
  for (const { codes, unitStart } of tables)
    for (let i = 0; i < patients; i++)
      for (let row = unitStart![i]!; row < unitStart![i + 1]!; row++) {
        const share = 1 / (unitStart![i + 1]! - unitStart![i]!) / (patients * tables.length)
        let offset = 0
        for (let j = 0; j < 3; offset += sizes[j++]!) marginals[offset + codes[3 * row + j]!]! += share
        if (codes[3 * row] === codes[3 * row + 1]) same += share
      }
  return { marginals, same }
}

let engine: Engine
let federation: InProcessFederation | undefined
beforeAll(async () => {
  engine = await loadEngine({ prefer: 'wasm' })
})
afterEach(() => federation?.close())

const tables = sites.map((_, site) => recordsOf(site))
const truth = truthOf(tables)

test.each(Object.entries(families))(
  '%s: three hospitals, a coordinator killed while it finishes, and a generator that follows all their patients within the noise',
  { timeout: 300_000 },
  async (_, family) => {
    const manifest = studyOf(family)
    federation = await InProcessFederation.open(manifest)
    const { coordinator, study } = federation
    federation.sites.forEach((site, place) => {
      const records = tables[place]!
      site.execute = (order) => executeQuery({ ...order, records, engine, streams: osRandomStreams() })
    })
    // Once in the middle of the fit, once when its bytes are there but not stored.
    let kills = 0
    const killedAt = ['before finishing.finish', 'after finishing.finish']
    const arm = () => coordinator.gate.killWhere((place) => place === killedAt[kills] && ++kills > 0)
    const restart = coordinator.restart.bind(coordinator)
    const doing = new Set<string | undefined>()
    const told = () => runReport(coordinator.studies.study(study), coordinator.studies, coordinator.rounds).doing
    coordinator.restart = async () => {
      doing.add(told())
      await restart()
      arm()
    }
    arm()
    await federation.complete()
    expect(kills).toBe(2)
    expect([...doing]).toEqual([expect.stringContaining('the generator finished')])
    expect(told()).toBeUndefined()
    expect(federation.outcome.outcome).toBe('completed')
    const { training } = runReport(coordinator.studies.study(study), coordinator.studies, coordinator.rounds)
    if (manifest.family.name === 'gan') expect(training).toMatchObject({ is_sound: true })
    else expect(training).toBeUndefined()
    expect(federation.outcome.attempts).toEqual(queriesOf(manifest.plan).map(({ steps }) => steps))
    expect(federation.breaches).toEqual([])
    const stored = coordinator.run(study)
    expect(stored.model).toBe(await federation.expectedModel())
    for (const site of federation.sites) expect(site.charged().size).toBe(federation.steps)

    const models = await BlobFolder.open(modelFolder(`${federation.folder}/coordinator`, study))
    const generator = Training.decode(manifest, await models.get(stored.model)).release()
    const released = levelMarginals(generator)!
    const { units, divisor } = marginalCountNoise(manifest, sites.length)!
    const noise = units / divisor
    expect(noise).toBeLessThan(0.01)
    truth.marginals.forEach((share, cell) => expect(Math.abs(released[cell]! - share)).toBeLessThan(6 * noise))

    // What leaves: rows whose levels and whose strongest relation are the patients'.
    const counts = new Float64Array(truth.marginals.length)
    let same = 0
    const rows = 20_000
    for await (const cells of sampleCells(generator, rows, 5)) {
      for (let at = 0; at < cells.length; at += 3) {
        let offset = 0
        for (let j = 0; j < 3; offset += sizes[j++]!) counts[offset + cells[at + j]!]! += 1 / rows
        if (cells[at] === cells[at + 1]) same += 1 / rows
      }
    }
    counts.forEach((share, cell) =>
      expect(Math.abs(share - truth.marginals[cell]!)).toBeLessThan(6 * noise + 6 * Math.sqrt(0.25 / rows)),
    )
    const independent = [0, 1, 2].reduce((sum, a) => sum + truth.marginals[a]! * truth.marginals[3 + a]!, 0)
    expect(truth.same - independent).toBeGreaterThan(0.3)
    expect(same).toBeGreaterThan((truth.same + independent) / 2)
    expect(same).toBeLessThan(truth.same + 0.1)
  },
)

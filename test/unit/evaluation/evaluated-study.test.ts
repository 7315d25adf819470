import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { osRandomStreams } from '@tributary/shared/dp/os-random'
import { pricePlan } from '@tributary/shared/dp/plan'
import { readScores } from '@tributary/shared/evaluation/score-reading'
import { scoreSum } from '@tributary/shared/evaluation/score-sum'
import { scorerOf } from '@tributary/shared/evaluation/scorer'
import { siteId } from '@tributary/shared/ids'
import { scoreShapeOf } from '@tributary/shared/study/score-shape'
import { decodeModel } from '@tributary/shared/synthesizers/autoregressive/training-state'
import { counterRandom } from '@tributary/shared/synthesizers/counter-random'
import { loadEngine } from '@tributary/shared/tensor/engine'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { releasedModel } from '../../../coordinator/cohort/released-model.ts'
import { makeRelease } from '../../../coordinator/release/make-release.ts'
import { reportSchema } from '../../../coordinator/report/report.ts'
import { generatorCard } from '../../../coordinator/requests/generator-card.ts'
import { modelWork } from '../../../coordinator/requests/model-work.ts'
import { StudyShelf } from '../../../coordinator/requests/study-shelf.ts'
import { executeQuery } from '../../../site-agent/contribution/plan.ts'
import { EncodedRecords } from '../../../site-agent/records/encoded-records.ts'
import { type PartedRecords, partRecords } from '../../../site-agent/records/held-out-part.ts'
import { Holdout } from '../../../site-agent/records/holdout.ts'
import { InProcessFederation } from '../../harness/in-process-federation.ts'

const patients = 8000
const steps = 30

/** One to three rows a patient; b follows a, whoever the patient is. */
const hospital = (seed: number): PartedRecords => {
  const random = counterRandom(seed, 3)
  const holdout = new Holdout(new Uint8Array(32).fill(seed))
  const starts = new Uint32Array(patients + 1)
  const codes: number[] = []
  for (let patient = 0; patient < patients; patient++) {
    const rows = 1 + (patient % 3 === 0 ? 2 : 0)
    starts[patient + 1] = starts[patient]! + rows
    for (let row = 0; row < rows; row++) {
      const a = Math.floor(5 * random.uniform(patient, 4 * row))
      const follows = random.uniform(patient, 4 * row + 1) < 0.6
      codes.push(a, follows ? a : Math.floor(5 * random.uniform(patient, 4 * row + 2)))
    }
  }
  const isHeldOut = Uint8Array.from({ length: patients }, (_, patient) => Number(holdout.isHeldOut(`p${patient}`)))
  return partRecords(new EncodedRecords(2, Uint16Array.from(codes), starts), isHeldOut)
}

describe('a study with an evaluation, run to its end', () => {
  let federation: InProcessFederation
  let hospitals: Map<string, PartedRecords>
  let folder = ''
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-evaluated-'))
    federation = await InProcessFederation.open({
      sites: 3,
      least: 3,
      steps,
      spares: { marginals: 1, gradient: 2 },
      evaluation: { patients, bins: 8, spares: 1 },
    })
    const engine = await loadEngine({ prefer: 'cpu' })
    hospitals = new Map(federation.sites.map(({ name }, i) => [name, hospital(i + 1)]))
    for (const site of federation.sites) {
      const { training, heldOut } = hospitals.get(site.name)!
      site.execute = (order) =>
        executeQuery({ ...order, records: training, heldOut, engine, streams: osRandomStreams() })
    }
    // The coordinator dies when all sites have the scorer, and goes on from its stores.
    await federation.reach('contributing', steps + 1)
    await federation.restartCoordinator()
    await federation.complete()
  }, 120_000)
  afterAll(() => {
    federation.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const shelfOf = () => {
    const { studies, rounds } = federation.coordinator
    return new StudyShelf(join(federation.folder, 'coordinator'), studies, rounds)
  }

  it('R22: reads off an AUC that is the plain one within its noise, and how many patients it is of', async () => {
    expect(federation.outcome).toMatchObject({ outcome: 'completed', step: steps + 2 })
    const shelved = await shelfOf().get(federation.study)
    const shape = scoreShapeOf(federation.manifest)!
    const scorer = scorerOf(shape, shelved.evaluation!.parameters)
    const plain = new Float64Array(2 * shape.bins)
    for (const { heldOut } of hospitals.values()) {
      const rows = Uint32Array.from(
        { length: heldOut.units },
        (_, u) => heldOut.unitStart![u + 1]! - heldOut.unitStart![u]!,
      )
      scoreSum(scorer, heldOut.codes, rows).sum.forEach((value, i) => {
        plain[i]! += value
      })
    }
    const truth = readScores(plain, 0)
    const query = federation.manifest.plan.queries[2]!
    const noise = query.noise_multiplier * Math.sqrt(3 / federation.manifest.federation.noise_shares)
    const read = readScores(shelved.evaluation!.heldOut!, noise)
    // The generator learned that b follows a, and real patients bear it out.
    expect(truth.auc!.value).toBeGreaterThan(0.65)
    expect(Math.abs(read.auc!.value - truth.auc!.value)).toBeLessThan(6 * read.auc!.noiseError)
    expect(read.auc!.noiseError).toBeLessThan(0.02)
    const [counted, held] = [read.positives + read.negatives, truth.positives + truth.negatives]
    expect(Math.abs(counted - held)).toBeLessThan(6 * Math.SQRT2 * read.countError)
    expect(held).toBeGreaterThan(0.085 * 3 * patients)
    expect(held).toBeLessThan(0.115 * 3 * patients)
    // Noise there is: no cell is what it was.
    shelved.evaluation!.heldOut!.forEach((value, i) => expect(value).not.toBe(plain[i]))
  })

  it('R22: report, summary, page and catalogue show it, and privacy.json prices it', async () => {
    const shelved = await shelfOf().get(federation.study)
    const target = join(folder, 'release')
    await makeRelease(target, {
      ...shelved,
      releaseId: 'rel-1',
      created: new Date('2026-11-22T10:00:00Z'),
      order: { rows: 100, seed: 1 },
      formats: ['csv'],
      purpose: 'Tests.',
      signer: generateIdentity(),
      federation: 'tests',
    })
    const report = reportSchema.parse(JSON.parse(readFileSync(join(target, 'report.json'), 'utf8')))
    const { sentence, held_out: heldOut, synthetic_auc: synthetic, bins } = report.evaluation!
    expect(sentence).toMatch(
      /^On patients held out at the hospitals: AUC 0\.\d{3} \+- 0\.\d{3} .*on synthetic rows 0\.\d{3}\.$/,
    )
    expect(synthetic).toBeGreaterThan(0.5)
    expect(bins).toHaveLength(8)
    expect(report.limits[0]).toContain('patients held out')
    expect(report.privacy.queries.map(({ kind }) => kind)).toEqual(['marginals', 'gradient', 'scores'])
    const page = readFileSync(join(target, 'report.html'), 'utf8')
    expect(page).toContain('On held-out patients')
    expect(page).toContain(sentence)
    const card = generatorCard(shelved)
    expect(card.held_out).toMatchObject({ outcome: 'b', auc: heldOut!.auc, sentence })
    // The promise is epsilon 3 to a peer: the evaluation is not added to it.
    expect(report.privacy.peer.epsilon).toBeLessThanOrEqual(3)
    expect(report.privacy.peer.epsilon).toBeGreaterThan(2.97)
    expect(report.privacy.accountant).toContain('ask different patients')
  })

  it('R22 ledger: reserved is the dearer branch; every attempt of either is charged', () => {
    for (const site of federation.sites) {
      const [spending] = site.ledger.spent().studies
      expect(spending!.attempts.map(({ charged }) => charged >= 1)).toEqual([true, true, true])
      expect(spending!.attempts[2]!.reserved).toBe(2)
      expect(spending!.reservedEpsilon).toBeCloseTo(pricePlan(federation.manifest).ledger.epsilon, 12)
      expect(spending!.epsilon).toBeLessThanOrEqual(spending!.reservedEpsilon)
    }
  })

  it('R21: afterwards nothing more is asked of any hospital, whatever is planned, probed or released', async () => {
    const [sent, asked] = [federation.departed.length, federation.coordinator.rounds.rounds(federation.study).length]
    const work = modelWork({ dataDir: folder, shelf: shelfOf(), federation: 'tests', signer: generateIdentity() })
    for (const site of federation.sites) site.execute = () => Promise.reject(new Error('a hospital was asked'))
    const plan = await work.plan(federation.study, { rows: 1000, seed: 1, where: "a = '4' and b = '4'" })
    expect(plan.support).toBeGreaterThan(0.05)
    await work.probe(federation.study, { rows: 5, seed: 1 })
    await work.describe(federation.study)
    for (const site of federation.sites) expect((await site.turn()).task).toBe('finished')
    expect(federation.departed).toHaveLength(sent)
    expect(federation.coordinator.rounds.rounds(federation.study)).toHaveLength(asked)
  })

  it('the model is the one that was trained: the evaluation is beside it, not in it', async () => {
    const { studies, rounds } = federation.coordinator
    const dataDir = join(federation.folder, 'coordinator')
    const released = await releasedModel(dataDir, studies.study(federation.study), rounds)
    expect(released.evaluation?.heldOut).not.toBeNull()
    const { network } = decodeModel(released.model.encode())
    expect(network.dimension).toBe(federation.manifest.plan.queries[1]!.dimension)
    expect(siteId(federation.manifest.sites[0]!.name)).toBe('ash')
  })
})

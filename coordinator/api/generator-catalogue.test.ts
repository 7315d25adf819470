import { CodedError } from '@tributary/shared/errors'
import { systemClock } from '@tributary/shared/system/clock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { completeRun, publishStudy } from '../../test/harness/completed-study.ts'
import { researcherApi, type ResearcherApi } from '../../test/harness/researcher-api.ts'
import { CohortThread } from '../requests/cohort-thread.ts'

const slowWorker = new URL('../../test/harness/slow-cohort-worker.ts', import.meta.url)

let api: ResearcherApi
beforeEach(async () => {
  api = await researcherApi(systemClock)
})
afterEach(() => api.close())

const listed = async () => {
  const { status, json } = await api.call('ada', 'GET', '/v1/generators')
  return status === 200 ? json().generators.length : json().error_code
}

describe('the catalogue', () => {
  it('describes a completed run once, and again after it could not', async () => {
    const { describe: toy } = api.work
    let asked = 0
    api.work.describe = (study) => {
      asked++
      return asked === 1 ? Promise.reject(new CodedError('TOO_MANY_REQUESTS', 'busy')) : toy(study)
    }
    expect([await listed(), await listed(), await listed(), asked]).toEqual(['TOO_MANY_REQUESTS', 1, 1, 2])
  })

  it('leaves out a damaged generator, and says so in the log', async () => {
    const { describe: toy } = api.work
    api.work.describe = () => Promise.reject(new CodedError('STATE_CORRUPT', 'a file is missing'))
    expect(await listed()).toBe(0)
    expect(api.lines.map((line) => JSON.parse(line))).toContainEqual(
      expect.objectContaining({ level: 50, study: api.published.study, code: 'STATE_CORRUPT' }),
    )
    api.work.describe = toy
    expect(await listed()).toBe(1)
  })

  it('describes any number of completed runs, one after another, and keeps what it described', async () => {
    for (let n = 0; n < 40; n++) {
      const manifest = { ...api.published.manifest, name: `tiny-${n}`, purpose: `The ${n}th.` }
      await completeRun(api.dataDir, await publishStudy(api.dataDir, manifest, systemClock))
    }
    // A thread as the server's own, but for the model.
    const thread = new CohortThread(api.dataDir, slowWorker)
    let [now, most, asked] = [0, 0, 0]
    api.work.describe = async (study) => {
      asked++
      most = Math.max(most, ++now)
      const card = await thread.describe(study)
      now--
      return card
    }
    expect(await listed()).toBe(41)
    expect(await listed()).toBe(41)
    expect([most, asked]).toEqual([1, 41])
    await thread.stop()
  })

  it('does not offer a retired generator, and refuses to make more of it', async () => {
    const { study } = api.published
    const body = { generator: 'tiny', rows: 5, purpose: 'to test' }
    const { request } = (await api.call('ada', 'POST', '/v1/requests', { body })).json()
    api.retired.retire(study, 5)
    expect(await listed()).toBe(0)
    for (const name of ['tiny', study, study.slice(0, 8)]) {
      const url = `/v1/generators/${name}`
      for (const refused of [
        await api.call('ada', 'GET', url),
        await api.call('ada', 'POST', `${url}/plan`, { body: { rows: 5 } }),
        await api.call('ada', 'POST', `${url}/probe`, { body: {} }),
        await api.call('ada', 'POST', '/v1/requests', { body: { ...body, generator: name } }),
      ])
        expect([refused.status, refused.json()]).toEqual([
          409,
          expect.objectContaining({ error_code: 'GENERATOR_RETIRED', field: 'generator' }),
        ])
    }
    // What was asked for before is made, and stays.
    await api.runOne()
    const { release } = (await api.call('ada', 'GET', `/v1/requests/${request}`)).json()
    expect((await api.call('ada', 'GET', `/v1/releases/${release}/files/data/cohort.csv`)).status).toBe(200)
    api.retired.restore(study)
    expect(await listed()).toBe(1)
    expect((await api.call('ada', 'POST', '/v1/requests', { body })).status).toBe(201)
  })

  it('means by a name the one that is on offer', async () => {
    const again = await publishStudy(api.dataDir, { ...api.published.manifest, purpose: 'Another.' }, systemClock)
    await completeRun(api.dataDir, again)
    api.retired.retire(api.published.study, 5)
    expect((await api.call('ada', 'GET', '/v1/generators/tiny')).json().study).toBe(again.study)
    api.retired.retire(again.study, 6)
    expect((await api.call('ada', 'GET', '/v1/generators/tiny')).json().error_code).toBe('GENERATOR_RETIRED')
    api.retired.restore(api.published.study)
    expect((await api.call('ada', 'GET', '/v1/generators/tiny')).json().study).toBe(api.published.study)
  })

  it('asks for the study where two runs have one name', async () => {
    const again = await publishStudy(api.dataDir, { ...api.published.manifest, purpose: 'Another.' }, systemClock)
    await completeRun(api.dataDir, again)
    const refused = await api.call('ada', 'GET', '/v1/generators/tiny')
    expect(refused.json()).toMatchObject({ error_code: 'NOT_FOUND', detail: expect.stringMatching(/^2 generators/) })
    for (const study of [again.study, api.published.study])
      expect((await api.call('ada', 'GET', `/v1/generators/${study.slice(0, 12)}`)).json().study).toBe(study)
  })
})

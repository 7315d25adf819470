import { CodedError } from '@tributary/shared/errors'
import { systemClock } from '@tributary/shared/system/clock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { completeRun, publishStudy } from '../../test/harness/completed-study.ts'
import { researcherApi, type ResearcherApi } from '../../test/harness/researcher-api.ts'

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

  it('asks for the study where two runs have one name', async () => {
    const again = await publishStudy(api.dataDir, { ...api.published.manifest, purpose: 'Another.' }, systemClock)
    await completeRun(api.dataDir, again)
    const refused = await api.call('ada', 'GET', '/v1/generators/tiny')
    expect(refused.json()).toMatchObject({ error_code: 'NOT_FOUND', detail: expect.stringMatching(/^2 generators/) })
    for (const study of [again.study, api.published.study])
      expect((await api.call('ada', 'GET', `/v1/generators/${study.slice(0, 12)}`)).json().study).toBe(study)
  })
})

import { describe, expect, it } from 'vitest'
import { loggedInForAll } from '../../test/harness/logged-in.ts'
import { answer } from '../../test/harness/researchers-server.ts'
import { generatorsSchema } from '../api/schemas.ts'

const at = loggedInForAll()
const { run } = at

describe('catalog', () => {
  it('lists the generators as a table', async () => {
    const { out } = await run('catalog')
    const [titles, first] = out.split('\n')
    expect(titles).toMatch(/^generator +sites +patients +unit +epsilon/)
    expect(first).toMatch(/^ckd-2027 +3 +12,345 +patient +1 +1\.3/)
  })

  it('shows one with its variables in order, epsilon in words and the estimand', async () => {
    const { out } = await run('catalog', 'c0ffee')
    for (const part of [
      /estimand +the mean over hospitals/,
      /epsilon +1 to the public, 1\.3 to another hospital/,
      /odds, public +50 % before -> at most 74 % after/,
      /age +weighted +may be +whole number, 18 to 99, in 3 bins\ndiabetes +exact +never +no \| yes/,
    ])
      expect(out).toMatch(part)
  })

  it('a name may be shortened while it is the only one', async () => {
    expect((await run('catalog', 'ckd-2', '--json')).envelope()).toMatchObject({
      error_code: 'ID_MALFORMED',
      message: expect.stringMatching(/c0ffee0+, c0ffff0+/),
    })
    const none = await run('catalog', 'nothing', '--json')
    expect(none.code).toBe(1)
    expect(none.envelope().message).toContain('ckd-2027, ckd-2028')
    at.server.routes.set('GET /v1/generators', answer(generatorsSchema, { generators: [] }))
    expect((await run('catalog')).out).toBe('(none yet)\n')
  })
})

import { expect, it } from 'vitest'
import { loggedInForAll } from '../../test/harness/logged-in.ts'

const at = loggedInForAll()
const { run } = at

it('plan shows support, draws, effective sample size, warnings, no cost and the request to make', async () => {
  const { out, err } = await run('plan', 'ckd-2027', '-n', '5_000', '--where', 'age>=60')
  for (const part of [
    /where +age >= 60/,
    /support +8\.1 % of generated people match \(\+- 0\.12 % sampling\), about 1,000 of the patients promised/,
    /rows +5,000, seed 7, from 61,728 draws/,
    /ESS +3,870 of 5,000 \(largest weight 3\.21\)/,
    /handling +weighted: .*\(age weighted\)/,
    /warn +age above 90.*\[SUPPORT_THIN\]/,
    /cost +privacy 0/,
  ])
    expect(out).toMatch(part)
  expect(err).toContain("next: tributary request ckd-2027 -n 5000 --where 'age >= 60' --seed 7 --purpose TEXT --wait")
  expect(at.lastBody('/plan')).toEqual({ rows: 5000, where: 'age>=60' })
})

it('plan tells how far the noise of training may have moved the support, where the coordinator says so', async () => {
  const shown = async (more: object) => {
    at.server.routes.set(route, (asked, response) => {
      const end = response.end.bind(response)
      const told = (body: string) => end(JSON.stringify({ ...(JSON.parse(body) as object), ...more }))
      planned(asked, Object.assign(response, { end: told }))
    })
    return run('plan', 'ckd-2027', '-n', '5000', '--where', 'age >= 60')
  }
  const [route, planned] = [...at.server.routes].find(([path]) => path.endsWith('/plan'))!
  expect((await shown({ support: 0.171, support_standard_error: 0.0004, support_noise_error: 0.004 })).out).toContain(
    'support   17.1 % of generated people match (+- 0.04 % sampling, +- 0.4 % noise of training), about',
  )
  expect((await shown({ support_standard_error: 0, support_noise_error: 0.004 })).out).toContain(
    'match (+- 0.4 % noise of training), about',
  )
  expect((await shown({ support_noise_error: null })).out).toContain('match (+- 0.12 % sampling), about')
})

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { additionWords } from '../cohort/order.ts'
import { fc, test } from '@fast-check/vitest'
import { describe, expect, it } from 'vitest'
import { loggedInForAll } from '../../test/harness/logged-in.ts'
import { planned } from '../../test/harness/researchers-server.ts'
import { additionOptions, type AdditionOptions } from './addition-options.ts'

const at = loggedInForAll()
const { run } = at

describe('what is typed beyond a condition', () => {
  it.each<[AdditionOptions, object]>([
    [{}, {}],
    [{ reweight: ['sex = f:0.5'] }, { reweight: [{ condition: 'sex = f', share: 0.5 }] }],
    [
      { reweight: ['sex=f : 30 %', 'note = "a:b":1'] },
      {
        reweight: [
          { condition: 'sex=f', share: 0.3 },
          { condition: 'note = "a:b"', share: 1 },
        ],
      },
    ],
    [{ balance: 'sex, age' }, { balance: ['sex', 'age'] }],
    [{ augment: ['age >= 80', 'x3'] }, { augment: { condition: 'age >= 80', times: 3 } }],
    [{ augment: ['age >= 80 x2.5'] }, { augment: { condition: 'age >= 80', times: 2.5 } }],
    [{ set: ['a = b', 'c IS MISSING'] }, { set: ['a = b', 'c IS MISSING'] }],
  ])('%j', (options, order) => expect(additionOptions(options)).toEqual(order))

  it.each<AdditionOptions>([
    { reweight: ['sex = f'] },
    { reweight: ['sex = f:1.01'] },
    { reweight: ['sex = f:101%'] },
    { reweight: ['sex = f:-1'] },
    { reweight: ['sex = f:0.1.2'] },
    { reweight: [':0.5'] },
    { balance: ' , ' },
    { augment: ['age >= 80'] },
    { augment: ['age >= 80', '3'] },
    { augment: ['age >= 80', 'x0'] },
    { augment: ['x3'] },
  ])('%j is refused', (options) => {
    expect(() => additionOptions(options)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })

  const condition = fc.constantFrom('sex = f', 'age BETWEEN 3 AND 5', 'note = "a: b"', 'c IS MISSING', "n = 'it''s'")
  test.prop([
    fc.array(fc.record({ condition, share: fc.integer({ min: 0, max: 10_000 }).map((share) => share / 10_000) }), {
      minLength: 1,
      maxLength: 3,
    }),
    condition,
    fc.integer({ min: 1, max: 400 }).map((times) => times / 4),
    fc.array(condition, { minLength: 1, maxLength: 3 }),
  ])('is typed again as it was read', (reweight, augmented, times, set) => {
    const order = { reweight, balance: ['sex', 'age'], augment: { condition: augmented, times }, set }
    const words = additionWords(order, (text) => text)
    const of = (name: string) => words.flatMap((word, i) => (word === `--${name}` ? [words[i + 1]!] : []))
    const augment = words.slice(words.indexOf('--augment') + 1, words.indexOf('--augment') + 3)
    expect(additionOptions({ reweight: of('reweight'), balance: of('balance')[0]!, augment, set: of('set') })).toEqual(
      order,
    )
  })
})

describe('tributary', () => {
  const words = [
    '--reweight',
    'sex = f:0.5',
    '--reweight',
    'age >= 80:20%',
    '--balance',
    'ward,site',
    '--augment',
    'died = yes',
    'x3',
    '--set',
    'smoking = never',
  ]
  const order = {
    reweight: [
      { condition: 'sex = f', share: 0.5 },
      { condition: 'age >= 80', share: 0.2 },
    ],
    balance: ['ward', 'site'],
    augment: { condition: 'died = yes', times: 3 },
    set: ['smoking = never'],
  }

  it('sends them with a plan, a probe and a request', async () => {
    expect((await run('plan', 'ckd-2027', '-n', '10', ...words)).code).toBe(0)
    expect(at.lastBody('/plan')).toEqual({ rows: 10, ...order })
    const probed = await run('probe', 'ckd-2027', '-n', '2', ...words)
    expect(at.lastBody('/probe')).toEqual({ rows: 2, ...order })
    expect(probed.err).toContain(
      "--reweight 'sex = f:0.5' --reweight 'age >= 80:0.2' --balance ward,site --augment 'died = yes' x3 --set 'smoking = never'",
    )
    expect((await run('request', 'ckd-2027', '-n', '10', '--purpose', 'p', ...words)).code).toBe(0)
    expect(at.lastBody('/requests')).toMatchObject(order)
    expect((await run('plan', 'ckd-2027', '-n', '10', '--reweight', 'sex = f')).code).toBe(4)
  })

  it('reads them from a file, over which options win', async () => {
    const file = join(at.home, 'added.yaml')
    writeFileSync(
      file,
      'generator: ckd-2027\nrows: 10\npurpose: p\nbalance: [ward]\nreweight: [{ condition: sex = f, share: 0.5 }]\n',
    )
    expect((await run('request', '-f', file, '--balance', 'site')).code).toBe(0)
    expect(at.lastBody('/requests')).toMatchObject({
      reweight: [{ condition: 'sex = f', share: 0.5 }],
      balance: ['site'],
    })
    writeFileSync(file, 'reweight: [{ condition: sex = f }]\n')
    expect((await run('request', '-f', file)).err).toContain('added.yaml, line 1, reweight[0].share')
  })

  it('shows strata and what-ifs of a plan, and the request to make', async () => {
    const part = { support: 0.04, support_standard_error: 0.0003, support_noise_error: 0.0004, expected_patients: 400 }
    const stratum = {
      ...part,
      condition: 'sex = f',
      share_before: 0.5,
      rows: 2500,
      handling: 'weighted',
      effective_sample_size: 2400,
      largest_weight: 2,
      draws: 5000,
    }
    const what_if = { ...part, condition: 'smoking = never', kept: ['sex'], made_again: ['bmi', 'died'] }
    const path = [...at.server.routes.keys()].find((route) => route.endsWith('/plan'))!
    at.server.routes.set(path, (_asked, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(
        JSON.stringify({
          ...planned,
          where: null,
          ...order,
          cohort_floor: 10,
          strata: [stratum, { ...stratum, condition: 'sex = m', support: 0, expected_patients: 0 }],
          absent: [],
          what_if,
        }),
      )
    })
    const { out, err } = await run('plan', 'ckd-2027', '-n', '5000')
    expect(out).toMatch(
      /reweight +sex = f: 50 %\nreweight +age >= 80: 20 %\nbalance +ward, site\naugment +died = yes, 3 times as many\n/,
    )
    expect(out).toMatch(
      /strata +2,500 rows of sex = f: 50 % without reweighting, about 400 patients \(\+- 5\); weighted, ESS 2,400\n +2,500 rows of sex = m: .*about 0 patients;/,
    )
    expect(out).toMatch(
      /what if +smoking = never\n +kept as drawn: sex; made again: bmi, died\n +so anyway: 4 % of generated people .*about 400 of the patients promised/,
    )
    expect(out).toMatch(/floor +10 patients/)
    expect(err).toContain("next: tributary request ckd-2027 -n 5000 --reweight 'sex = f:0.5'")
  })
})

import { epsilonPld, epsilonRdp } from '@tributary/shared/dp/accountant'
import { odds } from '@tributary/shared/dp/odds'
import { delta, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { describe, expect, it } from 'vitest'
import { toolRun } from '../../test/harness/tool-run.ts'
import { epsilonCommand } from './epsilon-command.ts'

const run = toolRun('epsilon', ({ write }) => epsilonCommand(write))
const phase = (sigma: number, q: number, steps: number, recordsPerUnit = 1) => ({
  noiseMultiplier: noiseMultiplier(sigma),
  samplingRate: samplingRate(q),
  steps,
  recordsPerUnit,
})
const plan = '[{"sigma":1.464,"q":0.05,"steps":300}]'

describe('epsilon --phases', () => {
  it('prints one bare object with --json: PLD, RDP and its order, and the group figures', async () => {
    const { out, code } = await run('--phases', plan, '--delta', '1e-5', '--json')
    expect(code).toBe(0)
    expect(out.trimEnd()).not.toContain('\n')
    const phases = [phase(1.464, 0.05, 300)]
    const answer = JSON.parse(out) as Record<string, unknown>
    expect(answer).toMatchObject({
      pld: { epsilon: epsilonPld(phases, delta(1e-5)) },
      rdp: epsilonRdp(phases, delta(1e-5)),
      delta: 1e-5,
      phases: [{ sigma: 1.464, q: 0.05, steps: 300, records: 1 }],
    })
    expect(Object.keys(answer).slice(0, 2)).toEqual(['pld', 'rdp'])
    expect(answer).not.toHaveProperty('gaussian')
    const two = epsilonPld([phase(1.464, 0.05, 300, 2)], delta(1e-5))
    expect(answer['visits']).toContainEqual({ times: 2, epsilon: two })
    expect(answer['hospitals']).toContainEqual({ times: 2, epsilon: two })
    expect(two).toBeCloseTo(6.7, 1.5)
  })

  it('tells a person: both bounds, odds, visits and hospitals, and whom delta suits', async () => {
    const { out } = await run('--phases', plan)
    for (const words of [
      /^epsilon +2\.99\d+ .*PLD/m,
      /RDP, order \d/,
      /^delta +0\.00001 .*10,000 patients/m,
      /^ {2}50 % before -> at most 96 % after$/m,
      /^ {2}2 visits +epsilon 6\.\d\d /m,
      /^ {2}8 visits /m,
      /^ {2}5 hospitals +epsilon 20\.\d\d /m,
      /unit: patient/,
    ])
      expect(out).toMatch(words)
  })

  it('says the exact value where nothing is sampled, alone of all plans', async () => {
    const { out } = await run('--phases', '[{"sigma":5,"q":1,"steps":100}]', '--json')
    const answer = JSON.parse(out) as { gaussian: object; pld: object }
    expect(answer.gaussian).toEqual(answer.pld)
  })

  it('counts declared records once: hospitals multiply them, visits are not asked again', async () => {
    const { out } = await run('--phases', '[{"sigma":2,"q":0.05,"steps":100,"records":3}]', '--json')
    const answer = JSON.parse(out) as { pld: { epsilon: number }; visits: unknown[]; hospitals: { epsilon: number }[] }
    expect(answer.pld.epsilon).toBe(epsilonPld([phase(2, 0.05, 100, 3)], delta(1e-5)))
    expect(answer.visits).toEqual([])
    expect(answer.hospitals[0]?.epsilon).toBe(epsilonPld([phase(2, 0.05, 100, 6)], delta(1e-5)))
  })

  it.each([
    ['[{"sigma":0,"q":0.1,"steps":1}]', 'UNIT_OUT_OF_RANGE', 'phases[0].sigma'],
    ['[{"sigma":1e-9,"q":0.1,"steps":1}]', 'UNIT_OUT_OF_RANGE', 'phases[0].sigma'],
    ['[{"sigma":1e999,"q":0.1,"steps":1}]', 'UNIT_OUT_OF_RANGE', 'phases[0].sigma'],
    ['[{"sigma":1,"q":0.1,"steps":1},{"sigma":1,"q":1.1,"steps":1}]', 'UNIT_OUT_OF_RANGE', 'phases[1].q'],
    ['[{"sigma":1,"q":0,"steps":1}]', 'UNIT_OUT_OF_RANGE', 'phases[0].q'],
    ['[{"sigma":1,"q":0.1,"steps":1.5}]', 'UNIT_OUT_OF_RANGE', 'phases[0].steps'],
    ['[{"sigma":1,"q":0.1,"steps":0}]', 'UNIT_OUT_OF_RANGE', 'phases[0].steps'],
    ['[{"sigma":1,"q":0.1,"steps":1,"records":1025}]', 'UNIT_OUT_OF_RANGE', 'phases[0].records'],
    ['[{"sigma":0.5,"q":0.1,"steps":1,"records":1000}]', 'UNIT_OUT_OF_RANGE', 'phases[0].records'],
    ['[{"sigma":1,"q":0.1,"steps":1,"records":null}]', 'ARGUMENT_INVALID', 'phases[0].records'],
    ['[{"sigma":"1","q":0.1,"steps":1}]', 'ARGUMENT_INVALID', 'phases[0].sigma'],
    ['[{"sigma":1,"q":0.1}]', 'ARGUMENT_INVALID', 'phases[0].steps'],
    ['[{"sigma":1,"q":0.1,"steps":1,"rate":2}]', 'ARGUMENT_INVALID', 'phases[0].rate'],
    ['[{"sigma":NaN,"q":0.1,"steps":1}]', 'ARGUMENT_INVALID', 'phases'],
    ['{"sigma":1,"q":0.1,"steps":1}', 'ARGUMENT_INVALID', 'phases'],
    ['[{"sigma":9,"q":0.1,"steps":1,"sigma":1}]', 'ARGUMENT_INVALID', 'phases'],
    ['[{"sigma":9,"q":0.1,"steps":1,"sigm\\u0061":1}]', 'ARGUMENT_INVALID', 'phases'],
    ['[]', 'ARGUMENT_INVALID', 'phases'],
    ['[1]', 'ARGUMENT_INVALID', 'phases[0]'],
  ])('%s is refused with its code and place', async (phases, code, field) => {
    const { out, err, code: exit } = await run('--phases', phases, '--json')
    expect(exit).toBe(4)
    expect(err).toBe('')
    expect(JSON.parse(out)).toMatchObject({ status: 'error', error_code: code, place: { field } })
  })

  it.each([
    ['0.1', /for up to 1 patient \(/],
    ['0.05', /for up to 2 patients \(/],
    ['0.2', /too large even for one patient \(/],
  ])('delta %s is told with as many patients as it suits', async (word, words) => {
    expect((await run('--phases', plan, '--delta', word)).out).toMatch(words)
  })

  it('prints no bound below what it computed', async () => {
    const { out } = await run('--phases', plan)
    const {
      pld,
      rdp,
      odds: exact,
      visits,
      hospitals,
    } = JSON.parse((await run('--phases', plan, '--json')).out) as {
      pld: { epsilon: number }
      rdp: { epsilon: number }
      odds: { before: number; after: number }[]
      visits: { times: number; epsilon: number }[]
      hospitals: { times: number; epsilon: number }[]
    }
    const printed = (words: RegExp) => Number(words.exec(out)?.[1])
    expect(printed(/^epsilon +([\d.]+) /m)).toBeGreaterThanOrEqual(pld.epsilon)
    expect(printed(/^ +([\d.]+) +the same by other/m)).toBeGreaterThanOrEqual(rdp.epsilon)
    for (const { before, after } of exact)
      expect(printed(new RegExp(`^  ${100 * before} % before -> at most ([\\d.]+) %`, 'm'))).toBeGreaterThanOrEqual(
        100 * after,
      )
    for (const [label, list] of [
      ['visits', visits],
      ['hospitals', hospitals],
    ] as const)
      for (const { times, epsilon } of list) {
        const line = new RegExp(
          `^  ${times} ${label} +epsilon ([\\d.]+) +50 % before -> at most (.*) % after`,
          'm',
        ).exec(out)
        expect(Number(line?.[1])).toBeGreaterThanOrEqual(epsilon)
        const belief = odds(epsilon, 0.5)
        if (belief > 0.999) expect(line?.[2]).toBe('practically 100')
        else expect(Number(line?.[2])).toBeGreaterThanOrEqual(100 * belief)
      }
  })

  it.each([['0'], ['1'], ['2'], ['-1e-5'], ['NaN'], [''], ['0x1'], ['1e-5x']])('delta %j is refused', async (word) => {
    const { err, code } = await run('--phases', plan, `--delta=${word}`)
    expect(code).toBe(4)
    expect(err).toContain('at --delta')
  })
})

describe('epsilon --calibrate', () => {
  it('prints the least sigma first with --json, and what it costs', async () => {
    const { out } = await run('--calibrate', '--target', '1', '--q', '0.05', '--steps', '300', '--json')
    const { sigma, epsilon, ...rest } = JSON.parse(out) as { sigma: number; epsilon: number }
    expect(Object.keys(JSON.parse(out) as object)[0]).toBe('sigma')
    expect(sigma).toBeCloseTo(3.396, 3)
    expect(epsilon).toBeLessThanOrEqual(1)
    expect(epsilon).toBeGreaterThan(0.9999)
    expect(rest).toMatchObject({ target: 1, q: 0.05, steps: 300, delta: 1e-5, pld: { epsilon } })
    const priced = (records: number) => [phase(sigma, 0.05, 300, records)]
    expect(rest).toHaveProperty('rdp', epsilonRdp(priced(1), delta(1e-5)))
    expect(rest).toHaveProperty('visits[0]', { times: 2, epsilon: epsilonPld(priced(2), delta(1e-5)) })
    expect(rest).toHaveProperty('hospitals[1]', { times: 3, epsilon: epsilonPld(priced(3), delta(1e-5)) })
  })

  it('tells a person', async () => {
    const { out } = await run('--calibrate', '--target', '3', '--q', '1', '--steps', '1', '--delta', '1e-6')
    expect(out).toMatch(/^sigma +1\.\d{5} /m)
    expect(out).toMatch(/^ +\d\.\d{4} +the same by other mathematics.*\(RDP, order/m)
    expect(out).toMatch(/^ {2}2 visits +epsilon/m)
    expect(out).toMatch(/^ {2}3 hospitals +epsilon/m)
    expect(out).toMatch(/100,000 patients/)
    expect(out).toMatch(/50 % before -> at most 96 % after/)
  })

  it.each([
    ['no target', ['--q', '0.1', '--steps', '3'], '--target'],
    ['no rate', ['--target', '1', '--steps', '3'], '--q'],
    ['no steps', ['--target', '1', '--q', '0.1'], '--steps'],
    ['a target that no noise reaches', ['--target', '1e-9', '--q', '1', '--steps', '1000000000'], '--target'],
    ['a rate that is not priced', ['--target', '1', '--q', '1e-13', '--steps', '3'], '--q'],
    ['more steps than are priced', ['--target', '1', '--q', '0.1', '--steps', '10000000000'], '--steps'],
    ['a target of 0', ['--target', '0', '--q', '0.1', '--steps', '3'], '--target'],
    ['a rate above 1', ['--target', '1', '--q', '2', '--steps', '3'], '--q'],
    ['half a step', ['--target', '1', '--q', '1', '--steps', '3.5'], '--steps'],
    ['phases besides', ['--target', '1', '--q', '1', '--steps', '3', '--phases', plan], '--phases'],
  ])('%s is refused by name', async (_, words, flag) => {
    const { err, code } = await run('--calibrate', ...words)
    expect(code).toBe(4)
    expect(err).toContain(`at ${flag}`)
  })

  it('refuses flags of the other question, unknown ones, and silence', async () => {
    expect((await run('--phases', plan, '--target', '1')).err).toContain('at --target')
    expect((await run('--phases', plan, '--sigma', '1')).err).toContain('unknown option')
    expect((await run()).err).toContain('at --phases')
  })
})

it('--help shows both questions with examples', async () => {
  const { out, code } = await run('--help')
  expect(code).toBe(0)
  expect(out).toContain('npm run -s epsilon -- --phases')
  expect(out).toContain('--calibrate --target 1')
})

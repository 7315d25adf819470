import { describe, expect, it } from 'vitest'
import { toolRun } from '../../harness/tool-run.ts'
import { goalLines, secureSumCommand } from '../../bench/secure-sum-command.ts'

const run = toolRun('bench:secure-sum', secureSumCommand)

describe('npm run bench:secure-sum', () => {
  it('--help says what is left out, with examples', async () => {
    const { out, code } = await run('--help')
    expect(code).toBe(0)
    expect(out).toContain('gradients and noise, the ledger, gRPC and TLS')
    expect(out).toContain('$ npm run -s bench:secure-sum -- --sites 10 --params 1000000 --lost 2')
  })

  it.each([
    ['--sites', '2', 'from 3 to 64'],
    ['--sites', '65', 'from 3 to 64'],
    ['--sites', 'ten', 'from 3 to 64'],
    ['--params', '99', 'from 100 to 10000000'],
    ['--params', '1e6', 'from 100 to 10000000'],
    ['--lost', '3', 'from 0 to 2: of 10 sites a plan lets at most 2 be absent'],
    ['--lost', '-1', 'from 0 to 2: of 10 sites a plan lets at most 2 be absent'],
    ['--lost', '', 'from 0 to 2: of 10 sites a plan lets at most 2 be absent'],
  ])('%s=%s is refused by name', async (option, word, range) => {
    const { out, err, code } = await run(`${option}=${word}`)
    expect(err).toMatch(new RegExp(`ARGUMENT_INVALID.*${range}\\n {2}at ${option}`))
    expect([out, code]).toEqual(['', 4])
  })

  it('R7 mixed sets: the most that may be lost goes with the sites; --help says how', async () => {
    expect((await run('--help')).out).toMatch(/at most a quarter of\s+the sites, and none of three/)
    for (const [sites, lost, most] of [
      ['3', '1', 0],
      ['5', '2', 1],
      ['24', '7', 6],
    ] as const) {
      const { err, code } = await run('--sites', sites, '--lost', lost)
      expect(err).toContain(`of ${sites} sites a plan lets at most ${most} be absent`)
      expect(code).toBe(4)
    }
  })

  it('refuses an option that it does not know', async () => {
    expect(await run('--loss', '1')).toMatchObject({ code: 4, out: '' })
  })

  it('opens the plain sum of 4 sites of which 1 is lost, and counts every byte of it', async () => {
    const { out, code } = await run('--sites', '4', '--params', '5000', '--lost', '1', '--json')
    expect(code).toBe(0)
    const report = JSON.parse(out)
    expect(report).toMatchObject({
      exact: true,
      machine: { cores: expect.any(Number) },
      plan: { valuesPerCoefficient: 3, threshold: 3, answers: 3 },
      baselines: [
        { name: 'plaintext', bytesUpPerParameter: 8, exact: true },
        { name: 'pairwise masks', bytesUpPerParameter: 4, exact: true },
        { name: 'shared-key CKKS (NVIDIA FLARE)', exact: true },
      ],
    })
    // One block of 4,096 residues of 58 bits; four deals of four boxes; three answers: 29 KiB each, and little beside them.
    const block = (4096 * 58) / 8
    const least = (3 * block + 4 * 4 * block + 3 * block) / (3 * 5000)
    expect(report.contributionBytesPerParameter).toBeGreaterThan(block / 5000)
    expect(report.contributionBytesPerParameter).toBeLessThan((block + 1500) / 5000)
    expect(report.bytesUpPerParameter).toBeGreaterThan(least)
    expect(report.bytesUpPerParameter).toBeLessThan(1.15 * least)
    // Down: four boxes that are fetched once, and little beside them.
    expect(report.bytesDownPerParameter).toBeGreaterThan((4 * block) / 5000)
    expect(report.bytesDownPerParameter).toBeLessThan((1.3 * 4 * block) / 5000)
    expect(Object.keys(report.sitePhaseMilliseconds)).toEqual(['deal', 'disk', 'boxes', 'check', 'seal', 'answer'])
    expect(Object.keys(report.coordinatorPhaseMilliseconds)).toEqual(
      expect.arrayContaining(['deals', 'checks', 'sift', 'offers', 'parts', 'disk', 'sum', 'open']),
    )
    // Two ciphertexts of two polynomials modulo two primes: 64 bytes a slot, of which compression takes a little.
    const { bytesUncompressed, bytesCompressed } = report.baselines[2]
    expect(bytesUncompressed).toBeCloseTo((2 * (4 * 8192 * 8 + 113)) / 5000, 1)
    expect(bytesCompressed).toBeLessThan(bytesUncompressed)
    expect(report.peakMemoryBytes).toBeGreaterThan(0)
    for (const seconds of [report.siteSeconds, report.coordinatorSeconds]) expect(seconds).toBeGreaterThan(0)

    // Goals are for one size alone: elsewhere nothing is called met, or missed.
    expect(goalLines(report)).toEqual([expect.stringMatching(/^goals are stated for 1,000,000 parameters/)])
    const stated = { ...report, asked: { sites: 10, parameters: 1_000_000, lost: 2 } }
    const verdicts = (of: object) => goalLines({ ...stated, ...of }).map((line) => /: (not )?met$/.exec(line)?.[0])
    expect(verdicts({ siteSeconds: 0.4, coordinatorSeconds: 1.01 }).slice(3, 5)).toEqual([': met', ': not met'])
    expect(verdicts({})).toHaveLength(6)
  })
})

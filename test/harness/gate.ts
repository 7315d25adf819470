import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readNotRun, readReport, type Tally, tallyOf } from './tally.ts'

/**
 * `node test/harness/gate.ts check` or `all`: runs every stage even when one fails, static ones two at a time, shows the output
 * of those that fail and of the tests, and ends with one line `N passed, N failed` (a static stage counts as one).
 */
const root = join(import.meta.dirname, '../..')
const reports = join(root, 'out/reports')
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }

/** A stage is a script of package.json, so that each can be run by itself under the same name. */
const statics = ['format:check', 'build', 'types', 'lint', 'walls', 'unused']

const reportOf = (project: string): string => join(reports, `${project}.json`)

// Plain text: a log of coloured dots is for nobody.
const environment = {
  ...process.env,
  NO_COLOR: '1',
  FORCE_COLOR: undefined,
  PATH: `${join(root, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
}

/** Not a script: it needs the engine that `npm run tensorflow:build` puts outside the repository, in TRIBUTARY_TEST_NATIVE. */
const nativeSuite = 'vitest run --project native --reporter=dot'

const run = (stage: string, extra: readonly string[], shown: boolean): Promise<boolean> =>
  new Promise((resolve) => {
    const started = performance.now()
    const [program = '', ...args] = (stage === 'test:native' ? nativeSuite : (scripts[stage] ?? '')).split(' ')
    const child = spawn(join(root, 'node_modules/.bin', program), [...args, ...extra], {
      cwd: root,
      env: environment,
      stdio: ['ignore', shown ? 'inherit' : 'pipe', shown ? 'inherit' : 'pipe'],
    })
    let output = ''
    const collect = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout?.on('data', collect)
    child.stderr?.on('data', collect)
    const done = (ok: boolean) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6)
      console.log(`${ok ? ' ok  ' : ' FAIL'} ${stage.padEnd(14)} ${seconds} s`)
      if (!ok && output !== '') console.log(output)
      resolve(ok)
    }
    child.on('error', (thrown) => {
      output += `${thrown.message}\n`
      done(false)
    })
    child.on('close', (code) => done(code === 0))
  })

/** Static stages in two lanes, as the usual machine has two cores. */
const runStatics = async (): Promise<Tally> => {
  const queue = [...statics]
  let failed = 0
  const lane = async () => {
    for (let stage = queue.shift(); stage !== undefined; stage = queue.shift())
      if (!(await run(stage, [], false))) failed++
  }
  await Promise.all([lane(), lane()])
  return { passed: statics.length - failed, failed }
}

const native = process.env['TRIBUTARY_TEST_NATIVE'] === undefined ? [] : ['native']
const projects = process.argv[2] === 'all' ? ['unit', ...native, 'slow'] : ['unit']
rmSync(reports, { recursive: true, force: true })
mkdirSync(reports, { recursive: true })
const tallies = [await runStatics()]
for (const project of projects) {
  const ok = await run(`test:${project}`, ['--reporter=json', `--outputFile.json=${reportOf(project)}`], true)
  const tally = tallyOf(readReport(reportOf(project)))
  tallies.push(!ok && tally.failed === 0 ? { ...tally, failed: 1 } : tally)
}
const notRun = readNotRun(join(reports, 'not-run.jsonl'))
for (const { what, how } of notRun) console.log(`NOT RUN: ${what} (${how})`)
if (notRun.length > 0) console.log(`${notRun.length} not run`)
const total = tallies.reduce((sum, { passed, failed }) => ({
  passed: sum.passed + passed,
  failed: sum.failed + failed,
}))
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1

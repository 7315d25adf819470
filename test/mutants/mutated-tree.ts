import { execFile, execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { root } from '../harness/sources.ts'
import type { CatchingTest, Edit } from './mutant.ts'

/** What one named test did. `failed` carries what it said; `missing`: no such test ran, or its file could not be loaded. */
export interface Verdict {
  readonly test: CatchingTest
  readonly state: 'passed' | 'failed' | 'missing'
  readonly said: string
}

/** Every suite in one project, without the slow suites' build: sources are imported as they stand. */
const config = `import { defineConfig } from 'vitest/config'
export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'], externalConditions: ['source'] } },
  test: {
    pool: 'forks', retry: 0, testTimeout: 120_000, hookTimeout: 120_000,
    include: ['{shared,site-agent,coordinator,deploy,test}/**/*.test.ts'], exclude: ['**/dist/**', '**/node_modules/**'],
  },
})
`

const workspaces = ['shared', 'site-agent', 'coordinator'] as const

/**
 * A copy of the working tree's sources in a temporary folder, with links to the installed packages and to ../shared (vectors). Its
 * packages name each other within the copy, so that a mistake planted in `shared` is what every test there runs.
 */
export class MutatedTree {
  readonly #above: string
  readonly #root: string

  constructor() {
    this.#above = mkdtempSync(join(tmpdir(), 'tributary-mutants-'))
    this.#root = join(this.#above, 'main')
    const list = ['ls-files', '-z', '--cached', '--others', '--exclude-standard']
    const paths = execFileSync('git', list, { cwd: root, encoding: 'utf8' }).split('\0')
    const wanted = /^(shared|site-agent|coordinator|deploy|proto|test)\/|^(package|tsconfig.*)\.json$/
    for (const path of paths) {
      if (!wanted.test(path) || !existsSync(join(root, path))) continue
      mkdirSync(dirname(join(this.#root, path)), { recursive: true })
      cpSync(join(root, path), join(this.#root, path))
    }
    for (const workspace of ['', ...workspaces]) this.#linkPackages(workspace)
    const data = join(root, '../shared')
    if (existsSync(data)) symlinkSync(data, join(this.#above, 'shared'))
    writeFileSync(join(this.#root, 'vitest.config.ts'), config)
  }

  /** Plants the edits, runs the tests, takes the edits back. */
  async runWith(edits: readonly Edit[], tests: readonly CatchingTest[]): Promise<Verdict[]> {
    const before = new Map(edits.map(({ file }) => [file, readFileSync(join(this.#root, file), 'utf8')]))
    try {
      for (const { file, find, replace } of edits) {
        const path = join(this.#root, file)
        const text = readFileSync(path, 'utf8')
        if (text.split(find).length !== 2) throw new Error(`${file} does not hold once: ${find}`)
        writeFileSync(
          path,
          text.replace(find, () => replace),
        )
      }
      return await this.#run(tests)
    } finally {
      for (const [file, text] of before) writeFileSync(join(this.#root, file), text)
    }
  }

  dispose(): void {
    rmSync(this.#above, { recursive: true, force: true })
  }

  #linkPackages(workspace: string): void {
    const from = join(root, workspace, 'node_modules')
    if (!existsSync(from)) return
    const to = join(this.#root, workspace, 'node_modules')
    mkdirSync(to, { recursive: true })
    for (const name of readdirSync(from))
      if (!name.startsWith('.vite') && name !== '@tributary') symlinkSync(join(from, name), join(to, name))
    if (workspace !== '') return
    mkdirSync(join(to, '@tributary'))
    for (const each of workspaces) symlinkSync(join(this.#root, each), join(to, '@tributary', each))
  }

  #run(tests: readonly CatchingTest[]): Promise<Verdict[]> {
    const report = join(this.#above, 'report.json')
    rmSync(report, { force: true })
    const files = [...new Set(tests.map(({ file }) => file))]
    const names = tests.map(({ name }) => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|')
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const options = ['-t', `^(${names})$`, '--reporter=json', `--outputFile=${report}`, '--maxWorkers=1']
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, stdout: string, stderr: string): void => {
        if (!existsSync(report)) return reject(error ?? new Error(`no report: ${stdout}${stderr}`))
        resolve(verdictsOf(readFileSync(report, 'utf8'), tests, this.#root))
      }
      execFile(process.execPath, [vitest, 'run', ...options, ...files], { cwd: this.#root, env: environment() }, done)
    })
  }
}

/** Not that of the vitest which runs this. */
const environment = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_OPTIONS$|TEST$|DEV$|PROD$|MODE$)/.test(name)),
  )

interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly message: string
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[]
      readonly title: string
      readonly status: string
      readonly failureMessages: readonly string[]
    }[]
  }[]
}

const verdictsOf = (text: string, tests: readonly CatchingTest[], top: string): Verdict[] => {
  const { testResults } = JSON.parse(text) as Report
  return tests.map((test) => {
    const suite = testResults.find(({ name }) => name.endsWith(join(top, test.file)))
    const found = suite?.assertionResults.find(
      ({ ancestorTitles, title }) => [...ancestorTitles, title].join(' > ') === test.name,
    )
    if (found?.status === 'passed') return { test, state: 'passed', said: '' }
    if (found?.status === 'failed') return { test, state: 'failed', said: found.failureMessages.join('\n') }
    return { test, state: 'missing', said: suite?.message ?? `no suite ${test.file}` }
  })
}

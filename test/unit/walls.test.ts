import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from '../harness/sources.ts'

/** One planted import per wall: a rule that sees nothing would pass any tree. */
const planted: { rule: string; file: string; text: string }[] = [
  { rule: 'shared-imports-no-sibling', file: 'shared/he/a.ts', text: "import '../../site-agent/update/target.ts'" },
  {
    rule: 'site-agent-never-imports-coordinator',
    file: 'site-agent/policy/a.ts',
    text: "import '../../coordinator/rounds/target.ts'",
  },
  {
    rule: 'coordinator-never-imports-site-agent',
    file: 'coordinator/model/a.ts',
    text: "import type { T } from '../../site-agent/update/target.ts'\nexport type U = T",
  },
  {
    rule: 'deploy-imports-only-shared',
    file: 'deploy/local/a.ts',
    text: "import '../../coordinator/rounds/target.ts'",
  },
  {
    rule: 'shipped-code-never-imports-test',
    file: 'site-agent/update/b.ts',
    text: "import '../../test/harness/target.ts'",
  },
  { rule: 'pure-core-has-no-io', file: 'shared/dp/a.ts', text: "import 'node:crypto'" },
  { rule: 'pure-core-has-no-io', file: 'shared/synthesizers/x/a.ts', text: "import 'fs/promises'" },
  { rule: 'sockets-only-in-link', file: 'coordinator/rounds/a.ts', text: "import '@grpc/grpc-js'" },
  { rule: 'sockets-only-in-link-node', file: 'site-agent/policy/b.ts', text: "import 'node:net'" },
  {
    rule: 'generated-code-only-in-wire',
    file: 'site-agent/link/a.ts',
    text: "import '../../shared/wire/generated/target.ts'",
  },
  { rule: 'duckdb-only-in-table', file: 'site-agent/records/a.ts', text: "import '@duckdb/node-api'" },
  { rule: 'sqlite-only-in-store', file: 'site-agent/ledger/a.ts', text: "import 'node:sqlite'" },
  { rule: 'seal-only-in-he', file: 'site-agent/update/a.ts', text: "import 'node-seal'" },
  { rule: 'raw-rows-stay-in-table', file: 'site-agent/ledger/b.ts', text: "import '../table/target.ts'" },
  { rule: 'site-agent-table-stage', file: 'site-agent/table/a.ts', text: "import '../records/target.ts'" },
  { rule: 'site-agent-records-stage', file: 'site-agent/records/b.ts', text: "import '../contribution/plan.ts'" },
  { rule: 'site-agent-contribution-stage', file: 'site-agent/contribution/a.ts', text: "import '../table/target.ts'" },
  { rule: 'site-agent-update-stage', file: 'site-agent/update/c.ts', text: "import '../records/target.ts'" },
  { rule: 'site-agent-link-stage', file: 'site-agent/link/b.ts', text: "import '../records/target.ts'" },
  { rule: 'coordinator-aggregate-stage', file: 'coordinator/aggregate/a.ts', text: "import '../model/target.ts'" },
  { rule: 'coordinator-model-stage', file: 'coordinator/model/b.ts', text: "import '../cohort/target.ts'" },
  { rule: 'coordinator-cohort-stage', file: 'coordinator/cohort/a.ts', text: "import '../aggregate/target.ts'" },
  { rule: 'coordinator-report-stage', file: 'coordinator/report/a.ts', text: "import '../aggregate/target.ts'" },
  {
    rule: 'researcher-only-asks-the-api',
    file: 'coordinator/researcher/a.ts',
    text: "import type { T } from '../rounds/target.ts'\nexport type U = T",
  },
  { rule: 'one-binding-place', file: 'site-agent/contribution/b.ts', text: "import './noise.ts'" },
  { rule: 'no-cycles', file: 'shared/tensor/a.ts', text: "import './b.ts'" },
  { rule: 'no-orphans', file: 'shared/codec/alone.ts', text: 'export const alone = 1' },
  { rule: 'imports-resolve', file: 'shared/codec/a.ts', text: "import './nowhere.ts'" },
  { rule: 'only-declared-dependencies', file: 'shared/codec/b.ts', text: "import 'fast-check'" },
]

const lawful: Record<string, string> = {
  'shared/dp/os-random.ts': "import 'node:crypto'",
  'shared/dp/a.test.ts': "import 'node:fs'",
  'shared/tensor/b.ts': "import './a.ts'",
  'shared/wire/generated/target.ts': 'export type T = 1',
  'site-agent/contribution/noise.ts': "import '../records/target.ts'",
  'site-agent/contribution/plan.ts': "import './noise.ts'",
  'site-agent/cli/main.ts':
    "import '../table/target.ts'\nimport '../contribution/plan.ts'\nimport '@tributary/shared/he/target'",
  'shared/he/target.ts': 'export type T = 1',
  'site-agent/table/open.ts': "import '@duckdb/node-api'\nimport './target.ts'",
  ...Object.fromEntries(
    [
      'site-agent/table',
      'site-agent/records',
      'site-agent/update',
      'coordinator/rounds',
      'coordinator/model',
      'coordinator/cohort',
      'coordinator/aggregate',
      'test/harness',
    ].map((folder) => [`${folder}/target.ts`, 'export type T = 1']),
  ),
}

interface Violation {
  readonly from: string
  readonly rule: { readonly name: string }
}

describe('walls', () => {
  let folder = ''
  let violations: Violation[] = []

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tributary-walls-'))
    const files = { ...lawful, ...Object.fromEntries(planted.map(({ file, text }) => [file, text])) }
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true })
      writeFileSync(join(folder, file), `${text}\n`)
    }
    for (const file of [
      '.dependency-cruiser.cjs',
      'package.json',
      ...['shared', 'site-agent', 'coordinator'].map((name) => `${name}/package.json`),
    ])
      cpSync(join(root, file), join(folder, file))
    mkdirSync(join(folder, 'node_modules/@tributary'), { recursive: true })
    symlinkSync(join(folder, 'shared'), join(folder, 'node_modules/@tributary/shared'))
    for (const name of ['@grpc', '@duckdb', 'node-seal', 'fast-check'])
      symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
    const cruise = join(root, 'node_modules/.bin/depcruise')
    const folders = ['shared', 'site-agent', 'coordinator', 'deploy', 'test']
    let report = ''
    try {
      report = execFileSync(
        process.execPath,
        [cruise, '--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders],
        {
          cwd: folder,
          encoding: 'utf8',
          maxBuffer: 1 << 26,
          stdio: ['ignore', 'pipe', 'ignore'],
        },
      )
    } catch (refusal) {
      report = (refusal as { stdout: string }).stdout // violations make it exit non-zero
    }
    violations = (JSON.parse(report) as { summary: { violations: Violation[] } }).summary.violations
  })

  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it.each(planted)('$rule: $file is refused', ({ rule, file }) => {
    expect(violations.filter(({ from }) => from === file).map((violation) => violation.rule.name)).toContain(rule)
  })

  it('lawful files pass', () => {
    const accused = violations.filter(
      ({ from, rule }) => from in lawful && rule.name !== 'no-orphans' && rule.name !== 'no-cycles',
    )
    expect(accused.map(({ from, rule }) => `${from}: ${rule.name}`)).toEqual([])
  })
})

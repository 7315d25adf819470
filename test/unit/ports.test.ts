import { describe, expect, it } from 'vitest'
import { codeOf, isTest, type SourceFile, sources } from '../harness/sources.ts'

/** What the lint rules cannot say: ways round the ports that are no global and no property. */
const ways: { name: string; pattern: RegExp; allowed: { path: RegExp; why: string }[] }[] = [
  {
    name: 'reads the wall clock',
    pattern: /\bnew Date\(\s*\)|\bprocess\.(hrtime|uptime)\b|\bglobalThis\.(Date|performance)\b/,
    allowed: [
      { path: /^shared\/system\//, why: 'the clock adapter' },
      { path: /^deploy\//, why: 'times a run from outside' },
      { path: /^(site-agent|coordinator)\/cli\//, why: 'composition root' },
    ],
  },
  {
    name: 'sets a timer',
    pattern: /\bglobalThis\.(setTimeout|setInterval|setImmediate)\b|\bsetImmediate\(/,
    allowed: [
      { path: /^shared\/system\//, why: 'the clock adapter' },
      { path: /^(site-agent|coordinator)\/(link|cli)\//, why: 'adapter' },
      { path: /^deploy\//, why: 'waits for processes' },
    ],
  },
  { name: 'draws from Math.random', pattern: /\bMath\.random\b|\bMath\[/, allowed: [] },
]

const offenders = (files: readonly SourceFile[], way: (typeof ways)[number]): string[] =>
  files
    .filter(({ path }) => !isTest(path) && !way.allowed.some((entry) => entry.path.test(path)))
    .flatMap(({ path, code }) =>
      code.split('\n').flatMap((line, index) => (way.pattern.test(line) ? [`${path}:${index + 1} ${way.name}`] : [])),
    )

const timersImport = (files: readonly SourceFile[]): string[] =>
  files
    .filter(
      ({ path }) =>
        !isTest(path) && !/^(shared\/system|deploy|site-agent\/(link|cli)|coordinator\/(link|cli))\//.test(path),
    )
    .filter(({ text }) => /from '(node:)?(timers|timers\/promises|perf_hooks)'/.test(text))
    .map(({ path }) => `${path} imports a timer module`)

const planted = (text: string): SourceFile => ({ path: 'shared/dp/planted.ts', text, code: codeOf(text) })

describe('ports: time and chance come in as arguments', () => {
  const files = sources()

  it.each(ways)('nothing outside an adapter $name', (way) => {
    expect(offenders(files, way)).toEqual([])
  })

  it('nothing outside an adapter imports a timer module', () => {
    expect(timersImport(files)).toEqual([])
  })

  it('finds what is planted, and not what is only mentioned', () => {
    const [clock, timer, chance] = ways as [(typeof ways)[0], (typeof ways)[0], (typeof ways)[0]]
    expect(offenders([planted('const t = new Date()')], clock)).toHaveLength(1)
    expect(offenders([planted('globalThis.setTimeout(f, 1)')], timer)).toHaveLength(1)
    expect(offenders([planted('const x = Math.random()')], chance)).toHaveLength(1)
    expect(timersImport([planted("import { setTimeout } from 'node:timers/promises'")])).toHaveLength(1)
    expect(offenders([planted('// never Math.random\nconst d = new Date(ms)')], chance)).toEqual([])
    expect(offenders([planted('const d = new Date(ms)')], clock)).toEqual([])
  })
})

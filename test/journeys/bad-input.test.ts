import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { siteId } from '@tributary/shared/ids'
import { encodeManifest, freezeStudy, parseStudy } from '@tributary/shared/study/manifest'
import { systemClock } from '@tributary/shared/system/clock'
import { stringify } from 'yaml'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFederation } from '../../coordinator/enrolment/federation-directory.ts'
import { Federation } from '../../deploy/local/federation.ts'
import { binaries, type Json } from '../../deploy/local/program.ts'
import { openSiteKeys } from '../../site-agent/enrolment/site-keys.ts'
import { runCommandLine, type Envelope } from '../harness/command-line.ts'
import { directoryState } from '../harness/directory-state.ts'

/*
 * Bad input at the shipped binaries, as a person would bring it: a coded error that names the place, the exit code of its class,
 * nothing half-written, and no cell of a table in any output.
 */
const sites = ['north', 'river', 'west'] as const
const planted = 'Planted-Cell'

const study = `tributary: study/1
name: refusals
purpose: Three small hospitals and everything that can be wrong with what they are given.
source: { format: csv }
columns:
  - { name: sex, kind: categorical, levels: [female, male] }
  - { name: age, kind: numeric, bins: [18, 40, 60, 80], maximum: 95, integer: true }
privacy: { unit: patient, patient_key: patient, epsilon: 4, delta: 0.00005 }
family: { name: autoregressive, hidden: 4, steps: 3, sampling_rate: 0.2 }
sites:
${sites.map((name) => `  - { name: ${name}, promised_patients: 350, promised_rows: 600 }`).join('\n')}
`
const manifest = freezeStudy(parseStudy(study, 'study.yaml').draft)
const frozen = stringify(manifest)
const goodTable = `patient,sex,age,note\n${Array.from({ length: 50 }, (_, i) => `p${i},female,${20 + i},ok`).join('\n')}\n`

let folder = ''
let federation: Federation
const directory = (name: string) => join(folder, 'data', name)
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-bad-input-'))
  mkdirSync(join(folder, 'data'))
  const files = sites.map((name) => ({ name, path: file(`${name}.csv`, goodTable) }))
  federation = new Federation({ manifest, sites: files, folder, seed: 1 })
  await federation.open()
}, 240_000)

afterAll(async () => {
  await federation.close()
  rmSync(folder, { recursive: true, force: true })
})

/** What was sent is noted, also when it was refused. */
const withoutJournal = ({ 'egress.sqlite': _, ...rest }: Readonly<Record<string, string>>) => rest

/** Runs a command that must be refused; it may not change `unchanged`, a data directory. */
const refusedBy = async (
  binary: 'site-agent' | 'coordinator' | 'tributary',
  args: readonly string[],
  exit: number,
  unchanged?: string,
): Promise<Envelope> => {
  const before = unchanged === undefined ? {} : directoryState(unchanged)
  const outcome = await runCommandLine(binary, [...args, '--json'], { cwd: folder })
  const said = outcome.envelope()
  expect({ code: outcome.code, error: said.error_code, why: said.message }).toMatchObject({ code: exit })
  expect(said).toMatchObject({ status: 'error', hint: expect.stringMatching(/\w/) as string })
  expect(outcome.stdout + outcome.stderr).not.toContain(planted)
  if (unchanged !== undefined) expect(withoutJournal(directoryState(unchanged))).toEqual(withoutJournal(before))
  return said
}

const address = () => String(federation.coordinator?.lines.find((line) => line['event'] === 'listening')?.['address'])

const edited = (from: string | RegExp, to: string, text = frozen): string => {
  const changed = text.replace(from, to)
  if (changed === text) throw new Error(`nothing to replace: ${from.toString()}`)
  return changed
}

describe('a study file', () => {
  it.each<[string, string, number, string, string | RegExp]>([
    ['malformed YAML', 'tributary: study/1\nname: [x\n', 4, 'MANIFEST_INVALID', ''],
    ['an unknown key', edited('privacy:', 'sekret: 1\nprivacy:'), 4, 'MANIFEST_INVALID', 'sekret'],
    ['epsilon 0', edited('epsilon: 4', 'epsilon: 0'), 4, 'MANIFEST_INVALID', 'privacy.epsilon'],
    ['epsilon NaN', edited('epsilon: 4', 'epsilon: .nan'), 4, 'MANIFEST_INVALID', 'privacy.epsilon'],
    ['delta above 1/(10 N)', edited(/delta: .*/, 'delta: 0.001'), 6, 'PLAN_REFUSED', 'privacy.delta'],
    [
      'a plan that does not fit its slots',
      edited(/slot_bits: \d+/, 'slot_bits: 9'),
      6,
      'PLAN_REFUSED',
      /^plan\.queries/,
    ],
    [
      'less noise than its epsilon needs',
      edited(/noise_multiplier: .*/, 'noise_multiplier: 0.5'),
      6,
      'PLAN_REFUSED',
      /^plan/,
    ],
  ])('%s', async (_, text, exit, code, field) => {
    file('wrong.yaml', text)
    const said = await refusedBy('tributary', ['study', 'validate', 'wrong.yaml'], exit)
    expect(said).toMatchObject({ error_code: code, place: { file: 'wrong.yaml', line: expect.any(Number) as number } })
    expect(said.place?.field).toMatch(field === '' ? /^$/ : field)
    const published = await refusedBy(
      'coordinator',
      ['study', 'publish', 'wrong.yaml', '--data-dir', directory('coordinator')],
      exit,
      directory('coordinator'),
    )
    expect(published.error_code).toBe(code)
  })

  it('in CP1252, an umlaut in its purpose, is refused by both that read it', async () => {
    const [before = '', after = ''] = study.split('Three small hospitals')
    file('cp1252.yaml', Buffer.concat([Buffer.from(before), Buffer.from([0x4d, 0xfc, 0x6e]), Buffer.from(after)]))
    const place = { file: 'cp1252.yaml' }
    const said = await refusedBy('tributary', ['study', 'validate', 'cp1252.yaml'], 4)
    expect(said).toMatchObject({ error_code: 'MANIFEST_INVALID', place })
    // As it would be published: frozen.
    const [head = '', tail = ''] = frozen.split('Three small hospitals')
    file('cp1252.yaml', Buffer.concat([Buffer.from(head), Buffer.from([0x4d, 0xfc, 0x6e]), Buffer.from(tail)]))
    const publish = ['study', 'publish', 'cp1252.yaml', '--data-dir', directory('coordinator')]
    expect(await refusedBy('coordinator', publish, 4, directory('coordinator'))).toMatchObject({
      error_code: 'MANIFEST_INVALID',
      place,
    })
  })

  it('that is not there, or is no text', async () => {
    expect(await refusedBy('tributary', ['study', 'validate', 'absent.yaml'], 1)).toMatchObject({
      error_code: 'NOT_FOUND',
    })
    file('binary.yaml', Uint8Array.from([0, 255, 254, 1, 2, 3]))
    expect(await refusedBy('tributary', ['study', 'validate', 'binary.yaml'], 4)).toMatchObject({
      error_code: 'MANIFEST_INVALID',
    })
  })
})

describe('enrolment', () => {
  const invite = async (name: string) => {
    const outcome = await runCommandLine('coordinator', [
      'invite',
      name,
      '--data-dir',
      directory('coordinator'),
      '--json',
    ])
    const { token = '', ca_sha256 = '' } = (outcome.envelope().data ?? {}) as { token?: string; ca_sha256?: string }
    return { tokenFile: file(`${name}.token`, token), ca: ca_sha256 }
  }
  const init = (name: string) =>
    runCommandLine('site-agent', ['init', '--name', name, '--data-dir', directory(name), '--json'])
  const enrol = (name: string, tokenFile: string, ca: string, to = address()) => [
    'enrol',
    '--data-dir',
    directory(name),
    '--coordinator',
    to,
    '--ca-sha256',
    ca,
    '--token-file',
    tokenFile,
  ]

  it('a token works once, for its site, before it expires; another authority is not spoken to', async () => {
    await init('lake')
    await init('pond')
    const { tokenFile, ca } = await invite('lake')
    const wrongAuthority = enrol('lake', tokenFile, '0'.repeat(64))
    expect(await refusedBy('site-agent', wrongAuthority, 2, directory('lake'))).toMatchObject({
      error_code: 'TLS_REFUSED',
    })
    const wrongSite = enrol('pond', tokenFile, ca)
    expect(await refusedBy('site-agent', wrongSite, 2, directory('pond'))).toMatchObject({
      error_code: 'TOKEN_REFUSED',
    })
    expect((await runCommandLine('site-agent', enrol('lake', tokenFile, ca))).code).toBe(0)
    expect(await refusedBy('site-agent', wrongSite, 2, directory('pond'))).toMatchObject({
      error_code: 'TOKEN_REFUSED',
    })
    // The same site with other keys: whoever finds a used token and knows the site's name.
    await runCommandLine('site-agent', ['init', '--name', 'lake', '--data-dir', directory('thief'), '--json'])
    const reused = ['enrol', '--data-dir', directory('thief'), ...enrol('lake', tokenFile, ca).slice(3)]
    expect(await refusedBy('site-agent', reused, 2, directory('thief'))).toMatchObject({ error_code: 'TOKEN_REFUSED' })
    // The same request again, as after a lost reply, is given the same certificate: that is no second use.
    const certificate = () => readFileSync(join(directory('lake'), 'enrolment.json'), 'utf8')
    const first = certificate()
    expect((await runCommandLine('site-agent', enrol('lake', tokenFile, ca))).code).toBe(0)
    expect(certificate()).toBe(first)
    const status = await runCommandLine('site-agent', ['status', '--data-dir', directory('lake'), '--json'])
    expect(status.envelope().data).toMatchObject({ site: 'lake', certificate_accepted: true })

    const late = await invite('pond')
    const registry = new DatabaseSync(join(directory('coordinator'), 'sites.sqlite'))
    registry.prepare("UPDATE invitations SET expires = 1 WHERE site = 'pond'").run()
    registry.close()
    const expired = enrol('pond', late.tokenFile, late.ca)
    expect(await refusedBy('site-agent', expired, 2, directory('pond'))).toMatchObject({ error_code: 'TOKEN_REFUSED' })
  })

  it('a certificate of another federation, of another site, or none opens nothing', async () => {
    const record = join(directory('lake'), 'enrolment.json')
    const own = readFileSync(record, 'utf8')
    const status = ['status', '--data-dir', directory('lake')]
    const trusted = () => runCommandLine('site-agent', [...status, '--json'])
    const put = (changes: object) =>
      writeFileSync(record, JSON.stringify({ ...(JSON.parse(own) as object), ...changes }))

    // For this site's own name and key, within its dates, by another authority.
    const elsewhere = ['--data-dir', directory('elsewhere'), '--json']
    const made = ['init', '--name', 'elsewhere', '--listen', '127.0.0.1:0', ...elsewhere]
    expect((await runCommandLine('coordinator', made)).code).toBe(0)
    const { authority } = await openFederation(directory('elsewhere'), systemClock)
    const foreign = await authority.signSite(siteId('lake'), openSiteKeys(directory('lake')).request)
    put({ certificate: foreign.certificate })
    const refused = async () => {
      const { code, envelope } = await trusted()
      const data = envelope().data as { certificate_accepted: boolean | null; error: { code: string } }
      expect(code).toBe(2)
      expect(data.certificate_accepted).not.toBe(true)
      return data.error.code
    }
    expect(['TLS_REFUSED', 'CERTIFICATE_REQUIRED']).toContain(await refused())
    // And a site of that federation does not talk to this one's coordinator.
    put({ certificate: foreign.certificate, ca: authority.certificate })
    expect(await refused()).toBe('TLS_REFUSED')
    writeFileSync(record, own)
    expect((await trusted()).envelope().data).toMatchObject({ certificate_accepted: true })

    const north = JSON.parse(readFileSync(join(directory('north'), 'enrolment.json'), 'utf8')) as {
      certificate: string
    }
    put({ certificate: north.certificate })
    expect(await refusedBy('site-agent', status, 1)).toMatchObject({ error_code: 'STATE_CORRUPT' })
    writeFileSync(record, '{"schema_version":1')
    expect(await refusedBy('site-agent', status, 1)).toMatchObject({ error_code: 'STATE_CORRUPT' })
    rmSync(record)
    expect(await refusedBy('site-agent', status, 1)).toMatchObject({ error_code: 'NOT_FOUND' })
    writeFileSync(record, own)
  })
})

describe('a table', () => {
  const cp1252 = Buffer.concat([
    Buffer.from(`patient,sex,age,note\n${planted},f`),
    Buffer.from([0xe9]),
    Buffer.from('male,44,x\n'),
  ])
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(goodTable.replace('p0', planted), 'utf16le')])

  it.each<[string, string | Uint8Array, Envelope['place']]>([
    ['a missing column', goodTable.replace('age', 'years').replace('p0', planted), { line: 1, column: 'age' }],
    ['a ragged row', `${goodTable}${planted},female\n`, { line: 52 }],
    ['a CP1252 file', cp1252, { line: 2 }],
    ['a UTF-16 file', utf16, {}],
    ['an empty file', '', {}],
    ['a header alone', 'patient,sex,age\n', {}],
    ['a null patient key', `${goodTable},male,50,${planted}\n`, { column: 'patient', row: 51 }],
    ['a level that the study does not know', `${goodTable}${planted},${planted},50,x\n`, { column: 'sex', row: 51 }],
    ['a number that is none', `${goodTable}${planted},male,${planted},x\n`, { column: 'age', row: 51 }],
    ['a value outside the bins', `${goodTable}${planted},male,17,x\n`, { column: 'age', row: 51 }],
  ])('%s: approval is refused at the place, nothing is reserved', async (what, content, place) => {
    const name = what.replaceAll(/[^a-z]/gi, '-')
    const path = file(`${name}.csv`, content)
    const site = ['--data-dir', directory('north')]
    expect((await runCommandLine('site-agent', ['source', 'add', name, '--path', path, ...site])).code).toBe(0)
    await runCommandLine('site-agent', ['study', 'show', federation.study, ...site])
    const approve = ['study', 'approve', federation.study, '--source', name, '--confirm', federation.study, ...site]
    const said = await refusedBy('site-agent', approve, 1, directory('north'))
    expect(said).toMatchObject({ error_code: 'TABLE_INVALID', place: { file: expect.any(String) as string, ...place } })
  })

  it('of one patient may be approved', async () => {
    const path = file('one.csv', 'patient,sex,age\nonly,female,44\n')
    const site = ['--data-dir', directory('west')]
    expect((await runCommandLine('site-agent', ['source', 'add', 'one', '--path', path, ...site])).code).toBe(0)
    const approve = ['study', 'approve', federation.study, '--source', 'one', '--confirm', federation.study, ...site]
    const outcome = await runCommandLine('site-agent', [...approve, '--json'])
    expect(outcome.envelope()).toMatchObject({ status: 'ok' })
  })

  it('that is gone, a folder, or a source nobody named', async () => {
    const site = ['--data-dir', directory('north')]
    const add = (path: string) => ['source', 'add', 'gone', '--path', path, ...site]
    expect(await refusedBy('site-agent', add(join(folder, 'absent.csv')), 1, directory('north'))).toMatchObject({
      error_code: 'SOURCE_MISSING',
    })
    // A folder of tables is no table: refused where it is named, and nothing is booked.
    mkdirSync(join(folder, 'tables'))
    file(join('tables', 'patients.csv'), goodTable)
    const said = await refusedBy('site-agent', add(join(folder, 'tables')), 4, directory('north'))
    expect(said).toMatchObject({ error_code: 'CONFIG_INVALID', message: expect.stringContaining('file') as string })
    const approve = ['study', 'approve', federation.study, '--source', 'nobody', '--confirm', federation.study, ...site]
    expect(await refusedBy('site-agent', approve, 1, directory('north'))).toMatchObject({
      error_code: 'SOURCE_MISSING',
    })
  })
})

describe('a study after it was approved', () => {
  it('another manifest under the approved id is refused by the hospital, which shows what it approved', async () => {
    const draft = parseStudy(study.replace('epsilon: 4', 'epsilon: 9'), 'study.yaml').draft
    const store = new DatabaseSync(join(directory('coordinator'), 'studies.sqlite'))
    const { manifest: before } = store.prepare('SELECT manifest FROM studies').get() as { manifest: Uint8Array }
    store.prepare('UPDATE studies SET manifest = ?').run(encodeManifest(freezeStudy(draft)))
    const listen = address()
    await federation.coordinator?.stop()
    const up = ['up', '--data-dir', directory('coordinator'), '--listen', listen, '--http', 'off']
    const tampered = federation.host.start('tampered', binaries.coordinator, up)
    try {
      await tampered.event('listening')
      const at = [federation.study, '--data-dir', directory('river')]
      const approve = ['study', 'approve', ...at, '--source', 'patients', '--confirm', federation.study]
      expect(await refusedBy('site-agent', approve, 6)).toMatchObject({ error_code: 'APPROVAL_REFUSED' })
      const { stdout } = await runCommandLine('site-agent', ['study', 'show', ...at])
      expect(stdout).toMatch(/epsilon promised +4\b/)
      expect(stdout).not.toMatch(/epsilon promised +9\b/)
    } finally {
      // Whatever was found: the tests behind this one need an honest coordinator.
      store.prepare('UPDATE studies SET manifest = ?').run(before)
      store.close()
      await tampered.stop()
      await federation.host.start('coordinator', binaries.coordinator, up).event('listening')
    }
  })

  it('a confirmation of anything but the hash that was shown is refused', async () => {
    const site = ['--data-dir', directory('river')]
    const approve = (confirm: string) => [
      'study',
      'approve',
      federation.study,
      '--source',
      'patients',
      '--confirm',
      confirm,
      ...site,
    ]
    for (const confirm of ['yes', 'y', '0'.repeat(8), federation.study.slice(0, 7)])
      expect(await refusedBy('site-agent', approve(confirm), 6, directory('river'))).toMatchObject({
        error_code: 'APPROVAL_REFUSED',
      })
  })
})

describe('a run with a hospital of one patient', () => {
  it('is completed, and what that hospital sent is told from the others by its name alone', async () => {
    const ended = await Promise.all(sites.map((site) => federation.startAgent(site).ended))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
    expect((await federation.show()).state).toBe('completed')
    const book = new DatabaseSync(join(directory('west'), 'site.sqlite'), { readOnly: true })
    expect(book.prepare('SELECT source FROM studies').get()).toEqual({ source: 'one' })
    book.close()
    const sent = await Promise.all(
      sites.map(async (site) => {
        const totals: readonly Json[] = await federation.egress(site)
        const contributions = totals.find(({ kind }) => kind === 'contribution') ?? {}
        const messages = Number(contributions['messages'])
        return { messages, bytes: Number(contributions['bytes']) - messages * site.length }
      }),
    )
    expect(sent[0]?.messages).toBeGreaterThanOrEqual(4)
    expect(sent[0]?.bytes).toBeGreaterThan(4 * 30_000)
    for (const each of sent) expect(each).toEqual(sent[0])
  })
})

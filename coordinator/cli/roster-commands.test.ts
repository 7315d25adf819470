import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { siteId } from '@tributary/shared/ids'
import { systemClock as clock } from '@tributary/shared/system/clock'
import { messageBytes, signBody } from '@tributary/shared/wire/body'
import { checkRosterSignature, decodeRoster, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type SignedMessage } from '@tributary/shared/wire/signed'
import { Command } from 'commander'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { studiesPath } from '../data-paths.ts'
import { addEnrolmentCommands } from '../enrolment/commands.ts'
import { registryPath } from '../enrolment/federation-directory.ts'
import { openSiteRegistry } from '../enrolment/site-registry.ts'
import { publishedRoster } from '../studies/published-roster.ts'
import { readRosterFile } from '../studies/roster-file.ts'
import { StudyStore } from '../studies/study-store.ts'
import { addRosterCommands } from './roster-commands.ts'

/** Machines of the story, each with a folder: the coordinator's, and the one that keeps the admin key. */
let here = ''
let apart = ''
beforeEach(() => {
  here = mkdtempSync(join(tmpdir(), 'tributary-here-'))
  apart = mkdtempSync(join(tmpdir(), 'tributary-apart-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
  for (const folder of [here, apart]) rmSync(folder, { recursive: true })
})

const words = async (...args: string[]): Promise<string> => {
  let out = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => Boolean((out += text)))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => Boolean((out += text)))
  const program = new Command('coordinator')
  addEnrolmentCommands(program, { clock })
  addRosterCommands(program, { clock })
  await runCommand(program, ['node', 'coordinator', ...args])
  return out
}
const run = async (...args: string[]) => JSON.parse(await words(...args, '--json'))
const ok = async (...args: string[]) => {
  const answer = await run(...args)
  expect(answer, JSON.stringify(answer)).toMatchObject({ status: 'ok' })
  return answer.data
}
const at = () => ['--data-dir', here]
const init = (...more: string[]) => ok('init', ...at(), '--name', 'Rhine', ...more)
const enrol = (...names: string[]) => {
  const registry = openSiteRegistry(registryPath(here))
  const expires = clock.now() + 1_000_000
  for (const name of names) {
    const certificate = { serial: name, certificate: `pem ${name}`, expires }
    registry.admit(siteId(name), generateIdentity().publicKey, certificate, 1)
  }
  registry.close()
}
const served = () => {
  const studies = StudyStore.open(studiesPath(here))
  try {
    const { roster, signature } = publishedRoster(studies)
    const read = decodeRoster(roster)
    checkRosterSignature(read, signature, read.admin)
    return read
  } finally {
    studies.close()
  }
}

describe('the admin key beside the coordinator', () => {
  it('is made by init for its owner alone, and printed with the advice to move it', async () => {
    const data = await init()
    const file = join(here, 'admin.key')
    expect(data).toMatchObject({ admin_key_file: file, advice: expect.stringContaining(`move ${file} to a machine`) })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    enrol('ash', 'birch')
    const proposed = await ok('roster', 'propose', ...at())
    expect(proposed).toMatchObject({ version: 1, signed_with: file, admin_fingerprint: data.admin_fingerprint })
    expect(proposed.advice).toContain('without it no roster can ever be changed')
    expect(served().members.map(({ site }) => site)).toEqual(['ash', 'birch'])
    expect(await words('roster', 'propose', ...at())).toMatch(/^version: 1$/m)
  })

  it('moved away: propose says how to go on, and takes it from where it is', async () => {
    await init('--admin-key-file', join(apart, 'admin.key'))
    expect(existsSync(join(here, 'admin.key'))).toBe(false)
    enrol('ash', 'birch')
    const refused = await run('roster', 'propose', ...at())
    expect(refused).toMatchObject({ error_code: 'NOT_FOUND', hint: expect.stringContaining('roster draft --out') })
    const data = await ok('roster', 'propose', ...at(), '--admin-key-file', join(apart, 'admin.key'))
    expect(data.advice).toBeUndefined()
    await ok('roster', 'key', '--out', join(apart, 'other.key'))
    enrol('cedar')
    const other = await run('roster', 'propose', ...at(), '--admin-key-file', join(apart, 'other.key'))
    expect(other).toMatchObject({
      error_code: 'ROSTER_REFUSED',
      message: expect.stringContaining(data.admin_fingerprint),
    })
    expect(served().version).toBe(1)
  })

  it('R1 propose keeps a copy of what it signed, and a coordinator restored from before publishes that again', async () => {
    const out = join(apart, 'roster.signed')
    await init()
    enrol('ash', 'birch')
    expect(await ok('roster', 'propose', ...at())).toMatchObject({ copy: expect.stringContaining('--out FILE') })
    cpSync(here, join(apart, 'backup'), { recursive: true })
    enrol('cedar')
    const data = await ok('roster', 'propose', ...at(), '--out', out)
    expect(data).toMatchObject({ version: 2, signed: out, copy: expect.stringContaining(`roster publish ${out}`) })
    expect(statSync(out).mode & 0o777).toBe(0o600)
    const lost = served()
    // The coordinator, and what it served, go back; the copy brings the very same version, under the same signature.
    rmSync(here, { recursive: true })
    cpSync(join(apart, 'backup'), here, { recursive: true })
    expect(served().version).toBe(1)
    await ok('roster', 'publish', out, ...at())
    expect(served()).toEqual(lost)
  })

  it('R1 a copy of the roster that is published already is to be had later; none of one that was not published', async () => {
    const [out, none] = [join(apart, 'roster.signed'), join(apart, 'none.signed')]
    await init('--admin-key-file', join(apart, 'admin.key'))
    enrol('ash', 'birch')
    expect(await run('roster', 'propose', ...at(), '--out', none)).toMatchObject({ status: 'error' })
    expect(existsSync(none)).toBe(false)
    await ok('roster', 'propose', ...at(), '--admin-key-file', join(apart, 'admin.key'))
    await ok('roster', 'propose', ...at(), '--out', out)
    const { roster, signature } = readRosterFile(out)
    expect(roster).toEqual(served())
    checkRosterSignature(roster, signature as SignedMessage, roster.admin)
  })

  it('an init that was interrupted is repeated with the key that it made', async () => {
    const refused = await run('init', ...at(), '--name', 'x'.repeat(90))
    expect(refused).toMatchObject({ error_code: 'ARGUMENT_INVALID' })
    const key = readFileSync(join(here, 'admin.key'), 'utf8')
    await init()
    expect(readFileSync(join(here, 'admin.key'), 'utf8')).toBe(key)
    expect(await run('init', ...at(), '--name', 'Rhine')).toMatchObject({ error_code: 'ALREADY_EXISTS' })
  })
})

describe('R1 the admin key on a machine apart', () => {
  const [draft, signed] = ['roster.draft', 'roster.signed'].map((name) => () => join(apart, name)) as [
    () => string,
    () => string,
  ]
  const key = () => join(apart, 'admin.key')
  const begin = async () => {
    const { public_key: hex, admin_fingerprint: print, next } = await ok('roster', 'key', '--out', key())
    expect(next).toContain(`coordinator init --data-dir FOLDER --name NAME --admin-public-key ${hex}`)
    const data = await init('--admin-public-key', hex)
    expect(data).toMatchObject({ admin_fingerprint: print })
    expect(data.admin_key_file).toBeUndefined()
    enrol('ash', 'birch')
  }
  const sign = (...more: string[]) => run('roster', 'sign', draft(), '--admin-key-file', key(), ...more)
  const round = async () => {
    await ok('roster', 'draft', ...at(), '--out', draft())
    await sign('--out', signed())
    return ok('roster', 'publish', signed(), ...at())
  }

  it('R1 draft here, look and sign there, publish here', async () => {
    await begin()
    const drafted = await ok('roster', 'draft', ...at(), '--out', draft())
    expect(drafted).toMatchObject({
      version: 1,
      draft: draft(),
      next: expect.stringContaining(`roster sign ${draft()}`),
    })
    const looked = await sign()
    expect(looked.data).toMatchObject({ signed: null, members: drafted.members })
    expect(existsSync(signed())).toBe(false)
    expect((await sign('--out', signed())).data).toMatchObject({ signed: signed() })
    expect(await ok('roster', 'publish', signed(), ...at())).toMatchObject({ version: 1, members: drafted.members })
    expect(served()).toMatchObject({ version: 1, federation: 'Rhine' })
    // Nothing new to say, and the same file again changes nothing.
    expect(await run('roster', 'draft', ...at(), '--out', draft())).toMatchObject({ error_code: 'ALREADY_EXISTS' })
    await ok('roster', 'publish', signed(), ...at())
    enrol('cedar')
    await ok('roster', 'draft', ...at(), '--out', draft())
    expect((await sign()).data.changes).toEqual({ before_version: 1, joined: ['cedar'], left: [], other_key: [] })
  })

  it('R1 what the coordinator says of the version before is not believed: it must be signed too', async () => {
    await begin()
    await round()
    enrol('sybil')
    await ok('roster', 'draft', ...at(), '--out', draft())
    const file = JSON.parse(readFileSync(draft(), 'utf8'))
    writeFileSync(draft(), JSON.stringify({ ...file, before: { ...file.before, roster: file.roster } }))
    expect(await sign('--out', signed())).toMatchObject({ error_code: 'ROSTER_REFUSED' })
    writeFileSync(draft(), JSON.stringify({ ...file, before: undefined }))
    expect(await sign('--out', signed())).toMatchObject({ error_code: 'ROSTER_REFUSED' })
    writeFileSync(draft(), JSON.stringify(file))
    expect((await sign('--out', signed())).data.changes.joined).toEqual(['sybil'])
  })

  it('R1 publish refuses what is unsigned, out of order, damaged or of another federation', async () => {
    await begin()
    await round()
    const first = readFileSync(signed())
    enrol('cedar')
    await ok('roster', 'draft', ...at(), '--out', draft())
    const unsigned = await run('roster', 'publish', draft(), ...at())
    expect(unsigned).toMatchObject({ error_code: 'ROSTER_REFUSED', hint: expect.stringContaining('roster sign') })
    // Signed, but another roster; and by another key than the federation's admin.
    const drafted = JSON.parse(readFileSync(draft(), 'utf8'))
    const publish = async (signature: unknown) => {
      writeFileSync(signed(), JSON.stringify({ ...drafted, signature }))
      return run('roster', 'publish', signed(), ...at())
    }
    expect(await publish(JSON.parse(String(first)).signature)).toMatchObject({ error_code: 'ROSTER_REFUSED' })
    const forged = signRoster(decodeRoster(Buffer.from(drafted.roster, 'base64')), generateIdentity())
    const forgery = Buffer.from(messageBytes(forged)).toString('base64')
    expect(await publish(forgery)).toMatchObject({ error_code: 'SIGNATURE_INVALID' })
    expect(served().version).toBe(1)
    await round()
    writeFileSync(signed(), first)
    const older = await run('roster', 'publish', signed(), ...at())
    expect(older).toMatchObject({ error_code: 'ROSTER_REFUSED', message: expect.stringContaining('the next is 3') })
    writeFileSync(signed(), '{"schema_version":1}')
    expect(await run('roster', 'publish', signed(), ...at())).toMatchObject({
      error_code: 'ARGUMENT_INVALID',
      place: { file: signed() },
      hint: expect.stringContaining('roster draft'),
    })
    writeFileSync(signed(), first)
    rmSync(here, { recursive: true })
    await init()
    expect(await run('roster', 'publish', signed(), ...at())).toMatchObject({ error_code: 'ROSTER_REFUSED' })
    expect(served).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }))
  })

  it('a key is never written over, and a public key is 64 digits', async () => {
    await ok('roster', 'key', '--out', key())
    expect(await run('roster', 'key', '--out', key())).toMatchObject({ error_code: 'ALREADY_EXISTS' })
    const bad = await run('init', ...at(), '--name', 'Rhine', '--admin-public-key', 'ab')
    expect(bad).toMatchObject({ error_code: 'ARGUMENT_INVALID', place: { field: '--admin-public-key' } })
  })
})

describe('R1 roster show', () => {
  const confirm = (site: string) => {
    const studies = StudyStore.open(studiesPath(here))
    try {
      const key = generateIdentity()
      const hash = rosterHash(served())
      studies.state(
        hash,
        'countersignature',
        siteId(site),
        signBody('countersignature', siteId(site), { roster: hash }, key),
      )
    } finally {
      studies.close()
    }
  }

  it('R1 tells who has confirmed the latest version, what it changed, and who has to do what', async () => {
    await init()
    expect(await run('roster', 'show', ...at())).toMatchObject({ error_code: 'NOT_FOUND' })
    enrol('ash', 'birch', 'cedar')
    const first = await ok('roster', 'propose', ...at())
    expect(first.next).toMatch(/^every site: /)
    confirm('ash')
    const shown = await ok('roster', 'show', ...at())
    expect(shown).toMatchObject({
      federation: 'Rhine',
      version: 1,
      roster: first.roster,
      admin_fingerprint: first.admin_fingerprint,
      members: [
        { ...first.members[0], confirmed: true },
        { ...first.members[1], confirmed: false },
        { ...first.members[2], confirmed: false },
      ],
      next: expect.stringMatching(/^birch, cedar: site-agent roster show/),
    })
    expect(shown).not.toHaveProperty('changes')
    for (const site of ['birch', 'cedar']) confirm(site)
    expect((await ok('roster', 'propose', ...at())).next).toMatch(
      /^nothing changed, .*every site has confirmed version 1$/,
    )

    const registry = openSiteRegistry(registryPath(here))
    registry.revoke(siteId('cedar'), clock.now())
    registry.close()
    const removal = await ok('roster', 'propose', ...at())
    expect(removal.next).toMatch(
      /^nothing for the officers now: .*Before the next study every officer confirms version 2/,
    )
    expect(await words('roster', 'show', ...at())).toMatch(/^changes: since version 1: left cedar$/m)
    enrol('date')
    expect((await ok('roster', 'propose', ...at())).next).toMatch(/^every site: /)
  })
})

describe('ROSTER_REFUSED', () => {
  it('hints at what the operator can do about it, never at fingerprints of others', async () => {
    await init('--admin-key-file', join(apart, 'admin.key'))
    const none = await run('roster', 'propose', ...at())
    expect(none).toMatchObject({ error_code: 'ROSTER_REFUSED', hint: expect.stringContaining('coordinator invite') })
    enrol('ash', 'birch')
    const [draft, signed] = [join(apart, 'roster.draft'), join(apart, 'roster.signed')]
    const key = ['--admin-key-file', join(apart, 'admin.key')]
    const small = await run('roster', 'propose', ...at(), '--committee', 'ash')
    expect(small).toMatchObject({ error_code: 'ROSTER_REFUSED', hint: expect.stringContaining('--committee') })
    await ok('roster', 'draft', ...at(), '--out', draft)
    await ok('roster', 'sign', draft, ...key, '--out', signed)
    await ok('roster', 'publish', signed, ...at())
    const first = JSON.parse(readFileSync(signed, 'utf8'))
    enrol('cedar')
    await ok('roster', 'draft', ...at(), '--out', draft)
    const next = JSON.parse(readFileSync(draft, 'utf8'))
    writeFileSync(signed, JSON.stringify({ ...next, signature: first.signature }))
    const borrowed = await run('roster', 'publish', signed, ...at())
    expect(borrowed).toMatchObject({ error_code: 'ROSTER_REFUSED', hint: expect.stringContaining('roster sign') })
    writeFileSync(draft, JSON.stringify({ ...next, before: undefined }))
    const skipped = await run('roster', 'sign', draft, ...key)
    expect(skipped).toMatchObject({ error_code: 'ROSTER_REFUSED', hint: expect.stringContaining('roster draft') })
    for (const { hint } of [none, small, borrowed, skipped]) expect(hint).not.toContain('fingerprint')
    const older = await run('roster', 'publish', draft, ...at())
    expect(older).toMatchObject({ error_code: 'ROSTER_REFUSED', hint: expect.stringContaining('roster sign') })
  })
})

describe('R7 the committee', () => {
  const names = Array.from({ length: 21 }, (_, i) => `site-${String(i).padStart(2, '0')}`)

  it('R7 is named from 21 sites on, stays while its members do, and falls away with fewer', async () => {
    await init()
    enrol(...names)
    const refused = await run('roster', 'propose', ...at())
    expect(refused).toMatchObject({ error_code: 'ROSTER_REFUSED', place: { field: '--committee' } })
    expect(refused.message).toContain(`--committee ${names.slice(0, 12).join(',')}`)
    const small = await run('roster', 'propose', ...at(), '--committee', names.slice(0, 11).join(','))
    expect(small).toMatchObject({ error_code: 'ROSTER_REFUSED', message: expect.stringContaining('12 to 16') })
    const committee = names.slice(2, 15)
    const data = await ok('roster', 'propose', ...at(), '--committee', committee.join(','))
    expect(data.committee).toEqual(committee)
    enrol('yew')
    expect((await ok('roster', 'propose', ...at())).committee).toEqual(committee)
    const registry = openSiteRegistry(registryPath(here))
    for (const name of names.slice(0, 2)) registry.revoke(siteId(name), clock.now())
    registry.close()
    expect(await ok('roster', 'propose', ...at())).not.toHaveProperty('committee')
    expect(served()).toMatchObject({ version: 3, committee: [] })
  })
})

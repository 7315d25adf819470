import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc, it } from '@fast-check/vitest'
import { systemClock } from '@tributary/shared/system/clock'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { type ResearcherApi, researcherApi } from '../../test/harness/researcher-api.ts'
import { checksumsText } from '../release/checksums.ts'
import { contentTypeOf, ReleaseFiles } from './release-files.ts'
import { requestSchema } from './schemas.ts'

const root = mkdtempSync(join(tmpdir(), 'tributary-files-'))
afterAll(() => rmSync(root, { recursive: true }))
const folder = join(root, 'rel')
const names = ['data/cohort.csv', 'release.json']
const all = [...names, 'SHA256SUMS', 'attestation.dsse.json']
const secret = 'PLANTED outside the release'

beforeAll(() => {
  mkdirSync(join(folder, 'data'), { recursive: true })
  for (const name of names) writeFileSync(join(folder, name), name)
  writeFileSync(
    join(folder, 'SHA256SUMS'),
    checksumsText(new Map(names.map((name) => [name, hashBytes(Buffer.from(name))]))),
  )
  writeFileSync(join(folder, 'attestation.dsse.json'), '{}')
  writeFileSync(join(folder, 'unlisted.txt'), secret)
  writeFileSync(join(root, 'secret.txt'), secret)
})

/** Paths made of what leads elsewhere, and of what exists. */
const path = fc
  .array(
    fc.constantFrom(
      '..',
      '.',
      '',
      'data',
      'rel',
      'cohort.csv',
      'secret.txt',
      'unlisted.txt',
      'release.json',
      '%2e%2e',
      '..%2f',
      '\\',
      '\u0000',
      'keys',
      'identity.pem',
    ),
    { minLength: 1, maxLength: 6 },
  )
  .chain((parts) => fc.constantFrom('/', '//', '\\').map((slash) => parts.join(slash)))

describe('the files of a release', () => {
  const files = new ReleaseFiles(folder)

  it('are those of SHA256SUMS, itself and the attestation', async () => {
    expect((await files.list()).map(({ name }) => name)).toEqual(all.toSorted())
    await expect(files.find('unlisted.txt')).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  it.prop([fc.oneof(path, fc.string())], { numRuns: 300 })('are found under their own names alone', async (name) => {
    const found = await files.find(name).catch((error: { code: string }) => error)
    if (all.includes(name)) expect(found).toMatchObject({ name })
    else expect(found).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('are plain files: a link is as good as none', async () => {
    const other = join(root, 'linked')
    mkdirSync(other)
    writeFileSync(join(other, 'SHA256SUMS'), checksumsText(new Map([['a.txt', hashBytes(Buffer.from(secret))]])))
    writeFileSync(join(other, 'attestation.dsse.json'), '{}')
    symlinkSync(join(root, 'secret.txt'), join(other, 'a.txt'))
    await expect(new ReleaseFiles(other).find('a.txt')).rejects.toMatchObject({ code: 'STATE_CORRUPT' })
  })

  it('a list that names what lies outside is no list', async () => {
    const other = join(root, 'forged')
    mkdirSync(other)
    for (const name of ['../secret.txt', '/etc/passwd', 'data/../../secret.txt']) {
      writeFileSync(join(other, 'SHA256SUMS'), `${hashBytes(Buffer.from(secret))}  ${name}\n`)
      await expect(new ReleaseFiles(other).find(name)).rejects.toMatchObject({ code: 'RELEASE_ALTERED' })
    }
  })
})

describe('downloads', () => {
  let api: ResearcherApi
  let release: string
  beforeAll(async () => {
    api = await researcherApi(systemClock)
    const body = { generator: 'tiny', rows: 2, purpose: 'to test' }
    const { request } = requestSchema.parse((await api.call('ada', 'POST', '/v1/requests', { body })).json())
    await api.runOne()
    release = requestSchema.parse((await api.call('ada', 'GET', `/v1/requests/${request}`)).json()).release ?? ''
  })
  afterAll(() => api.close())

  it.prop([path.map(encodeURIComponent), fc.boolean()], { numRuns: 200 })(
    'never leave the folder, however the path is written',
    async (encoded, isRaw) => {
      const written = isRaw ? decodeURIComponent(encoded).replaceAll('\u0000', '%00').replaceAll('%2', '%252') : encoded
      const { status, text } = await api.call('ada', 'GET', `/v1/releases/${release}/files/${written}`)
      expect(text).not.toMatch(/PLANTED|PRIVATE KEY/)
      if (status === 200) expect(text === '' || text.includes('created') || text.includes(release)).toBe(true)
      else expect([400, 404]).toContain(status)
    },
  )
})

it('content types are by ending', () => {
  expect(['data/a.csv', 'a.parquet', 'SHA256SUMS', 'x'].map(contentTypeOf)).toEqual([
    'text/csv; charset=utf-8',
    'application/vnd.apache.parquet',
    'text/plain; charset=utf-8',
    'application/octet-stream',
  ])
})

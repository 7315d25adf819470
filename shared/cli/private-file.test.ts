import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { readPrivateFile, secretField, whyUnreadable, writePrivateFile, writePrivateFolder } from './private-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-private-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('a file is for its owner alone, even where a crash left one that was not', () => {
  const path = join(folder, 'deep/key.pem')
  writePrivateFile(path, 'one')
  writeFileSync(`${path}.partial`, 'left by a crash', { mode: 0o644 })
  writePrivateFile(path, 'two')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readPrivateFile(path, 'init').toString()).toBe('two')
  expect(readdirSync(join(folder, 'deep'))).toEqual(['key.pem'])
})

it('a folder is written whole, once', () => {
  const keys = join(folder, 'keys')
  writePrivateFolder(keys, { a: 'one', b: new Uint8Array([1]) })
  expect(statSync(keys).mode & 0o777).toBe(0o700)
  const advice = { code: 'ALREADY_EXISTS', help: expect.stringContaining('Go on with what is there') }
  expect(() => writePrivateFolder(keys, { a: 'two' })).toThrow(expect.objectContaining(advice))
  expect(readPrivateFile(join(keys, 'a'), 'init').toString()).toBe('one')
  expect(existsSync(`${keys}.partial`)).toBe(false)
})

it('a missing file names the command that makes it', () => {
  const missing = () => readPrivateFile(join(folder, 'none'), 'site-agent init')
  expect(missing).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND', message: expect.stringContaining('site-agent init') }),
  )
})

it('a file that is there and cannot be read is not to be made anew', () => {
  const inside = () => readPrivateFile(folder, 'site-agent init')
  expect(inside).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND', message: `${folder} cannot be read: it is a folder` }),
  )
  expect(inside).toThrow(expect.objectContaining({ help: expect.not.stringContaining('init') }))
  const refused = Object.assign(new Error('no'), { code: 'EACCES' })
  expect(whyUnreadable(refused)).toBe('this user may not read it')
  expect(whyUnreadable(Object.assign(new Error('no'), { code: 'ENOENT' }))).toBeUndefined()
})

it('a secret is printed, or kept in a private file and named', () => {
  const file = join(folder, 'token')
  expect(secretField('token', 's3cret', undefined)).toEqual({ token: 's3cret' })
  expect(secretField('token', 's3cret', file)).toEqual({ token_file: file })
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readPrivateFile(file, 'invite').toString()).toBe('s3cret\n')
})

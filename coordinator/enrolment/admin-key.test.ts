import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { makeAdminKey, readAdminKey } from './admin-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'tributary-admin-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('a key that was made is read back', () => {
  const path = join(folder, 'admin.key')
  const { publicKey } = makeAdminKey(path)
  expect(readAdminKey(path).publicKey).toEqual(publicKey)
})

it.each<[string, (path: string) => void, string]>([
  ['a text', (path) => writeFileSync(path, 'secret words'), 'no admin key'],
  ['empty', (path) => writeFileSync(path, ''), 'no admin key'],
])('a file that is %s is an argument to correct, not a state to restore, and is not quoted', (name, make, why) => {
  const path = join(folder, name)
  make(path)
  const refused = expect.objectContaining({
    code: 'ARGUMENT_INVALID',
    message: expect.stringContaining(why),
    help: expect.stringContaining('Name the private key'),
    place: { field: '--admin-key-file', file: path },
  })
  expect(() => readAdminKey(path)).toThrow(refused)
  expect(() => readAdminKey(path)).not.toThrow(/secret words/)
})

it('a folder, or a file that is not there, does not advise to run init', () => {
  expect(() => readAdminKey(folder)).toThrow(
    expect.objectContaining({ code: 'ARGUMENT_INVALID', message: 'the file cannot be read: it is a folder' }),
  )
  expect(() => readAdminKey(join(folder, 'none'))).toThrow(
    expect.objectContaining({ code: 'NOT_FOUND', help: expect.stringContaining('--admin-key-file') }),
  )
})

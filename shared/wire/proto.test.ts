import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Enrolment, Federation, protoFolder, Rounds } from './proto.ts'

const root = join(import.meta.dirname, '../..')

it('the proto folder is found from source, from the built files, and nowhere else', () => {
  expect(protoFolder()).toBe(join(root, 'proto'))
  expect(protoFolder(join(root, 'shared/dist/wire'))).toBe(join(root, 'proto'))
  const elsewhere = mkdtempSync(join(tmpdir(), 'tributary-no-proto-'))
  expect(() => protoFolder(elsewhere)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  rmSync(elsewhere, { recursive: true })
})

it('the committed types are what the proto files give', () => {
  expect(() =>
    execFileSync(process.execPath, [join(root, 'proto/generate.mjs'), '--check'], { stdio: 'pipe' }),
  ).not.toThrow()
})

it('every message that travels by itself carries the protocol version', () => {
  const methods = [Enrolment, Federation, Rounds].flatMap(({ service }) => Object.values(service))
  expect(methods).toHaveLength(19)
  for (const { path, requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } of methods) {
    expect(requestDeserialize(requestSerialize({ protocol: 7 })), path).toMatchObject({ protocol: 7 })
    expect(responseDeserialize(responseSerialize({ protocol: 7 })), path).toMatchObject({ protocol: 7 })
  }
})

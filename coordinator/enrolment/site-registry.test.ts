import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Digest, siteId } from '@tributary/shared/ids'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openSiteRegistry, type SiteRegistry } from './site-registry.ts'

const north = siteId('north')
const [key, otherKey] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const issued = (serial: string) => ({ serial, certificate: `pem ${serial}`, expires: 1_000 })
const request = 'a'.repeat(64) as Digest

let folder = ''
let registry: SiteRegistry
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-registry-'))
  registry = openSiteRegistry(join(folder, 'sites.sqlite'))
  registry.admit(north, key, issued('01'), 1)
})
afterEach(() => {
  registry.close()
  rmSync(folder, { recursive: true, force: true })
})

it('a site stands under the identity key that it enrolled with last, until it is revoked; enrolled again, it stands again', () => {
  const stands = () => [registry.isStanding(north, key), registry.isStanding(north, otherKey)]
  expect(stands()).toEqual([true, false])
  registry.revoke(north, 2)
  expect(stands()).toEqual([false, false])
  registry.admit(north, key, issued('02'), 3)
  expect(stands()).toEqual([true, false])
  registry.admit(north, otherKey, issued('03'), 4)
  expect(stands()).toEqual([false, true])
})

it('one row a site, with its newest certificate, while two are valid; revoked means both', () => {
  registry.renew({ site: north, serial: '01' }, request, issued('02'), 2)
  expect(registry.sites()).toMatchObject([{ site: north, serial: '02' }])
  expect([registry.isRevoked('01'), registry.isRevoked('02')]).toEqual([false, false])
  registry.revoke(north, 3)
  expect([registry.isRevoked('01'), registry.isRevoked('02')]).toEqual([true, true])
  expect(registry.sites()[0]?.serial).toBeUndefined()
})

it('a certificate that was replaced is not renewed a second time', () => {
  registry.renew({ site: north, serial: '01' }, request, issued('02'), 2)
  registry.heard({ site: north, serial: '02' }, 3)
  expect([registry.isRevoked('01'), registry.isRevoked('02')]).toEqual([true, false])
  expect(() => registry.renew({ site: north, serial: '01' }, request, issued('03'), 4)).toThrow(
    expect.objectContaining({ code: 'CERTIFICATE_REVOKED' }),
  )
})

it('remembers when an agent greeted', () => {
  expect(registry.sites()[0]?.heard).toBeUndefined()
  registry.greeted(north, 5)
  expect(registry.sites()[0]?.heard).toBe(5)
})

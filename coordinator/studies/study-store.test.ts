import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { siteId } from '@tributary/shared/ids'
import { encodeManifest } from '@tributary/shared/study/manifest'
import { generateIdentity } from '@tributary/shared/wire/signed'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { tinyStudy } from '../../test/harness/tiny-study.ts'
import { StudyStore } from './study-store.ts'

let folder: string
let studies: StudyStore
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-studies-'))
  studies = StudyStore.open(join(folder, 'studies.sqlite'))
})
afterEach(() => {
  studies.close()
  rmSync(folder, { recursive: true })
})

it('a study that no message to a site could carry is not published, and the error says what to do', () => {
  const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  const key = () => generateIdentity().publicKey
  const members = manifest.sites.map(({ name }) => ({ site: siteId(name), identity: key() }))
  studies.addRoster({ federation: 'tests', version: 1, admin: key(), coordinator: key(), members, committee: [] })
  const most = 3 * 1024 * 1024
  const [first, ...others] = manifest.columns
  if (first?.kind !== 'categorical') throw new Error('the tiny study begins with a categorical column')
  /** Of exactly so many bytes: its levels are as long as it takes. */
  const ofBytes = (bytes: number) => {
    const withLevels = (lengths: readonly number[]) => {
      const levels = [...first.levels, ...lengths.map((length, i) => String(i).padStart(length, 'x'))]
      return { ...manifest, columns: [{ ...first, levels }, ...others] }
    }
    const many = Array<number>(16_500).fill(150)
    let spare = bytes - encodeManifest(withLevels(many)).length
    return withLevels(
      many.map((length) => {
        const more = Math.min(40, spare)
        spare -= more
        return length + more
      }),
    )
  }
  expect(encodeManifest(ofBytes(most))).toHaveLength(most)
  expect(() => studies.publish(ofBytes(most + 1), 7)).toThrow(
    expect.objectContaining({
      code: 'MANIFEST_INVALID',
      place: { field: 'columns' },
      message: expect.stringMatching(`${most + 1} bytes, ${most} at most.*Merge rare levels`),
    }),
  )
  expect(studies.studies()).toEqual([])
  expect(studies.publish(ofBytes(most), 7).manifest).toEqual(ofBytes(most))
})

it('ROSTER_REFUSED of a publication hints at roster and study file, not at fingerprints', () => {
  const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  const publish = (of: typeof manifest, hint: string) =>
    expect(() => studies.publish(of, 7)).toThrow(
      expect.objectContaining({ code: 'ROSTER_REFUSED', help: expect.stringContaining(hint) }),
    )
  publish(manifest, 'coordinator roster propose')
  const key = () => generateIdentity().publicKey
  const names = Array.from({ length: 21 }, (_, i) => siteId(`site-${i}`))
  const members = names.map((site) => ({ site, identity: key() }))
  const committee = names.slice(0, 12)
  studies.addRoster({ federation: 'tests', version: 1, admin: key(), coordinator: key(), members, committee })
  publish(manifest, 'take it out of the study file')
  const [site] = manifest.sites
  if (site === undefined) throw new Error('the tiny study has sites')
  publish({ ...manifest, sites: names.map((name) => ({ ...site, name })) }, 'coordinator roster show')
})

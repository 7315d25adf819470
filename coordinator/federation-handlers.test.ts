import { type SiteId, siteId } from '@tributary/shared/ids'
import { newBoxKeys } from '@tributary/shared/he/box'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { signBody } from '@tributary/shared/wire/body'
import { rosterHash } from '@tributary/shared/wire/roster'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { InProcessFederation } from '../test/harness/in-process-federation.ts'
import { tinyStudy } from '../test/harness/tiny-study.ts'

let federation: InProcessFederation
const spares = { marginals: 2, gradient: 4 }
beforeEach(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares })
})
afterEach(() => federation.close())

const peer = (site: SiteId) => ({ site, serial: '01' })
const birch = siteId('birch')
const put = (site: SiteId, key: Uint8Array, epoch: number, study = federation.study) =>
  federation.coordinator.handlers.putBoxKeys(
    peer(site),
    signBody('box-keys', site, { study, epoch, key }, federation.identityOf(site)),
  )
const remove = async (site: string) => {
  const members = federation.roster.members.filter((member) => member.site !== site)
  federation.coordinator.studies.addRoster({ ...federation.roster, version: 2, members })
  await federation.tick()
}

describe('box keys', () => {
  it('of a site that was removed are refused, and its approval too', async () => {
    await remove('birch')
    const refused = { code: 'ROSTER_REFUSED', message: expect.stringContaining('birch') }
    await expect(put(birch, newBoxKeys().publicKey, 1)).rejects.toMatchObject(refused)
    const { study } = federation
    const { manifestHash: manifest, rosterHash: roster } = federation.coordinator.studies.study(study)
    const approval = signBody('approval', birch, { study, manifest, roster }, federation.identityOf(birch))
    await expect(federation.coordinator.handlers.approve(peer(birch), approval)).rejects.toMatchObject(refused)
  })

  it('stay as they are once the run has begun; the same ones again change nothing', async () => {
    await federation.reach('contributing')
    await expect(put(birch, newBoxKeys().publicKey, 1)).rejects.toMatchObject({
      code: 'ROSTER_REFUSED',
      message: expect.stringContaining('the run has begun'),
    })
    await federation.site('birch').approve()
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed' })
  })

  it('that nobody could seal to are refused on receipt', async () => {
    const manifest = tinyStudy({ sites: 4, least: 4, steps: 1, spares })
    const study = studyIdOf(manifest, rosterHash(federation.roster))
    federation.coordinator.studies.publish(manifest, 7)
    const good = newBoxKeys().publicKey
    const tooLarge = new Uint8Array(good).fill(0xff, 32)
    for (const key of [new Uint8Array(good.length), tooLarge])
      await expect(put(birch, key, 0, study)).rejects.toMatchObject({ code: 'BOX_INVALID' })
    expect(federation.coordinator.studies.statements(study, 'box-keys')).toEqual([])
    await put(birch, good, 0, study)
    // Until the run begins a site may bring newer ones.
    await put(birch, newBoxKeys().publicKey, 1, study)
  })
})

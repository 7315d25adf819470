import { type SiteId, siteId } from '@tributary/shared/ids'
import { newBoxKeys } from '@tributary/shared/he/box'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { signBody } from '@tributary/shared/wire/body'
import { decodeCanonical } from '@tributary/shared/wire/canonical'
import { rosterHash } from '@tributary/shared/wire/roster'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
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

  it('of an epoch stay as they are once the run has begun; the same ones again change nothing', async () => {
    await federation.reach('contributing')
    await expect(put(birch, newBoxKeys().publicKey, 0)).rejects.toMatchObject({
      code: 'ROSTER_REFUSED',
      message: expect.stringContaining('the run has begun'),
    })
    await federation.site('birch').approve()
    await federation.complete()
    expect(federation.outcome).toMatchObject({ outcome: 'completed' })
  })

  it('are kept for every epoch of the plan, one beside the other, and for none beyond it', async () => {
    const long = tinyStudy({ sites: 4, least: 4, steps: 40, spares })
    const study = studyIdOf(long, rosterHash(federation.roster))
    federation.coordinator.studies.publish(long, 7)
    const keys = [newBoxKeys().publicKey, newBoxKeys().publicKey]
    for (const [epoch, key] of keys.entries()) await put(birch, key, epoch, study)
    const kept = [0, 1].map((epoch) => federation.coordinator.studies.boxKeys(study, epoch))
    const bodies = kept.map((each) => each.map(({ message }) => decodeCanonical(message.body)))
    expect(bodies).toEqual(keys.map((key, epoch) => [{ study, epoch, key }]))
    await expect(put(birch, newBoxKeys().publicKey, 2, study)).rejects.toMatchObject({
      code: 'ROUND_REFUSED',
      message: expect.stringContaining('epoch 1'),
    })
  })

  it('that nobody could seal to are refused on receipt', async () => {
    const manifest = tinyStudy({ sites: 4, least: 4, steps: 1, spares })
    const study = studyIdOf(manifest, rosterHash(federation.roster))
    federation.coordinator.studies.publish(manifest, 7)
    const good = newBoxKeys().publicKey
    const tooLarge = new Uint8Array(good).fill(0xff, 32)
    for (const key of [new Uint8Array(good.length), tooLarge])
      await expect(put(birch, key, 0, study)).rejects.toMatchObject({ code: 'BOX_INVALID' })
    expect(federation.coordinator.studies.boxKeys(study, 0)).toEqual([])
    await put(birch, good, 0, study)
    // Until the run begins a site may bring others.
    await put(birch, newBoxKeys().publicKey, 0, study)
    expect(federation.coordinator.studies.boxKeys(study, 0)).toHaveLength(1)
  })
})

describe('the roster', () => {
  it('asked for again costs no look at every study; a removal is in force before any site hears of it (R1)', async () => {
    const { coordinator } = federation
    const refresh = vi.spyOn(coordinator.runs, 'refresh')
    for (let i = 0; i < 4; i++) await coordinator.handlers.roster(peer(birch))
    expect(refresh).toHaveBeenCalledTimes(1)
    const members = federation.roster.members.filter(({ site }) => site !== birch)
    federation.publishRoster({ ...federation.roster, version: 2, members })
    await coordinator.handlers.roster(peer(siteId('ash')))
    expect(refresh).toHaveBeenCalledTimes(2)
    await expect(put(birch, newBoxKeys().publicKey, 1)).rejects.toMatchObject({ code: 'ROSTER_REFUSED' })
  })
})

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { dealVerdict } from '@tributary/shared/he/deal-verdict'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { decodeManifest, manifestHash } from '@tributary/shared/study/manifest'
import { shareHolders } from '@tributary/shared/study/share-holders'
import { messageFrom, openBody, signBody } from '@tributary/shared/wire/body'
import type { MessageKind } from '@tributary/shared/wire/messages'
import { decodeRoster, memberOf, rosterHash } from '@tributary/shared/wire/roster'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { InProcessFederation } from '../../test/harness/in-process-federation.ts'
import { createInsecureRing } from '../../test/harness/insecure-ring.ts'
import { evidenceName } from '../disputes/evidence-folder.ts'
import { addDisputeCommands } from './dispute-commands.ts'

const out = mkdtempSync(join(tmpdir(), 'tributary-disputes-'))
const [ash, cedar] = ['ash', 'cedar'].map(siteId) as [SiteId, SiteId]
let federation: InProcessFederation
beforeAll(async () => {
  federation = await InProcessFederation.open({ sites: 4, least: 3, steps: 1, spares: { marginals: 1, gradient: 2 } })
})
afterAll(() => {
  federation.close()
  rmSync(out, { recursive: true })
})
afterEach(() => {
  vi.restoreAllMocks()
  process.exitCode = undefined
})

const words = async (...args: string[]): Promise<string> => {
  let text = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((written) => Boolean((text += written)))
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const program = new Command('coordinator')
  addDisputeCommands(program)
  const dataDir = join(federation.folder, 'coordinator')
  await runCommand(program, ['node', 'coordinator', 'study', 'disputes', 'tiny', ...args, '--data-dir', dataDir])
  return text
}

it('says so where no deal was ever disputed', async () => {
  expect(await words()).toBe('no deal of this study was ever disputed\n')
})

it('R24 names a lying holder, and its evidence folder alone leads anybody to the same verdict', async () => {
  const { coordinator } = federation
  const honest = coordinator.handlers
  const { round } = federation.round
  coordinator.handlers = {
    ...honest,
    check: (peer, message) => {
      const body = openBody('check', message, memberOf(federation.roster, peer.site))
      if (peer.site !== cedar || body.round !== round) return honest.check(peer, message)
      const checks = body.checks.map((check) => (check.site === ash ? { ...check, value: null } : check))
      return honest.check(peer, signBody('check', cedar, { ...body, checks }, federation.identityOf(cedar)))
    },
  }
  await federation.reach('contributing')
  expect(await words()).toContain('waits for the dealer to open its deal')
  await federation.complete()
  const { data } = JSON.parse(await words('--json', '--evidence', out))
  expect(data).toMatchObject({
    disputes: [{ round, dealer: 'ash', state: 'closed', named: [{ site: 'cedar', finding: 'lied', proven: true }] }],
  })
  const shown = await words()
  expect(shown).toContain('cedar (lied, proven by its own signature)')
  expect(shown).not.toContain('ash (')
  expect(data.distrusted).toEqual(['cedar'])
  expect(shown).toContain('not listened to when deals are checked: cedar')

  const [dispute] = coordinator.disputes.disputes(federation.study)
  const folder = join(out, evidenceName(dispute!))
  const file = (name: string) => new Uint8Array(readFileSync(join(folder, name)))
  const [manifest, roster] = [decodeManifest(file('manifest')), decodeRoster(file('roster'))]
  const said = <Kind extends MessageKind>(kind: Kind) =>
    new Map(
      readdirSync(folder)
        .filter((name) => name.startsWith(`${kind}.`))
        .map((name) => siteId(name.split('.')[1] ?? ''))
        .map((site) => [site, openBody(kind, messageFrom(file(`${kind}.${site}.signed`)), memberOf(roster, site))]),
    )
  const deal = said('deal').get(ash)
  const holders = shareHolders(manifest, roster)
  const verdict = dealVerdict(await createInsecureRing(), {
    context: { study: deal!.study, round: deal!.round, roster: rosterHash(roster), from: ash },
    threshold: manifest.plan.threshold,
    holders,
    dealer: ash,
    deal: deal!,
    boxes: holders.map((holder) => file(`${holder}.box`)),
    checks: new Map(
      [...said('check')].map(([site, { checks }]) => [site, checks.find((each) => each.site === ash)!.value]),
    ),
    opening: said('deal-opening').get(ash)?.keys ?? null,
    boxOpenings: new Map([...said('box-opening')].map(([site, { key }]) => [site, key])),
  })
  expect(verdict).toEqual(data.disputes[0].verdict)
  expect(manifestHash(manifest)).toBe(coordinator.studies.study(federation.study).manifestHash)
  // What lies there is not written over.
  expect(JSON.parse(await words('--json', '--evidence', out))).toMatchObject({ error_code: 'ALREADY_EXISTS' })
})

import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCommand } from '@tributary/shared/cli/output'
import { dealVerdict } from '@tributary/shared/he/deal-verdict'
import { type SiteId, siteId } from '@tributary/shared/ids'
import { decodeManifest, manifestHash } from '@tributary/shared/study/manifest'
import { shareHolders } from '@tributary/shared/study/share-holders'
import { messageBytes, messageFrom, openBody, signBody } from '@tributary/shared/wire/body'
import type { MessageKind } from '@tributary/shared/wire/messages'
import { decodeRoster, encodeRoster, memberOf, rosterHash } from '@tributary/shared/wire/roster'
import { Command } from 'commander'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
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

const ring = await createInsecureRing()
const words = (...args: string[]): Promise<string> =>
  run('disputes', 'tiny', ...args, '--data-dir', join(federation.folder, 'coordinator'))
const run = async (...args: string[]): Promise<string> => {
  let text = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((written) => Boolean((text += written)))
  vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  const program = new Command('coordinator')
  addDisputeCommands(program, ring)
  await runCommand(program, ['node', 'coordinator', 'study', ...args])
  return text
}

it('says so where no deal was ever disputed', async () => {
  expect(await words()).toBe('no deal of this study was ever disputed\n')
  const nowhere = join(out, 'nowhere')
  expect(await words('--evidence', nowhere)).toContain(`; nothing was written to ${nowhere}\n`)
  expect(() => readdirSync(nowhere)).toThrow()
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
    disputes: [{ round, dealer: 'ash', state: 'decided', named: [{ site: 'cedar', finding: 'lied', proven: true }] }],
  })
  const shown = await words()
  expect(shown).toContain('state: decided\n')
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
  const verdict = dealVerdict(ring, {
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

describe('R24 study judge', () => {
  const judged = async (change: (file: (name: string) => string) => void = () => undefined) => {
    const [name] = readdirSync(out).filter((each) => each.startsWith('step-'))
    const folder = mkdtempSync(join(tmpdir(), 'tributary-judged-'))
    try {
      cpSync(join(out, name!), folder, { recursive: true })
      change((file) => join(folder, file))
      const answer = JSON.parse(await run('judge', folder, '--json'))
      const text = await run('judge', folder)
      return { answer, text, code: process.exitCode }
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

  it('R24 comes to the stored verdict from the folder alone, which says what is what', async () => {
    const { answer, text, code } = await judged()
    expect(code).toBeUndefined()
    const { study, roster } = federation
    expect(answer.data).toMatchObject({
      state: 'decided',
      dealer: 'ash',
      agrees: true,
      study,
      roster: rosterHash(roster),
      named: [{ site: 'cedar', finding: 'lied', proven: true }],
      verdict: { dealer: 'sound' },
    })
    // The admin's, the deal's, one opening each of dealer and complainant, and what all four said they checked.
    expect(answer.data.signatures_checked).toBe(8)
    expect(text).toContain('named: cedar (lied, proven by its own signature)')
    const [name] = readdirSync(out).filter((each) => each.startsWith('step-'))
    const readme = readFileSync(join(out, name!, 'README.txt'), 'utf8')
    const files = readdirSync(join(out, name!)).filter((each) => each !== 'README.txt')
    for (const kind of files.map((each) => (each.endsWith('.box') ? 'HOLDER.box' : each.split('.')[0]!)))
      expect(readme).toMatch(new RegExp(`^${kind}\\b.* {2,}`, 'm'))
    expect(readme).toContain(study)
  })

  const rewrite = (file: string, change: (text: string) => string) =>
    writeFileSync(file, change(readFileSync(file, 'utf8')))
  it.each<[string, (file: (name: string) => string) => void, object]>([
    [
      'the stored verdict names another',
      (file) => rewrite(file('dispute.json'), (text) => text.replaceAll('cedar', 'birch')),
      { error_code: 'STATE_CORRUPT', message: expect.stringContaining('named cedar (lied') },
    ],
    [
      'the finding is another',
      (file) => rewrite(file('dispute.json'), (text) => text.replace('"lied"', '"silent"')),
      { error_code: 'STATE_CORRUPT' },
    ],
    [
      'the dealer opening is left out',
      (file) => rmSync(file('deal-opening.ash.signed')),
      { error_code: 'STATE_CORRUPT', message: expect.stringContaining('would not open') },
    ],
    [
      "a statement is passed off as another site's",
      (file) => cpSync(file('check.birch.signed'), file('check.date.signed')),
      { error_code: 'SIGNATURE_INVALID' },
    ],
    [
      'the roster is another than the admin signed',
      (file) => writeFileSync(file('roster'), encodeRoster({ ...federation.roster, version: 7 })),
      { error_code: 'ROSTER_REFUSED', place: { file: expect.stringContaining('roster-signature') } },
    ],
    [
      'the study is another than the roster and manifest make',
      (file) => rewrite(file('dispute.json'), (text) => text.replace(federation.study, 'f'.repeat(64))),
      { error_code: 'ROUND_REFUSED', place: { file: expect.stringContaining('roster') } },
    ],
    ['a box is another', (file) => cpSync(file('birch.box'), file('date.box')), { error_code: 'BOX_INVALID' }],
    [
      'a holder opened its box of another deal, passed off as of this one',
      (file) => {
        const signed = messageFrom(new Uint8Array(readFileSync(file('box-opening.cedar.signed'))))
        const body = openBody('box-opening', signed, memberOf(federation.roster, cedar))
        const other = { ...body, dealer: siteId('birch'), key: null }
        const said = signBody('box-opening', cedar, other, federation.identityOf(cedar))
        writeFileSync(file('box-opening.cedar.signed'), messageBytes(said))
      },
      { error_code: 'ROUND_REFUSED', message: expect.stringContaining('box of another deal') },
    ],
    ['a file is missing', (file) => rmSync(file('manifest')), { error_code: 'NOT_FOUND' }],
    [
      'it was not decided',
      (file) => rewrite(file('dispute.json'), (text) => text.replace('"decided"', '"judging"')),
      { error_code: 'STATE_CORRUPT', message: expect.stringContaining('not decided') },
    ],
  ])('R24 fails where %s', async (_, change, error) => {
    const { answer, code } = await judged(change)
    expect(answer).toMatchObject({ status: 'error', ...error })
    expect(code).not.toBe(0)
    expect(code).toBeDefined()
  })
})

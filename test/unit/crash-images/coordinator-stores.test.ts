import { join } from 'node:path'
import { digest, type RoundId, roundId, siteId } from '@tributary/shared/ids'
import { BlobFolder } from '@tributary/shared/store/blob-folder'
import { studyIdOf } from '@tributary/shared/study/manifest'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { rosterHash } from '@tributary/shared/wire/roster'
import { expect, it } from 'vitest'
import { disputeAfter, newDispute } from '../../../coordinator/disputes/dispute.ts'
import { DisputeStore } from '../../../coordinator/disputes/dispute-store.ts'
import { issueInvitation, spendToken } from '../../../coordinator/enrolment/invitation.ts'
import { openSiteRegistry, type SiteRegistry } from '../../../coordinator/enrolment/site-registry.ts'
import type { RequestFacts } from '../../../coordinator/requests/request-state.ts'
import { RequestStore } from '../../../coordinator/requests/request-store.ts'
import type { RoundState } from '../../../coordinator/rounds/round.ts'
import { RoundStore } from '../../../coordinator/rounds/round-store.ts'
import type { RunState } from '../../../coordinator/rounds/run.ts'
import { StudyStore } from '../../../coordinator/studies/study-store.ts'
import { UserStore } from '../../../coordinator/users/user-store.ts'
import { expectSound } from '../../harness/crash-images.ts'
import { tinyStudy } from '../../harness/tiny-study.ts'

/* What a power cut may leave of each store of the coordinator: copies at every statement, and everything in between. */
const manifest = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
const sites = manifest.sites.map(({ name }) => siteId(name))
const [ash, birch] = [sites[0]!, sites[1]!]
const roster = (version: number) => ({
  federation: 'tests',
  version,
  admin: new Uint8Array(32).fill(99),
  coordinator: new Uint8Array(32).fill(1),
  members: sites.map((site, n) => ({ site, identity: new Uint8Array(32).fill(n + 2) })),
  committee: [],
})
const study = studyIdOf(manifest, rosterHash(roster(1)))
const message = (kind: string, n: number) => ({
  protocol: 1,
  kind,
  signer: 'ash',
  body: new Uint8Array([n, 2, 3]),
  signature: new Uint8Array(64).fill(n),
})

it('studies: rosters, published studies and what sites signed', async () => {
  await expectSound<StudyStore>({
    open: (folder) => StudyStore.open(join(folder, 'studies.sqlite')),
    close: (store) => store.close(),
    acts: [
      (store) => store.addRoster(roster(1)),
      (store) => store.state(rosterHash(roster(1)), 'countersignature', ash, message('countersignature', 1)),
      (store) => store.publish(manifest, 7),
      (store) => store.state(study, 'approval', ash, message('approval', 2)),
      (store) => store.keepBoxKeys(study, 0, birch, message('box-keys', 3)),
      (store) => store.keepBoxKeys(study, 0, birch, message('box-keys', 4)),
      (store) => store.keepBoxKeys(study, 1, birch, message('box-keys', 5)),
    ],
    state: (store) => [
      store.latestRoster(),
      store.studies().map((each) => store.study(each)),
      store.statements(rosterHash(roster(1)), 'countersignature'),
      store.statements(study, 'approval'),
      [0, 1].map((epoch) => store.boxKeys(study, epoch)),
    ],
  })
})

it('rounds: a message and the state that counts it are there together or not at all', async () => {
  const round = (n: number): RoundId => roundId(String(n).repeat(64))
  const state = (step: number, phase: RoundState['phase'], dealers: readonly (typeof ash)[]): RoundState => ({
    round: round(step),
    query: 0,
    step,
    attempt: 0,
    phase,
    deadline: 1,
    model: null,
    broadcast: phase !== 'dealing',
    holders: sites,
    dealers,
    checked: [],
    distrusted: [],
    disputed: [],
    withdrawn: [],
    contributors: [],
    answered: [],
    reason: null,
  })
  const run = (step: number): RunState => ({
    study,
    outcome: 'running',
    reason: null,
    step,
    attempt: 0,
    attempts: [step],
  })
  const models = [digest('1'.repeat(64)), digest('2'.repeat(64))] as const
  const dealt = (store: RoundStore, site: typeof ash, n: number, dealers: readonly (typeof ash)[]) =>
    store.transaction(() => {
      store.keep(round(0), 'deal', site, message('deal', n))
      for (const holder of sites) store.keepBox(round(0), site, holder, new Uint8Array(500).fill(n))
      store.saveRound(study, state(0, dealers.length === 2 ? 'checking' : 'dealing', dealers))
    })
  const checked = (store: RoundStore, site: typeof ash, n: number) =>
    store.transaction(() => {
      store.keep(round(0), 'check', site, message('check', n))
      store.saveRound(study, { ...state(0, 'checking', [ash, birch]), checked: [site] })
    })
  await expectSound<RoundStore>({
    open: (folder) => RoundStore.open(join(folder, 'rounds.sqlite')),
    close: (store) => store.close(),
    acts: [
      (store) => store.saveRun(run(0), models[0], {}),
      (store) => store.saveRound(study, state(0, 'dealing', [])),
      (store) => dealt(store, ash, 1, [ash]),
      (store) => dealt(store, birch, 2, [ash, birch]),
      (store) => checked(store, ash, 7),
      (store) => store.saveRound(study, { ...state(0, 'ready', [ash]), checked: [ash], disputed: [birch] }),
      (store) => store.keepParts(round(0), ash, models),
      (store) => store.keep(round(0), 'contribution', ash, message('contribution', 3)),
      (store) =>
        store.transaction(() => {
          store.keepCounter(study, ash, 4)
          store.saveRound(study, state(0, 'answering', [ash]))
        }),
      (store) =>
        store.transaction(() => {
          store.saveRun(run(0), models[1], {})
          store.saveRound(study, state(0, 'opened', [ash, birch]))
        }),
      (store) =>
        store.transaction(() => {
          store.saveRun(run(1), models[1], { started: 1 })
          store.forget(round(0))
        }),
      (store) => store.saveRound(study, state(1, 'dealing', [])),
    ],
    state: (store) => [
      store.run(study),
      store.rounds(study),
      (['deal', 'check', 'contribution', 'answer'] as const).map((kind) => store.messages(round(0), kind)),
      store.partHashes(round(0), ash),
      store.announcedCounter(study, ash),
      sites.map((site) => store.boxes(round(0), site)),
    ],
    check: (survivor) => {
      const kept = survivor.messages(round(0), 'deal').map(({ site }) => site)
      const [first] = survivor.rounds(study)
      // R4: announced together with its counters.
      const isAnnounced = first?.phase === 'answering' || first?.phase === 'opened'
      expect(survivor.announcedCounter(study, ash)).toBe(isAnnounced ? 4 : 0)
      if (first?.phase === 'dealing' || first?.phase === 'checking') {
        expect(first.dealers).toEqual(kept)
        expect(first.checked).toEqual(survivor.messages(round(0), 'check').map(({ site }) => site))
      }
      for (const dealer of kept) expect(survivor.boxes(round(0), ash).map((box) => box.dealer)).toContain(dealer)
    },
  })
})

it('disputes: a dispute has its evidence, a step its statement, a closed one its verdict', async () => {
  const facts = { study, round: roundId('3'.repeat(64)), step: 2, attempt: 1, dealer: ash }
  const begun = newDispute(facts, 5, 100)
  const complaint = disputeAfter(begun, { type: 'deal-opened', complainants: [birch] }, 6, 100)
  const shown = disputeAfter(complaint, { type: 'box-opened', site: birch }, 7, 100)
  const verdict = { dealer: 'sound', holders: [{ site: birch, finding: 'lied' }], why: 'birch lied' } as const
  await expectSound<DisputeStore>({
    open: (folder) => DisputeStore.open(join(folder, 'disputes.sqlite')),
    close: (store) => store.close(),
    acts: [
      (store) =>
        store.transaction(() => {
          store.save(begun)
          store.keep(begun, 'deal', ash, message('deal', 1))
          for (const holder of sites) store.keepBox(begun, holder, new Uint8Array(500).fill(2))
          for (const [n, site] of sites.entries()) store.keep(begun, 'check', site, message('check', n))
        }),
      (store) =>
        store.transaction(() => {
          store.keep(begun, 'deal-opening', ash, message('deal-opening', 3))
          store.save(complaint)
        }),
      (store) =>
        store.transaction(() => {
          store.keep(begun, 'box-opening', birch, message('box-opening', 4))
          store.save(shown)
        }),
      (store) => store.save(disputeAfter(shown, { type: 'judged', verdict }, 8, 100)),
    ],
    state: (store) => [
      store.disputes(study),
      store.pending(),
      (['deal', 'check', 'deal-opening', 'box-opening'] as const).map((kind) => store.messages(begun, kind)),
      [...store.boxes(begun)],
    ],
    check: (survivor) => {
      const [dispute] = survivor.disputes(study)
      if (dispute === undefined) return
      expect(survivor.boxes(dispute).size).toBe(sites.length)
      expect(survivor.messages(dispute, 'check')).toHaveLength(sites.length)
      expect(survivor.messages(dispute, 'deal-opening')).toHaveLength(dispute.phase === 'opening-deal' ? 0 : 1)
      expect(survivor.messages(dispute, 'box-opening').map(({ site }) => site)).toEqual(dispute.shown)
      expect(dispute.verdict !== null).toBe(dispute.phase === 'closed')
    },
  })
})

it('site registry: a token is spent with the certificate that it bought, a revocation stays', async () => {
  const issued = (n: number) => ({ serial: `0${n}`, certificate: `certificate ${n}`, expires: 10 + n })
  const tokens: string[] = []
  const identity = (n: number) => new Uint8Array(32).fill(n)
  const use = (site: typeof ash, n: number) => ({ token: tokens[n] ?? '', site, request: hashBytes(identity(n)) })
  const admit = (registry: SiteRegistry, site: typeof ash, n: number) =>
    registry.store.transaction(() => {
      registry.admit(site, identity(n), issued(n), 5)
      spendToken(registry, use(site, n), issued(n).serial)
    })
  await expectSound<SiteRegistry>({
    open: (folder) => openSiteRegistry(join(folder, 'sites.sqlite')),
    close: (registry) => registry.close(),
    acts: [
      (registry) => tokens.push(issueInvitation(registry, ash, 100).token),
      (registry) => admit(registry, ash, 0),
      (registry) => tokens.push(issueInvitation(registry, birch, 100).token),
      (registry) => admit(registry, birch, 1),
      (registry) =>
        registry.store.transaction(() =>
          registry.renew({ site: ash, serial: '00' }, hashBytes(identity(7)), issued(7), 6),
        ),
      (registry) => registry.heard({ site: ash, serial: '07' }, 7),
      (registry) => registry.revoke(birch, 8),
    ],
    state: (registry) => [
      registry.sites(),
      ['00', '01', '07'].map((serial) => [registry.isRevoked(serial), registry.isEnrolled({ site: ash, serial })]),
      registry.store.all('SELECT site, request_hash, serial FROM invitations ORDER BY site'),
    ],
    check: (survivor) => {
      for (const { serial, request_hash: request } of survivor.store.all('SELECT * FROM invitations'))
        expect(serial === null).toBe(request === null)
    },
  })
})

it('users and audit: a token works or does not, an entry stays', async () => {
  const note = (n: number) => ({ time: n, user: 'ada', action: 'request', object: `req-${n}`, detail: '' })
  const tokens: string[] = []
  await expectSound<UserStore>({
    open: (folder) => UserStore.open(join(folder, 'users.sqlite')),
    close: (store) => store.close(),
    acts: [
      (store) => tokens.push(store.add('ada', 'researcher', 1)),
      (store) => store.note(note(1)),
      (store) => tokens.push(store.renew('ada', 'operator')),
      (store) => store.note(note(2)),
      (store) => store.remove('ada', 3),
    ],
    state: (store) => [store.users(), store.audit()],
    check: (survivor, done) => {
      const works = tokens.map((token) => survivor.holderOf(token) !== undefined)
      if (done >= 0) expect(works.filter(Boolean).length).toBe(survivor.users().filter((user) => !user.removed).length)
      if (done === 1) expect(works).toEqual([true, false])
      if (done === 3) expect(works).toEqual([false, true])
    },
  })
})

it('requests: accepted once for a key, and each step further is one that was', async () => {
  const facts = (n: number): RequestFacts => ({
    id: `req-${String(n).repeat(16)}`,
    release: `rel-${String(n).repeat(16)}`,
    user: 'ada',
    study,
    generator: 'tiny',
    rows: 10,
    seed: n,
    where: null,
    formats: ['csv'],
    purpose: 'Crashes.',
    created: n,
  })
  const { id } = facts(1)
  await expectSound<RequestStore>({
    open: (folder) => RequestStore.open(join(folder, 'requests.sqlite')),
    close: (store) => store.close(),
    acts: [
      (store) => store.accept(facts(1), { key: 'k', body: 'b' }),
      (store) => store.advance(id, { kind: 'start' }),
      (store) => store.accept(facts(2)),
      (store) => store.advance(id, { kind: 'start' }),
      (store) => store.advance(id, { kind: 'done', time: 9 }),
    ],
    state: (store) => [store.requests({ limit: 10 }), store.next()],
    check: (survivor, done) => {
      const again = survivor.accept(facts(3), { key: 'k', body: 'b' })
      if (done >= 1) expect(again).toMatchObject({ isNew: false, request: { facts: facts(1) } })
    },
  })
})

it('files by hash: whole or absent, whatever of a write, a rename or a removal reached the disk', async () => {
  const bytes = (n: number) => new Uint8Array(3_000).map((_, i) => (i * 31 + n) & 255)
  const names = [1, 2, 3].map((n) => hashBytes(bytes(n)))
  await expectSound<BlobFolder>({
    open: (folder) => BlobFolder.open(join(folder, 'models', 'study')),
    close: () => undefined,
    acts: [
      (blobs) => blobs.put(bytes(1)),
      (blobs) => blobs.put(bytes(2)),
      (blobs) => blobs.put(bytes(1)),
      (blobs) => blobs.put(bytes(3)),
    ],
    state: (blobs) =>
      Promise.all(
        names.map((name) =>
          blobs.get(name).catch((thrown: Error) => {
            // Missing is a state; damaged would be a breach.
            expect(thrown.message).toContain('missing')
            return null
          }),
        ),
      ),
    check: async (survivor, done) => {
      await survivor.put(bytes(2))
      await survivor.keepOnly(new Set([names[1]!]))
      expect(hashBytes(await survivor.get(names[1]!))).toEqual(names[1])
      if (done >= 0) await expect(survivor.get(names[0]!)).rejects.toThrow('missing')
    },
  })
})

it('files by hash: what is not to be kept goes, what is to be kept stays, at every moment', async () => {
  const bytes = (n: number) => new Uint8Array(500).fill(n)
  const kept = hashBytes(bytes(1))
  await expectSound<BlobFolder>({
    open: (folder) => BlobFolder.open(join(folder, 'contributions')),
    close: () => undefined,
    acts: [
      (blobs) => blobs.put(bytes(1)),
      (blobs) => blobs.put(bytes(2)),
      (blobs) => blobs.put(bytes(3)),
      (blobs) => blobs.keepOnly(new Set([kept])),
    ],
    state: (blobs) => blobs.get(kept).catch(() => null),
  })
})

import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { SiteId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { checkRosterSignature, rosterHash, signRoster } from '@tributary/shared/wire/roster'
import { differenceInWords, rosterDifference } from '@tributary/shared/wire/roster-difference'
import { fingerprint, type SignedMessage } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import { roundsPath, studiesPath } from '../data-paths.ts'
import { adminKeyPath, adviceOn, makeAdminKey, readAdminKey, requireAdmin } from '../enrolment/admin-key.ts'
import { type Federation, openFederation } from '../enrolment/federation-directory.ts'
import { openSiteRegistry, type SiteRegistry } from '../enrolment/site-registry.ts'
import { RoundStore } from '../rounds/round-store.ts'
import { publishedRoster, publishRoster } from '../studies/published-roster.ts'
import { type RosterChange, rosterChange } from '../studies/roster-change.ts'
import { committeeOf, draftRoster } from '../studies/roster-draft.ts'
import { readRosterFile, type SignedRoster, writeRosterFile } from '../studies/roster-file.ts'
import { StudyStore } from '../studies/study-store.ts'
import { coordinatorCommand, type CoordinatorOptions } from './common-options.ts'
import { showRoster } from './roster-show.ts'
import { affectedInWords, changeInWords, nextOnRoster, rosterView } from './roster-view.ts'

interface Desk {
  readonly federation: Federation
  readonly registry: SiteRegistry
  readonly studies: StudyStore
  readonly rounds: RoundStore
}

const withDesk = async <T>(dataDir: string, clock: Clock, work: (desk: Desk) => T): Promise<T> => {
  const federation = await openFederation(dataDir, clock)
  const registry = openSiteRegistry(federation.registryPath)
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  try {
    return work({ federation, registry, studies, rounds })
  } finally {
    for (const store of [registry, studies, rounds]) store.close()
  }
}

/** Nobody should end a study by a roster and not know it. */
const refuseUnsaid = ({ affected }: RosterChange, isMeant: boolean): void => {
  if (affected.length === 0 || isMeant) return
  const why = `with this roster ${affected.map(affectedInWords).join('; ')}`
  throw new HintedError('ARGUMENT_INVALID', why, 'Where that is meant, run the same command with --yes.', {
    place: { field: '--yes' },
  })
}

interface Drafting extends CoordinatorOptions {
  readonly committee?: SiteId[]
  readonly yes?: boolean
}

const shown = (change: RosterChange, json: boolean | undefined) => (json === true ? change : changeInWords(change))

/** Drafts, signs and publishes in one, where the admin key can be read here. */
const propose = (desk: Desk, options: Drafting & { adminKeyFile?: string; out?: string }) => {
  const { federation, studies, rounds, registry } = desk
  const roster = draftRoster(federation, registry, studies, options.committee)
  const change = rosterChange(roster.members, studies, rounds)
  const file = options.adminKeyFile ?? adminKeyPath(options.dataDir)
  const latest = studies.latestRoster()
  const isNew = latest?.hash !== rosterHash(roster)
  // Kept before it is published: sites may confirm it at once, and then a restored coordinator needs it.
  const keep = (signature: SignedMessage) =>
    options.out === undefined ? undefined : writeRosterFile(options.out, { roster, signature })
  if (isNew) {
    refuseUnsaid(change, options.yes === true)
    const key = readAdminKey(file)
    requireAdmin(key, federation.admin)
    const signature = signRoster(roster, key)
    keep(signature)
    publishRoster(studies, roster, signature)
  } else keep(publishedRoster(studies).signature)
  const advice = isNew ? adviceOn(file, options.dataDir) : undefined
  const signed = { ...(isNew && { signed_with: file }), ...(advice !== undefined && { advice }) }
  const next = nextOnRoster(roster, studies)
  const said = isNew ? next : `nothing changed, version ${roster.version} stays. ${next}`
  return { ...rosterView(roster), ...shown(change, options.json), ...signed, ...copied(options.out), next: said }
}

/** A coordinator that comes back from an older backup has an older roster; agents go back to none. */
const copied = (out: string | undefined) =>
  out === undefined
    ? {
        copy: 'none of the signed roster was kept: repeat this with --out FILE, for a coordinator that is restored from a backup',
      }
    : {
        signed: out,
        copy: `keep it apart from this machine: a coordinator restored from an older backup publishes it again (coordinator roster publish ${out} --data-dir FOLDER)`,
      }

const draft = (desk: Desk, options: Drafting & { out: string }) => {
  const { federation, studies, rounds, registry } = desk
  const roster = draftRoster(federation, registry, studies, options.committee)
  const latest = studies.latestRoster()
  if (latest?.hash === rosterHash(roster))
    throw new HintedError('ALREADY_EXISTS', `version ${roster.version} says this already`, 'There is nothing to sign.')
  const before = latest && { roster: latest.roster, signature: publishedRoster(studies).signature }
  writeRosterFile(options.out, { roster, ...(before && { before }) })
  const change = rosterChange(roster.members, studies, rounds)
  const next = `where the admin key is: coordinator roster sign ${options.out} --admin-key-file KEY`
  return { ...rosterView(roster), ...shown(change, options.json), draft: options.out, next }
}

const checkBefore = (file: string, { roster, signature }: SignedRoster, admin: Uint8Array): void => {
  try {
    checkRosterSignature(roster, signature, admin)
  } catch (thrown) {
    if (!(thrown instanceof CodedError) || thrown.code !== 'ROSTER_REFUSED') throw thrown
    const hint =
      'The draft shows a version before that this admin key never signed: sign nothing, ask the operator, and have `coordinator roster draft` run again.'
    throw new HintedError(thrown.code, `the version before: ${thrown.message}`, hint, {
      place: { file },
      cause: thrown,
    })
  }
}

/** What the admin is about to sign, against the version before that the admin signed: nothing the coordinator says is believed. */
const sign = (file: string, options: { adminKeyFile: string; out?: string; json?: boolean }) => {
  const { roster, before } = readRosterFile(file)
  const key = readAdminKey(options.adminKeyFile)
  requireAdmin(key, roster.admin)
  if (before !== undefined) checkBefore(file, before, key.publicKey)
  const last = before?.roster.version ?? 0
  if (roster.version !== last + 1)
    throw new HintedError(
      'ROSTER_REFUSED',
      `version ${roster.version} comes with version ${last} as the one before`,
      'The draft was made before another roster was published, or altered on its way: `coordinator roster draft` again, and carry that here.',
      { place: { file } },
    )
  const changes = before && rosterDifference(before.roster, roster)
  const said = changes && { changes: options.json === true ? changes : differenceInWords(changes) }
  const told = { ...rosterView(roster), ...said }
  if (options.out === undefined)
    return {
      ...told,
      signed: null,
      next: `compare each fingerprint with that hospital, then: coordinator roster sign ${file} --admin-key-file ${options.adminKeyFile} --out FILE`,
    }
  const signed: SignedRoster = { roster, signature: signRoster(roster, key) }
  writeRosterFile(options.out, { ...signed, ...(before && { before }) })
  const next = `at the coordinator: coordinator roster publish ${options.out} --data-dir FOLDER`
  return { ...told, signed: options.out, next }
}

const signAgain = (file: string): string =>
  `A signature holds for one draft alone: \`coordinator roster draft --out DRAFT\` here, \`coordinator roster sign DRAFT --out ${file}\` where the admin key is, then publish that.`

const publish = (desk: Desk, file: string, options: CoordinatorOptions & { yes?: boolean }) => {
  const { federation, studies, rounds } = desk
  const { roster, signature } = readRosterFile(file)
  const refuse = (why: string, hint: string): never => {
    throw new HintedError('ROSTER_REFUSED', why, hint, { place: { file } })
  }
  const again = 'Draft it here with `coordinator roster draft`, then sign that.'
  if (signature === undefined)
    return refuse('the admin has not signed this', `Run \`coordinator roster sign ${file}\` where the admin key is.`)
  const { admin, identity } = federation
  if (roster.federation !== federation.federation || Buffer.compare(roster.coordinator, identity.publicKey) !== 0)
    return refuse('a roster of another coordinator', again)
  if (Buffer.compare(roster.admin, admin) !== 0) return refuse("not the admin key of this federation's `init`", again)
  const change = rosterChange(roster.members, studies, rounds)
  refuseUnsaid(change, options.yes === true)
  const isNew = studies.latestRoster()?.hash !== rosterHash(roster)
  try {
    publishRoster(studies, roster, signature)
  } catch (thrown) {
    // What the shared checks refuse is a site's to compare elsewhere; here it is the operator's to draft and sign again.
    if (!(thrown instanceof CodedError) || thrown.code !== 'ROSTER_REFUSED') throw thrown
    const hint = thrown instanceof HintedError ? thrown.help : signAgain(file)
    throw new HintedError(thrown.code, thrown.message, hint, { place: { file }, cause: thrown })
  }
  const next = nextOnRoster(roster, studies)
  const said = isNew ? next : `nothing changed, version ${roster.version} stays. ${next}`
  return { ...rosterView(roster), ...shown(change, options.json), next: said }
}

const flows = `
Examples:
  $ coordinator roster show --data-dir /srv/tributary
  $ coordinator roster propose --data-dir /srv/tributary
  $ coordinator roster propose --data-dir /srv/tributary --admin-key-file /media/admin/admin.key --out /media/admin/roster.signed

The admin key on a machine without a network:
  $ coordinator roster draft --data-dir /srv/tributary --out roster.draft
  $ coordinator roster sign roster.draft --admin-key-file admin.key                      # there: look
  $ coordinator roster sign roster.draft --admin-key-file admin.key --out roster.signed  # there: sign
  $ coordinator roster publish roster.signed --data-dir /srv/tributary`

/** `coordinator roster key | show | propose | draft | sign | publish`. */
export const addRosterCommands = (program: Command, { clock }: { readonly clock: Clock }): void => {
  const roster = program
    .command('roster')
    .description('who the sites are, by identity key, as the admin signs it')
    .addHelpText('after', flows)
  const committee = [
    '--committee <a,b,..>',
    'more than 20 sites: the 12 to 16 who hold key shares; default: as before',
    committeeOf,
  ] as const
  const yes = ['--yes', 'also where it takes a site out of a study that is not over, for good'] as const
  const keyFile = '--admin-key-file <file>'
  /** Works without a data directory, on a machine that need have nothing but the key. */
  const apart = (usage: string, summary: string, example: string) =>
    roster
      .command(usage)
      .summary(summary)
      .description(`${summary}\n\nExample: coordinator ${example}`)
      .option('--json', 'print one JSON envelope')
  const print = (data: object, { json }: { readonly json?: boolean }) => printData(data, { json: json === true })

  coordinatorCommand(
    roster,
    'show',
    'the latest roster: fingerprints, committee, who has confirmed it, what it changed',
    'roster show --data-dir /srv/tributary',
  ).action((options: CoordinatorOptions) =>
    withDesk(options.dataDir, clock, ({ studies }) => showRoster(studies, options.json === true)),
  )

  coordinatorCommand(
    roster,
    'propose',
    'draft, sign and publish the enrolled sites as the roster that every site confirms',
    'roster propose --data-dir /srv/tributary --admin-key-file /media/admin/admin.key --out /media/admin/roster.signed',
  )
    .option(keyFile, 'the private key that signs it; default: admin.key in the data directory')
    .option('--out <file>', 'keep a copy of the signed roster, to publish it again from a backup')
    .option(...committee)
    .option(...yes)
    .action(async (options: Drafting & { adminKeyFile?: string; out?: string }) =>
      print(await withDesk(options.dataDir, clock, (desk) => propose(desk, options)), options),
    )

  coordinatorCommand(
    roster,
    'draft',
    'write the next roster to a file, to be signed where the admin key is',
    'roster draft --data-dir /srv/tributary --out roster.draft',
  )
    .requiredOption('--out <file>', 'where to write it')
    .option(...committee)
    .action(async (options: Drafting & { out: string }) =>
      print(await withDesk(options.dataDir, clock, (desk) => draft(desk, options)), options),
    )

  apart(
    'sign <draft>',
    'show a drafted roster and, with --out, sign it; needs no network and no data directory',
    'roster sign roster.draft --admin-key-file admin.key --out roster.signed',
  )
    .requiredOption(keyFile, 'the private key')
    .option('--out <file>', 'where to write the signed roster; without it nothing is signed')
    .action((file: string, options: { adminKeyFile: string; out?: string; json?: boolean }) =>
      print(sign(file, options), options),
    )

  coordinatorCommand(
    roster,
    'publish <signed>',
    'serve a signed roster to the sites',
    'roster publish roster.signed --data-dir /srv/tributary',
  )
    .option(...yes)
    .action(async (file: string, options: CoordinatorOptions & { yes?: boolean }) =>
      print(await withDesk(options.dataDir, clock, (desk) => publish(desk, file, options)), options),
    )

  apart(
    'key',
    'make an admin key on the machine that keeps it, before `coordinator init` elsewhere',
    'roster key --out admin.key',
  )
    .requiredOption('--out <file>', 'where to write the private key')
    .action((options: { out: string; json?: boolean }) => {
      const { publicKey } = makeAdminKey(options.out)
      const hex = Buffer.from(publicKey).toString('hex')
      const next = `at the coordinator: coordinator init --data-dir FOLDER --name NAME --admin-public-key ${hex}`
      const data = { admin_key_file: options.out, public_key: hex, admin_fingerprint: fingerprint(publicKey), next }
      print(data, options)
    })
}

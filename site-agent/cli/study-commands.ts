import { printData } from '@tributary/shared/cli/output'
import { plainText } from '@tributary/shared/cli/plain-text'
import { atMostFigure } from '@tributary/shared/dp/odds'
import { pricePlan } from '@tributary/shared/dp/plan'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { decodeManifest, manifestHash } from '@tributary/shared/study/manifest'
import { leavesText, readsText } from '@tributary/shared/study/reads-text'
import { oddsSentence, studyReport } from '@tributary/shared/study/study-report'
import { explainFamily } from '@tributary/shared/synthesizers/auto/explain-family'
import { signBody } from '@tributary/shared/wire/body'
import type { Command } from 'commander'
import { hasHeldOut } from '../ledger/held-out-history.ts'
import { planReservation } from '../ledger/plan-reservation.ts'
import { approvedStudy, isHolder } from '../policy/approved-study.ts'
import { refuseUnconfirmed } from '../policy/confirmation.ts'
import { checkSource } from '../records/check-source.ts'
import { openHoldout } from '../records/holdout.ts'
import { type Problem, unlikeKinds } from '../records/problem.ts'
import type { Site } from '../site.ts'
import { sourceDescription } from '../source-description.ts'
import { openSite, siteCommand, type SiteOptions } from './common-options.ts'
import { bookedStudies, offeredStudy, refuseUnsigned, seenStudy, type SeenStudy } from './offered-study.ts'

/** What is left to do about a study that is looked at. */
const nextStep = ({ study, state }: SeenStudy, dataDir: string): string => {
  const at = `--data-dir ${dataDir}`
  if (state === undefined) return `site-agent study approve ${study} --source NAME --confirm ${study.slice(0, 8)} ${at}`
  if (state === 'approved') return `site-agent run ${at}, unless it runs already`
  if (state === 'paused') return `site-agent study resume ${study.slice(0, 12)} ${at}`
  return `nothing: it is ${state} here for good; site-agent study ls ${at}`
}

/** Throws `TABLE_INVALID`. A broken promise (A7 of docs/privacy.md) and what looks unlike the study may be accepted, by name. */
const refuseProblems = (problems: readonly Problem[], options: Accepted & Pick<ApproveOptions, 'source'>): void => {
  const isAccepted = ({ kind }: Problem) =>
    (kind === 'more than promised' && options.acceptMoreThanPromised === true) ||
    (unlikeKinds.has(kind) && options.acceptUnlike === true)
  const first = problems.find((each) => each.blocks && !isAccepted(each))
  if (first === undefined) return
  const { kind, detail, count, column, line, row } = first
  const more = problems.length === 1 ? '' : `; study check lists all ${problems.length}`
  const remedy = kind === 'more than promised' ? '; have the study promise more, or see approve --help' : more
  throw new CodedError('TABLE_INVALID', `${kind}: ${detail} (there are ${count})${remedy}`, {
    place: { file: options.source, ...(column && { column }), ...(line && { line }), ...(row && { row }) },
  })
}

/** A problem that approval went past, as people read it. */
const problemRow = ({ kind, column, detail, count }: Problem) => ({
  problem: kind,
  ...(column !== undefined && { column }),
  'how many there are': count,
  'what it is': detail,
})

/** What a look at a table finds, and nothing of it leaves: every problem at once. */
const check = async (site: Site, options: CheckOptions, prefix: string) => {
  const book = site.openBook()
  const client = site.connect(bookedStudies(book, prefix).length > 0 ? 1_000 : 10_000)
  try {
    const { study, manifest } = await seenStudy(client, book, prefix)
    const source = sourceDescription(manifest.source, book.source(options.source))
    return { study, name: manifest.name, ...(await checkSource(manifest, source, site.name)) }
  } finally {
    client.close()
    book.close()
  }
}

interface CheckOptions extends SiteOptions {
  readonly source: string
}

const approve = async (site: Site, options: ApproveOptions, prefix: string) => {
  site.requireVolatile()
  site.refuseRestored()
  const [client, book, ledger] = [site.connect(10_000), site.openBook(), site.openLedger()]
  try {
    const offered = await offeredStudy(client, book, prefix)
    const { study, manifest, roster } = offered
    refuseUnconfirmed(study, options.confirm, book.shown())
    if (book.stateOf(study) === 'revoked') throw new CodedError('STUDY_OVER', 'this study was revoked here for good')
    await refuseUnsigned(client, offered)
    const approved = approvedStudy(study, manifest, roster, site.name)
    const source = sourceDescription(manifest.source, book.source(options.source))
    const check = await checkSource(manifest, source, site.name)
    refuseProblems(check.problems, options)
    // Before it is reserved: from then on the key must be there.
    if (manifest.evaluation !== undefined) openHoldout(site.holdoutFolder, !hasHeldOut(ledger))
    const reservation = planReservation(study, manifest)
    ledger.reserve(reservation)
    if (isHolder(approved)) await client.putBoxKeys(site.boxKeys().statement(study, 0, site.name, site.identity))
    // Approved here first: what the coordinator hears of must already hold.
    book.approve({ study, manifest, roster, source: options.source })
    const statement = { study, manifest: approved.manifestHash, roster: approved.rosterHash }
    await client.approve(signBody('approval', site.name, statement, site.identity))
    return { study, name: manifest.name, reserved: reservation.epsilon, problems: check.problems }
  } finally {
    for (const part of [client, book, ledger]) part.close()
  }
}

interface ApproveOptions extends SiteOptions, Accepted {
  readonly source: string
  readonly confirm: string
}

interface Accepted {
  readonly acceptMoreThanPromised?: true
  readonly acceptUnlike?: true
}

/** `site-agent study ls | show | approve | pause | resume | revoke`. */
export const addStudyCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  const study = program.command('study').description('what this hospital is asked for, and what it agreed to')
  const json = (options: SiteOptions) => ({ json: options.json === true })

  siteCommand(
    study,
    'ls',
    'list the published studies and what was decided here',
    'study ls --data-dir /srv/site-agent',
  ).action(async (options: SiteOptions) => {
    const site = openSite(options, ports.clock)
    const [client, book] = [site.connect(10_000), site.openBook()]
    try {
      const decided = new Map(book.studies().map((booked) => [booked.study, booked.state]))
      const rows = (await client.studies()).map(({ study: id, manifest, state }) => ({
        study: id,
        name: decodeManifest(manifest).name,
        here: decided.get(id) ?? 'pending',
        run: state,
      }))
      printData(rows, json(options))
    } finally {
      client.close()
      book.close()
    }
  })

  siteCommand(
    study,
    'show <study>',
    'what a study reads, what will leave, what it costs; recomputed here',
    'study show ckd-2027 --data-dir /srv/site-agent',
  ).action(async (prefix: string, options: SiteOptions) => {
    const site = openSite(options, ports.clock)
    const book = site.openBook()
    // What the book has is shown without waiting long for more.
    const client = site.connect(bookedStudies(book, prefix).length > 0 ? 1_000 : 10_000)
    try {
      const seen = await seenStudy(client, book, prefix)
      const { study: id, manifest, roster, state } = seen
      book.noteShown(id)
      const price = pricePlan(manifest)
      const next = nextStep(seen, options.dataDir)
      const text = [
        studyReport(manifest, manifestHash(manifest), price),
        `Reads   ${readsText(manifest)}`,
        `Leaves  ${leavesText(manifest)}`,
        `Odds    ${oddsSentence(price.epsilon.peer.epsilon)} (another hospital)`,
        `Study   ${id}`,
        `Roster  version ${roster.version}${state === undefined ? '' : `, under which it was approved here; now ${state}`}`,
        `Next    ${next}`,
      ].join('\n')
      const here = state ?? 'pending'
      const family = explainFamily(manifest)
      const data = { study: id, manifest, family, price, roster_version: roster.version, here, next }
      printData(data, { ...json(options), text })
    } finally {
      client.close()
      book.close()
    }
  })

  siteCommand(
    study,
    'check <study>',
    'compare a table with what a study declares: levels, units, dates, missing values; nothing leaves, nothing is approved',
    'study check ckd-2027 --source admissions --data-dir /srv/site-agent',
  )
    .requiredOption('--source <name>', 'the table to look at')
    .action(async (prefix: string, options: CheckOptions) => {
      const found = await check(openSite(options, ports.clock), options, prefix)
      const shown = { ...found, problems: found.problems.map(problemRow) }
      printData(found, { ...json(options), text: plainText(shown) })
      refuseProblems(found.problems, options)
    })

  siteCommand(
    study,
    'approve <study>',
    'agree to a study by its hash: reserves its whole price, then rounds may run',
    'study approve ckd-2027 --source admissions --confirm 3f9a12bc --data-dir /srv/site-agent',
  )
    .requiredOption('--source <name>', 'the table that answers it')
    .requiredOption(
      '--confirm <digits>',
      'the first 8 digits of the study id that `study show` printed here, or all 64',
    )
    .option(
      '--accept-more-than-promised',
      'approve although the table has more rows or patients than the study promises of this site: the price stays, batches get ' +
        'the next size of a ladder, and how long the work takes may show which (docs/privacy.md, A7)',
    )
    .option(
      '--accept-unlike',
      'approve although numbers, codes or dates look unlike what the study declares (study check says which): an officer has looked ' +
        'and knows why',
    )
    .action(async (prefix: string, options: ApproveOptions) => {
      const result = await approve(openSite(options, ports.clock), options, prefix)
      const data = { ...result, next: `site-agent run --data-dir ${options.dataDir}` }
      const shown = { ...data, reserved: atMostFigure(result.reserved, 6), problems: result.problems.map(problemRow) }
      printData(data, { ...json(options), text: plainText(shown) })
    })

  const states = { pause: 'paused', resume: 'approved', revoke: 'revoked' } as const
  for (const [verb, state] of Object.entries(states)) {
    siteCommand(
      study,
      `${verb} <study>`,
      verb === 'revoke'
        ? 'take back an approval for good; what was charged stays charged'
        : `${verb} an approved study`,
      `study ${verb} ckd-2027 --data-dir /srv/site-agent`,
    ).action((prefix: string, options: SiteOptions) => {
      const site = openSite(options, ports.clock)
      const [book, ledger] = [site.openBook(), site.openLedger()]
      try {
        const found = book.studies().filter((each) => each.study.startsWith(prefix) || each.manifest.name === prefix)
        if (found.length !== 1 || found[0] === undefined)
          throw new CodedError('NOT_FOUND', `${found.length} approved studies match ${prefix}`)
        // Revoking again finishes what a crash left half done.
        if (found[0].state === 'finished' || (found[0].state === 'revoked' && state !== 'revoked'))
          throw new CodedError('STUDY_OVER', `this study is ${found[0].state} here`)
        book.setState(found[0].study, state)
        if (state === 'revoked') ledger.revoke(found[0].study)
        printData({ study: found[0].study, state }, json(options))
      } finally {
        book.close()
        ledger.close()
      }
    })
  }
}

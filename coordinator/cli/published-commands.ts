import { randomInt } from 'node:crypto'
import { createWriteStream, writeFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { printData } from '@tributary/shared/cli/output'
import { plainText } from '@tributary/shared/cli/plain-text'
import { atMostFigure } from '@tributary/shared/dp/odds'
import { pricePlan } from '@tributary/shared/dp/plan'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { adversaryLines } from '@tributary/shared/study/adversary-text'
import { levelsBeside } from '@tributary/shared/study/levels-file'
import { parseManifest } from '@tributary/shared/study/manifest'
import { openingRule, openingRuleLines } from '@tributary/shared/study/opening-rule-text'
import { count } from '@tributary/shared/units'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { Command } from 'commander'
import { cohortCsv } from '../cohort/cohort-csv.ts'
import { openCohort, promisedRows } from '../cohort/cohort.ts'
import { conditionText } from '@tributary/shared/condition/condition'
import { releasedModel } from '../cohort/released-model.ts'
import { roundsPath, studiesPath } from '../coordinator.ts'
import { registryPath } from '../enrolment/federation-directory.ts'
import { openSiteRegistry } from '../enrolment/site-registry.ts'
import { RoundStore } from '../rounds/round-store.ts'
import { membershipOf } from '../studies/membership.ts'
import { type Awaited, awaitedIn, type Participation, participationOf } from '../studies/participation.ts'
import { runReport } from '../studies/run-report.ts'
import { readStudy } from '../studies/study-file.ts'
import { type PublishedStudy, StudyStore } from '../studies/study-store.ts'
import { coordinatorCommand, type CoordinatorOptions, groupExamples } from './common-options.ts'

const whole = (name: string, text: string, least = 0): number => count(name, Number(text), least)

const withStores = async <T>(
  { dataDir }: CoordinatorOptions,
  work: (studies: StudyStore, rounds: RoundStore) => T | Promise<T>,
): Promise<T> => {
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  try {
    return await work(studies, rounds)
  } finally {
    studies.close()
    rounds.close()
  }
}

const participantsOf = (
  { dataDir }: CoordinatorOptions,
  published: PublishedStudy,
  studies: StudyStore,
  rounds: RoundStore,
): { readonly sites: Participation[]; readonly awaited: Awaited[] } => {
  const registry = openSiteRegistry(registryPath(dataDir))
  try {
    const membership = membershipOf(published, studies, registry.isStanding)
    return {
      sites: participationOf(published, rounds, membership),
      awaited: awaitedIn(published, rounds, membership),
    }
  } finally {
    registry.close()
  }
}

const awaitedInWords = (awaited: readonly Awaited[], state: string): string => {
  if (state !== 'running') return 'no round is open'
  const whys = { pending: 'nothing from it in this round yet', withdrew: 'withdrew', revoked: 'revoked' } as const
  return awaited.map(({ site, why }) => `${site} (${whys[why]})`).join(', ') || 'nobody'
}

/** "north 12 (contributed)": rounds that it is part of, and what it did in this one or why it may not. */
const inWords = ({ site, standing, contributed, this_round: now }: Participation): string =>
  `${site} ${contributed} (${standing === 'member' ? (now ?? 'no open round') : standing})`

const roundInWords = ({ kind, step, attempt, state, contributors, reason }: ReportedRound): string => {
  const who = contributors.length === 0 ? '' : ` by ${contributors.join(', ')}`
  return `step ${step}, attempt ${attempt} (${kind}): ${state}${who}${reason === undefined ? '' : `; ${reason}`}`
}
type ReportedRound = ReturnType<typeof runReport>['rounds'][number]

/** `coordinator study publish | ls | show | stop`, `cohort`, `model export`: what the operator does with published studies. */
export const addPublishedCommands = (program: Command, _ports: { readonly clock: Clock }): void => {
  const study = program.commands.find((command) => command.name() === 'study') ?? program.command('study')

  coordinatorCommand(
    study,
    'publish <file>',
    'offer a frozen study to its sites',
    'study publish study.yaml --data-dir /srv/tributary',
  )
    .option('--seed <number>', 'draws the initial weights; public, random unless given')
    .action((file: string, options: CoordinatorOptions & { seed?: string }) =>
      withStores(options, (studies) => {
        const manifest = parseManifest(readStudy(file), file, 'coordinator', levelsBeside(file))
        const seed = options.seed === undefined ? randomInt(2 ** 31) : whole('--seed', options.seed)
        const { study: id, manifestHash } = studies.publish(manifest, seed)
        const next = `every site: site-agent study show ${id} --data-dir FOLDER`
        printData({ study: id, manifest: manifestHash, seed, next }, { json: options.json === true })
      }),
    )

  coordinatorCommand(
    study,
    'ls',
    'list the published studies: state, step, who has not approved yet',
    'study ls --data-dir /srv/tributary',
  ).action((options: CoordinatorOptions) =>
    withStores(options, (studies, rounds) => {
      const rows = studies.studies().map((id) => {
        const {
          study: whole,
          name,
          state,
          step,
          steps,
          approvals_missing: missing,
        } = runReport(studies.study(id), studies, rounds)
        const over = state === 'completed' || state === 'stopped'
        return { study: whole, name, state, step, steps, approvals_missing: over ? [] : missing }
      })
      const short = rows.map(({ approvals_missing: missing, ...row }) => ({
        ...row,
        study: row.study.slice(0, 12),
        approvals_missing: missing.join(', ') || '-',
      }))
      printData(rows, {
        json: options.json === true,
        text: short.length === 0 ? 'no study is published' : plainText(short),
      })
    }),
  )

  coordinatorCommand(
    study,
    'show <study>',
    'state, step, rounds and their contributors; who learns how much',
    'study show ckd-2027 --data-dir /srv/tributary',
  ).action((prefix: string, options: CoordinatorOptions) =>
    withStores(options, (studies, rounds) => {
      const published = studies.find(prefix)
      const { rounds: list, ...report } = runReport(published, studies, rounds)
      const { sites, awaited } = participantsOf(options, published, studies, rounds)
      const isOver = report.state === 'completed' || report.state === 'stopped'
      const ordered = isOver ? undefined : studies.stopOrder(published.study)
      const price = pricePlan(published.manifest)
      const last = list.at(-1)
      const isStuck = ordered === undefined && awaited.some(({ why }) => why === 'withdrew')
      const stop = `coordinator study stop ${published.study.slice(0, 8)} --reason TEXT --data-dir ${options.dataDir}`
      const added = {
        ...(ordered !== undefined && { stop_ordered: ordered }),
        ...(isStuck && { next: `where a hospital revoked it: ${stop}` }),
      }
      const shown = options.json
        ? {
            ...report,
            round_waits_for: awaited,
            sites,
            rounds: list,
            adversary_table: price.adversaryTable,
            opening: openingRule(published.manifest.federation.colluders, price.contributors),
            ...added,
          }
        : {
            ...report,
            epsilon: { public: atMostFigure(report.epsilon.public, 6), peer: atMostFigure(report.epsilon.peer, 6) },
            round_waits_for: awaitedInWords(awaited, report.state),
            sites: sites.map(inWords).join(', '),
            rounds: list.length,
            last: last === undefined ? 'none' : roundInWords(last),
            ...added,
          }
      const ruled = openingRuleLines(published.manifest.federation.colluders, price.contributors)
      const text = [plainText(shown), '', ...adversaryLines(price), '', ...ruled].join('\n')
      printData(shown, { json: options.json === true, text })
    }),
  )

  coordinatorCommand(
    study,
    'stop <study>',
    'end a study for good: every site is told, what was charged stays charged',
    'study stop ckd-2027 --reason "north revoked it" --data-dir /srv/tributary',
  )
    .requiredOption('--reason <text>', 'why, in at most 200 characters: every site reads it')
    .action((prefix: string, options: CoordinatorOptions & { reason: string }) =>
      withStores(options, (studies, rounds) => {
        const { study: id, manifest } = studies.find(prefix)
        const reason = options.reason.trim()
        if (reason === '' || reason.length > 200 || /\p{Cc}/u.test(reason))
          throw new CodedError('ARGUMENT_INVALID', '--reason is one line of 1 to 200 characters', {
            place: { field: '--reason' },
          })
        const outcome = rounds.run(id)?.state.outcome ?? 'waiting'
        if (outcome === 'completed' || outcome === 'stopped')
          throw new CodedError('STUDY_OVER', `this study is ${outcome} already`)
        studies.orderStop(id, reason)
        const next = `coordinator study show ${id.slice(0, 8)} --data-dir ${options.dataDir}`
        printData(
          { study: id, name: manifest.name, stop_ordered: studies.stopOrder(id), next },
          { json: options.json === true },
        )
      }),
    )

  coordinatorCommand(
    program,
    'cohort <study>',
    'write a synthetic cohort of a completed study as CSV',
    'cohort ckd-2027 --rows 5000 --where "age >= 60" --out cohort.csv --data-dir /srv/tributary',
  )
    .requiredOption('--out <file>', 'CSV file to write')
    .option('--rows <number>', 'how many; as many as the sites promised unless given')
    .option('--seed <number>', 'equal seeds give equal cohorts; random unless given')
    .option('--where <condition>', 'only such patients: "age >= 60 AND diabetes = yes"')
    .action(
      (prefix: string, options: CoordinatorOptions & { out: string; rows?: string; seed?: string; where?: string }) =>
        withStores(options, async (studies, rounds) => {
          const published = studies.find(prefix)
          const { manifest } = published
          const rows = options.rows === undefined ? promisedRows(manifest) : whole('--rows', options.rows, 1)
          const seed = options.seed === undefined ? randomInt(2 ** 31) : whole('--seed', options.seed)
          const { model } = await releasedModel(options.dataDir, published, rounds)
          const { where } = options
          const cohort = openCohort(manifest, model, { rows, seed, ...(where !== undefined && { where }) })
          const mark = `unreleased-${published.study.slice(0, 12)}`
          await pipeline(cohortCsv(cohort, mark), createWriteStream(options.out))
          const condition = cohort.condition && { where: conditionText(cohort.condition) }
          printData(
            { study: published.study, rows, seed, ...condition, out: options.out },
            { json: options.json === true },
          )
        }),
    )

  const model = program
    .command('model')
    .description('released models')
    .addHelpText('after', groupExamples('model export ckd-2027 --out model.bin --data-dir /srv/tributary'))
  coordinatorCommand(
    model,
    'export <study>',
    'write the released model to a file',
    'model export ckd-2027 --out model.bin --data-dir /srv/tributary',
  )
    .requiredOption('--out <file>', 'file to write')
    .action((prefix: string, options: CoordinatorOptions & { out: string }) =>
      withStores(options, async (studies, rounds) => {
        const published = studies.find(prefix)
        const bytes = (await releasedModel(options.dataDir, published, rounds)).model.encode()
        writeFileSync(options.out, bytes)
        printData(
          { study: published.study, bytes: bytes.length, sha256: hashBytes(bytes), out: options.out },
          { json: options.json === true },
        )
      }),
    )
}

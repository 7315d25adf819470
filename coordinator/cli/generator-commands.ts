import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import type { Command } from 'commander'
import { roundsPath, studiesPath } from '../data-paths.ts'
import { openFederation } from '../enrolment/federation-directory.ts'
import { RetiredGenerators, retiredGeneratorsPath } from '../requests/retired-generators.ts'
import { RoundStore } from '../rounds/round-store.ts'
import { type PublishedStudy, StudyStore } from '../studies/study-store.ts'
import { UserStore, usersPath } from '../users/user-store.ts'
import { coordinatorCommand, type CoordinatorOptions, groupExamples } from './common-options.ts'

interface Generator extends PublishedStudy {
  readonly completed: number | undefined
  readonly retired: number | undefined
}

interface Generators {
  readonly list: readonly Generator[]
  readonly retired: RetiredGenerators
  /** What the operator did, for `user audit`. */
  note(action: 'retire' | 'restore', study: string): void
}

const iso = (ms: number | undefined): string | null => (ms === undefined ? null : new Date(ms).toISOString())

/** The studies whose run completed. Nothing is made in a folder that `coordinator init` did not make. */
const withGenerators = async (
  { dataDir }: CoordinatorOptions,
  clock: Clock,
  work: (generators: Generators) => void,
): Promise<void> => {
  await openFederation(dataDir, clock)
  const studies = StudyStore.open(studiesPath(dataDir))
  const rounds = RoundStore.open(roundsPath(dataDir))
  const retired = RetiredGenerators.open(retiredGeneratorsPath(dataDir))
  const users = UserStore.open(usersPath(dataDir))
  try {
    const since = retired.all()
    const list = studies
      .studies()
      .filter((study) => rounds.run(study)?.state.outcome === 'completed')
      .map((study) => ({
        ...studies.study(study),
        completed: rounds.run(study)?.times.finished,
        retired: since.get(study),
      }))
    const note = (action: string, object: string) =>
      users.note({ time: clock.now(), user: '(coordinator)', action, object, detail: 'by the command line' })
    work({ list, retired, note })
  } finally {
    for (const store of [studies, rounds, retired, users]) store.close()
  }
}

/** By name or first digits, among those that `isWanted` where there are several. Throws `NOT_FOUND`. */
const find = (
  list: readonly Generator[],
  wanted: string,
  isWanted: (generator: Generator) => boolean,
): PublishedStudy => {
  const found = list.filter(({ study, manifest }) => manifest.name === wanted || study.startsWith(wanted))
  const [only, ...more] = found.length > 1 ? found.filter(isWanted) : found
  if (only !== undefined && more.length === 0) return only
  const why = found.length === 0 ? 'no completed study' : 'more than one completed study'
  throw new CodedError('NOT_FOUND', `${why} of this name: \`coordinator generator ls\` shows them`)
}

/** `coordinator generator ls | retire | restore`, also while the coordinator runs. */
export const addGeneratorCommands = (program: Command, { clock }: { readonly clock: Clock }): void => {
  const generator = program
    .command('generator')
    .description('completed studies, and whether cohorts are made of them')
    .addHelpText(
      'after',
      groupExamples('generator ls --data-dir /srv/tributary', 'generator retire ckd-2027 --data-dir /srv/tributary'),
    )

  coordinatorCommand(generator, 'ls', 'list the completed studies', 'generator ls --data-dir /srv/tributary').action(
    (options: CoordinatorOptions) =>
      withGenerators(options, clock, ({ list }) => {
        const rows = list.map(({ study, manifest, completed, retired }) => ({
          generator: manifest.name,
          study,
          state: retired === undefined ? 'offered' : 'retired',
          completed: iso(completed),
          retired: iso(retired),
        }))
        printData(rows, { json: options.json === true })
      }),
  )

  coordinatorCommand(
    generator,
    'retire <study>',
    'make no more cohorts of a study; releases stay downloadable',
    'generator retire ckd-2027 --data-dir /srv/tributary',
  ).action((wanted: string, options: CoordinatorOptions) =>
    withGenerators(options, clock, ({ list, retired, note }) => {
      const { study, manifest } = find(list, wanted, (one) => one.retired === undefined)
      retired.retire(study, clock.now())
      note('retire', study)
      printData({ generator: manifest.name, study, state: 'retired' }, { json: options.json === true })
    }),
  )

  coordinatorCommand(
    generator,
    'restore <study>',
    'offer a retired study again',
    'generator restore ckd-2027 --data-dir /srv/tributary',
  ).action((wanted: string, options: CoordinatorOptions) =>
    withGenerators(options, clock, ({ list, retired, note }) => {
      const { study, manifest } = find(list, wanted, (one) => one.retired !== undefined)
      retired.restore(study)
      note('restore', study)
      printData({ generator: manifest.name, study, state: 'offered' }, { json: options.json === true })
    }),
  )
}

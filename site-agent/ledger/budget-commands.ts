import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { printData } from '@tributary/shared/cli/output'
import { odds } from '@tributary/shared/dp/odds'
import { CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { oddsSentence } from '@tributary/shared/study/study-report'
import { delta, epsilon } from '@tributary/shared/units'
import type { Command } from 'commander'
import { adoptHoldout } from '../records/holdout.ts'
import { openSite, type SiteOptions, siteCommand } from '../cli/common-options.ts'
import { type Entry, Ledger, type Spending, type StudySpending } from './ledger.ts'

interface SetOptions extends SiteOptions {
  readonly epsilon: string
  readonly delta: string
}

/**
 * `site-agent budget show | set | history | verify | adopt`: what patients of this institution have been exposed to, and the most that
 * they may be. Reads and writes the ledger of the data directory; the agent may run meanwhile.
 */
export const addBudgetCommands = (program: Command, ports: { readonly clock: Clock }): void => {
  const budget = program.command('budget').description('the privacy budget of this hospital’s patients')
  const withLedger = (options: SiteOptions, work: (ledger: Ledger) => { data: unknown; text?: string }): void => {
    const ledger = openSite(options, ports.clock).openLedger()
    try {
      const { data, text } = work(ledger)
      printData(data, { json: options.json === true, ...(text !== undefined && { text }) })
    } finally {
      ledger.close()
    }
  }

  siteCommand(
    budget,
    'show',
    'what each study has cost and may cost, in epsilon and in odds',
    'budget show --data-dir /srv/site-agent',
  ).action((options: SiteOptions) =>
    withLedger(options, (ledger) => {
      const spending = ledger.spent()
      const studies = spending.studies.map((study) => ({ ...study, odds: oddsOf(study) }))
      return { data: { ...spending, studies }, text: spendingText(spending) }
    }),
  )

  siteCommand(
    budget,
    'set',
    'the most that all studies together may cost a patient',
    'budget set --epsilon 8 --delta 1e-4 --data-dir /srv/site-agent',
  )
    .requiredOption('--epsilon <number>', 'cap on the sum of epsilon over all studies ever approved')
    .requiredOption('--delta <number>', 'cap on the sum of delta')
    .action((options: SetOptions) =>
      withLedger(options, (ledger) => {
        const cap = { epsilon: epsilon(Number(options.epsilon)), delta: delta(Number(options.delta)) }
        ledger.setCap(cap)
        return { data: { cap, odds: { before: 0.5, after: odds(cap.epsilon, 0.5) } }, text: capText(cap) }
      }),
    )

  siteCommand(
    budget,
    'history',
    'every entry of the ledger, in order',
    'budget history --data-dir /srv/site-agent --json',
  ).action((options: SiteOptions) =>
    withLedger(options, (ledger) => {
      const entries = [...ledger.history()]
      return { data: entries.map((entry) => (options.json === true ? lineOf(entry) : shortLineOf(entry))) }
    }),
  )

  siteCommand(
    budget,
    'verify',
    'recompute the ledger from its first entry; the head is worth writing down',
    'budget verify --data-dir /srv/site-agent',
  ).action((options: SiteOptions) =>
    withLedger(options, (ledger) => {
      const { broken, ...sound } = ledger.verify()
      if (broken !== null) {
        throw new CodedError('LEDGER_BROKEN', `the ledger does not hold from entry ${broken.seq}: ${broken.reason}`, {
          place: { line: broken.seq },
        })
      }
      return { data: { ...sound, sound: true }, text: `sound: ${sound.entries} entries, head ${sound.head}` }
    }),
  )

  siteCommand(
    budget,
    'adopt',
    'carry the ledger of this hospital’s earlier data directory into a new one, before anything else is done there',
    'budget adopt --from /srv/old-site-agent --data-dir /srv/site-agent',
  )
    .requiredOption('--from <folder>', 'the earlier data directory')
    .action((options: SiteOptions & { from: string }) =>
      withLedger(options, (ledger) => {
        const path = join(options.from, 'ledger.sqlite')
        if (!existsSync(path))
          throw new CodedError('NOT_FOUND', 'there is no ledger in this folder', { place: { file: path } })
        const earlier = Ledger.open(path, ports.clock)
        try {
          // First: an adopted ledger of a study with an evaluation must find the key that parted its patients.
          adoptHoldout(options.dataDir, options.from)
          ledger.adopt(earlier)
        } finally {
          earlier.close()
        }
        const { entries, head } = ledger.verify()
        const reserved = ledger.spent().reserved
        const next =
          'if that directory was an older copy, studies approved after it was made are missing: tell the consortium'
        return { data: { entries, head, reserved, next }, text: `${spendingText(ledger.spent())}\nnext: ${next}` }
      }),
    )
}

const oddsOf = ({ epsilon: now, reservedEpsilon }: StudySpending) => ({
  before: 0.5,
  now: odds(now, 0.5),
  atMost: odds(reservedEpsilon, 0.5),
})

const shortLineOf = ({ seq, at, content, hash }: Entry) => {
  const { phases, ...facts } = { phases: undefined, ...content }
  return { seq, at: new Date(at).toISOString(), ...facts, ...(phases && { queries: phases.length }), hash }
}

const lineOf = ({ seq, at, content, previous, hash }: Entry) => ({
  seq,
  at: new Date(at).toISOString(),
  ...content,
  previous,
  hash,
})

const figure = (value: number): string => (value === 0 ? '0' : String(Number(value.toPrecision(4))))

const capText = (cap: Spending['cap']): string =>
  cap === null
    ? 'no cap is set: no study can be approved; next: site-agent budget set --epsilon E --delta D'
    : `cap: epsilon ${figure(cap.epsilon)}, delta ${figure(cap.delta)}; ${oddsSentence(cap.epsilon)}`

const spendingText = ({ cap, reserved, studies }: Spending): string =>
  [
    capText(cap),
    `reserved: epsilon ${figure(reserved.epsilon)}, delta ${figure(reserved.delta)} by ${studies.length} studies (sums)`,
    ...studies.flatMap((study) => [
      `${study.name} (${study.study.slice(0, 12)}, ${study.unit}${study.revoked ? ', revoked' : ''})`,
      `  so far    epsilon ${figure(study.epsilon)} at delta ${figure(study.delta)}; ${oddsSentence(study.epsilon)}`,
      `  at most   epsilon ${figure(study.reservedEpsilon)}; ${oddsSentence(study.reservedEpsilon)}`,
      `  attempts  ${study.attempts.map(({ charged, reserved: most }) => `${charged} of ${most}`).join(', ')}`,
    ]),
  ].join('\n')

import { printData } from '@tributary/shared/cli/output'
import { atMostFigure, odds } from '@tributary/shared/dp/odds'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { delta, epsilon } from '@tributary/shared/units'
import type { Command } from 'commander'
import { openSite, type SiteOptions, siteCommand } from '../cli/common-options.ts'
import { addAcknowledgeCommand } from './acknowledge-command.ts'
import { adoptLedger, type AdoptOptions } from './adopted-ledger.ts'
import type { Cap, Entry, EntryContent, Ledger, StudySpending } from './ledger.ts'
import { capText, spendingText } from './spending-text.ts'

interface SetOptions extends SiteOptions {
  readonly epsilon: string
  readonly delta: string
  readonly accounting: string
}

const accountingOf = (text: string): 'sum' | 'renyi' => {
  if (text === 'sum' || text === 'renyi') return text
  throw new CodedError('ARGUMENT_INVALID', 'sum or renyi', { place: { field: '--accounting' } })
}

/** A number as the officer gave it. Throws `UNIT_OUT_OF_RANGE` naming the option. */
const figureOf = <T>(field: string, given: string, parse: (value: number) => T): T => {
  try {
    return parse(given.trim() === '' ? Number.NaN : Number(given))
  } catch (thrown) {
    const { code, message } = asCodedError(thrown)
    throw new CodedError(code, message, { place: { field }, cause: thrown })
  }
}

const accountingHelp = `
How studies are added up (--accounting), whatever order they were chosen in:
  sum    epsilon and delta of every study are added. For one study, or a few of very different size.
  renyi  a Renyi filter at fixed orders: epsilon of all studies together at --delta. For several: one study alone costs a
         sixth more than by itself, two like ones a sixth less than their sum, ten 60 % less.
budget show prints both. Choose before results are seen: another rule must fit everything that is reserved already.`

/**
 * `site-agent budget show | set | history | verify | adopt | acknowledge-restored`: what patients of this institution have been
 * exposed to, and the most that they may be. Reads and writes the ledger of the data directory; the agent may run meanwhile.
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
    .requiredOption('--epsilon <number>', 'cap on epsilon over all studies ever approved')
    .requiredOption('--delta <number>', 'cap on delta over all of them')
    .option('--accounting <rule>', 'how studies are added up: sum or renyi', 'sum')
    .addHelpText('after', accountingHelp)
    .action((options: SetOptions) =>
      withLedger(options, (ledger) => {
        const most = figureOf('--epsilon', options.epsilon, epsilon)
        const failure = figureOf('--delta', options.delta, delta)
        const cap: Cap = { epsilon: most, delta: failure, accounting: accountingOf(options.accounting) }
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
      ledger.refuseRestored()
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
    .option(
      '--acknowledge-restored',
      'it came back from a backup, and an officer has seen what is missing: charge that first',
    )
    .option('--new-holdout-key', 'it has no holdout-key, and none is to be had: hold other patients out from now on')
    .action((options: SiteOptions & AdoptOptions) =>
      withLedger(options, (ledger) => {
        const next = adoptLedger(ledger, options, ports.clock)
        const { entries, head } = ledger.verify()
        const spending = ledger.spent()
        return {
          data: { entries, head, reserved: spending.reserved, next },
          text: `${spendingText(spending)}\nnext: ${next}`,
        }
      }),
    )

  addAcknowledgeCommand(budget, ports)
}

const oddsOf = ({ epsilon: now, reservedEpsilon }: StudySpending) => ({
  before: 0.5,
  now: odds(now, 0.5),
  atMost: odds(reservedEpsilon, 0.5),
})

const shortLineOf = ({ seq, at, content, hash }: Entry) => {
  const { phases, accounts, ...facts } = { phases: undefined, accounts: undefined, ...content }
  const counted = { ...(phases && { queries: phases.length }), ...(accounts && { studies: accounts.length }) }
  return { seq, at: new Date(at).toISOString(), ...facts, ...boundsOf(content), ...counted, hash }
}

/** A cap as it was given, a price never below what it is. */
const boundsOf = (content: EntryContent): Record<string, string> => {
  if (content.kind === 'cap') return { epsilon: String(content.epsilon), delta: String(content.delta) }
  if (content.kind !== 'reserve') return {}
  const bounds = Object.entries({ epsilon: content.epsilon, delta: content.delta, distance: content.distance })
  return Object.fromEntries(bounds.map(([name, bound]) => [name, atMostFigure(bound, 6)]))
}

const lineOf = ({ seq, at, content, previous, hash }: Entry) => ({
  seq,
  at: new Date(at).toISOString(),
  ...content,
  previous,
  hash,
})

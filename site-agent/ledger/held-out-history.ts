import type { EntryContent } from './entry.ts'
import type { Ledger } from './ledger.ts'

type History = Pick<Ledger, 'history'>

const phasesIn = (content: EntryContent) => {
  if (content.kind === 'reserve') return content.phases
  return content.kind === 'acknowledged' ? content.accounts.flatMap(({ phases }) => phases) : []
}

/** Whether a study with an evaluation was ever reserved here, as far as the ledger goes. */
export const reservedHeldOut = (ledger: History): boolean =>
  [...ledger.history()].some(({ content }) => phasesIn(content).some(({ heldOut }) => heldOut === true))

/**
 * Whether a holdout key decided, or may have decided, who is held out, and must still do so: a study with an evaluation was
 * reserved here, or what was reserved after a backup is not known.
 */
export const hasHeldOut = (ledger: History): boolean =>
  reservedHeldOut(ledger) ||
  [...ledger.history()].some(({ content }) => content.kind === 'acknowledged' && content.volatile !== undefined)

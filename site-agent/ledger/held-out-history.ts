import type { EntryContent } from './entry.ts'
import type { Ledger } from './ledger.ts'

const phasesIn = (content: EntryContent) => {
  if (content.kind === 'reserve') return content.phases
  return content.kind === 'acknowledged' ? content.accounts.flatMap(({ phases }) => phases) : []
}

/** Whether a study with an evaluation was ever reserved here: then a holdout key decided who is held out, and must still do so. */
export const hasHeldOut = (ledger: Pick<Ledger, 'history'>): boolean =>
  [...ledger.history()].some(({ content }) => phasesIn(content).some(({ heldOut }) => heldOut === true))

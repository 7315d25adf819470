import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import { type Account, attemptsOf, type Book } from './book.ts'
import type { Acknowledged, Reservation, Restored } from './entry.ts'

/** One study of a ledger that has gone back. */
export interface MissingStudy {
  readonly study: StudyId
  readonly name: string
  /** Attempts charged: as this ledger has them, as the anchor has them (null: it knows nothing more), the most that peers saw. */
  readonly here: number
  readonly anchored: number | null
  readonly seen: number | null
  /** After the acknowledgement: never less than any of them. */
  readonly after: number
}

/** What is missing from a ledger that came back from a backup. */
export interface Restoration {
  /** Entries that the anchor holds and this ledger lacks; 0 where only peers tell. */
  readonly missingEntries: number
  readonly peers: readonly Restored[]
  /** The answer log and the counters went back or are gone, so the site must enrol anew once this is acknowledged. */
  readonly isVolatileLost: boolean
  readonly studies: readonly MissingStudy[]
  /** Studies that are missing and cannot be charged before their plans are here: nothing is acknowledged meanwhile. */
  readonly unpriced: readonly StudyId[]
  readonly acknowledgement: Acknowledged
}

/** What the ledger's own book, the anchor's where it is ahead, and the peers' evidence say together. */
interface Sources {
  readonly own: Book
  readonly anchored: Book | null
  readonly missingEntries: number
  /** Studies that an officer knows to be missing. */
  readonly named: readonly StudyId[]
  /** `volatile/` is not there any more, so nothing here tells what is missing. */
  readonly isLost: boolean
  /** The price of a study that neither book has, where this site has its plan. */
  readonly reservationOf: (study: StudyId) => Reservation | undefined
}

/**
 * Every account as it must stand at least. Rounds that only the anchor has are added to the ledger's own. What peers saw beyond
 * both is added to every query, as none says which it was for. Where `volatile/` went back as well, or is gone, nobody knows what
 * left after that backup: every open study, and every one that was named, is charged to the end of its reservation. O(studies +
 * charges).
 */
export const restorationOf = (sources: Sources): Restoration => {
  const { own, anchored, missingEntries, reservationOf } = sources
  const peers = [...own.restored, ...(anchored?.restored ?? [])]
  const isVolatileLost = sources.isLost || peers.some(({ lost }) => lost !== 'ledger')
  const known = [...own.accounts.keys(), ...(anchored?.accounts.keys() ?? [])]
  const named = [...known, ...peers.map(({ study }) => study), ...sources.named]
  const accounts: Acknowledged['accounts'] = []
  const studies: MissingStudy[] = []
  const unpriced: StudyId[] = []
  for (const study of new Set(named)) {
    const [here, there] = [own.accounts.get(study), anchored?.accounts.get(study)]
    const reservation = here?.reservation ?? there?.reservation ?? reservationOf(study)
    if (reservation === undefined) {
      unpriced.push(study)
      continue
    }
    const told = peers.filter((each) => each.study === study && each.lost !== 'volatile')
    const seen = told.length === 0 ? null : Math.max(...told.map(({ charged }) => charged))
    const isToEnd = isVolatileLost || sources.named.includes(study)
    const revoked = (here?.revoked ?? false) || (there?.revoked ?? false)
    const least = merged(study, reservation, own, anchored)
    const beyond = Math.max(0, (seen ?? 0) - least.reduce((sum, attempts) => sum + attempts, 0))
    const charged = reservation.phases.map(({ steps }, query) =>
      isToEnd && !revoked ? steps : Math.min(steps, least[query]! + beyond),
    )
    const count = (account: Account | undefined) => (account === undefined ? 0 : attemptsOf(account))
    const after = charged.reduce((sum, attempts) => sum + attempts, 0)
    if (after !== count(here) || seen !== null || here === undefined) {
      const facts = { study, name: reservation.name, here: count(here), after, seen }
      studies.push({ ...facts, anchored: anchored === null ? null : count(there) })
    }
    accounts.push({ ...reservation, charged, revoked })
  }
  const cap = anchored?.cap === undefined ? null : { kind: 'cap' as const, ...anchored.cap }
  return { missingEntries, peers, isVolatileLost, studies, unpriced, acknowledgement: { cap, accounts } }
}

/** Throws `LEDGER_RESTORED`: what is not charged must not be taken for settled. */
export const refuseUnpriced = ({ unpriced }: Restoration): void => {
  if (unpriced.length === 0) return
  const ids = unpriced.map((study) => study.slice(0, 12)).join(', ')
  throw new CodedError('LEDGER_RESTORED', `this site contributed to studies whose plans are not known here: ${ids}`)
}

/** Attempts per query that either book has: rounds of both once, and never less than either counts. */
const merged = (study: StudyId, { phases }: Reservation, own: Book, anchored: Book | null): number[] => {
  const [here, there] = [own.accounts.get(study), anchored?.accounts.get(study)]
  const charged = phases.map((_, query) => here?.charged[query] ?? 0)
  for (const [round, charge] of anchored?.charges ?? [])
    if (charge.study === study && !own.charges.has(round)) charged[charge.query]! += 1
  return charged.map((attempts, query) =>
    Math.min(phases[query]!.steps, Math.max(attempts, there?.charged[query] ?? 0)),
  )
}

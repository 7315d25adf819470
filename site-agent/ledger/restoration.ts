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
  /** The answer log and the counters went back too, so the site must enrol anew once this is acknowledged. */
  readonly isVolatileLost: boolean
  readonly studies: readonly MissingStudy[]
  readonly acknowledgement: Acknowledged
}

/** What the ledger's own book, the anchor's where it is ahead, and the peers' evidence say together. */
interface Sources {
  readonly own: Book
  readonly anchored: Book | null
  readonly missingEntries: number
  /** The price of a study that neither book has, where this site has its plan. */
  readonly reservationOf: (study: StudyId) => Reservation | undefined
}

/**
 * Every account as it must stand at least. Rounds that only the anchor has are added to the ledger's own. What peers saw beyond
 * both is added to every query, as none says which it was for. Where `volatile/` went back as well nobody knows what left after
 * the last round that peers saw: every open study is charged to the end of its reservation. O(studies + charges).
 */
export const restorationOf = ({ own, anchored, missingEntries, reservationOf }: Sources): Restoration => {
  const peers = [...own.restored, ...(anchored?.restored ?? [])]
  const isVolatileLost = peers.some(({ lost }) => lost !== 'ledger')
  const named = [...own.accounts.keys(), ...(anchored?.accounts.keys() ?? []), ...peers.map(({ study }) => study)]
  const accounts: Acknowledged['accounts'] = []
  const studies: MissingStudy[] = []
  for (const study of new Set(named)) {
    const [here, there] = [own.accounts.get(study), anchored?.accounts.get(study)]
    const reservation = here?.reservation ?? there?.reservation ?? reservationOf(study)
    if (reservation === undefined) continue
    const told = peers.filter((each) => each.study === study && each.lost !== 'volatile')
    const seen = told.length === 0 ? null : Math.max(...told.map(({ charged }) => charged))
    const revoked = (here?.revoked ?? false) || (there?.revoked ?? false)
    const known = merged(study, reservation, own, anchored)
    const beyond = Math.max(0, (seen ?? 0) - known.reduce((sum, attempts) => sum + attempts, 0))
    const charged = reservation.phases.map(({ steps }, query) =>
      isVolatileLost && !revoked ? steps : Math.min(steps, known[query]! + beyond),
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
  return { missingEntries, peers, isVolatileLost, studies, acknowledgement: { cap, accounts } }
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

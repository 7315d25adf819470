import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type StudyId, studyId } from '@tributary/shared/ids'
import { delta, epsilon, noiseMultiplier, samplingRate } from '@tributary/shared/units'
import { roundIdOf } from '@tributary/shared/wire/round-id'
import { afterEach, beforeEach } from 'vitest'
import { type Charge, Ledger, type Reservation } from '../../site-agent/ledger/ledger.ts'

/* Ledgers of small studies, for tests. */

/** A folder for each test; a file of it by name. */
export const ledgerFolder = (): ((name: string) => string) => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  return (name) => join(folder, name)
}

export const openedLedger = (path: string, anchor?: string): Ledger =>
  Ledger.open(path, { now: () => 1_700_000_000_000 }, anchor === undefined ? {} : { anchor })

export const study = (n: number): StudyId => studyId(n.toString(16).padStart(64, '0'))
export const phase = (steps: number, sigma = 10) => ({
  noiseMultiplier: noiseMultiplier(sigma),
  samplingRate: samplingRate(1),
  steps,
})
/** Two unsampled queries, of 2 and 4 attempts at sigma 10: epsilon 1.1 at delta 1e-5. */
export const reservation = (n: number, overrides: Partial<Reservation> = {}): Reservation => ({
  study: study(n),
  name: `study-${n}`,
  unit: 'patient',
  epsilon: epsilon(1.1),
  delta: delta(1e-5),
  distance: 0,
  phases: [phase(2), phase(4)],
  ...overrides,
})
export const charge = (n: number, query: number, step: number, attempt = 0): Charge => ({
  study: study(n),
  round: roundIdOf(study(n), step, attempt),
  query,
  step,
  attempt,
})
export const charged = (ledger: Ledger) =>
  ledger.spent().studies.map(({ attempts }) => attempts.reduce((sum, attempt) => sum + attempt.charged, 0))

/** With a cap of 3 and study 1 reserved. */
export const readyLedger = (path: string): Ledger => {
  const ledger = openedLedger(path)
  ledger.setCap({ epsilon: epsilon(3), delta: delta(1e-4) })
  ledger.reserve(reservation(1))
  return ledger
}

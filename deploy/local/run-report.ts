import { CodedError } from '@tributary/shared/errors'
import type { Manifest } from '@tributary/shared/study/study-schema'
import { roundsOf, type StudyProgress } from './federation.ts'
import { type Json, numberField, textField } from './program.ts'

export interface SiteReport {
  /** Of the attempts that this hospital was charged, in the study's own unit, to another hospital. */
  readonly epsilon: number
  /** The same as its patient ledger counts it: for a patient with the declared most rows (R17). */
  readonly ledgerEpsilon: number
  readonly bytesSent: number
  /** Bytes of its contributions over the values in them, as the plan promises; key shares cost the same for any model. */
  readonly bytesPerParameter: number
  readonly peakMemoryBytes: number
  /** What it was, from this hospital's own journal of departures. */
  readonly sent: readonly Departures[]
}

export interface ChargedEpsilon {
  readonly unit: number
  readonly patient: number
}

export interface Departures {
  readonly kind: string
  readonly messages: number
  readonly bytes: number
}

export interface RoundReport {
  readonly id: string
  readonly query: string
  readonly step: number
  readonly attempt: number
  readonly state: string
  readonly contributors: readonly string[]
}

/** `run.json`. Seconds and memory are for the person at this one machine: no hospital sends either (R10). */
export interface RunReport {
  readonly study: string
  readonly epsilon: { readonly public: number; readonly peer: number }
  readonly delta: number
  readonly unit: 'row' | 'patient'
  readonly engine: string
  readonly sites: Readonly<Record<string, SiteReport>>
  readonly coordinator: { readonly peakMemoryBytes: number }
  readonly seconds: Readonly<Record<'setup' | 'marginals' | 'training' | 'cohort', number>>
  readonly rounds: readonly RoundReport[]
}

const roundReport = (round: Json): RoundReport => ({
  id: textField(round, 'id'),
  query: textField(round, 'kind'),
  step: numberField(round, 'step'),
  attempt: numberField(round, 'attempt'),
  state: textField(round, 'state'),
  contributors: Array.isArray(round['contributors']) ? (round['contributors'] as string[]) : [],
})

export const roundReports = (progress: StudyProgress): RoundReport[] => roundsOf(progress).map(roundReport)

/** How many values one site sent in rounds that counted it: the plan's dimensions, public. */
export const valuesSent = (site: string, rounds: readonly RoundReport[], manifest: Manifest): number => {
  const dimension = new Map<string, number>(manifest.plan.queries.map((query) => [query.kind, query.dimension]))
  return rounds
    .filter(({ contributors }) => contributors.includes(site))
    .reduce((sum, { query }) => sum + (dimension.get(query) ?? 0), 0)
}

/** `stopped` is an agent's last line, `epsilon` what its ledger says, `totals` what its journal says. */
export const siteReport = (
  site: string,
  stopped: Json,
  epsilon: ChargedEpsilon,
  totals: readonly Json[],
  rounds: readonly RoundReport[],
  manifest: Manifest,
): SiteReport => {
  const bytesSent = numberField(stopped, 'bytesSent')
  const sent = totals.map((total) => ({
    kind: textField(total, 'kind'),
    messages: numberField(total, 'messages'),
    bytes: numberField(total, 'bytes'),
  }))
  const values = valuesSent(site, rounds, manifest)
  const contributed = sent.find(({ kind }) => kind === 'contribution')?.bytes ?? 0
  return {
    epsilon: epsilon.unit,
    ledgerEpsilon: epsilon.patient,
    bytesSent,
    bytesPerParameter: values === 0 ? 0 : contributed / values,
    peakMemoryBytes: numberField(stopped, 'peakMemoryBytes'),
    sent,
  }
}

/** Throws unless the study ended with a model. */
export const requireCompleted = (progress: StudyProgress): void => {
  if (progress.state === 'completed') return
  const reason = progress.data['reason']
  const why = typeof reason === 'string' ? reason : 'no reason given'
  throw new CodedError('ATTEMPTS_EXHAUSTED', `the study is ${progress.state} at step ${progress.step}: ${why}`)
}

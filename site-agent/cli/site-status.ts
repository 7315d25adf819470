import { asCodedError, type CodedError } from '@tributary/shared/errors'
import { certificateDates } from '@tributary/shared/wire/certificate-dates'
import { fingerprint, PROTOCOL_VERSION } from '@tributary/shared/wire/signed'
import type { SiteBook } from '../policy/site-book.ts'
import type { Site } from '../site.ts'

type LedgerState = 'sound' | 'restored' | 'lost' | 'broken'

/** Nothing is charged, so nothing leaves, while it is not sound. `lost`: acknowledged, and this directory is used no more. */
const ledgerState = (site: Site): LedgerState => {
  const ledger = site.openLedger()
  try {
    if (ledger.verify().broken !== null) return 'broken'
    if (ledger.restoration(() => undefined) !== null) return 'restored'
    return site.isVolatileLost ? 'lost' : 'sound'
  } finally {
    ledger.close()
  }
}

/** What is left to do, by what the officer's book and the ledger say; a running agent does the rest. */
const nextStep = (book: SiteBook, ledger: LedgerState, dataDir: string, error: CodedError | undefined): string => {
  const at = `--data-dir ${dataDir}`
  if (ledger === 'restored') return `site-agent budget acknowledge-restored ${at}`
  if (ledger === 'lost')
    return `enrol again in a new data directory, then site-agent budget adopt --from ${dataDir} --data-dir NEW`
  if (ledger === 'broken') return `site-agent budget verify ${at}`
  if (error !== undefined) return error.help
  const states = book.studies().map(({ state }) => state)
  if (book.roster() === undefined) return `site-agent roster show ${at}, then roster confirm`
  if (book.sources().length === 0) return `site-agent source add NAME --path FILE ${at}`
  if (states.includes('approved')) return `site-agent run ${at}, unless it runs already`
  if (states.includes('paused')) return `site-agent study resume STUDY ${at}`
  return `site-agent study ls ${at}`
}

interface Heard {
  readonly protocol: number
  readonly clock_offset_seconds: number
}

/** What the coordinator says now, or why it says nothing. Throws what is wrong with this data directory. */
const greeted = async (site: Site): Promise<Heard | CodedError> => {
  const client = site.connect(5_000)
  try {
    const greeting = { protocols: [PROTOCOL_VERSION], software: 'site-agent', session: '' }
    const { protocol, clockOffset } = await client.hello(greeting)
    return { protocol, clock_offset_seconds: Math.round(clockOffset / 1_000) }
  } catch (thrown) {
    return asCodedError(thrown)
  } finally {
    client.close()
  }
}

/** Who asks is refused for good, as against not heard. */
const refusesCertificate = (error: CodedError): boolean => error.code.startsWith('CERTIFICATE_')

/**
 * Where a site stands: all that is known here, also while the coordinator does not answer. `certificate_accepted` is null while
 * nobody knows; the roster and the admin's fingerprint are null before the officer confirmed one. Throws `NOT_FOUND` before the site
 * enrolled, `STATE_CORRUPT`.
 */
export const siteStatus = async (site: Site, book: SiteBook, dataDir: string) => {
  const heard = await greeted(site)
  const error = heard instanceof Error ? heard : undefined
  const [confirmed, inForce] = [book.confirmedRoster(), book.roster()]
  const ledger = ledgerState(site)
  const { to } = certificateDates(site.credentials().certificate)
  const data = {
    site: site.name,
    fingerprint: fingerprint(site.identity.publicKey),
    coordinator: site.enrolment().coordinator,
    certificate_expires: new Date(to).toISOString(),
    certificate_accepted: error === undefined ? true : refusesCertificate(error) ? false : null,
    ...(error === undefined ? (heard as Heard) : { error: { code: error.code, message: error.message } }),
    roster_confirmed: confirmed?.version ?? null,
    ...(inForce?.version !== confirmed?.version && { roster_in_force: inForce?.version }),
    admin_fingerprint: inForce === undefined ? null : fingerprint(inForce.admin),
    ledger,
    studies: book.studies().map(({ study, manifest, state }) => ({ study, name: manifest.name, state })),
    next: nextStep(book, ledger, dataDir, error),
  }
  return { data, error }
}

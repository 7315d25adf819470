import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import { decodeManifest, type Manifest, studyIdOf } from '@tributary/shared/study/manifest'
import type { Command } from 'commander'
import { openSite, type SiteOptions, siteCommand } from '../cli/common-options.ts'
import { SiteBook } from '../policy/site-book.ts'
import { giveUpVolatile, lostVolatile } from '../policy/volatile-mark.ts'
import type { Site } from '../site.ts'
import type { Ledger, Restoration, ReservationOf } from './ledger.ts'
import { planReservation } from './plan-reservation.ts'
import { refuseUnpriced } from './restoration.ts'
import { restorationText } from './spending-text.ts'

type Plans = Map<StudyId, Manifest>

/** Plans of every study that was approved in this data directory. */
export const bookedPlans = (dataDir: string): Plans => {
  const path = join(dataDir, 'site.sqlite')
  if (!existsSync(path)) return new Map()
  const book = SiteBook.open(path)
  try {
    return new Map(book.studies().map(({ study, manifest }) => [study, manifest]))
  } finally {
    book.close()
  }
}

/** Plans that the coordinator offers, each the very one that its study's id is the hash of: it cannot offer a cheaper one. */
const offeredPlans = async (site: Site): Promise<Plans> => {
  const client = site.connect(10_000)
  try {
    const offers = (await client.studies()).map((offer) => ({ ...offer, manifest: decodeManifest(offer.manifest) }))
    const sound = offers.filter(({ study, manifest, roster }) => studyIdOf(manifest, roster) === study)
    return new Map(sound.map(({ study, manifest }) => [study, manifest]))
  } finally {
    client.close()
  }
}

export const pricedBy =
  (plans: Plans): ReservationOf =>
  (study) => {
    const manifest = plans.get(study)
    return manifest && planReservation(study, manifest)
  }

const namedIn = (plans: Plans, prefix: string): StudyId => {
  const found = [...plans].filter(([study, { name }]) => study.startsWith(prefix) || name === prefix)
  if (found.length !== 1 || found[0] === undefined)
    throw new CodedError('NOT_FOUND', `${found.length} studies of this site match ${prefix}`, {
      place: { field: '--study' },
    })
  return found[0][0]
}

/** Charges all that is missing from the ledger of a data directory; null where nothing is. Throws what `acknowledgeRestored` throws. */
export const acknowledgeIn = (
  dataDir: string,
  ledger: Ledger,
  reservationOf: ReservationOf,
  named: readonly StudyId[] = [],
): Restoration | null => {
  const restoration = ledger.restoration(reservationOf, named)
  if (restoration === null) return null
  refuseUnpriced(restoration)
  // Before the ledger goes on: a crash in between must not leave an agent that runs with an answer log that went back.
  const lost = restoration.isVolatileLost ? (lostVolatile(dataDir) ?? giveUpVolatile(dataDir)) : undefined
  return ledger.acknowledgeRestored(reservationOf, named, lost)
}

interface AcknowledgeOptions extends SiteOptions {
  readonly yes?: boolean
  readonly study: readonly string[]
}

/** Shows what is missing and, on `yes`, charges it. Throws `NOT_FOUND` where nothing is, `VOLATILE_LOST` where it was acknowledged. */
const acknowledge = async (site: Site, { dataDir, yes, study: prefixes }: AcknowledgeOptions): Promise<Restoration> => {
  const ledger = site.openLedger()
  try {
    const plans = bookedPlans(dataDir)
    const reservationOf = pricedBy(plans)
    const unpriced = ledger.restoration(reservationOf)?.unpriced ?? []
    if (unpriced.length + prefixes.length > 0)
      for (const [study, manifest] of await offeredPlans(site)) plans.set(study, manifest)
    const named = prefixes.map((prefix) => namedIn(plans, prefix))
    const restoration = ledger.restoration(reservationOf, named)
    if (restoration === null) {
      site.requireVolatile()
      throw new CodedError('NOT_FOUND', 'neither the anchor nor a peer knows more than this ledger')
    }
    return yes === true ? (acknowledgeIn(dataDir, ledger, reservationOf, named) ?? restoration) : restoration
  } finally {
    ledger.close()
  }
}

/** `site-agent budget acknowledge-restored [--yes] [--study STUDY...]`. */
export const addAcknowledgeCommand = (budget: Command, ports: { readonly clock: Clock }): void => {
  siteCommand(
    budget,
    'acknowledge-restored',
    'after a backup was put back: what is missing from the ledger, and with --yes charge it in full',
    'budget acknowledge-restored --yes --data-dir /srv/site-agent',
  )
    .option('--yes', 'an officer has seen what is missing')
    .option('--study <study...>', 'studies that this site took part in after that backup: charged to their end', [])
    .action(async (options: AcknowledgeOptions) => {
      const isAcknowledged = options.yes === true
      const restoration = await acknowledge(openSite(options, ports.clock), options)
      const { acknowledgement: _, ...facts } = restoration
      const at = `--data-dir ${options.dataDir}`
      const next = !isAcknowledged
        ? `site-agent budget acknowledge-restored --yes ${at}`
        : restoration.isVolatileLost
          ? `enrol again in a new data directory, then site-agent budget adopt --from ${options.dataDir} --data-dir NEW`
          : `site-agent run ${at}`
      const text = `${restorationText(restoration)}\n${isAcknowledged ? 'charged; ' : ''}next: ${next}`
      printData({ ...facts, acknowledged: isAcknowledged, next }, { json: options.json === true, text })
    })
}

import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'
import type { Clock } from '@tributary/shared/ports'
import type { Command } from 'commander'
import { openSite, type SiteOptions, siteCommand } from '../cli/common-options.ts'
import type { Site } from '../site.ts'
import type { Restoration } from './ledger.ts'
import { planReservation } from './plan-reservation.ts'
import { restorationText } from './spending-text.ts'

/** Shows what is missing and, on `yes`, charges it. Throws `NOT_FOUND` where nothing is, `VOLATILE_LOST` where more was lost. */
const acknowledge = (site: Site, yes: boolean): Restoration => {
  const [ledger, book] = [site.openLedger(), site.openBook()]
  try {
    const booked = new Map(book.studies().map(({ study, manifest }) => [study, manifest]))
    const reservationOf = (study: StudyId) => {
      const manifest = booked.get(study)
      return manifest && planReservation(study, manifest)
    }
    const restoration = ledger.restoration(reservationOf)
    if (restoration === null) {
      site.requireVolatile()
      throw new CodedError('NOT_FOUND', 'neither the anchor nor a peer knows more than this ledger')
    }
    if (!yes) return restoration
    // Before the ledger goes on: a crash in between must not leave an agent that runs with an answer log that went back.
    if (restoration.isVolatileLost) site.giveUpVolatile()
    return ledger.acknowledgeRestored(reservationOf) ?? restoration
  } finally {
    ledger.close()
    book.close()
  }
}

/** `site-agent budget acknowledge-restored [--yes]`. */
export const addAcknowledgeCommand = (budget: Command, ports: { readonly clock: Clock }): void => {
  siteCommand(
    budget,
    'acknowledge-restored',
    'after a backup was put back: what is missing from the ledger, and with --yes charge it in full',
    'budget acknowledge-restored --yes --data-dir /srv/site-agent',
  )
    .option('--yes', 'an officer has seen what is missing')
    .action((options: SiteOptions & { readonly yes?: boolean }) => {
      const isAcknowledged = options.yes === true
      const restoration = acknowledge(openSite(options, ports.clock), isAcknowledged)
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

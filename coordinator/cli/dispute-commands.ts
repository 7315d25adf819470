import { printData } from '@tributary/shared/cli/output'
import { plainText } from '@tributary/shared/cli/plain-text'
import type { Command } from 'commander'
import { disputesPath, studiesPath } from '../data-paths.ts'
import { distrusted } from '../disputes/distrusted.ts'
import type { Dispute } from '../disputes/dispute.ts'
import { DisputeStore } from '../disputes/dispute-store.ts'
import { writeEvidence } from '../disputes/evidence-folder.ts'
import { StudyStore } from '../studies/study-store.ts'
import { coordinatorCommand, type CoordinatorOptions } from './common-options.ts'

const waiting: Readonly<Record<Dispute['phase'], string>> = {
  'opening-deal': 'waits for the dealer to open its deal',
  'opening-boxes': 'waits for those who complained to open their boxes',
  judging: 'about to be decided',
  closed: 'decided',
}

/** Whom a verdict names, and whether a signature proves it. */
const namedBy = ({ dealer, verdict }: Dispute): { site: string; finding: string; proven: boolean }[] => {
  if (verdict === null) return []
  const bad = verdict.dealer === 'bad'
  const contradicted = verdict.holders.some(({ finding }) => finding === 'contradicts')
  const finding = bad ? 'dealt badly' : verdict.dealer === 'unopened' ? 'would not open its deal' : 'contradicted'
  return [
    ...(verdict.dealer === 'sound' && !contradicted ? [] : [{ site: dealer, finding, proven: bad }]),
    ...verdict.holders.map((holder) => ({ ...holder, proven: holder.finding === 'lied' })),
  ]
}

const inWords = (dispute: Dispute, evidence: string | undefined): string => {
  const named = namedBy(dispute).map(
    ({ site, finding, proven }) => `${site} (${finding}, ${proven ? 'proven by its own signature' : 'not proven'})`,
  )
  return plainText({
    deal: `step ${dispute.step}, attempt ${dispute.attempt}, by ${dispute.dealer}`,
    state: waiting[dispute.phase],
    ...(dispute.verdict !== null && { named: named.join(', ') || 'nobody', why: dispute.verdict.why }),
    ...(evidence !== undefined && { evidence }),
  })
}

/** `coordinator study disputes`: deals that were left out of their attempt, and who is to blame (R24). */
export const addDisputeCommands = (program: Command): void => {
  const study = program.commands.find((command) => command.name() === 'study') ?? program.command('study')
  coordinatorCommand(
    study,
    'disputes <study>',
    'deals that were not used because their shares disagree, and whom the evidence names; nobody is excluded by it',
    'study disputes ckd-2027 --data-dir /srv/tributary',
  )
    .option('--evidence <folder>', 'write what each dispute rests on, signed by the sites, into a new folder in there')
    .action((prefix: string, options: CoordinatorOptions & { evidence?: string }) => {
      const studies = StudyStore.open(studiesPath(options.dataDir))
      const store = DisputeStore.open(disputesPath(options.dataDir))
      try {
        const published = studies.find(prefix)
        const disputes = store.disputes(published.study).map((dispute) => {
          const { evidence: folder } = options
          const evidence = folder === undefined ? undefined : writeEvidence(folder, published, dispute, store)
          return { dispute, evidence }
        })
        const unheard = distrusted(
          disputes.map(({ dispute }) => dispute),
          published.manifest.federation.colluders,
        )
        const data = {
          study: published.study,
          name: published.manifest.name,
          distrusted: unheard,
          disputes: disputes.map(({ dispute, evidence }) => ({
            round: dispute.round,
            step: dispute.step,
            attempt: dispute.attempt,
            dealer: dispute.dealer,
            state: dispute.phase,
            named: namedBy(dispute),
            verdict: dispute.verdict,
            ...(evidence !== undefined && { evidence }),
          })),
        }
        const each = disputes.map(({ dispute, evidence }) => inWords(dispute, evidence))
        const last =
          unheard.length === 0 ? [] : [plainText({ 'not listened to when deals are checked': unheard.join(', ') })]
        const text = each.length === 0 ? 'no deal of this study was ever disputed' : [...each, ...last].join('\n')
        printData(data, { json: options.json === true, text })
      } finally {
        studies.close()
        store.close()
      }
    })
}

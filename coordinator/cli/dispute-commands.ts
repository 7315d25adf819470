import { isDeepStrictEqual } from 'node:util'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printData } from '@tributary/shared/cli/output'
import { plainText } from '@tributary/shared/cli/plain-text'
import { CodedError } from '@tributary/shared/errors'
import type { FrameRing } from '@tributary/shared/he/frame'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { fingerprint, type SignedMessage } from '@tributary/shared/wire/signed'
import type { Command } from 'commander'
import { disputesPath, studiesPath } from '../data-paths.ts'
import { distrusted } from '../disputes/distrusted.ts'
import type { Dispute } from '../disputes/dispute.ts'
import { DisputeStore } from '../disputes/dispute-store.ts'
import { namedBy, namedInWords, stateInWords, stateOf } from '../disputes/dispute-words.ts'
import { writeEvidence } from '../disputes/evidence-folder.ts'
import { judgeEvidence } from '../disputes/judged-evidence.ts'
import { type PublishedStudy, StudyStore } from '../studies/study-store.ts'
import { coordinatorCommand, type CoordinatorOptions } from './common-options.ts'

const inWords = (dispute: Dispute, evidence: string | undefined): string =>
  plainText({
    deal: dealInWords(dispute),
    state: stateInWords(stateOf(dispute)),
    ...(dispute.verdict !== null && {
      named: namedInWords(namedBy(dispute.dealer, dispute.verdict)),
      why: dispute.verdict.why,
    }),
    ...(dispute.fault !== undefined && { why: dispute.fault }),
    ...(evidence !== undefined && { evidence }),
  })

const dealInWords = ({ step, attempt, dealer }: Pick<Dispute, 'step' | 'attempt' | 'dealer'>): string =>
  `step ${step}, attempt ${attempt}, by ${dealer}`

/** `coordinator study judge`: a hospital runs it on what it was sent. */
const judge = (folder: string, json: boolean, ring: FrameRing): void => {
  const { published, dispute, verdict, signatures } = judgeEvidence(folder, ring)
  if (dispute.state !== 'decided')
    throw new HintedError(
      'STATE_CORRUPT',
      `this dispute was not decided when the folder was written (${dispute.state})`,
      'Write it again once `coordinator study disputes STUDY` says decided.',
      { place: { file: folder } },
    )
  const { study, manifest, manifestHash, roster, rosterHash: hash } = published
  const named = namedBy(dispute.dealer, verdict)
  if (!isDeepStrictEqual(verdict, dispute.verdict))
    throw new HintedError(
      'STATE_CORRUPT',
      `the evidence comes to another verdict than dispute.json. The evidence: named ${namedInWords(named)}; ${verdict.why}. dispute.json: ${dispute.verdict?.why ?? 'none'}`,
      'The folder is incomplete or dispute.json was altered: have it sent again. What is proven by a signature holds either way.',
      { place: { file: folder } },
    )
  const facts = {
    study,
    name: manifest.name,
    manifest: manifestHash,
    roster: hash,
    roster_version: roster.version,
    admin_fingerprint: fingerprint(roster.admin),
  }
  const about = {
    round: dispute.round,
    step: dispute.step,
    attempt: dispute.attempt,
    dealer: dispute.dealer,
    state: dispute.state,
  }
  const last = {
    signatures_checked: signatures,
    next: 'compare study, roster and admin fingerprint: site-agent study show, site-agent roster show',
  }
  const data = { ...facts, ...about, named, verdict, agrees: true, ...last }
  const text = plainText({
    deal: dealInWords(dispute),
    state: stateInWords(dispute.state),
    named: namedInWords(named),
    why: verdict.why,
    'as stored': 'yes, the verdict in dispute.json is the one that the evidence comes to',
    ...facts,
    ...last,
  })
  printData(data, { json, text })
}

/** What evidence rests on besides the sites. */
const signatureOf = (published: PublishedStudy, studies: StudyStore): SignedMessage => {
  const signature = studies.statements(published.rosterHash, 'roster-signature')[0]?.message
  if (signature === undefined) throw new CodedError('STATE_CORRUPT', "the admin's signature of the roster is missing")
  return signature
}

/**
 * `coordinator study disputes | judge`: deals that were left out of their attempt, and who is to blame (R24). `ring`: the one that
 * the disputed shares are of.
 */
export const addDisputeCommands = (program: Command, ring: FrameRing = ringFacts): void => {
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
          const evidence =
            folder === undefined
              ? undefined
              : writeEvidence(folder, published, signatureOf(published, studies), dispute, store)
          return { dispute, evidence }
        })
        const found = distrusted(
          disputes.map(({ dispute }) => dispute),
          published.manifest.federation.colluders,
        )
        const data = {
          study: published.study,
          name: published.manifest.name,
          distrusted: found,
          disputes: disputes.map(({ dispute, evidence }) => ({
            round: dispute.round,
            step: dispute.step,
            attempt: dispute.attempt,
            dealer: dispute.dealer,
            state: stateOf(dispute),
            named: namedBy(dispute.dealer, dispute.verdict),
            verdict: dispute.verdict,
            ...(evidence !== undefined && { evidence }),
          })),
        }
        const each = disputes.map(({ dispute, evidence }) => inWords(dispute, evidence))
        const last =
          found.length === 0 ? [] : [plainText({ 'not listened to when deals are checked': found.join(', ') })]
        const nothing = options.evidence === undefined ? '' : `; nothing was written to ${options.evidence}`
        const text =
          each.length === 0 ? `no deal of this study was ever disputed${nothing}` : [...each, ...last].join('\n')
        printData(data, { json: options.json === true, text })
      } finally {
        studies.close()
        store.close()
      }
    })

  study
    .command('judge <folder>')
    .summary('recompute the verdict on a dispute from its evidence folder alone; needs no data directory')
    .description(
      `recompute the verdict on a dispute from its evidence folder alone, every signature checked; needs no data directory, so that a hospital can run it. Fails where the stored verdict is another

Example: coordinator study judge evidence/step-3-attempt-0-north`,
    )
    .option('--json', 'print one JSON envelope')
    .action((folder: string, options: { json?: boolean }) => judge(folder, options.json === true, ring))
}

import type { PublishedStudy } from '../studies/study-store.ts'
import type { Dispute } from './dispute.ts'

const table = (rows: readonly (readonly [name: string, what: string])[]): string => {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, what]) => `${name.padEnd(width)}  ${what}`).join('\n')
}

/** What lies in an evidence folder, for the hospital that gets it. */
export const evidenceReadme = (
  { study, manifest, rosterHash }: Pick<PublishedStudy, 'study' | 'manifest' | 'rosterHash'>,
  { step, attempt, dealer, round }: Dispute,
): string => `A disputed deal: study ${manifest.name}, step ${step}, attempt ${attempt}, dealt by ${dealer}.

Nobody was excluded because of it, and its key was never used: what is opened here says nothing of any patient.

Come to the verdict yourself, on any machine, without the coordinator's data:

  coordinator study judge FOLDER
  coordinator study judge FOLDER --json

It checks every signature and recomputes the verdict from these files alone. Compare what it prints with what your own
site-agent knows of this study (site-agent study show, site-agent roster show):

  study  ${study}
  roster ${rosterHash}
  round  ${round}

${table([
  ['dispute.json', 'which deal, and the verdict that the coordinator came to; all below decides, not this'],
  ['manifest', 'the study as it was approved: who holds shares, how many open a sum (canonical bytes)'],
  ['roster', "whose identity key signs what; with the manifest it makes the study's id (canonical bytes)"],
  ['roster-signature.admin.signed', "the consortium's admin signed this roster"],
  [`deal.${dealer}.signed`, 'the deal: a commitment to every box'],
  ['HOLDER.box', 'the sealed box of each holder, as the deal commits to it'],
  ['check.SITE.signed', 'what each holder signed of the deals that it checked'],
  [`deal-opening.${dealer}.signed`, 'the keys of all its boxes, signed by the dealer; missing where it would not open'],
  [
    'box-opening.SITE.signed',
    'the key with which a complaining holder says its box opened; missing where it kept silent',
  ],
])}

"Proven" rests on the named site's own signature. "Not proven" rests on something that is missing, or on one word against
another: a statement that was sent and then left out of this folder cannot be told from one that was never sent.
`

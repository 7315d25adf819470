import { additionWords } from '../cohort/order.ts'
import { markColumn } from '@tributary/shared/synthetic-mark'
import { fingerprint } from '@tributary/shared/wire/signed'
import { fileNames } from './file-names.ts'
import type { ReleaseManifest } from './release-schema.ts'

const addedText = ({ request }: ReleaseManifest): string => {
  const words = additionWords(request, (text) => `'${text}'`)
  return words.length === 0 ? '' : `, ${words.join(' ')}`
}

/** README.txt: what a person who opens the folder needs to know first. */
export const readme = (release: ReleaseManifest, publicKey: Uint8Array): string => `SYNTHETIC DATA: no row is a patient.

Release ${release.release} of the generator ${release.study.name}, made by ${release.federation} on ${release.created}.
Purpose: ${release.purpose}
${release.request.rows.toLocaleString('en')} rows, seed ${release.request.seed}${release.request.where === null ? '' : `, where ${release.request.where}`}${addedText(release)}.

Not for:
${release.not_for.map((what) => `  - ${what}`).join('\n')}

Files
  data/                  the cohort; its last column, ${markColumn}, says in every row which release it is of
  ${fileNames.reportPage}            what the cohort is worth, and what protects the patients behind it; ${fileNames.report} in numbers
  ${fileNames.release}           what was asked, of which model, and how to make it again
  ${fileNames.privacy}           the guarantee, in the terms of the Differential Privacy Deployments Registry
  ${fileNames.checksums}             of every file; ${fileNames.attestation} is their signature

Check, offline
  sha256sum -c ${fileNames.checksums}
  tributary verify . --key '${fingerprint(publicKey)}'
Compare that fingerprint with the one the consortium gave you by another way: this folder cannot vouch for itself.
`

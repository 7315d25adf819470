import { HintedError } from '@tributary/shared/cli/hinted-error'
import { printData } from '@tributary/shared/cli/output'
import { printable } from '@tributary/shared/cli/printable'
import { CodedError } from '@tributary/shared/errors'
import { verifyRelease } from '../release/verify-release.ts'
import { savedCredentials } from './credentials.ts'
import type { ResearcherPorts } from './ports.ts'
import { shellWord } from './text-table.ts'
import { verificationText } from './verification-text.ts'

export interface VerifyOptions {
  readonly json?: boolean
  readonly key?: string
}

/** Eight groups of four hex digits or the whole SHA-256, however typed. */
const fingerprintOf = (text: string): string => {
  const digits = text.replaceAll(/[\s:-]/g, '').toLowerCase()
  if (/^([0-9a-f]{32}|[0-9a-f]{64})$/.test(digits)) return digits
  throw new CodedError('ARGUMENT_INVALID', '--key must be a fingerprint, eight groups of four hex digits')
}

/**
 * `tributary verify DIR`: offline. Succeeds only when every file is as it was signed, by a key that the caller named or had
 * confirmed at login. Throws `RELEASE_ALTERED`, or `SIGNER_UNKNOWN` for a sound signature when nobody said whose key counts.
 */
export const verify = async (
  folder: string,
  options: VerifyOptions,
  { environment }: ResearcherPorts,
): Promise<void> => {
  const trusted = options.key === undefined ? savedCredentials(environment)?.signing_key : fingerprintOf(options.key)
  const verification = await verifyRelease(folder, trusted === undefined ? {} : { trusted })
  if (trusted === undefined) {
    const signer = printable(verification.signer ?? 'nobody')
    throw new HintedError(
      'SIGNER_UNKNOWN',
      `every file is as it was signed by ${signer}, but whose key that is nobody said`,
      `Compare ${signer} with the fingerprint that the consortium publishes, or that its operator reads to you by telephone; is it the same, run \`tributary verify ${shellWord(printable(folder))} --key '${signer}'\`, or log in once.`,
    )
  }
  printData(verification, {
    json: options.json === true,
    text: verificationText(verification),
    next: 'open report.html in the folder; cite its release id',
  })
}

import { printData } from '@tributary/shared/cli/output'
import { CodedError } from '@tributary/shared/errors'
import { verifyRelease } from '../release/verify-release.ts'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { savedCredentials } from './credentials.ts'
import type { ResearcherPorts } from './ports.ts'
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
 * confirmed at login; a sound signature by nobody in particular is not enough.
 */
export const verify = async (
  folder: string,
  options: VerifyOptions,
  { environment }: ResearcherPorts,
): Promise<void> => {
  const trusted = options.key === undefined ? savedCredentials(environment)?.signing_key : fingerprintOf(options.key)
  const verification = await verifyRelease(folder, trusted === undefined ? {} : { trusted })
  if (trusted === undefined)
    throw new HintedError(
      'ARGUMENT_INVALID',
      `every file is as it was signed by ${verification.signer ?? 'nobody'}, but whose key that is nobody said`,
      'Name the fingerprint that the consortium published with --key, or log in once.',
    )
  printData(verification, {
    json: options.json === true,
    text: verificationText(verification),
    next: 'open report.html in the folder; cite its release id',
  })
}

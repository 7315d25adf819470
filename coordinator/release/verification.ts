import { CodedError } from '@tributary/shared/errors'

export interface FileState {
  readonly name: string
  readonly state: 'ok' | 'changed' | 'missing' | 'unlisted'
}

/** What `verifyRelease` found. */
export interface Verification {
  /** Every file is as it was signed, and every mark is in its place. */
  readonly ok: boolean
  readonly synthetic: true
  readonly release: string
  /**
   * `trusted`: by the key whose fingerprint was given. `not compared`: sound, but nobody said whose key it is: an impostor's
   * would look the same. `other key`: sound, but not by the trusted key. `unsound`: no signature over these checksums.
   */
  readonly signature: 'trusted' | 'not compared' | 'other key' | 'unsound'
  /** Fingerprint of the key that signed, in eight groups of four hex digits; null where none did. */
  readonly signer: string | null
  /** Every file found or listed, by name. */
  readonly files: readonly FileState[]
  /** Files whose synthetic mark was found in place: in the header and every row, in the footer, in the document. */
  readonly marks: readonly string[]
  /** What is wrong, a sentence each, the file first. Empty when `ok`. */
  readonly problems: readonly string[]
  /** What a careful reader should still do; null when nothing is left. */
  readonly next: string | null
}

/** `RELEASE_ALTERED`, with all that was found. */
export class ReleaseAltered extends CodedError {
  readonly verification: Verification

  constructor(verification: Verification) {
    const { problems } = verification
    const shown = problems.slice(0, 10).join('; ')
    const more = problems.length > 10 ? `; and ${problems.length - 10} more` : ''
    super('RELEASE_ALTERED', `${shown}${more}`)
    this.name = 'ReleaseAltered'
    this.verification = verification
  }
}

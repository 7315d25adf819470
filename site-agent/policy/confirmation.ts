import { CodedError } from '@tributary/shared/errors'
import type { StudyId } from '@tributary/shared/ids'

const shortDigits = 8

/**
 * An approval is of one study id, all 64 digits, which covers manifest and roster: a coordinator that may choose a manifest
 * finds another one with the same 8 digits. So 8 digits stand only for the one study that `study show` printed here. Throws
 * `APPROVAL_REFUSED` unless `confirm` is the whole id, or the first 8 digits of `study` and of no other in `shown`.
 */
export const refuseUnconfirmed = (study: StudyId, confirm: string, shown: readonly StudyId[]): void => {
  if (confirm === study) return
  const refuse = (why: string): never => {
    throw new CodedError('APPROVAL_REFUSED', why)
  }
  if (confirm !== study.slice(0, shortDigits)) refuse(`--confirm must be the first ${shortDigits} digits of ${study}`)
  if (!shown.includes(study))
    refuse(`${study} was not shown here: run \`site-agent study show ${study}\`, or give all 64 digits to --confirm`)
  if (shown.some((other) => other !== study && other.startsWith(confirm)))
    refuse(`two studies that were shown here begin with ${confirm}: give all 64 digits to --confirm`)
}

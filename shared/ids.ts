import { CodedError } from './errors.ts'

/** Identifiers: own type, own form, one parser each. Every parser throws `ID_MALFORMED` and names what it expected. */
declare const id: unique symbol
type Id<Name extends string> = string & { readonly [id]: Name }

/** A hospital's name in a roster: 1 to 40 of a-z, 0-9 and '-', starting with a letter. */
export type SiteId = Id<'SiteId'>
/** SHA-256 of the approved study (manifest, roster), 64 lower-case hex digits. */
export type StudyId = Id<'StudyId'>
/** SHA-256 of (study, step, attempt): one attempt of one round (R2), 64 lower-case hex digits. */
export type RoundId = Id<'RoundId'>
/** Any other SHA-256 that travels or is stored, 64 lower-case hex digits. */
export type Digest = Id<'Digest'>

const parser =
  <T extends string>(name: string, form: RegExp, expected: string) =>
  (text: string): T => {
    if (!form.test(text)) throw new CodedError('ID_MALFORMED', `${name} must be ${expected}`)
    return text as T
  }

const hex64 = /^[0-9a-f]{64}$/

export const siteId = parser<SiteId>(
  'a site name',
  /^[a-z][a-z0-9-]{0,39}$/,
  "1 to 40 of a-z, 0-9 and '-', from a letter",
)
export const studyId = parser<StudyId>('a study id', hex64, '64 lower-case hex digits')
export const roundId = parser<RoundId>('a round id', hex64, '64 lower-case hex digits')
export const digest = parser<Digest>('a digest', hex64, '64 lower-case hex digits')

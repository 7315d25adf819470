import { markValues } from '@tributary/shared/synthetic-mark'

/** One record's text, not cut into fields: nobody knows the delimiter yet. */
export interface LeadingRecord {
  readonly text: string
  /** False for a last one that the end of what was read may have cut short. */
  readonly isEnded: boolean
}

/** The records at the start of a text; line breaks inside quotes end none. Empty lines are left out. O(characters). */
export const leadingRecords = (text: string): readonly LeadingRecord[] => {
  const records: LeadingRecord[] = []
  let isQuoted = false
  let from = 0
  const take = (to: number, isEnded: boolean): void => {
    if (to > from) records.push({ text: text.slice(from, to), isEnded })
    from = to + 1
  }
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') isQuoted = !isQuoted
    else if (!isQuoted && (char === '\n' || char === '\r')) take(at, true)
  }
  take(text.length, false)
  return records
}

/** Rows that are looked at for an id, after a first record that may be a header. */
const mostRows = 5

/** Whatever the delimiter: no other letter may touch it. */
const idForm = new RegExp(`(?<![\\w-])(${markValues.ids.join('|')})(?![\\w-])`)
/** As a last field, after a delimiter. */
const probeForm = new RegExp(`([^\\w\\s-]|\\t)"?${markValues.probe}"?$`)

/**
 * Whether rows carry a release's mark though no header says so: an id in every one of the first five, or the word of a probe at
 * the end of every record there is. The word alone is an ordinary one: a column must hold nothing else.
 */
export const areMarkedRecords = (records: readonly LeadingRecord[]): boolean => {
  const carriesId = ({ text }: LeadingRecord): boolean => idForm.test(text)
  const first = records.slice(0, 1 + mostRows)
  const rows = (first.length > 1 ? first.slice(1) : first).filter((record) => record.isEnded || carriesId(record))
  if (rows.length > 0 && rows.every(carriesId)) return true
  const endsAsProbe = ({ text }: LeadingRecord): boolean => probeForm.test(text)
  return (
    records.length > 1 && records.every((record) => endsAsProbe(record) || !record.isEnded) && endsAsProbe(records[0]!)
  )
}

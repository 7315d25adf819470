/** Both ends included, as in Content-Range. */
export interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * The one range that a Range header asks of a file of `bytes` (RFC 9110, section 14): undefined where there is none, or one in a form
 * that may be ignored (another unit, several ranges, nonsense), null where the file has no such bytes.
 */
export const byteRange = (header: string | undefined, bytes: number): ByteRange | null | undefined => {
  const [, from, to] = /^bytes=[ \t]*(\d{0,15})-(\d{0,15})[ \t]*$/i.exec(header ?? '') ?? []
  if (from === undefined || to === undefined || (from === '' && to === '')) return undefined
  if (from === '')
    return Number(to) === 0 || bytes === 0 ? null : { first: Math.max(0, bytes - Number(to)), last: bytes - 1 }
  const first = Number(from)
  if (to !== '' && Number(to) < first) return undefined
  if (first >= bytes) return null
  return { first, last: to === '' ? bytes - 1 : Math.min(Number(to), bytes - 1) }
}

import { printable } from '@tributary/shared/cli/printable'
import { CodedError } from '@tributary/shared/errors'

/** The one thing whose whole name, or else whose beginning of a name, is `text`; undefined for none. Throws `ID_MALFORMED` for several. */
export const theOne = <T>(
  things: readonly T[],
  names: (thing: T) => readonly string[],
  text: string,
): T | undefined => {
  const whole = things.filter((thing) => names(thing).includes(text))
  const found = whole.length > 0 ? whole : things.filter((thing) => names(thing).some((name) => name.startsWith(text)))
  if (found.length < 2) return found[0]
  const shown = found.slice(0, 5).map((thing) => printable(names(thing).at(-1) ?? ''))
  throw new CodedError(
    'ID_MALFORMED',
    `${printable(text)} may be any of ${shown.join(', ')}${found.length > 5 ? ', ...' : ''}`,
  )
}

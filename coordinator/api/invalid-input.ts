import { CodedError } from '@tributary/shared/errors'

/** An issue of zod's as fastify hands it on: the code is `keyword`, the rest of it `params`. */
export interface Issue {
  readonly keyword?: string
  readonly message?: string
  readonly instancePath?: string
  readonly params?: {
    readonly keys?: readonly string[]
    readonly origin?: string
    readonly minimum?: number | bigint
    readonly maximum?: number | bigint
    readonly expected?: string
    readonly values?: readonly unknown[]
  }
}

const digits = (value: number | bigint): string => value.toLocaleString('en')
const counted = (value: number | bigint, one: string, many: string): string =>
  `${digits(value)} ${Number(value) === 1 ? one : many}`

const kinds: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  array: 'a list',
  object: 'an object',
  boolean: 'true or false',
}

/** A bound as it is said of numbers, of text and of lists. */
const bound = (side: 'at least' | 'at most', value: number | bigint | undefined, origin = ''): string => {
  if (value === undefined) return 'is out of range'
  if (origin === 'string') return `must have ${side} ${counted(value, 'character', 'characters')}`
  if (origin === 'array') return `must have ${side} ${counted(value, 'entry', 'entries')}`
  return `must be ${side} ${digits(value)}`
}

/** What is wrong with a field, as the end of a sentence that begins with its name; quotes no value. */
const complaint = ({ keyword, message = '', params = {} }: Issue): string => {
  switch (keyword) {
    case 'too_big':
      return bound('at most', params.maximum, params.origin)
    case 'too_small':
      return bound('at least', params.minimum, params.origin)
    case 'invalid_type':
      if (message.endsWith('received undefined')) return 'is missing'
      return `must be ${kinds[params.expected ?? ''] ?? 'of another kind'}`
    case 'invalid_value':
      return `must be ${(params.values ?? []).map(String).join(' or ')}`
    case 'invalid_format':
    case 'custom':
      return /^(must|is) /.test(message) ? message : 'has the wrong form' // our own schemas say "must ..."
    default:
      return 'has the wrong form'
  }
}

/** One sentence a field, each with its name: `rows`, `formats.0`, or the first unknown key; names alone, never a value. */
export const invalidInput = (issues: readonly Issue[], where: string): CodedError => {
  const places = issues.flatMap((issue) => {
    const path = (issue.instancePath ?? '/').split('/').filter((part) => part !== '')
    const keys = issue.params?.keys
    if (keys !== undefined) return keys.map((key) => ({ field: [...path, key].join('.'), why: 'is not a known field' }))
    const field = path.join('.')
    return [{ field: field || where, why: complaint(issue) }]
  })
  const first = places.filter(({ field }, at) => places.findIndex((place) => place.field === field) === at)
  const detail = first.map(({ field, why }) => `${field} ${why}`).join('; ')
  return new CodedError('ARGUMENT_INVALID', detail.slice(0, 1000), { place: { field: places[0]?.field ?? where } })
}

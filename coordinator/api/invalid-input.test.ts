import { validatorCompiler } from 'fastify-type-provider-zod'
import { describe, expect, it } from 'vitest'
import type * as z from 'zod'
import { invalidInput, type Issue } from './invalid-input.ts'
import { planOrderSchema, probeOrderSchema, requestOrderSchema, requestsQuerySchema } from './schemas.ts'

const order = { generator: 'tiny', rows: 5, purpose: 'to test' }

/** The detail with which a body is refused. */
const detail = (schema: z.ZodType, body: unknown): string => {
  const validate = validatorCompiler({ schema, method: 'POST', url: '/', httpPart: 'body' })
  const { error } = validate(body) as { error?: readonly Issue[] }
  if (error === undefined) throw new Error('this body is right')
  return invalidInput(error, 'body').message
}

describe('a bad body is refused in plain words', () => {
  it.each<[object, string | RegExp]>([
    [{ purpose: 'x'.repeat(501) }, 'purpose must have at most 500 characters'],
    [{ rows: 10_000_001 }, 'rows must be at most 10,000,000'],
    [{ rows: 0 }, 'rows must be at least 1'],
    [{ rows: '5' }, 'rows must be a number'],
    [{ rows: 1.5 }, 'rows must be a whole number'],
    [{ rows: undefined }, 'rows is missing'],
    [{ where: 5 }, 'where must be text'],
    [{ formats: 'csv' }, 'formats must be a list'],
    [{ formats: [] }, 'formats must have at least 1 entry'],
    [{ formats: ['csv', 'csv', 'csv'] }, /^formats must have at most 2 entries/],
    [{ formats: ['csv', 'csv'] }, 'formats must not name a format twice'],
    [{ formats: ['xlsx'] }, 'formats.0 must be csv or parquet'],
    [{ purpose: '  ' }, 'purpose must have at least 1 character'],
    [{ epsilon: 3 }, 'epsilon is not a known field'],
    [{ rows: 0, seed: -1 }, 'rows must be at least 1; seed must be at least 0'],
  ])('%#', (changed, words) => {
    const told = detail(requestOrderSchema, { ...order, ...changed })
    if (typeof words === 'string') expect(told).toBe(words)
    else expect(told).toMatch(words)
  })

  it('and never in those of a library, nor with the value', () => {
    const odd = ['PLANTED', -7.25, null, true, [], {}, ['PLANTED'], 'PLANTED'.repeat(900), 1e300, undefined]
    const fields = ['generator', 'rows', 'seed', 'where', 'formats', 'purpose', 'limit', 'before']
    for (const schema of [requestOrderSchema, planOrderSchema, probeOrderSchema, requestsQuerySchema])
      for (const field of fields)
        for (const value of odd) {
          const { error } = schema.safeParse({ ...order, [field]: value })
          if (error === undefined) continue
          expect(detail(schema, { ...order, [field]: value })).not.toMatch(
            /too big|expected|invalid|NaN|<=|>=|PLANTED/i,
          )
        }
    expect(detail(planOrderSchema, [])).toBe('body must be an object')
  })
})

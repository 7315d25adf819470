import type * as z from 'zod'
import { problemSchema } from './schemas.ts'

const problem = {
  description: 'What is wrong, by its error_code (RFC 9457)',
  content: { 'application/problem+json': { schema: problemSchema } },
}

/** The responses of a route that answers with JSON, 200 unless told. */
export const answers = <S extends z.ZodType>(schema: S) => ({
  response: { 200: schema, '4xx': problem, '5xx': problem },
})

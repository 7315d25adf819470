import { readFileSync } from 'node:fs'
import { CodedError } from '@tributary/shared/errors'
import { pathText } from '@tributary/shared/study/finding'
import { parseYaml } from '@tributary/shared/study/yaml-place'
import * as z from 'zod'
import { requestOrderSchema } from '../api/schemas.ts'
import { additionFields } from '../cohort/order.ts'

/** What `-f` reads: a request's fields by their names in the API, each of them optional, since options fill the rest. */
const orderFileSchema = z.strictObject({
  generator: requestOrderSchema.shape.generator.optional(),
  rows: requestOrderSchema.shape.rows.optional(),
  seed: requestOrderSchema.shape.seed,
  where: requestOrderSchema.shape.where,
  ...additionFields,
  formats: requestOrderSchema.shape.formats.unwrap().optional(),
  purpose: requestOrderSchema.shape.purpose.optional(),
})
export type OrderFile = z.infer<typeof orderFileSchema>

/** Throws `NOT_FOUND`, or `CONFIG_INVALID` with the line of the first thing that is wrong. */
export const readOrderFile = (file: string): OrderFile => {
  const yaml = parseYaml(readText(file), file)
  const [broken] = yaml.findings
  if (broken)
    throw new CodedError('CONFIG_INVALID', broken.message, {
      place: { file, ...(broken.line === undefined ? {} : { line: broken.line }) },
    })
  const parsed = orderFileSchema.safeParse(yaml.value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const keys = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const path = [...(issue?.path ?? []), ...keys].filter((part) => typeof part !== 'symbol')
  throw new CodedError('CONFIG_INVALID', `${pathText(path) || 'the request'}: ${issue?.message ?? 'invalid'}`, {
    place: yaml.place(path),
  })
}

const readText = (file: string): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (cause) {
    const isText = !(cause instanceof TypeError)
    throw new CodedError(isText ? 'NOT_FOUND' : 'CONFIG_INVALID', isText ? 'the file cannot be read' : 'not UTF-8', {
      place: { file },
      cause,
    })
  }
}

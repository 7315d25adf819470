import * as z from 'zod'

interface JsonSchema {
  readonly type?: string
  readonly description?: string
  readonly const?: unknown
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

const isNumber = ({ type }: JsonSchema): boolean => type === 'number' || type === 'integer'

function* numbersOf(schema: JsonSchema, path: string): Iterable<[string, string | undefined]> {
  if (isNumber(schema)) yield [path, schema.description]
  for (const [key, property] of Object.entries(schema.properties ?? {}))
    yield* numbersOf(property, path === '' ? key : `${path}.${key}`)
  if (schema.items) yield* numbersOf(schema.items, `${path}[]`)
  // A nullable number carries its description outside.
  for (const branch of schema.anyOf ?? [])
    yield* numbersOf(
      isNumber(branch) && schema.description !== undefined ? { ...branch, description: schema.description } : branch,
      path,
    )
}

/** Path of every number that a schema allows -> its description, or undefined where the schema forgot one. */
export const definitionsOf = (schema: z.ZodType): Map<string, string | undefined> =>
  new Map(numbersOf(z.toJSONSchema(schema) as JsonSchema, ''))

import * as z from 'zod'
import { studyFileSchema } from './study-schema.ts'

/** The study file's JSON Schema (2020-12), generated; `docs/study.schema.json` is this text. */
export const studyJsonSchema = (): string => {
  const schema = z.toJSONSchema(studyFileSchema, { io: 'input', target: 'draft-2020-12' })
  return `${JSON.stringify({ ...schema, title: 'Tributary study, study/1' }, null, 2)}\n`
}

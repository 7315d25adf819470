import type { SwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { tributaryVersion } from '../release/release-manifest.ts'
import {
  apiBase,
  cohortPlanSchema,
  generatorDetailSchema,
  generatorSchema,
  problemSchema,
  releaseFileSchema,
  requestSchema,
} from './schemas.ts'

const open = new Set([`${apiBase}/health`, `${apiBase}/openapi.json`])

/** Shapes that stand in more than one place, under the names that generated clients give them. */
const shapes = z.registry<{ id: string }>()
shapes.add(problemSchema, { id: 'Problem' })
shapes.add(generatorSchema, { id: 'Generator' })
shapes.add(generatorDetailSchema, { id: 'GeneratorDetail' })
shapes.add(cohortPlanSchema, { id: 'CohortPlan' })
shapes.add(requestSchema, { id: 'Request' })
shapes.add(releaseFileSchema, { id: 'ReleaseFile' })

/** What comes out may gain keys: only what refuses unknown ones says so. */
const openAnswers: NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override'] = ({ zodSchema, jsonSchema }) => {
  const { def } = zodSchema._zod
  if (def.type === 'object' && def.catchall === undefined) delete jsonSchema.additionalProperties
}
const options = { schemaRegistry: shapes, zodToJsonConfig: { override: openAnswers } }
const toJsonSchema = createJsonSchemaTransform(options)

/** A path's rest is `*` to the router; a document needs a name for it. */
const namedFile = <T extends object>(schema: T): T =>
  JSON.parse(JSON.stringify(schema).replaceAll('"*"', '"file"')) as T

/** `/v1/releases/:release/files/*` names its file as every other path names its parts. */
const operationOf = (url: string, method: string): string =>
  [method, ...url.replace(apiBase, '').split(/[/:*.]+/)]
    .filter((word) => word !== '')
    .map((word, i) => (i === 0 ? word : `${word[0]?.toUpperCase()}${word.slice(1)}`))
    .join('')

/** The document at /v1/openapi.json, made of the routes' own schemas. */
export const openApiDocument: SwaggerOptions = {
  openapi: {
    openapi: '3.1.0',
    info: {
      title: 'Tributary: synthetic cohorts',
      version: tributaryVersion,
      description:
        'Everything here is post-processing of a released model: no call costs privacy or looks at a patient.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'From `coordinator user add`.' },
      },
    },
  },
  transformObject: createJsonSchemaTransformObject(options),
  transform: (document) => {
    const { url, schema, route } = document
    const transformed = toJsonSchema(document)
    return {
      url: url.replace('*', ':file'),
      schema: {
        ...namedFile(transformed.schema),
        operationId: operationOf(url, String(route.method).toLowerCase()),
        ...(!schema?.hide && !open.has(url) && { security: [{ token: [] }] }),
      },
    }
  },
}

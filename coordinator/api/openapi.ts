import type { SwaggerOptions } from '@fastify/swagger'
import { createJsonSchemaTransform } from 'fastify-type-provider-zod'
import { tributaryVersion } from '../release/release-manifest.ts'
import { apiBase } from './schemas.ts'

const open = new Set([`${apiBase}/health`, `${apiBase}/openapi.json`])
const toJsonSchema = createJsonSchemaTransform({})

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
  transform: (document) => {
    const { url, schema, route } = document
    const transformed = toJsonSchema(document)
    return {
      url: transformed.url,
      schema: {
        ...transformed.schema,
        operationId: operationOf(url, String(route.method).toLowerCase()),
        ...(!schema?.hide && !open.has(url) && { security: [{ token: [] }] }),
      },
    }
  },
}

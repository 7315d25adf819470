import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { systemClock } from '@tributary/shared/system/clock'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ResearcherApi, researcherApi } from '../../test/harness/researcher-api.ts'
import { apiBase } from './schemas.ts'

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly security?: unknown
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly requestBody?: unknown
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>
}
interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly version: string }
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}

const published = new URL('../../docs/openapi.json', import.meta.url)

let api: ResearcherApi
let document: Document
beforeAll(async () => {
  api = await researcherApi(systemClock)
  document = (await api.call(null, 'GET', `${apiBase}/openapi.json`)).json() as Document
})
afterAll(() => api.close())

describe('the OpenAPI document', () => {
  it('is version 3.1 and names every route once', () => {
    expect(document.openapi).toBe('3.1.0')
    const listed = Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    expect(listed.toSorted()).toEqual(
      [
        'GET /v1/health',
        'GET /v1/openapi.json',
        'GET /v1/whoami',
        'GET /v1/generators',
        'GET /v1/generators/{generator}',
        'POST /v1/generators/{generator}/probe',
        'POST /v1/generators/{generator}/plan',
        'POST /v1/requests',
        'GET /v1/requests',
        'GET /v1/requests/{request}',
        'DELETE /v1/requests/{request}',
        'GET /v1/releases/{release}',
        'GET /v1/releases/{release}/files/{file}',
        'GET /v1/releases/{release}/report',
        'GET /v1/releases/{release}/report.html',
      ].toSorted(),
    )
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    )
    expect(new Set(ids).size).toBe(ids.length)
    // What the router serves and what the document lists are the same.
    const routes =
      api.app.printRoutes({ commonPrefix: false }).match(/\b(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS)\b/g) ?? []
    expect(routes).toHaveLength(listed.length)
  })

  it('gives every operation its parameters, problems and token', () => {
    for (const [path, operations] of Object.entries(document.paths))
      for (const operation of Object.values(operations)) {
        const { operationId, summary, parameters = [], responses, security } = operation
        expect(summary, operationId).not.toBe('')
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
        const inPath = parameters.filter((parameter) => parameter.in === 'path')
        expect(
          inPath.map(({ name }) => name),
          operationId,
        ).toEqual(named)
        expect(
          inPath.every(({ required }) => required),
          operationId,
        ).toBe(true)
        for (const status of ['200', '4XX', '5XX'])
          expect(responses[status]?.content, `${operationId} ${status}`).toBeDefined()
        expect(Object.keys(responses['4XX']?.content ?? {})).toEqual(['application/problem+json'])
        expect(security === undefined, operationId).toBe(['getHealth', 'getOpenapiJson'].includes(operationId))
      }
  })

  it('refers to nothing that it does not hold', () => {
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)
    for (const [, pointer = ''] of references) {
      const target = pointer
        .split('/')
        .reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], document)
      expect(target, pointer).toBeDefined()
    }
  })

  it('is docs/openapi.json: WRITE_OPENAPI=1 vitest run --project unit coordinator/api/openapi writes it again', () => {
    const text = `${JSON.stringify(document, null, 2)}\n`
    if (process.env['WRITE_OPENAPI'] === '1') writeFileSync(published, text)
    expect(existsSync(published)).toBe(true)
    expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(document)
  })
})

import { CodedError } from '@tributary/shared/errors'
import type { FastifyReply, FastifyRequest } from 'fastify'
import * as z from 'zod'
import { releaseFolder } from '../data-paths.ts'
import type { Api, ApiParts } from './api-parts.ts'
import { callerOf } from './authentication.ts'
import { byteRange } from './byte-range.ts'
import { contentTypeOf, ReleaseFiles } from './release-files.ts'
import { answers } from './route-schema.ts'
import { apiBase, releaseListingSchema } from './schemas.ts'
import { ownRequest } from './visibility.ts'

const release = z.string().min(1).max(64)
const params = z.strictObject({ release })
const fileParams = z.strictObject({ release, '*': z.string().max(200) })

const rangeHeaders = z.looseObject({
  range: z.string().optional().describe('One range, `bytes=FIRST-` to resume: answered with 206.'),
  'if-range': z.string().optional().describe('The ETag of the earlier part; another file is sent whole, with 200.'),
})

const { response: problems } = answers(z.unknown())
/** A route that answers with a file as it is. */
const sends = (contentType: string) => ({
  headers: rangeHeaders,
  response: {
    ...problems,
    200: { description: 'The file', content: { [contentType]: { schema: z.unknown() } } },
    206: { description: 'The range asked for', content: { [contentType]: { schema: z.unknown() } } },
  },
})

/** The report may show itself and nothing else: no script, no request, no frame. */
const reportPolicy =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

/** The files of a finished request, byte for byte as they were signed. */
export const addReleaseRoutes = (app: Api, { dataDir, requests, users, clock }: ApiParts): void => {
  const find = (request: FastifyRequest, id: string) => {
    const { facts, progress } = ownRequest(callerOf(request), requests.requestOfRelease(id))
    if (progress.state === 'deleted') throw new CodedError('NOT_FOUND', 'this release was deleted')
    if (progress.state !== 'done') throw new CodedError('NOT_FOUND', 'no such request or release')
    return { facts, files: new ReleaseFiles(releaseFolder(dataDir, facts.release)) }
  }

  const send = async (request: FastifyRequest, reply: FastifyReply, id: string, name: string) => {
    const { files } = find(request, id)
    const file = await files.find(name)
    const etag = `"${file.sha256}"`
    reply.header('etag', etag).header('cache-control', 'private, no-cache')
    if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    reply.header('accept-ranges', 'bytes')
    const { range: wanted, 'if-range': only } = request.headers
    const range = only === undefined || only === etag ? byteRange(wanted, file.bytes) : undefined
    if (range === null) {
      reply.header('content-range', `bytes */${file.bytes}`)
      throw new CodedError('RANGE_UNSATISFIABLE', `the file has ${file.bytes} bytes`, { place: { field: 'range' } })
    }
    const detail = range === undefined ? name : `${name} from byte ${range.first}`
    users.note({ time: clock.now(), user: callerOf(request).name, action: 'download', object: id, detail })
    reply.type(contentTypeOf(name))
    if (range === undefined) return reply.header('content-length', file.bytes).send(files.read(file))
    return reply
      .code(206)
      .header('content-range', `bytes ${range.first}-${range.last}/${file.bytes}`)
      .header('content-length', range.last - range.first + 1)
      .send(files.read(file, range))
  }

  app.get(
    `${apiBase}/releases/:release`,
    { schema: { summary: 'What a release holds', params, ...answers(releaseListingSchema) } },
    async (request) => {
      const { facts, files } = find(request, request.params.release)
      return { release: facts.release, request: facts.id, files: [...(await files.list())] }
    },
  )

  app.get(
    `${apiBase}/releases/:release/files/*`,
    { schema: { summary: 'One file of a release', params: fileParams, ...sends('application/octet-stream') } },
    (request, reply) => {
      const name = request.params['*']
      reply.header('content-disposition', 'attachment')
      return send(request, reply, request.params.release, name)
    },
  )

  app.get(
    `${apiBase}/releases/:release/report`,
    { schema: { summary: 'The report as data', params, ...sends('application/json') } },
    (request, reply) => send(request, reply, request.params.release, 'report.json'),
  )

  app.get(
    `${apiBase}/releases/:release/report.html`,
    { schema: { summary: 'The report for people', params, ...sends('text/html') } },
    (request, reply) => {
      reply.header('content-security-policy', reportPolicy)
      return send(request, reply, request.params.release, 'report.html')
    },
  )
}

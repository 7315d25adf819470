import { resolve } from 'node:path'
import { printData } from '@tributary/shared/cli/output'
import { printable } from '@tributary/shared/cli/printable'
import { CodedError } from '@tributary/shared/errors'
import { verifyRelease } from '../release/verify-release.ts'
import { releaseListingSchema } from '../api/schemas.ts'
import { apiPath } from './api-client.ts'
import { findRequest } from './find-request.ts'
import { releaseOf } from './release-of.ts'
import type { RemoteOptions, ResearcherPorts } from './ports.ts'
import { ProgressLine } from './progress-line.ts'
import { ReleaseDownload } from './release-download.ts'
import { openSession } from './session.ts'
import { shellWord } from './text-table.ts'
import { verificationText } from './verification-text.ts'

export interface DownloadOptions extends RemoteOptions {
  readonly out: string
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** `tributary download REQUEST --out DIR`: DIR appears only when every file is there and the signature is the consortium's. */
export const download = async (text: string, options: DownloadOptions, ports: ResearcherPorts): Promise<void> => {
  const folder = resolve(options.out)
  const { api, credentials } = await openSession(ports, options)
  const release = releaseOf(await findRequest(api, text))
  const listing = await api.json(apiPath('releases', release), releaseListingSchema)
  const target = await ReleaseDownload.open(folder, listing)
  const total = listing.files.reduce((sum, { bytes }) => sum + bytes, 0)
  const progress = new ProgressLine(ports.clock)
  let done = 0
  try {
    await target.fetch(api, credentials.server, (bytes, { name }) => {
      done += bytes
      progress.show(() => `download  ${megabytes(done)} of ${megabytes(total)}  ${name}`)
    })
  } finally {
    progress.end()
  }
  const verification = await verifyRelease(target.part, { trusted: credentials.signing_key })
  if (verification.release !== listing.release)
    throw new CodedError('RELEASE_ALTERED', `what arrived is another release, ${printable(verification.release)}`)
  await target.publish()
  printData(
    { release: listing.release, folder, files: listing.files.length, bytes: total, verification },
    {
      json: options.json === true,
      text: `${folder}: ${listing.files.length} files, ${megabytes(total)}\n${verificationText(verification)}`,
      next: `tributary verify ${shellWord(options.out)}`,
    },
  )
}

import { readFileSync } from 'node:fs'
import { HintedError } from '@tributary/shared/cli/hinted-error'
import { writePrivateFile } from '@tributary/shared/cli/private-file'
import { messageBytes, messageFrom } from '@tributary/shared/wire/body'
import type { Roster } from '@tributary/shared/wire/messages'
import { decodeRoster, encodeRoster } from '@tributary/shared/wire/roster'
import type { SignedMessage } from '@tributary/shared/wire/signed'
import * as z from 'zod'

export interface SignedRoster {
  readonly roster: Roster
  readonly signature: SignedMessage
}

/** What is carried to the machine of the admin key, and back with its signature. */
export interface RosterFile {
  readonly roster: Roster
  /** The version before, as the admin signed it, so that what changes can be shown without trusting the coordinator. */
  readonly before?: SignedRoster
  readonly signature?: SignedMessage
}

const fileSchema = z.strictObject({
  schema_version: z.literal(1),
  kind: z.literal('tributary roster'),
  roster: z.base64(),
  before: z.strictObject({ roster: z.base64(), signature: z.base64() }).optional(),
  signature: z.base64().optional(),
})

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
const bytesOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'))

/** Canonical bytes in base64: what is signed is what is read, not a rendering of it. */
export const writeRosterFile = (path: string, { roster, before, signature }: RosterFile): void => {
  const file: z.input<typeof fileSchema> = {
    schema_version: 1,
    kind: 'tributary roster',
    roster: text(encodeRoster(roster)),
    ...(before && {
      before: { roster: text(encodeRoster(before.roster)), signature: text(messageBytes(before.signature)) },
    }),
    ...(signature && { signature: text(messageBytes(signature)) }),
  }
  writePrivateFile(path, `${JSON.stringify(file)}\n`)
}

/** Throws `NOT_FOUND`, or `ARGUMENT_INVALID` for a file of another kind; no signature is checked. */
export const readRosterFile = (path: string): RosterFile => {
  const madeBy = 'It is made by `coordinator roster draft --out FILE`, and signed by `coordinator roster sign`.'
  const place = { file: path }
  let json: string
  try {
    json = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new HintedError('NOT_FOUND', 'no readable roster file', madeBy, { place, cause })
  }
  try {
    const { roster, before, signature } = fileSchema.parse(JSON.parse(json))
    return {
      roster: decodeRoster(bytesOf(roster)),
      ...(before && {
        before: { roster: decodeRoster(bytesOf(before.roster)), signature: messageFrom(bytesOf(before.signature)) },
      }),
      ...(signature !== undefined && { signature: messageFrom(bytesOf(signature)) }),
    }
  } catch (cause) {
    throw new HintedError('ARGUMENT_INVALID', 'not a roster file, or damaged on its way', madeBy, { place, cause })
  }
}

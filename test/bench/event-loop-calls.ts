import { setTimeout } from 'node:timers/promises'
import { credentials, type ServiceError } from '@grpc/grpc-js'
import { Rounds } from '@tributary/shared/wire/proto'
import { PROTOCOL_VERSION } from '@tributary/shared/wire/signed'

/** One call, milliseconds since 1970. */
export interface Call {
  readonly start: number
  readonly end: number
}

const now = () => performance.timeOrigin + performance.now()

/*
 * The process that calls: `Next`, five milliseconds after the last reply, and with `parts` a stream that sends one part after
 * another, twenty a second. `node event-loop-calls.ts ADDRESS [PART-BYTES]`; says every call over IPC when told to stop.
 */
const [address = '', bytes] = process.argv.slice(2)
const client = new Rounds(address, credentials.createInsecure())
const calls: Call[] = []
let isOver = false

const poll = (): Promise<void> =>
  new Promise((resolve, reject) => {
    client.next({ protocol: PROTOCOL_VERSION, study: '', waitMs: 0 }, (error: ServiceError | null) =>
      error === null ? resolve() : reject(error),
    )
  })

const polls = async (): Promise<void> => {
  while (!isOver) {
    const start = now()
    await poll()
    calls.push({ start, end: now() })
    await setTimeout(5)
  }
}

const sendParts = async (size: number): Promise<void> => {
  const data = Buffer.alloc(size)
  const stream = client.sendParts(() => undefined)
  while (!isOver) {
    if (!stream.write({ protocol: PROTOCOL_VERSION, round: '', part: 0, data }))
      await new Promise((resolve) => stream.once('drain', resolve))
    await setTimeout(50)
  }
  stream.end()
}

process.once('disconnect', () => process.exit())
process.once('message', () => {
  isOver = true
})
await poll()
process.send?.('calling')
await Promise.all([polls(), bytes === undefined ? undefined : sendParts(Number(bytes))])
process.send?.(calls, () => process.exit())

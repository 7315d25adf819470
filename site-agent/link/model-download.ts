import { CodedError } from '@tributary/shared/errors'
import type { RoundId } from '@tributary/shared/ids'
import { requireProtocol } from '@tributary/shared/wire/envelope'
import { chunkAt } from '@tributary/shared/wire/envelope-chunks'
import { Rounds } from '@tributary/shared/wire/proto'
import { PROTOCOL_VERSION } from '@tributary/shared/wire/signed'
import { serverStream, streamMs } from './calls.ts'
import type { Channel } from './channel.ts'
import { type Patience, retrying } from './retrying.ts'

/**
 * The round's model in order and without a gap, in pieces of at most 256 KiB. A broken stream goes on where it stopped; each new
 * piece renews the patience. Whether it is the right model, the hash in the signed broadcast says: the receiver compares.
 */
export async function* fetchModel(channel: Channel, round: RoundId, patience: Patience): AsyncGenerator<Uint8Array> {
  let offset = 0
  const open = () =>
    channel.call(async (client) => {
      const request = { protocol: PROTOCOL_VERSION, round, offset }
      const chunks = serverStream(client, Rounds.service.FetchModel, request, patience.clock.now() + streamMs)
      return { chunks, chunk: await chunks.next() }
    })
  for (;;) {
    const { chunks, chunk: first } = await retrying(open, patience)
    try {
      for (let chunk = first; !chunk.done; chunk = await chunks.next()) {
        requireProtocol(chunk.value)
        const data = chunkAt(chunk.value, offset)
        offset += data.length
        yield data
      }
      return
    } catch (thrown) {
      if (!(thrown instanceof CodedError && thrown.code === 'UNAVAILABLE')) throw thrown
    } finally {
      await chunks.return()
    }
  }
}

import { boxKeyBytes, boxPublicKeyBytes } from '@tributary/shared/he/box'
import { frameLength } from '@tributary/shared/he/frame'
import { blocksOfPart, partCount } from '@tributary/shared/he/parts'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { shareLength } from '@tributary/shared/he/share'
import { digest, roundId, siteId, studyId } from '@tributary/shared/ids'
import { type Body, messageBytes, signBody } from '@tributary/shared/wire/body'
import type { MessageKind } from '@tributary/shared/wire/messages'
import { generateIdentity } from '@tributary/shared/wire/signed'

/** X25519 and ML-KEM-768 ciphertext before the share, tag after it (docs/canonical-bytes.md). */
const boxOverhead = 32 + 1_088 + 16

/**
 * Bytes of every message of one attempt as it is signed and stored, with what travels beside it; gRPC and TLS come on top. `sites`
 * of them, with names of seven letters, the first `holders` hold shares; a vector of `blocks` blocks. Step, attempt and counters have
 * two bytes.
 */
export const messageSizes = (sites: number, holders: number, blocks: number): Readonly<Record<string, number>> => {
  const identity = generateIdentity()
  const hash = digest('ab'.repeat(32))
  const names = Array.from({ length: sites }, (_, i) => siteId(`site-${String(i).padStart(2, '0')}`))
  const attempt = {
    study: studyId('ab'.repeat(32)),
    step: 100,
    attempt: 30,
    round: roundId('ab'.repeat(32)),
    roster: hash,
  }
  const sizeOf = <Kind extends MessageKind>(kind: Kind, body: Body<Kind>): number =>
    messageBytes(
      signBody(kind, kind === 'broadcast' || kind === 'announcement' ? 'coordinator' : names[0]!, body, identity),
    ).length
  const contribution = {
    ...attempt,
    model: hash,
    deal: hash,
    ciphertext: hash,
    bytes: 4_000_000,
    counter: 100,
    charged: 100,
  }
  const statement = signBody('contribution', names[0]!, contribution, identity)
  const stated = { body: statement.body, signature: statement.signature }
  const deal: Body<'deal'> = {
    ...attempt,
    epoch: 3,
    boxes: names.slice(0, holders).map((to) => ({ to, box: hash })),
    seen: names.slice(1).map((site) => ({ site, ...stated })),
  }
  const box = boxOverhead + shareLength(ringFacts)
  const parts = Array.from({ length: partCount(blocks) }, (_, part) =>
    frameLength(ringFacts, blocksOfPart(blocks, part)),
  )
  const keys = names.slice(0, holders).map(() => new Uint8Array(boxKeyBytes))
  return {
    'box-keys': sizeOf('box-keys', { study: attempt.study, epoch: 3, key: new Uint8Array(boxPublicKeyBytes) }),
    deal: sizeOf('deal', deal) + holders * box,
    boxes: sites * (sizeOf('deal', deal) + box),
    check: sizeOf('check', {
      ...attempt,
      checks: names.map((site) => ({ site, deal: hash, value: new Uint8Array(8) })),
    }),
    broadcast: sizeOf('broadcast', {
      ...attempt,
      manifest: hash,
      query: 1,
      model: hash,
      dealers: names.map((site) => ({ site, deal: hash })),
    }),
    contribution: sizeOf('contribution', contribution) + parts.reduce((sum, part) => sum + part + 32, 0),
    announcement: sizeOf('announcement', {
      ...attempt,
      model: hash,
      contributors: names.map((site) => ({ site, deal: hash, ...stated })),
    }),
    answer: sizeOf('answer', { ...attempt, announcement: hash, share: new Uint8Array(frameLength(ringFacts, 1)) }),
    withdrawal: sizeOf('withdrawal', attempt),
    'deal-opening': sizeOf('deal-opening', { ...attempt, deal: hash, keys }),
    'box-opening': sizeOf('box-opening', {
      ...attempt,
      dealer: names[1]!,
      deal: hash,
      key: new Uint8Array(boxKeyBytes),
    }),
  }
}

import { frameLength } from '@tributary/shared/he/frame'
import { boxKeyBytes, newBoxKeys, sealBox } from '@tributary/shared/he/box'
import { partCount } from '@tributary/shared/he/parts'
import { ringFacts } from '@tributary/shared/he/ring-parameters'
import { digest, roundId, type SiteId, siteId, studyId } from '@tributary/shared/ids'
import { encodeManifest } from '@tributary/shared/study/manifest'
import { type Body, signBody } from '@tributary/shared/wire/body'
import { asBuffer, chunkBytes, messageBytes, signedFields } from '@tributary/shared/wire/envelope'
import { mostParts, offerFields, partBytes, partFields, stateFields } from '@tributary/shared/wire/envelope-upload'
import { taskMessage } from '@tributary/shared/wire/envelope-task'
import { type MessageKind, rosterSchema } from '@tributary/shared/wire/messages'
import { Enrolment, Federation, Rounds } from '@tributary/shared/wire/proto'
import { encodeRoster } from '@tributary/shared/wire/roster'
import { generateIdentity, type SignedMessage } from '@tributary/shared/wire/signed'
import { expect, it } from 'vitest'
import { tinyStudy } from '../../harness/tiny-study.ts'

/** The largest of everything that a round may have: 64 sites of the longest name, twenty holders, numbers of eight bytes. */
const sites = Array.from({ length: 64 }, (_, i) => siteId(`${'s'.repeat(37)}-${10 + i}`))
const holders = sites.slice(0, 20)
const identity = generateIdentity()
const hash = digest('ab'.repeat(32))
const round = roundId('cd'.repeat(32))
const most = Number.MAX_SAFE_INTEGER
const attempt = { study: studyId('ef'.repeat(32)), step: most, attempt: most, round, roster: hash }
const signed = <Kind extends MessageKind>(kind: Kind, body: Body<Kind>): SignedMessage =>
  signBody(kind, sites[0] as SiteId, body, identity)

const contribution = signed('contribution', {
  ...attempt,
  model: hash,
  deal: hash,
  ciphertext: hash,
  bytes: most,
  counter: most,
  charged: most,
})
const statement = { site: sites[0] as SiteId, body: new Uint8Array(2048), signature: contribution.signature }
const deal = signed('deal', {
  ...attempt,
  epoch: most,
  boxes: holders.map((to) => ({ to, box: hash })),
  seen: Array.from({ length: 128 }, () => statement),
})
const share = new Uint8Array(frameLength(ringFacts, 1) + 8)
const context = {
  study: attempt.study,
  step: 0,
  attempt: 0,
  round,
  roster: hash,
  from: sites[0],
  epoch: 0,
  to: sites[1],
}
const { box } = sealBox(newBoxKeys().publicKey, context as never, share)
const boxKeys = signed('box-keys', { study: attempt.study, epoch: most, key: newBoxKeys().publicKey })
const announcement = signed('announcement', {
  ...attempt,
  model: hash,
  contributors: sites.map((site) => {
    const { body, signature } = contribution
    return { site, deal: hash, body, signature }
  }),
})
const broadcast = signed('broadcast', {
  ...attempt,
  manifest: hash,
  query: most,
  model: hash,
  dealers: sites.map((site) => ({ site, deal: hash })),
})
const dealOpening = signed('deal-opening', {
  ...attempt,
  deal: hash,
  keys: holders.map(() => new Uint8Array(boxKeyBytes)),
})
const countersignature = signed('countersignature', { roster: hash })
const roster = rosterSchema.parse({
  federation: 'f'.repeat(80),
  version: most,
  admin: identity.publicKey,
  coordinator: identity.publicKey,
  members: sites.map((site) => ({ site, identity: identity.publicKey })),
  committee: sites.slice(0, 16),
})

/** 2,000 columns of fifty levels each: far wider than any table of a hospital that was put to us. */
const wideManifest = () => {
  const tiny = tinyStudy({ sites: 3, least: 3, steps: 1, spares: { marginals: 1, gradient: 1 } })
  const levels = Array.from({ length: 50 }, (_, i) => `level-${1000 + i}-of-them`)
  const [column] = tiny.columns
  const columns = Array.from({ length: 2_000 }, (_, i) => ({ ...column, name: `a-column-of-a-long-name-${i}`, levels }))
  return encodeManifest({ ...tiny, columns } as never)
}

/** A hundred million parameters, one to a coefficient. */
const parts = partCount(Math.ceil(1e8 / ringFacts.degree))
const model = new Uint8Array(chunkBytes)
const pem = 'x'.repeat(16_384)

const { service: rounds } = Rounds
const { service: federation } = Federation
const { service: enrolment } = Enrolment
const protocol = most % 2 ** 32
/** What each method carries at its largest, request and reply, by the serialisers that the programs use. */
const sizes: Record<string, () => Buffer> = {
  'Next: deal': () =>
    rounds.Next.responseSerialize(
      taskMessage({ kind: 'deal', ...attempt, step: 2 ** 31, attempt: 2 ** 31, boxKeys: sites.map(() => boxKeys) }),
    ),
  'Next: contribute': () => rounds.Next.responseSerialize(taskMessage({ kind: 'contribute', broadcast })),
  'Next: answer': () => rounds.Next.responseSerialize(taskMessage({ kind: 'answer', announcement })),
  'Next: open box': () => rounds.Next.responseSerialize(taskMessage({ kind: 'open-box', opening: dealOpening })),
  PutDeal: () =>
    rounds.PutDeal.requestSerialize({ protocol, deal: signedFields(deal), boxes: holders.map(() => asBuffer(box)) }),
  FetchModel: () => rounds.FetchModel.responseSerialize({ protocol, offset: most, data: asBuffer(model) }),
  FetchBoxes: () => rounds.FetchBoxes.responseSerialize({ protocol, deal: signedFields(deal), box: asBuffer(box) }),
  PutCheck: () =>
    rounds.PutCheck.requestSerialize(
      signedFields(
        signed('check', {
          ...attempt,
          checks: sites.map((site) => ({ site, deal: hash, value: new Uint8Array(8) })),
        }),
      ),
    ),
  'OfferContribution: 100 million parameters': () =>
    rounds.OfferContribution.requestSerialize(
      offerFields(
        contribution,
        Array.from({ length: parts }, () => hash),
      ),
    ),
  'OfferContribution: most parts': () =>
    rounds.OfferContribution.requestSerialize(
      offerFields(
        contribution,
        Array.from({ length: mostParts }, () => hash),
      ),
    ),
  'OfferContribution: reply': () =>
    rounds.OfferContribution.responseSerialize(
      stateFields({ complete: false, missing: Array.from({ length: mostParts }, (_, part) => part) }),
    ),
  SendParts: () => rounds.SendParts.requestSerialize(partFields(round, mostParts, new Uint8Array(partBytes))),
  PutAnswer: () =>
    rounds.PutAnswer.requestSerialize(
      signedFields(signed('answer', { ...attempt, announcement: hash, share: share.subarray(8) })),
    ),
  PutDealOpening: () => rounds.PutDealOpening.requestSerialize(signedFields(dealOpening)),
  PutBoxOpening: () =>
    rounds.PutBoxOpening.requestSerialize(
      signedFields(
        signed('box-opening', { ...attempt, dealer: sites[0] as SiteId, deal: hash, key: new Uint8Array(boxKeyBytes) }),
      ),
    ),
  GetRoster: () =>
    federation.GetRoster.responseSerialize({
      protocol,
      roster: asBuffer(encodeRoster(roster)),
      countersignatures: sites.map(() => signedFields(countersignature)),
      signature: signedFields(signed('roster-signature', { roster: hash, version: most })),
    }),
  'ListStudies: 2,000 columns of 50 levels': () =>
    federation.ListStudies.responseSerialize({
      protocol,
      study: attempt.study,
      manifest: asBuffer(wideManifest()),
      roster: hash,
      state: 'x'.repeat(100),
    }),
  Withdraw: () => rounds.Withdraw.requestSerialize(signedFields(signed('withdrawal', attempt))),
  Approve: () =>
    federation.Approve.requestSerialize(
      signedFields(signed('approval', { study: attempt.study, manifest: hash, roster: hash })),
    ),
  Countersign: () => federation.Countersign.requestSerialize(signedFields(countersignature)),
  Hello: () =>
    federation.Hello.requestSerialize({
      protocol,
      protocols: Array.from({ length: 64 }, () => protocol),
      software: 'x'.repeat(100),
      session: 'ab'.repeat(16),
    }),
  PutBoxKeys: () => federation.PutBoxKeys.requestSerialize(signedFields(boxKeys)),
  Renew: () =>
    enrolment.Renew.requestSerialize({ protocol, csr: Buffer.alloc(16_384), identityProof: Buffer.alloc(64) }),
  Enrol: () =>
    enrolment.Enrol.responseSerialize({ protocol, certificate: pem, chain: pem, federation: 'f'.repeat(80) }),
}

it.each(Object.keys(sizes))('%s stays below the 4 MB of a message at its largest', (name) => {
  const bytes = (sizes[name] as () => Buffer)().length
  expect(bytes).toBeGreaterThan(100)
  expect(bytes).toBeLessThan(messageBytes)
})

it('no method is left out', () => {
  const measured = new Set(Object.keys(sizes).map((name) => name.replace(/:.*/, '')))
  const methods = [rounds, federation, enrolment].flatMap((service) => Object.keys(service))
  expect(methods.filter((name) => !measured.has(name))).toEqual([])
})

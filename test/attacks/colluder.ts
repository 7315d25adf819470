import { randomFillSync } from 'node:crypto'
import { type BoxKeys, newBoxKeys, openBox, sealBox } from '@tributary/shared/he/box'
import { partsDigest } from '@tributary/shared/he/parts'
import type { Ring } from '@tributary/shared/he/ring'
import { sealVector } from '@tributary/shared/he/sealed-vector'
import { dealShares, sumShares } from '@tributary/shared/he/shamir'
import { openShare, type Share } from '@tributary/shared/he/share'
import { checkValue } from '@tributary/shared/he/share-check'
import { newSiteKey } from '@tributary/shared/he/site-key'
import type { SlotLayout } from '@tributary/shared/he/slots'
import type { Digest, SiteId } from '@tributary/shared/ids'
import { slotLayoutOf } from '@tributary/shared/study/slot-layout'
import { shareHolders } from '@tributary/shared/study/share-holders'
import { type Body, openBody, signBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import type { DealtBox } from '@tributary/shared/wire/federation-api'
import { coordinatorOf, memberOf } from '@tributary/shared/wire/roster'
import type { IdentityKey, SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from '../../site-agent/policy/approved-study.ts'
import { type AttemptFields, attemptOf } from '../../site-agent/policy/round-guard.ts'

/** A deal as its dealer knows it. */
export interface OwnDeal {
  readonly message: SignedMessage
  readonly boxes: readonly Uint8Array[]
  /** 44 bytes a box. */
  readonly boxKeys: readonly Uint8Array[]
  /** As they lie in the boxes, by holder. */
  readonly shares: readonly Uint8Array[]
  /** What the shares are shares of, to seal with. */
  readonly seal: (broadcast: Body<'broadcast'>, layout: SlotLayout, values: Float64Array) => Uint8Array[]
}

const random = { fill: (bytes: Uint8Array) => void randomFillSync(bytes) }

/** A hospital in the adversary's hand: every secret of it is known, and it says what the adversary wants. */
export class Colluder {
  readonly name: SiteId
  readonly boxKeys: BoxKeys
  readonly deals = new Map<string, OwnDeal>()
  readonly #ring: Ring
  readonly #approved: ApprovedStudy
  readonly #identity: IdentityKey
  #counter = 0

  constructor(parts: {
    readonly ring: Ring
    readonly approved: ApprovedStudy
    readonly identity: IdentityKey
    readonly boxKeys?: BoxKeys
  }) {
    this.#ring = parts.ring
    this.#approved = parts.approved
    this.#identity = parts.identity
    this.name = parts.approved.me
    this.boxKeys = parts.boxKeys ?? newBoxKeys()
  }

  get holders(): readonly SiteId[] {
    return shareHolders(this.#approved.manifest, this.#approved.roster)
  }

  statement(epoch: number): SignedMessage {
    const { study } = this.#approved
    return this.sign('box-keys', { study, epoch, key: this.boxKeys.publicKey })
  }

  sign<Kind extends Parameters<typeof signBody>[0]>(kind: Kind, body: Body<Kind>): SignedMessage {
    return signBody(kind, this.name, body, this.#identity)
  }

  attempt(step: number, attempt: number): AttemptFields {
    return attemptOf(this.#approved, step, attempt)
  }

  /** A deal to everybody's keys; `change` is what it puts in the boxes in place of its shares. */
  deal(
    fields: AttemptFields,
    boxKeys: readonly SignedMessage[],
    change: (shares: Uint8Array[]) => Uint8Array[] = (shares) => shares,
  ): OwnDeal {
    const { roster, manifest } = this.#approved
    const keys = boxKeys.map((message) => {
      const site = message.signer as SiteId
      return { site, body: openBody('box-keys', message, memberOf(roster, site)) }
    })
    const key = newSiteKey(this.#ring, random)
    const { holders } = this
    const places = holders.map((_, i) => i + 1)
    const shares = change(dealShares(this.#ring, key, manifest.plan.threshold, places, random))
    const context = { study: fields.study, round: fields.round, roster: fields.roster, from: this.name }
    const sealed = holders.map((to, i) => {
      const holder = keys.find(({ site }) => site === to)?.body.key ?? newBoxKeys().publicKey
      return sealBox(holder, { ...context, to }, shares[i] as Uint8Array)
    })
    const epoch = keys[0]?.body.epoch ?? 0
    const boxes = holders.map((to, i) => ({ to, box: hashBytes((sealed[i] as (typeof sealed)[number]).box) }))
    const own: OwnDeal = {
      message: this.sign('deal', { ...fields, epoch, boxes, seen: [] }),
      boxes: sealed.map(({ box }) => box),
      boxKeys: sealed.map((each) => each.key),
      shares,
      seal: ({ round, roster: hash, model }, layout, values) => {
        const seal = { round, roster: hash, plan: this.#approved.manifestHash, model }
        return sealVector(this.#ring, key, seal, layout, values)
      },
    }
    this.deals.set(fields.round, own)
    return own
  }

  /** How the plan lays out what this broadcast asks for. */
  layoutOf(broadcast: SignedMessage): SlotLayout {
    const { query } = openBody('broadcast', broadcast, coordinatorOf(this.#approved.roster))
    const planned = this.#approved.queries[query] as ApprovedStudy['queries'][number]
    return slotLayoutOf(planned, this.#approved.sites.length)
  }

  /** What it finds in boxes addressed to it, by the hash of the deal; those that do not open are left out. */
  open(fields: AttemptFields, boxes: readonly DealtBox[]): Map<Digest, Share & { dealer: SiteId; bytes: Uint8Array }> {
    const found = new Map<Digest, Share & { dealer: SiteId; bytes: Uint8Array }>()
    const { study, round, roster } = fields
    for (const { deal, box } of boxes) {
      try {
        const dealer = deal.signer as SiteId
        const bytes = openBox(this.boxKeys, { study, round, roster, from: dealer, to: this.name }, box)
        found.set(hashBytes(deal.body), { ...openShare(this.#ring, bytes), dealer, bytes })
      } catch {
        // A box that is none of its own.
      }
    }
    return found
  }

  /** `lie` names the dealers whose check values it falsifies. */
  check(fields: AttemptFields, boxes: readonly DealtBox[], lie: readonly SiteId[] = []): SignedMessage {
    const shares = this.open(fields, boxes)
    const checks = boxes
      .map(({ deal: { signer, body } }) => ({ site: signer as SiteId, deal: hashBytes(body) }))
      .toSorted((a, b) => (a.site < b.site ? -1 : 1))
      .map(({ site, deal }) => {
        const share = shares.get(deal)
        const value = share === undefined ? null : checkValue(this.#ring, { round: fields.round, deal }, share.bytes)
        const told = value !== null && lie.includes(site) ? value.with(0, value[0]! ^ 1) : value
        return { site, deal, value: told }
      })
    return this.sign('check', { ...fields, checks })
  }

  /**
   * Its own part of a round under its deal; what `change` makes of it is signed for as it is, `layout` is the plan's or its own,
   * `counter` the next or its own.
   */
  contribute(
    broadcast: SignedMessage,
    values: Float64Array,
    {
      change = (parts) => parts,
      layout = this.layoutOf(broadcast),
      counter = ++this.#counter,
    }: {
      readonly change?: ((parts: Uint8Array[]) => Uint8Array[]) | undefined
      readonly layout?: SlotLayout
      readonly counter?: number | undefined
    } = {},
  ) {
    const body = openBody('broadcast', broadcast, coordinatorOf(this.#approved.roster))
    const deal = this.deals.get(body.round) as OwnDeal
    const parts = change(deal.seal(body, layout, values))
    const { study, step, attempt, round, roster, model } = body
    const message = this.sign('contribution', {
      study,
      step,
      attempt,
      round,
      roster,
      model,
      deal: hashBytes(deal.message.body),
      ciphertext: partsDigest(parts.map(hashBytes)),
      bytes: parts.reduce((sum, part) => sum + part.length, 0),
      counter,
      charged: counter,
    })
    return { message, parts }
  }

  /** The sum of its shares over the announced set, `change`d. */
  answer(
    announcement: SignedMessage,
    boxes: readonly DealtBox[],
    change = (share: Uint8Array): Uint8Array => share,
  ): SignedMessage {
    const body = openBody('announcement', announcement, coordinatorOf(this.#approved.roster))
    const { study, step, attempt, round, roster, contributors } = body
    const held = this.open(body, boxes)
    const summands = contributors.flatMap(({ deal }) => held.get(deal)?.bytes ?? [])
    const share = change(sumShares(this.#ring, summands))
    const fields = { study, step, attempt, round, roster }
    return this.sign('answer', { ...fields, announcement: hashBytes(announcement.body), share })
  }
}

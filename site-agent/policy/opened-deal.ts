import { CodedError } from '@tributary/shared/errors'
import type { Digest, SiteId } from '@tributary/shared/ids'
import { epochOf } from '@tributary/shared/study/epoch'
import { type Body, openBody } from '@tributary/shared/wire/body'
import { hashBytes } from '@tributary/shared/wire/canonical'
import { memberOf } from '@tributary/shared/wire/roster'
import { PROTOCOL_VERSION, type SignedMessage } from '@tributary/shared/wire/signed'
import type { ApprovedStudy } from './approved-study.ts'
import { type AttemptFields, refuseRound, sameAttempt } from './round-guard.ts'

export interface OpenedDeal {
  readonly dealer: SiteId
  /** Hash of the signed body. */
  readonly deal: Digest
  readonly body: Body<'deal'>
  /** This site's own latest contributions, to this study and to any, that the dealer saw (R4). */
  readonly own: readonly { readonly contribution: Body<'contribution'>; readonly body: Uint8Array }[]
}

const ownStatements = ({ seen }: Body<'deal'>, { me, roster }: ApprovedStudy): OpenedDeal['own'] =>
  seen
    .filter(({ site }) => site === me)
    .map(({ body, signature }) => {
      const statement = { protocol: PROTOCOL_VERSION, kind: 'contribution', signer: me, body, signature }
      return { contribution: openBody('contribution', statement, memberOf(roster, me)), body }
    })

/**
 * A dealer's deal for this attempt: one box a holder, in their order, sealed to the keys of the step's epoch. Throws
 * `ROUND_REFUSED` and what `openBody` throws, also where it shows a contribution under this site's name that this site did not sign:
 * such a dealer spoils its own deal alone (R24).
 */
export const readDeal = (message: SignedMessage, approved: ApprovedStudy, expected: AttemptFields): OpenedDeal => {
  const dealer = approved.sites.find((site) => site === message.signer)
  if (dealer === undefined) return refuseRound('a deal of a site that is not in the study', 'deal')
  const body = openBody('deal', message, memberOf(approved.roster, dealer))
  sameAttempt(body, expected)
  if (body.epoch !== epochOf(expected.step)) refuseRound(`a deal for epoch ${body.epoch}`, 'epoch')
  const { holders } = approved
  if (body.boxes.length !== holders.length || body.boxes.some(({ to }, i) => to !== holders[i]))
    refuseRound('a deal has one box for every holder, in their order', 'boxes')
  return { dealer, deal: hashBytes(message.body), body, own: ownStatements(body, approved) }
}

/** A deal that its dealer signed and that breaks a rule all the same. */
export interface SpoiltDeal {
  readonly dealer: SiteId
  /** Hash of the signed body. */
  readonly deal: Digest
}

/** Who spoilt a deal that `readDeal` refuses; undefined where no site of the study signed it for this attempt. */
export const spoiltDeal = (
  message: SignedMessage,
  approved: ApprovedStudy,
  expected: AttemptFields,
): SpoiltDeal | undefined => {
  const dealer = approved.sites.find((site) => site === message.signer)
  if (dealer === undefined) return undefined
  try {
    sameAttempt(openBody('deal', message, memberOf(approved.roster, dealer)), expected)
    return { dealer, deal: hashBytes(message.body) }
  } catch {
    return undefined
  }
}

/** Whether these bytes are the box that was dealt to `me`; the dealer is not to blame where they are not. */
export const isAsDealt = ({ body }: OpenedDeal, box: Uint8Array, me: SiteId): boolean =>
  body.boxes.find(({ to }) => to === me)?.box === hashBytes(box)

/** Throws `BOX_INVALID` where the box is not the one that the dealer signed. */
export const refuseOtherBox = (opened: OpenedDeal, box: Uint8Array, me: SiteId): void => {
  if (!isAsDealt(opened, box, me))
    throw new CodedError('BOX_INVALID', `${opened.dealer} dealt another box to this site than the one handed over`)
}

import type { Digest, RoundId, SiteId, StudyId } from '../ids.ts'
import type { SignedMessage } from './signed.ts'

/** Who is calling: the name in a certificate that our authority signed and nobody revoked. Serial: lower-case hex. */
export interface PeerIdentity {
  readonly site: SiteId
  readonly serial: string
}

/** What a site is asked to do next. Signed messages are as they came off the wire: the receiver opens them. */
export type Task =
  | { readonly kind: 'wait' }
  | {
      readonly kind: 'deal'
      readonly study: StudyId
      readonly step: number
      readonly attempt: number
      readonly boxKeys: readonly SignedMessage[]
    }
  /** Fetch the boxes of this attempt and say what is in them. */
  | { readonly kind: 'check'; readonly study: StudyId; readonly step: number; readonly attempt: number }
  | { readonly kind: 'contribute'; readonly broadcast: SignedMessage }
  | { readonly kind: 'answer'; readonly announcement: SignedMessage }
  /** This site's own deal is disputed (R24): open it, if nothing was sealed under its key. */
  | { readonly kind: 'open-deal'; readonly study: StudyId; readonly step: number; readonly attempt: number }
  /** The dealer opened the deal that this site complained of: show which key its own box gave. */
  | { readonly kind: 'open-box'; readonly opening: SignedMessage }
  | {
      readonly kind: 'finished'
      readonly study: StudyId
      readonly outcome: 'completed' | 'stopped'
      readonly reason: string
    }

export interface EnrolRequest {
  readonly token: string
  readonly site: SiteId
  /** PKCS#10 in DER. */
  readonly csr: Uint8Array
  /** Raw Ed25519 public key, 32 bytes. */
  readonly identity: Uint8Array
  /** Ed25519 by that key over the site name and the CSR (see envelope-enrolment.ts), 64 bytes. */
  readonly identityProof: Uint8Array
}

export interface EnrolReply {
  /** PEM. */
  readonly certificate: string
  /** PEM: the certificate authority. */
  readonly chain: string
  readonly federation: string
  /** Raw Ed25519 public key, 32 bytes. */
  readonly coordinatorIdentity: Uint8Array
}

export interface RenewRequest {
  /** PKCS#10 in DER, of a key made for this renewal. */
  readonly csr: Uint8Array
  /** Ed25519 by the site's identity key over the CSR and the present certificate's serial (see envelope-enrolment.ts), 64 bytes. */
  readonly identityProof: Uint8Array
}

export interface HelloRequest {
  readonly protocols: readonly number[]
  readonly software: string
  /** Drawn when the agent started, 32 hex digits; empty for a command that comes and goes. */
  readonly session: string
}

export interface HelloReply {
  readonly protocol: number
  /** The coordinator's clock, ms since 1970; 0 where it does not say. */
  readonly now: number
}

/** What a site shows who it is with, both PEM. */
export interface ClientCredentials {
  readonly certificate: string
  readonly key: string
}

export interface RosterReply {
  /** Canonical bytes, as they are hashed. */
  readonly roster: Uint8Array
  readonly countersignatures: readonly SignedMessage[]
  /** By the consortium's admin key. */
  readonly signature: SignedMessage
}

export interface StudyOffer {
  readonly study: StudyId
  readonly manifest: Uint8Array
  readonly roster: Digest
  readonly state: string
}

export interface NextRequest {
  readonly study: StudyId
  /** How long the coordinator may hold the call, at most 60,000 ms. */
  readonly waitMs: number
}

/** A dealer's signed deal and the one box in it that this site can open; no bytes where this site holds no shares. */
export interface DealtBox {
  readonly deal: SignedMessage
  readonly box: Uint8Array
}

/** How far an offered contribution got. */
export interface UploadState {
  /** Every part is stored and the contribution counts. */
  readonly complete: boolean
  /** Parts still to be sent, ascending. */
  readonly missing: readonly number[]
}

/** One part of an offered contribution, by its place. */
export interface UploadPart {
  readonly part: number
  readonly data: Uint8Array
}

/** What the coordinator does for a site. Everything thrown as a CodedError reaches the site with its code and message. */
export interface FederationHandlers {
  enrol(request: EnrolRequest): Promise<EnrolReply>
  /** Another certificate for the peer, which its present one outlives only until the new one is first seen. */
  renew(peer: PeerIdentity, request: RenewRequest): Promise<{ certificate: string }>
  hello(peer: PeerIdentity, request: HelloRequest): Promise<HelloReply>
  roster(peer: PeerIdentity): Promise<RosterReply>
  countersign(peer: PeerIdentity, message: SignedMessage): Promise<void>
  studies(peer: PeerIdentity): Promise<readonly StudyOffer[]>
  approve(peer: PeerIdentity, message: SignedMessage): Promise<void>
  putBoxKeys(peer: PeerIdentity, message: SignedMessage): Promise<void>
  /** Resolves as soon as there is a task, with `wait` after waitMs or when the signal aborts. */
  next(peer: PeerIdentity, request: NextRequest, signal: AbortSignal): Promise<Task>
  putDeal(peer: PeerIdentity, message: SignedMessage, boxes: readonly Uint8Array[]): Promise<void>
  /** The round's model from its first byte, in pieces of any size. */
  model(peer: PeerIdentity, round: RoundId): AsyncIterable<Uint8Array>
  boxes(peer: PeerIdentity, round: RoundId): Promise<readonly DealtBox[]>
  check(peer: PeerIdentity, message: SignedMessage): Promise<void>
  /** Begins or resumes an upload; `partHashes` in order. */
  offer(peer: PeerIdentity, message: SignedMessage, partHashes: readonly Digest[]): Promise<UploadState>
  /** Takes parts in any order; one that is held already is passed over, one with other bytes than offered is FRAME_INVALID. */
  parts(peer: PeerIdentity, round: RoundId, parts: AsyncIterable<UploadPart>): Promise<UploadState>
  answer(peer: PeerIdentity, message: SignedMessage): Promise<void>
  withdraw(peer: PeerIdentity, message: SignedMessage): Promise<void>
  openDeal(peer: PeerIdentity, message: SignedMessage): Promise<void>
  openBox(peer: PeerIdentity, message: SignedMessage): Promise<void>
}

type WithoutPeer<Method> = Method extends (peer: PeerIdentity, ...rest: infer Rest) => infer Result
  ? (...rest: Rest) => Result
  : never

/** The same operations as a site calls them: the certificate says who it is. */
export type CoordinatorClient = {
  readonly [Name in Exclude<keyof FederationHandlers, 'enrol' | 'hello' | 'offer' | 'parts' | 'next'>]: WithoutPeer<
    FederationHandlers[Name]
  >
} & {
  enrol(request: EnrolRequest): Promise<EnrolReply>
  /** `clockOffset`: the coordinator's clock less this one, in ms; the clocks differ by at least that much. */
  hello(request: HelloRequest): Promise<{ readonly protocol: number; readonly clockOffset: number }>
  /** From the next call on, another certificate; calls in progress end under the old one. */
  present(credentials: ClientCredentials): void
  /** An abort rejects with DEADLINE_PASSED. */
  next(request: NextRequest, signal?: AbortSignal): Promise<Task>
  /** Offers a contribution and sends its parts until the coordinator counts it; after a broken connection only what is missing. */
  contribute(message: SignedMessage, parts: readonly Uint8Array[]): Promise<void>
  close(): void
}

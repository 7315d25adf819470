import {
  ResponderBuilder,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  ServerListenerBuilder,
} from '@grpc/grpc-js'
import { asCodedError, CodedError } from '@tributary/shared/errors'
import type { Clock } from '@tributary/shared/ports'
import { errorStatus } from '@tributary/shared/wire/envelope-error'
import type { PeerIdentity } from '@tributary/shared/wire/federation-api'
import { Enrolment } from '@tributary/shared/wire/proto'
import { peerOf } from './peer-certificate.ts'

export interface Admission {
  readonly clock: Clock
  /** Read on every call, so that a revocation holds for the next call of a live connection. */
  isRevoked(serial: string): boolean
  /** Whether this certificate was issued to this site by this federation. */
  isEnrolled(peer: PeerIdentity): boolean
  /** Told of every admitted call: the first with a renewed certificate ends the one before it. */
  heard(peer: PeerIdentity, now: number): void
}

/** Reads who calls from the connection; grpc-js gives no certificate where its chain does not verify. */
export const callerOf = (call: Pick<ServerInterceptingCallInterface, 'getAuthContext'>, clock: Clock): PeerIdentity =>
  peerOf(call.getAuthContext().sslPeerCertificate, clock.now())

const admit = (call: ServerInterceptingCallInterface, admission: Admission): void => {
  const peer = callerOf(call, admission.clock)
  if (admission.isRevoked(peer.serial)) {
    throw new CodedError('CERTIFICATE_REVOKED', `this certificate of ${peer.site} was revoked or replaced`)
  }
  if (!admission.isEnrolled(peer)) {
    throw new CodedError('CERTIFICATE_REQUIRED', `${peer.site} is not enrolled with this certificate`)
  }
  admission.heard(peer, admission.clock.now())
}

/** The one gate in front of every method: all but Enrol need a certificate that is ours, in date, enrolled, not revoked. */
export const admissionInterceptor =
  (admission: Admission): ServerInterceptor =>
  (method, call) => {
    if (method.path === Enrolment.service.Enrol.path) return new ServerInterceptingCall(call)
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        try {
          admit(call, admission)
        } catch (thrown) {
          call.sendStatus(errorStatus(asCodedError(thrown)))
          return // the handler never learns of this call
        }
        next(metadata)
      })
      .build()
    return new ServerInterceptingCall(call, new ResponderBuilder().withStart((next) => next(listener)).build())
  }

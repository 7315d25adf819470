import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { CodedError } from '../errors.ts'
import type { ProtoGrpcType as EnrolmentTypes } from './generated/enrolment.ts'
import type { ProtoGrpcType as RoundTypes } from './generated/round.ts'
import type { ProtoGrpcType as StudyTypes } from './generated/study.ts'

// What implements a service is typed by these; nothing outside this folder imports generated code.
export type {
  ContributionOffer as ContributionOfferFields,
  ContributionOffer__Output as ContributionOffer,
} from './generated/tributary/v1/ContributionOffer.ts'
export type {
  ContributionPart as ContributionPartFields,
  ContributionPart__Output as ContributionPart,
} from './generated/tributary/v1/ContributionPart.ts'
export type {
  ContributionState as ContributionStateFields,
  ContributionState__Output as ContributionState,
} from './generated/tributary/v1/ContributionState.ts'
export type { Done } from './generated/tributary/v1/Done.ts'
export type { EnrolmentHandlers as EnrolmentService } from './generated/tributary/v1/Enrolment.ts'
export type { FederationHandlers as FederationService } from './generated/tributary/v1/Federation.ts'
export type { RoundsHandlers as RoundsService } from './generated/tributary/v1/Rounds.ts'
export type { Signed__Output as Signed } from './generated/tributary/v1/Signed.ts'

const files = ['signed.proto', 'enrolment.proto', 'study.proto', 'round.proto']

/** The folder `proto` of this checkout: the same walk finds it from `shared/wire` and from `shared/dist/wire`. */
export const protoFolder = (from: string = import.meta.dirname): string => {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'proto')
    if (files.every((file) => existsSync(join(candidate, file)))) return candidate
    if (folder === dirname(folder)) throw new CodedError('INTERNAL', `no folder proto above ${from}`)
  }
}

// The same options as `npm run proto:generate`, or the committed types lie.
const definition = loadSync(files, {
  includeDirs: [protoFolder()],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
})

/** Client constructors and service definitions of package tributary.v1. Handlers never see these: see envelope.ts. */
export const { Enrolment, Federation, Rounds } = (
  loadPackageDefinition(definition) as unknown as EnrolmentTypes & StudyTypes & RoundTypes
).tributary.v1

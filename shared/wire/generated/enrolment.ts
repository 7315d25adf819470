import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { EnrolReply as _tributary_v1_EnrolReply, EnrolReply__Output as _tributary_v1_EnrolReply__Output } from './tributary/v1/EnrolReply.ts';
import type { EnrolRequest as _tributary_v1_EnrolRequest, EnrolRequest__Output as _tributary_v1_EnrolRequest__Output } from './tributary/v1/EnrolRequest.ts';
import type { EnrolmentClient as _tributary_v1_EnrolmentClient, EnrolmentDefinition as _tributary_v1_EnrolmentDefinition } from './tributary/v1/Enrolment.ts';
import type { RenewReply as _tributary_v1_RenewReply, RenewReply__Output as _tributary_v1_RenewReply__Output } from './tributary/v1/RenewReply.ts';
import type { RenewRequest as _tributary_v1_RenewRequest, RenewRequest__Output as _tributary_v1_RenewRequest__Output } from './tributary/v1/RenewRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tributary: {
    v1: {
      EnrolReply: MessageTypeDefinition<_tributary_v1_EnrolReply, _tributary_v1_EnrolReply__Output>
      EnrolRequest: MessageTypeDefinition<_tributary_v1_EnrolRequest, _tributary_v1_EnrolRequest__Output>
      Enrolment: SubtypeConstructor<typeof grpc.Client, _tributary_v1_EnrolmentClient> & { service: _tributary_v1_EnrolmentDefinition }
      RenewReply: MessageTypeDefinition<_tributary_v1_RenewReply, _tributary_v1_RenewReply__Output>
      RenewRequest: MessageTypeDefinition<_tributary_v1_RenewRequest, _tributary_v1_RenewRequest__Output>
    }
  }
}


import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { EnrolReply as _tributary_v1_EnrolReply, EnrolReply__Output as _tributary_v1_EnrolReply__Output } from './tributary/v1/EnrolReply.ts';
import type { EnrolRequest as _tributary_v1_EnrolRequest, EnrolRequest__Output as _tributary_v1_EnrolRequest__Output } from './tributary/v1/EnrolRequest.ts';
import type { EnrolmentClient as _tributary_v1_EnrolmentClient, EnrolmentDefinition as _tributary_v1_EnrolmentDefinition } from './tributary/v1/Enrolment.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tributary: {
    v1: {
      EnrolReply: MessageTypeDefinition<_tributary_v1_EnrolReply, _tributary_v1_EnrolReply__Output>
      EnrolRequest: MessageTypeDefinition<_tributary_v1_EnrolRequest, _tributary_v1_EnrolRequest__Output>
      /**
       * The one method that works without a client certificate.
       */
      Enrolment: SubtypeConstructor<typeof grpc.Client, _tributary_v1_EnrolmentClient> & { service: _tributary_v1_EnrolmentDefinition }
    }
  }
}


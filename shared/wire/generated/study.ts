import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Done as _tributary_v1_Done, Done__Output as _tributary_v1_Done__Output } from './tributary/v1/Done.ts';
import type { FederationClient as _tributary_v1_FederationClient, FederationDefinition as _tributary_v1_FederationDefinition } from './tributary/v1/Federation.ts';
import type { HelloReply as _tributary_v1_HelloReply, HelloReply__Output as _tributary_v1_HelloReply__Output } from './tributary/v1/HelloReply.ts';
import type { HelloRequest as _tributary_v1_HelloRequest, HelloRequest__Output as _tributary_v1_HelloRequest__Output } from './tributary/v1/HelloRequest.ts';
import type { RosterReply as _tributary_v1_RosterReply, RosterReply__Output as _tributary_v1_RosterReply__Output } from './tributary/v1/RosterReply.ts';
import type { RosterRequest as _tributary_v1_RosterRequest, RosterRequest__Output as _tributary_v1_RosterRequest__Output } from './tributary/v1/RosterRequest.ts';
import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from './tributary/v1/Signed.ts';
import type { StudiesRequest as _tributary_v1_StudiesRequest, StudiesRequest__Output as _tributary_v1_StudiesRequest__Output } from './tributary/v1/StudiesRequest.ts';
import type { StudyOffer as _tributary_v1_StudyOffer, StudyOffer__Output as _tributary_v1_StudyOffer__Output } from './tributary/v1/StudyOffer.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tributary: {
    v1: {
      Done: MessageTypeDefinition<_tributary_v1_Done, _tributary_v1_Done__Output>
      /**
       * Who the sites are and what they agree to run.
       */
      Federation: SubtypeConstructor<typeof grpc.Client, _tributary_v1_FederationClient> & { service: _tributary_v1_FederationDefinition }
      HelloReply: MessageTypeDefinition<_tributary_v1_HelloReply, _tributary_v1_HelloReply__Output>
      HelloRequest: MessageTypeDefinition<_tributary_v1_HelloRequest, _tributary_v1_HelloRequest__Output>
      RosterReply: MessageTypeDefinition<_tributary_v1_RosterReply, _tributary_v1_RosterReply__Output>
      RosterRequest: MessageTypeDefinition<_tributary_v1_RosterRequest, _tributary_v1_RosterRequest__Output>
      Signed: MessageTypeDefinition<_tributary_v1_Signed, _tributary_v1_Signed__Output>
      StudiesRequest: MessageTypeDefinition<_tributary_v1_StudiesRequest, _tributary_v1_StudiesRequest__Output>
      StudyOffer: MessageTypeDefinition<_tributary_v1_StudyOffer, _tributary_v1_StudyOffer__Output>
    }
  }
}


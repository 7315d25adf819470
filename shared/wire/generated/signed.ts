import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { Done as _tributary_v1_Done, Done__Output as _tributary_v1_Done__Output } from './tributary/v1/Done.ts';
import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from './tributary/v1/Signed.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tributary: {
    v1: {
      Done: MessageTypeDefinition<_tributary_v1_Done, _tributary_v1_Done__Output>
      Signed: MessageTypeDefinition<_tributary_v1_Signed, _tributary_v1_Signed__Output>
    }
  }
}


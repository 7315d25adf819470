// Original file: enrolment.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { EnrolReply as _tributary_v1_EnrolReply, EnrolReply__Output as _tributary_v1_EnrolReply__Output } from '../../tributary/v1/EnrolReply.ts';
import type { EnrolRequest as _tributary_v1_EnrolRequest, EnrolRequest__Output as _tributary_v1_EnrolRequest__Output } from '../../tributary/v1/EnrolRequest.ts';

/**
 * The one method that works without a client certificate.
 */
export interface EnrolmentClient extends grpc.Client {
  Enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _tributary_v1_EnrolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _tributary_v1_EnrolRequest, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  enrol(argument: _tributary_v1_EnrolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  enrol(argument: _tributary_v1_EnrolRequest, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  
}

/**
 * The one method that works without a client certificate.
 */
export interface EnrolmentHandlers extends grpc.UntypedServiceImplementation {
  Enrol: grpc.handleUnaryCall<_tributary_v1_EnrolRequest__Output, _tributary_v1_EnrolReply>;
  
}

export interface EnrolmentDefinition extends grpc.ServiceDefinition {
  Enrol: MethodDefinition<_tributary_v1_EnrolRequest, _tributary_v1_EnrolReply, _tributary_v1_EnrolRequest__Output, _tributary_v1_EnrolReply__Output>
}

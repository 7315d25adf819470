// Original file: enrolment.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { EnrolReply as _tributary_v1_EnrolReply, EnrolReply__Output as _tributary_v1_EnrolReply__Output } from '../../tributary/v1/EnrolReply.ts';
import type { EnrolRequest as _tributary_v1_EnrolRequest, EnrolRequest__Output as _tributary_v1_EnrolRequest__Output } from '../../tributary/v1/EnrolRequest.ts';
import type { RenewReply as _tributary_v1_RenewReply, RenewReply__Output as _tributary_v1_RenewReply__Output } from '../../tributary/v1/RenewReply.ts';
import type { RenewRequest as _tributary_v1_RenewRequest, RenewRequest__Output as _tributary_v1_RenewRequest__Output } from '../../tributary/v1/RenewRequest.ts';

export interface EnrolmentClient extends grpc.Client {
  /**
   * The one method that works without a client certificate.
   */
  Enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _tributary_v1_EnrolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  Enrol(argument: _tributary_v1_EnrolRequest, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  /**
   * The one method that works without a client certificate.
   */
  enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  enrol(argument: _tributary_v1_EnrolRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  enrol(argument: _tributary_v1_EnrolRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  enrol(argument: _tributary_v1_EnrolRequest, callback: grpc.requestCallback<_tributary_v1_EnrolReply__Output>): grpc.ClientUnaryCall;
  
  /**
   * The next certificate of the site that calls, asked for with its present one. The same request gets the same certificate.
   */
  Renew(argument: _tributary_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _tributary_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _tributary_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  Renew(argument: _tributary_v1_RenewRequest, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  /**
   * The next certificate of the site that calls, asked for with its present one. The same request gets the same certificate.
   */
  renew(argument: _tributary_v1_RenewRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _tributary_v1_RenewRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _tributary_v1_RenewRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  renew(argument: _tributary_v1_RenewRequest, callback: grpc.requestCallback<_tributary_v1_RenewReply__Output>): grpc.ClientUnaryCall;
  
}

export interface EnrolmentHandlers extends grpc.UntypedServiceImplementation {
  /**
   * The one method that works without a client certificate.
   */
  Enrol: grpc.handleUnaryCall<_tributary_v1_EnrolRequest__Output, _tributary_v1_EnrolReply>;
  
  /**
   * The next certificate of the site that calls, asked for with its present one. The same request gets the same certificate.
   */
  Renew: grpc.handleUnaryCall<_tributary_v1_RenewRequest__Output, _tributary_v1_RenewReply>;
  
}

export interface EnrolmentDefinition extends grpc.ServiceDefinition {
  Enrol: MethodDefinition<_tributary_v1_EnrolRequest, _tributary_v1_EnrolReply, _tributary_v1_EnrolRequest__Output, _tributary_v1_EnrolReply__Output>
  Renew: MethodDefinition<_tributary_v1_RenewRequest, _tributary_v1_RenewReply, _tributary_v1_RenewRequest__Output, _tributary_v1_RenewReply__Output>
}

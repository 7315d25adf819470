// Original file: study.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Done as _tributary_v1_Done, Done__Output as _tributary_v1_Done__Output } from '../../tributary/v1/Done.ts';
import type { HelloReply as _tributary_v1_HelloReply, HelloReply__Output as _tributary_v1_HelloReply__Output } from '../../tributary/v1/HelloReply.ts';
import type { HelloRequest as _tributary_v1_HelloRequest, HelloRequest__Output as _tributary_v1_HelloRequest__Output } from '../../tributary/v1/HelloRequest.ts';
import type { RosterReply as _tributary_v1_RosterReply, RosterReply__Output as _tributary_v1_RosterReply__Output } from '../../tributary/v1/RosterReply.ts';
import type { RosterRequest as _tributary_v1_RosterRequest, RosterRequest__Output as _tributary_v1_RosterRequest__Output } from '../../tributary/v1/RosterRequest.ts';
import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';
import type { StudiesRequest as _tributary_v1_StudiesRequest, StudiesRequest__Output as _tributary_v1_StudiesRequest__Output } from '../../tributary/v1/StudiesRequest.ts';
import type { StudyOffer as _tributary_v1_StudyOffer, StudyOffer__Output as _tributary_v1_StudyOffer__Output } from '../../tributary/v1/StudyOffer.ts';

/**
 * Who the sites are and what they agree to run.
 */
export interface FederationClient extends grpc.Client {
  Approve(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Approve(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Approve(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Approve(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  approve(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  approve(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  approve(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  approve(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  Countersign(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Countersign(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Countersign(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Countersign(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  countersign(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  countersign(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  countersign(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  countersign(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  GetRoster(argument: _tributary_v1_RosterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  GetRoster(argument: _tributary_v1_RosterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  GetRoster(argument: _tributary_v1_RosterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  GetRoster(argument: _tributary_v1_RosterRequest, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  getRoster(argument: _tributary_v1_RosterRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  getRoster(argument: _tributary_v1_RosterRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  getRoster(argument: _tributary_v1_RosterRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  getRoster(argument: _tributary_v1_RosterRequest, callback: grpc.requestCallback<_tributary_v1_RosterReply__Output>): grpc.ClientUnaryCall;
  
  /**
   * First of all, and every few seconds: agrees on a version, compares clocks, says that this agent is alive.
   */
  Hello(argument: _tributary_v1_HelloRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  Hello(argument: _tributary_v1_HelloRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  Hello(argument: _tributary_v1_HelloRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  Hello(argument: _tributary_v1_HelloRequest, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  /**
   * First of all, and every few seconds: agrees on a version, compares clocks, says that this agent is alive.
   */
  hello(argument: _tributary_v1_HelloRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  hello(argument: _tributary_v1_HelloRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  hello(argument: _tributary_v1_HelloRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  hello(argument: _tributary_v1_HelloRequest, callback: grpc.requestCallback<_tributary_v1_HelloReply__Output>): grpc.ClientUnaryCall;
  
  ListStudies(argument: _tributary_v1_StudiesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_StudyOffer__Output>;
  ListStudies(argument: _tributary_v1_StudiesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_StudyOffer__Output>;
  listStudies(argument: _tributary_v1_StudiesRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_StudyOffer__Output>;
  listStudies(argument: _tributary_v1_StudiesRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_StudyOffer__Output>;
  
  PutBoxKeys(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutBoxKeys(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutBoxKeys(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutBoxKeys(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxKeys(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxKeys(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxKeys(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxKeys(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
}

/**
 * Who the sites are and what they agree to run.
 */
export interface FederationHandlers extends grpc.UntypedServiceImplementation {
  Approve: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
  Countersign: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
  GetRoster: grpc.handleUnaryCall<_tributary_v1_RosterRequest__Output, _tributary_v1_RosterReply>;
  
  /**
   * First of all, and every few seconds: agrees on a version, compares clocks, says that this agent is alive.
   */
  Hello: grpc.handleUnaryCall<_tributary_v1_HelloRequest__Output, _tributary_v1_HelloReply>;
  
  ListStudies: grpc.handleServerStreamingCall<_tributary_v1_StudiesRequest__Output, _tributary_v1_StudyOffer>;
  
  PutBoxKeys: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
}

export interface FederationDefinition extends grpc.ServiceDefinition {
  Approve: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
  Countersign: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
  GetRoster: MethodDefinition<_tributary_v1_RosterRequest, _tributary_v1_RosterReply, _tributary_v1_RosterRequest__Output, _tributary_v1_RosterReply__Output>
  Hello: MethodDefinition<_tributary_v1_HelloRequest, _tributary_v1_HelloReply, _tributary_v1_HelloRequest__Output, _tributary_v1_HelloReply__Output>
  ListStudies: MethodDefinition<_tributary_v1_StudiesRequest, _tributary_v1_StudyOffer, _tributary_v1_StudiesRequest__Output, _tributary_v1_StudyOffer__Output>
  PutBoxKeys: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
}

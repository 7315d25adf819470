// Original file: round.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Chunk as _tributary_v1_Chunk, Chunk__Output as _tributary_v1_Chunk__Output } from '../../tributary/v1/Chunk.ts';
import type { ContributionPart as _tributary_v1_ContributionPart, ContributionPart__Output as _tributary_v1_ContributionPart__Output } from '../../tributary/v1/ContributionPart.ts';
import type { DealUpload as _tributary_v1_DealUpload, DealUpload__Output as _tributary_v1_DealUpload__Output } from '../../tributary/v1/DealUpload.ts';
import type { DealtBox as _tributary_v1_DealtBox, DealtBox__Output as _tributary_v1_DealtBox__Output } from '../../tributary/v1/DealtBox.ts';
import type { Done as _tributary_v1_Done, Done__Output as _tributary_v1_Done__Output } from '../../tributary/v1/Done.ts';
import type { FetchRequest as _tributary_v1_FetchRequest, FetchRequest__Output as _tributary_v1_FetchRequest__Output } from '../../tributary/v1/FetchRequest.ts';
import type { NextRequest as _tributary_v1_NextRequest, NextRequest__Output as _tributary_v1_NextRequest__Output } from '../../tributary/v1/NextRequest.ts';
import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';
import type { Task as _tributary_v1_Task, Task__Output as _tributary_v1_Task__Output } from '../../tributary/v1/Task.ts';

/**
 * One attempt of one step: deal, contribute, answer. The site dials out for everything.
 */
export interface RoundsClient extends grpc.Client {
  /**
   * First the header, then chunks in order.
   */
  Contribute(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  Contribute(metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  Contribute(options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  Contribute(callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  /**
   * First the header, then chunks in order.
   */
  contribute(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  contribute(metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  contribute(options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  contribute(callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  
  FetchBoxes(argument: _tributary_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_DealtBox__Output>;
  FetchBoxes(argument: _tributary_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_DealtBox__Output>;
  fetchBoxes(argument: _tributary_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_DealtBox__Output>;
  fetchBoxes(argument: _tributary_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_DealtBox__Output>;
  
  FetchModel(argument: _tributary_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_Chunk__Output>;
  FetchModel(argument: _tributary_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_Chunk__Output>;
  fetchModel(argument: _tributary_v1_FetchRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_Chunk__Output>;
  fetchModel(argument: _tributary_v1_FetchRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_tributary_v1_Chunk__Output>;
  
  /**
   * Long poll: answers when there is something to do, or `wait` after wait_ms.
   */
  Next(argument: _tributary_v1_NextRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  Next(argument: _tributary_v1_NextRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  Next(argument: _tributary_v1_NextRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  Next(argument: _tributary_v1_NextRequest, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  /**
   * Long poll: answers when there is something to do, or `wait` after wait_ms.
   */
  next(argument: _tributary_v1_NextRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  next(argument: _tributary_v1_NextRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  next(argument: _tributary_v1_NextRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  next(argument: _tributary_v1_NextRequest, callback: grpc.requestCallback<_tributary_v1_Task__Output>): grpc.ClientUnaryCall;
  
  PutAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutAnswer(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutAnswer(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  PutDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDeal(argument: _tributary_v1_DealUpload, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDeal(argument: _tributary_v1_DealUpload, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  Withdraw(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Withdraw(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Withdraw(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  Withdraw(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  withdraw(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  withdraw(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  withdraw(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  withdraw(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
}

/**
 * One attempt of one step: deal, contribute, answer. The site dials out for everything.
 */
export interface RoundsHandlers extends grpc.UntypedServiceImplementation {
  /**
   * First the header, then chunks in order.
   */
  Contribute: grpc.handleClientStreamingCall<_tributary_v1_ContributionPart__Output, _tributary_v1_Done>;
  
  FetchBoxes: grpc.handleServerStreamingCall<_tributary_v1_FetchRequest__Output, _tributary_v1_DealtBox>;
  
  FetchModel: grpc.handleServerStreamingCall<_tributary_v1_FetchRequest__Output, _tributary_v1_Chunk>;
  
  /**
   * Long poll: answers when there is something to do, or `wait` after wait_ms.
   */
  Next: grpc.handleUnaryCall<_tributary_v1_NextRequest__Output, _tributary_v1_Task>;
  
  PutAnswer: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
  PutDeal: grpc.handleUnaryCall<_tributary_v1_DealUpload__Output, _tributary_v1_Done>;
  
  Withdraw: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
}

export interface RoundsDefinition extends grpc.ServiceDefinition {
  Contribute: MethodDefinition<_tributary_v1_ContributionPart, _tributary_v1_Done, _tributary_v1_ContributionPart__Output, _tributary_v1_Done__Output>
  FetchBoxes: MethodDefinition<_tributary_v1_FetchRequest, _tributary_v1_DealtBox, _tributary_v1_FetchRequest__Output, _tributary_v1_DealtBox__Output>
  FetchModel: MethodDefinition<_tributary_v1_FetchRequest, _tributary_v1_Chunk, _tributary_v1_FetchRequest__Output, _tributary_v1_Chunk__Output>
  Next: MethodDefinition<_tributary_v1_NextRequest, _tributary_v1_Task, _tributary_v1_NextRequest__Output, _tributary_v1_Task__Output>
  PutAnswer: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
  PutDeal: MethodDefinition<_tributary_v1_DealUpload, _tributary_v1_Done, _tributary_v1_DealUpload__Output, _tributary_v1_Done__Output>
  Withdraw: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
}

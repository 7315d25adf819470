// Original file: round.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { Chunk as _tributary_v1_Chunk, Chunk__Output as _tributary_v1_Chunk__Output } from '../../tributary/v1/Chunk.ts';
import type { ContributionOffer as _tributary_v1_ContributionOffer, ContributionOffer__Output as _tributary_v1_ContributionOffer__Output } from '../../tributary/v1/ContributionOffer.ts';
import type { ContributionPart as _tributary_v1_ContributionPart, ContributionPart__Output as _tributary_v1_ContributionPart__Output } from '../../tributary/v1/ContributionPart.ts';
import type { ContributionState as _tributary_v1_ContributionState, ContributionState__Output as _tributary_v1_ContributionState__Output } from '../../tributary/v1/ContributionState.ts';
import type { DealUpload as _tributary_v1_DealUpload, DealUpload__Output as _tributary_v1_DealUpload__Output } from '../../tributary/v1/DealUpload.ts';
import type { DealtBox as _tributary_v1_DealtBox, DealtBox__Output as _tributary_v1_DealtBox__Output } from '../../tributary/v1/DealtBox.ts';
import type { Done as _tributary_v1_Done, Done__Output as _tributary_v1_Done__Output } from '../../tributary/v1/Done.ts';
import type { FetchRequest as _tributary_v1_FetchRequest, FetchRequest__Output as _tributary_v1_FetchRequest__Output } from '../../tributary/v1/FetchRequest.ts';
import type { NextRequest as _tributary_v1_NextRequest, NextRequest__Output as _tributary_v1_NextRequest__Output } from '../../tributary/v1/NextRequest.ts';
import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from '../../tributary/v1/Signed.ts';
import type { Task as _tributary_v1_Task, Task__Output as _tributary_v1_Task__Output } from '../../tributary/v1/Task.ts';

/**
 * One attempt of one step: deal, check, contribute, answer. The site dials out for everything.
 */
export interface RoundsClient extends grpc.Client {
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
  
  /**
   * Begins an upload, or asks how far it got: the same offer may be made again at any time.
   */
  OfferContribution(argument: _tributary_v1_ContributionOffer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  OfferContribution(argument: _tributary_v1_ContributionOffer, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  OfferContribution(argument: _tributary_v1_ContributionOffer, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  OfferContribution(argument: _tributary_v1_ContributionOffer, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  /**
   * Begins an upload, or asks how far it got: the same offer may be made again at any time.
   */
  offerContribution(argument: _tributary_v1_ContributionOffer, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  offerContribution(argument: _tributary_v1_ContributionOffer, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  offerContribution(argument: _tributary_v1_ContributionOffer, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  offerContribution(argument: _tributary_v1_ContributionOffer, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientUnaryCall;
  
  PutAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutAnswer(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutAnswer(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putAnswer(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  PutBoxOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutBoxOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutBoxOpening(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutBoxOpening(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxOpening(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putBoxOpening(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  /**
   * What a holder found in the boxes of the attempt.
   */
  PutCheck(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutCheck(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutCheck(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutCheck(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  /**
   * What a holder found in the boxes of the attempt.
   */
  putCheck(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putCheck(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putCheck(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putCheck(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  PutDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDeal(argument: _tributary_v1_DealUpload, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDeal(argument: _tributary_v1_DealUpload, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDeal(argument: _tributary_v1_DealUpload, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  /**
   * A dispute over a deal (R24): the dealer opens it, then the holders who complained show what they derived.
   */
  PutDealOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDealOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDealOpening(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  PutDealOpening(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  /**
   * A dispute over a deal (R24): the dealer opens it, then the holders who complained show what they derived.
   */
  putDealOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDealOpening(argument: _tributary_v1_Signed, metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDealOpening(argument: _tributary_v1_Signed, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  putDealOpening(argument: _tributary_v1_Signed, callback: grpc.requestCallback<_tributary_v1_Done__Output>): grpc.ClientUnaryCall;
  
  /**
   * Missing parts of an offered contribution, each whole, in any order.
   */
  SendParts(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  SendParts(metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  SendParts(options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  SendParts(callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  /**
   * Missing parts of an offered contribution, each whole, in any order.
   */
  sendParts(metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  sendParts(metadata: grpc.Metadata, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  sendParts(options: grpc.CallOptions, callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  sendParts(callback: grpc.requestCallback<_tributary_v1_ContributionState__Output>): grpc.ClientWritableStream<_tributary_v1_ContributionPart>;
  
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
 * One attempt of one step: deal, check, contribute, answer. The site dials out for everything.
 */
export interface RoundsHandlers extends grpc.UntypedServiceImplementation {
  FetchBoxes: grpc.handleServerStreamingCall<_tributary_v1_FetchRequest__Output, _tributary_v1_DealtBox>;
  
  FetchModel: grpc.handleServerStreamingCall<_tributary_v1_FetchRequest__Output, _tributary_v1_Chunk>;
  
  /**
   * Long poll: answers when there is something to do, or `wait` after wait_ms.
   */
  Next: grpc.handleUnaryCall<_tributary_v1_NextRequest__Output, _tributary_v1_Task>;
  
  /**
   * Begins an upload, or asks how far it got: the same offer may be made again at any time.
   */
  OfferContribution: grpc.handleUnaryCall<_tributary_v1_ContributionOffer__Output, _tributary_v1_ContributionState>;
  
  PutAnswer: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
  PutBoxOpening: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
  /**
   * What a holder found in the boxes of the attempt.
   */
  PutCheck: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
  PutDeal: grpc.handleUnaryCall<_tributary_v1_DealUpload__Output, _tributary_v1_Done>;
  
  /**
   * A dispute over a deal (R24): the dealer opens it, then the holders who complained show what they derived.
   */
  PutDealOpening: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
  /**
   * Missing parts of an offered contribution, each whole, in any order.
   */
  SendParts: grpc.handleClientStreamingCall<_tributary_v1_ContributionPart__Output, _tributary_v1_ContributionState>;
  
  Withdraw: grpc.handleUnaryCall<_tributary_v1_Signed__Output, _tributary_v1_Done>;
  
}

export interface RoundsDefinition extends grpc.ServiceDefinition {
  FetchBoxes: MethodDefinition<_tributary_v1_FetchRequest, _tributary_v1_DealtBox, _tributary_v1_FetchRequest__Output, _tributary_v1_DealtBox__Output>
  FetchModel: MethodDefinition<_tributary_v1_FetchRequest, _tributary_v1_Chunk, _tributary_v1_FetchRequest__Output, _tributary_v1_Chunk__Output>
  Next: MethodDefinition<_tributary_v1_NextRequest, _tributary_v1_Task, _tributary_v1_NextRequest__Output, _tributary_v1_Task__Output>
  OfferContribution: MethodDefinition<_tributary_v1_ContributionOffer, _tributary_v1_ContributionState, _tributary_v1_ContributionOffer__Output, _tributary_v1_ContributionState__Output>
  PutAnswer: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
  PutBoxOpening: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
  PutCheck: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
  PutDeal: MethodDefinition<_tributary_v1_DealUpload, _tributary_v1_Done, _tributary_v1_DealUpload__Output, _tributary_v1_Done__Output>
  PutDealOpening: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
  SendParts: MethodDefinition<_tributary_v1_ContributionPart, _tributary_v1_ContributionState, _tributary_v1_ContributionPart__Output, _tributary_v1_ContributionState__Output>
  Withdraw: MethodDefinition<_tributary_v1_Signed, _tributary_v1_Done, _tributary_v1_Signed__Output, _tributary_v1_Done__Output>
}

import type * as grpc from '@grpc/grpc-js';
import type { MessageTypeDefinition } from '@grpc/proto-loader';

import type { AttemptTask as _tributary_v1_AttemptTask, AttemptTask__Output as _tributary_v1_AttemptTask__Output } from './tributary/v1/AttemptTask.ts';
import type { Chunk as _tributary_v1_Chunk, Chunk__Output as _tributary_v1_Chunk__Output } from './tributary/v1/Chunk.ts';
import type { ContributionOffer as _tributary_v1_ContributionOffer, ContributionOffer__Output as _tributary_v1_ContributionOffer__Output } from './tributary/v1/ContributionOffer.ts';
import type { ContributionPart as _tributary_v1_ContributionPart, ContributionPart__Output as _tributary_v1_ContributionPart__Output } from './tributary/v1/ContributionPart.ts';
import type { ContributionState as _tributary_v1_ContributionState, ContributionState__Output as _tributary_v1_ContributionState__Output } from './tributary/v1/ContributionState.ts';
import type { DealTask as _tributary_v1_DealTask, DealTask__Output as _tributary_v1_DealTask__Output } from './tributary/v1/DealTask.ts';
import type { DealUpload as _tributary_v1_DealUpload, DealUpload__Output as _tributary_v1_DealUpload__Output } from './tributary/v1/DealUpload.ts';
import type { DealtBox as _tributary_v1_DealtBox, DealtBox__Output as _tributary_v1_DealtBox__Output } from './tributary/v1/DealtBox.ts';
import type { Done as _tributary_v1_Done, Done__Output as _tributary_v1_Done__Output } from './tributary/v1/Done.ts';
import type { FetchRequest as _tributary_v1_FetchRequest, FetchRequest__Output as _tributary_v1_FetchRequest__Output } from './tributary/v1/FetchRequest.ts';
import type { FinishedTask as _tributary_v1_FinishedTask, FinishedTask__Output as _tributary_v1_FinishedTask__Output } from './tributary/v1/FinishedTask.ts';
import type { NextRequest as _tributary_v1_NextRequest, NextRequest__Output as _tributary_v1_NextRequest__Output } from './tributary/v1/NextRequest.ts';
import type { RoundsClient as _tributary_v1_RoundsClient, RoundsDefinition as _tributary_v1_RoundsDefinition } from './tributary/v1/Rounds.ts';
import type { Signed as _tributary_v1_Signed, Signed__Output as _tributary_v1_Signed__Output } from './tributary/v1/Signed.ts';
import type { Task as _tributary_v1_Task, Task__Output as _tributary_v1_Task__Output } from './tributary/v1/Task.ts';
import type { WaitTask as _tributary_v1_WaitTask, WaitTask__Output as _tributary_v1_WaitTask__Output } from './tributary/v1/WaitTask.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  tributary: {
    v1: {
      AttemptTask: MessageTypeDefinition<_tributary_v1_AttemptTask, _tributary_v1_AttemptTask__Output>
      Chunk: MessageTypeDefinition<_tributary_v1_Chunk, _tributary_v1_Chunk__Output>
      ContributionOffer: MessageTypeDefinition<_tributary_v1_ContributionOffer, _tributary_v1_ContributionOffer__Output>
      ContributionPart: MessageTypeDefinition<_tributary_v1_ContributionPart, _tributary_v1_ContributionPart__Output>
      ContributionState: MessageTypeDefinition<_tributary_v1_ContributionState, _tributary_v1_ContributionState__Output>
      DealTask: MessageTypeDefinition<_tributary_v1_DealTask, _tributary_v1_DealTask__Output>
      DealUpload: MessageTypeDefinition<_tributary_v1_DealUpload, _tributary_v1_DealUpload__Output>
      DealtBox: MessageTypeDefinition<_tributary_v1_DealtBox, _tributary_v1_DealtBox__Output>
      Done: MessageTypeDefinition<_tributary_v1_Done, _tributary_v1_Done__Output>
      FetchRequest: MessageTypeDefinition<_tributary_v1_FetchRequest, _tributary_v1_FetchRequest__Output>
      FinishedTask: MessageTypeDefinition<_tributary_v1_FinishedTask, _tributary_v1_FinishedTask__Output>
      NextRequest: MessageTypeDefinition<_tributary_v1_NextRequest, _tributary_v1_NextRequest__Output>
      /**
       * One attempt of one step: deal, check, contribute, answer. The site dials out for everything.
       */
      Rounds: SubtypeConstructor<typeof grpc.Client, _tributary_v1_RoundsClient> & { service: _tributary_v1_RoundsDefinition }
      Signed: MessageTypeDefinition<_tributary_v1_Signed, _tributary_v1_Signed__Output>
      Task: MessageTypeDefinition<_tributary_v1_Task, _tributary_v1_Task__Output>
      WaitTask: MessageTypeDefinition<_tributary_v1_WaitTask, _tributary_v1_WaitTask__Output>
    }
  }
}


// SPDX-License-Identifier: Apache-2.0
// Names for the contract's schemas (schema.gen.ts is made from api/openapi.yaml when the UI is built).
import type { components } from './schema.gen';

type Schemas = components['schemas'];
export type Flag = Schemas['Flag'];
export type FlagInput = Schemas['FlagInput'];
export type FlagType = Schemas['FlagType'];
export type FlagState = Schemas['FlagState'];
export type Rule = Schemas['Rule'];
export type Condition = Schemas['Condition'];
export type ConditionGroup = Schemas['ConditionGroup'];
export type WeightedVariation = Schemas['WeightedVariation'];
export type Prerequisite = Schemas['Prerequisite'];
export type Override = Schemas['Override'];
export type KillSwitch = Schemas['KillSwitch'];
export type Segment = Schemas['Segment'];
export type SegmentInput = Schemas['SegmentInput'];
export type Tenant = Schemas['Tenant'];
export type ApiKey = Schemas['ApiKey'];
export type AuditEntry = Schemas['AuditEntry'];
export type AuditVerification = Schemas['AuditVerification'];
export type AuditChain = Schemas['AuditChain'];
export type AuditProblem = Schemas['AuditProblem'];
export type Explanation = Schemas['Explanation'];
export type TraceStep = Schemas['TraceStep'];
export type Finding = Schemas['Finding'];
export type FlagUsage = Schemas['FlagUsage'];
export type Propagation = Schemas['Propagation'];
export type PropagationNode = Schemas['PropagationNode'];
export type ConvergenceFigures = Schemas['ConvergenceFigures'];
export type WaitingClients = Schemas['WaitingClients'];
export type Readiness = Schemas['Readiness'];
export type Access = Schemas['Access'];
export type Problem = Schemas['Problem'];
export type Operator = Condition['operator'];
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

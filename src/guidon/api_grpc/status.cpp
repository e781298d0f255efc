// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/status.hpp"

#include <string>

namespace guidon::api_grpc {
namespace {

using base::ErrorCode;
using grpc::StatusCode;
using model::EvaluationError;

StatusCode CodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kMalformed:
    case ErrorCode::kTooLarge: return StatusCode::INVALID_ARGUMENT;
    case ErrorCode::kNotFound: return StatusCode::NOT_FOUND;
    case ErrorCode::kAlreadyExists: return StatusCode::ALREADY_EXISTS;
    case ErrorCode::kConflict: return StatusCode::ABORTED;
    case ErrorCode::kPreconditionRequired: return StatusCode::FAILED_PRECONDITION;
    case ErrorCode::kUnauthenticated: return StatusCode::UNAUTHENTICATED;
    case ErrorCode::kPermissionDenied: return StatusCode::PERMISSION_DENIED;
    case ErrorCode::kRateLimited: return StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::kUnavailable: return StatusCode::UNAVAILABLE;
    case ErrorCode::kTimeout: return StatusCode::DEADLINE_EXCEEDED;
    case ErrorCode::kCorrupt: return StatusCode::DATA_LOSS;
    case ErrorCode::kUnsupported: return StatusCode::UNIMPLEMENTED;
    case ErrorCode::kInternal: break;
  }
  return StatusCode::INTERNAL;
}

}  // namespace

grpc::Status StatusOf(const base::Error& error) {
  const std::string text = error.field.empty() ? error.message : error.field + ": " + error.message;
  return {CodeOf(error.code), text};
}

grpc::Status StatusOf(EvaluationError error) {
  switch (error) {
    case EvaluationError::kFlagNotFound: return {StatusCode::NOT_FOUND, "FLAG_NOT_FOUND: there is no such flag here"};
    case EvaluationError::kTypeMismatch:
      return {StatusCode::INVALID_ARGUMENT, "TYPE_MISMATCH: the flag has another type"};
    case EvaluationError::kParseError:
      return {StatusCode::DATA_LOSS, "PARSE_ERROR: the definition cannot be used; the server's readiness says why"};
    case EvaluationError::kTargetingKeyMissing:
      return {StatusCode::UNKNOWN,
              "TARGETING_KEY_MISSING: the flag splits traffic, and the context has nothing to split by"};
    case EvaluationError::kInvalidContext: return {StatusCode::UNKNOWN, "INVALID_CONTEXT: the context cannot be used"};
    case EvaluationError::kNone:
    case EvaluationError::kGeneral: break;
  }
  return {StatusCode::UNKNOWN, "GENERAL: the flag cannot be evaluated"};
}

}  // namespace guidon::api_grpc

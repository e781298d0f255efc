// SPDX-License-Identifier: Apache-2.0
#include "guidon/flagd_service/status.hpp"

namespace guidon::flagd_service {

using base::ErrorCode;
using model::EvaluationError;

std::string_view NameOf(Code code) {
  switch (code) {
    case Code::kOk: return "ok";
    case Code::kCanceled: return "canceled";
    case Code::kUnknown: return "unknown";
    case Code::kInvalidArgument: return "invalid_argument";
    case Code::kDeadlineExceeded: return "deadline_exceeded";
    case Code::kNotFound: return "not_found";
    case Code::kAlreadyExists: return "already_exists";
    case Code::kPermissionDenied: return "permission_denied";
    case Code::kResourceExhausted: return "resource_exhausted";
    case Code::kFailedPrecondition: return "failed_precondition";
    case Code::kAborted: return "aborted";
    case Code::kOutOfRange: return "out_of_range";
    case Code::kUnimplemented: return "unimplemented";
    case Code::kInternal: return "internal";
    case Code::kUnavailable: return "unavailable";
    case Code::kDataLoss: return "data_loss";
    case Code::kUnauthenticated: return "unauthenticated";
  }
  return "unknown";
}

Code CodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kMalformed:
    case ErrorCode::kTooLarge: return Code::kInvalidArgument;
    case ErrorCode::kNotFound: return Code::kNotFound;
    case ErrorCode::kAlreadyExists: return Code::kAlreadyExists;
    case ErrorCode::kConflict: return Code::kAborted;
    case ErrorCode::kPreconditionRequired: return Code::kFailedPrecondition;
    case ErrorCode::kUnauthenticated: return Code::kUnauthenticated;
    case ErrorCode::kPermissionDenied: return Code::kPermissionDenied;
    case ErrorCode::kRateLimited: return Code::kResourceExhausted;
    case ErrorCode::kUnavailable: return Code::kUnavailable;
    case ErrorCode::kTimeout: return Code::kDeadlineExceeded;
    case ErrorCode::kCorrupt: return Code::kDataLoss;
    case ErrorCode::kUnsupported: return Code::kUnimplemented;
    case ErrorCode::kInternal: break;
  }
  return Code::kInternal;
}

Failure FailureOf(const base::Error& error) {
  return {.code = CodeOf(error.code), .text = error.field.empty() ? error.message : error.field + ": " + error.message};
}

Failure FailureOf(EvaluationError error) {
  switch (error) {
    case EvaluationError::kFlagNotFound: return {Code::kNotFound, "FLAG_NOT_FOUND: there is no such flag here"};
    case EvaluationError::kTypeMismatch: return {Code::kInvalidArgument, "TYPE_MISMATCH: the flag has another type"};
    case EvaluationError::kParseError:
      return {Code::kDataLoss, "PARSE_ERROR: the definition cannot be used; the server's readiness says why"};
    case EvaluationError::kTargetingKeyMissing:
      return {Code::kUnknown,
              "TARGETING_KEY_MISSING: the flag splits traffic, and the context has nothing to split by"};
    case EvaluationError::kInvalidContext: return {Code::kUnknown, "INVALID_CONTEXT: the context cannot be used"};
    case EvaluationError::kNone:
    case EvaluationError::kGeneral: break;
  }
  return {Code::kUnknown, "GENERAL: the flag cannot be evaluated"};
}

Failure Stopping() { return {Code::kUnavailable, "This server ends the stream; connect again."}; }

Failure KeyEnded() {
  return {Code::kUnauthenticated, "The key that this stream was opened with does not work any more."};
}

Failure TooManyStreams() {
  return {Code::kResourceExhausted, "There are too many streams here; try again or another node."};
}

}  // namespace guidon::flagd_service

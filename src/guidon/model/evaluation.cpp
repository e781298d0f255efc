// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/evaluation.hpp"

namespace guidon::model {

std::string_view NameOf(Reason reason) {
  switch (reason) {
    case Reason::kStatic: return "STATIC";
    case Reason::kDefault: return "DEFAULT";
    case Reason::kTargetingMatch: return "TARGETING_MATCH";
    case Reason::kSplit: return "SPLIT";
    case Reason::kDisabled: return "DISABLED";
    case Reason::kStale: return "STALE";
    case Reason::kPrerequisiteFailed: return "PREREQUISITE_FAILED";
    case Reason::kError: return "ERROR";
  }
  return "ERROR";
}

std::string_view NameOf(EvaluationError error) {
  switch (error) {
    case EvaluationError::kNone: return "";
    case EvaluationError::kFlagNotFound: return "FLAG_NOT_FOUND";
    case EvaluationError::kTypeMismatch: return "TYPE_MISMATCH";
    case EvaluationError::kTargetingKeyMissing: return "TARGETING_KEY_MISSING";
    case EvaluationError::kInvalidContext: return "INVALID_CONTEXT";
    case EvaluationError::kParseError: return "PARSE_ERROR";
    case EvaluationError::kGeneral: return "GENERAL";
  }
  return "GENERAL";
}

}  // namespace guidon::model

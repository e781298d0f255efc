// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace guidon::model {

// OpenFeature's vocabulary (spec 3).
enum class Reason : std::uint8_t {
  kStatic,
  kDefault,
  kTargetingMatch,
  kSplit,
  kDisabled,
  kStale,
  kPrerequisiteFailed,
  kError
};
std::string_view NameOf(Reason reason);  // "STATIC", "TARGETING_MATCH", "PREREQUISITE_FAILED" …

enum class EvaluationError : std::uint8_t {
  kNone,
  kFlagNotFound,
  kTypeMismatch,
  kTargetingKeyMissing,
  kInvalidContext,
  kParseError,
  kGeneral
};
std::string_view NameOf(EvaluationError error);  // "" for kNone, "FLAG_NOT_FOUND" …

}  // namespace guidon::model

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace guidon::base {

// The closed set of expected failures. Each API module maps them to its own statuses in exactly one file.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  // a value breaks a rule; `field` names it
  kMalformed,        // the text cannot be parsed at all (syntax, encoding, depth)
  kTooLarge,         // over a named limit
  kNotFound,
  kAlreadyExists,
  kConflict,              // somebody else changed it first; `current_version` says what is there now
  kPreconditionRequired,  // the request must say which version it replaces
  kUnauthenticated,       // no credential, or one that is unknown, expired or revoked
  kPermissionDenied,      // the credential is known and does not allow this
  kRateLimited,
  kUnavailable,  // a dependency does not answer now; trying again later may help
  kTimeout,
  kCorrupt,      // stored data cannot be read as what it should be
  kUnsupported,  // written by a newer version, or a feature that is not there
  kInternal,     // a defect of ours
};

// Upper-case stable name, for example "INVALID_ARGUMENT": what clients see as `code`.
std::string_view Name(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  // What happened, why, and what to do next; a sentence for a person. Never holds a secret.
  std::string message;
  // JSON path (`targetingRules[2].split[0].weight`), header or parameter at fault; empty where there is none.
  std::string field = {};
  // With kConflict: the version that is there now.
  std::optional<std::uint64_t> current_version = std::nullopt;

  friend bool operator==(const Error&, const Error&) = default;
};

}  // namespace guidon::base

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guidon/base/error.hpp"
#include "guidon/model/evaluation.hpp"

namespace guidon::flagd_service {

// The codes of remote calls: numbers as in gRPC, names as in Connect's JSON.
enum class Code : std::uint8_t {
  kOk = 0,
  kCanceled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16
};
std::string_view NameOf(Code code);  // "not_found" …

struct Failure {
  Code code = Code::kUnknown;
  std::string text = {};
};

Code CodeOf(base::ErrorCode code);
Failure FailureOf(const base::Error& error);
// Precondition: not kNone.
Failure FailureOf(model::EvaluationError error);

// Ends of streams, alike on every transport.
Failure Stopping();  // the node ends: connect again, to another one
Failure KeyEnded();  // what the stream was opened with does not hold any more
Failure TooManyStreams();

}  // namespace guidon::flagd_service

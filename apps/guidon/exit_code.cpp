// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/exit_code.hpp"

namespace guidon::cli {

ExitCode ExitCodeOf(base::ErrorCode code) {
  switch (code) {
    case base::ErrorCode::kInvalidArgument:
    case base::ErrorCode::kMalformed:
    case base::ErrorCode::kTooLarge:
    case base::ErrorCode::kPreconditionRequired: return ExitCode::kUsage;
    case base::ErrorCode::kNotFound: return ExitCode::kNotFound;
    case base::ErrorCode::kAlreadyExists:
    case base::ErrorCode::kConflict: return ExitCode::kConflict;
    case base::ErrorCode::kUnauthenticated:
    case base::ErrorCode::kPermissionDenied: return ExitCode::kNotAllowed;
    case base::ErrorCode::kRateLimited:
    case base::ErrorCode::kUnavailable:
    case base::ErrorCode::kTimeout: return ExitCode::kUnavailable;
    case base::ErrorCode::kCorrupt:
    case base::ErrorCode::kUnsupported:
    case base::ErrorCode::kInternal: return ExitCode::kFailure;
  }
  return ExitCode::kFailure;
}

ExitCode ExitCodeOfStatus(int status) {
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
    case 428:
    case 431: return ExitCode::kUsage;
    case 404: return ExitCode::kNotFound;
    case 409:
    case 412: return ExitCode::kConflict;
    case 401:
    case 403: return ExitCode::kNotAllowed;
    case 408:
    case 429:
    case 502:
    case 503:
    case 504: return ExitCode::kUnavailable;
    default: return ExitCode::kFailure;
  }
}

}  // namespace guidon::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guidon/base/error.hpp"

namespace guidon::cli {

// What a command tells the shell (spec 4).
enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,
  kUsage = 2,  // the command line, a setting or a value breaks a rule
  kNotFound = 3,
  kConflict = 4,     // it exists already, or somebody else changed it first
  kNotAllowed = 5,   // no credential, or one that does not allow it
  kUnavailable = 6,  // the server or the store does not answer; trying again may help
};

ExitCode ExitCodeOf(base::ErrorCode code);
// For an HTTP status that is not a success.
ExitCode ExitCodeOfStatus(int status);

}  // namespace guidon::cli

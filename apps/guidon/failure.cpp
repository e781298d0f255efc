// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/failure.hpp"

namespace guidon::cli {

Failure FromError(const base::Error& error, std::string what) {
  return {.exit = ExitCodeOf(error.code),
          .what = std::move(what),
          .why = error.field.empty() ? error.message : error.field + ": " + error.message,
          .code = std::string(base::Name(error.code)),
          .field = error.field};
}

}  // namespace guidon::cli

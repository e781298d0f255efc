// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "apps/guidon/exit_code.hpp"
#include "guidon/base/result.hpp"

namespace guidon::cli {

// Why a command did not do what it was asked, as an operator needs to read it. Never holds a secret.
struct Failure {
  ExitCode exit = ExitCode::kFailure;
  std::string what;             // what happened, in one sentence
  std::string why = {};         // the cause; may have several lines
  std::string next = {};        // what to do now
  std::string code = {};        // the server's stable code, "NOT_FOUND"
  std::string field = {};       // option, setting or JSON path at fault
  std::string request_id = {};  // to find it in the server's log and audit
};

// A value or the Failure that ends the command. Cannot be ignored.
template <class T>
class [[nodiscard]] Outcome : public std::expected<T, Failure> {
 public:
  using std::expected<T, Failure>::expected;
};
template <>
class [[nodiscard]] Outcome<void> : public std::expected<void, Failure> {
 public:
  using std::expected<void, Failure>::expected;
};

inline std::unexpected<Failure> Refuse(Failure failure) { return std::unexpected<Failure>(std::move(failure)); }
inline std::unexpected<Failure> UsageError(std::string what, std::string next = {}) {
  return Refuse({.exit = ExitCode::kUsage, .what = std::move(what), .next = std::move(next)});
}

// `error` of a module as a Failure: `what` says what was being done.
Failure FromError(const base::Error& error, std::string what);

template <class T>
Outcome<T> Lift(base::Result<T> result, std::string what) {
  if (!result) return Refuse(FromError(result.error(), std::move(what)));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return *std::move(result);
  }
}

}  // namespace guidon::cli

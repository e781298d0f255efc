// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>
#include <utility>

#include "guidon/base/error.hpp"

namespace guidon::base {

// A value or the Error that kept it from being made. Cannot be ignored. See docs/adr/0001.
template <class T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

template <>
class [[nodiscard]] Result<void> : public std::expected<void, Error> {
 public:
  using std::expected<void, Error>::expected;
};

using Status = Result<void>;

inline std::unexpected<Error> Fail(ErrorCode code, std::string message, std::string field = {}) {
  return std::unexpected<Error>(Error{.code = code, .message = std::move(message), .field = std::move(field)});
}

}  // namespace guidon::base

#define GUIDON_INTERNAL_CONCAT2(a, b) a##b
#define GUIDON_INTERNAL_CONCAT(a, b) GUIDON_INTERNAL_CONCAT2(a, b)

// GUIDON_TRY(status): returns the error to the caller, else goes on.
#define GUIDON_TRY(expression)                                          \
  do {                                                                  \
    if (auto guidon_status = (expression); !guidon_status) [[unlikely]] \
      return std::unexpected(std::move(guidon_status).error());         \
  } while (false)

// GUIDON_ASSIGN(auto x, result): declares x from the value, or returns the error to the caller.
#define GUIDON_ASSIGN(declaration, expression) \
  GUIDON_INTERNAL_ASSIGN(GUIDON_INTERNAL_CONCAT(guidon_result_, __LINE__), declaration, expression)
#define GUIDON_INTERNAL_ASSIGN(name, declaration, expression) \
  auto name = (expression);                                   \
  if (!name) [[unlikely]]                                     \
    return std::unexpected(std::move(name).error());          \
  declaration = *std::move(name)

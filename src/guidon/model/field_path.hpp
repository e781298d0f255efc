// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/base/result.hpp"

// JSON paths of errors (`targetingRules[2].when.all[0].values[1]`). A check names only its own part; each caller puts
// its part in front while the error travels up, so that valid input pays nothing for paths.
namespace guidon::model {

// `name` as a part of a path: cut to a readable length; control characters and bytes that are not UTF-8 become '?'.
std::string PathName(std::string_view name);

// `error` with `parent` in front of its field: "a" + "b" = "a.b", "a" + "[0]" = "a[0]".
base::Error Below(std::string_view parent, base::Error error);

// The status unchanged where it is good, else its error below `name` or `name[index]`.
inline base::Status At(std::string_view name, base::Status status) {
  if (!status) [[unlikely]]
    return std::unexpected(Below(name, std::move(status).error()));
  return status;
}
base::Status At(std::string_view name, std::size_t index, base::Status status);

}  // namespace guidon::model

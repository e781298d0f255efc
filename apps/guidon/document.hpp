// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guidon/model/value.hpp"

namespace guidon::cli {

// JSON with two spaces a level and a line end.
std::string ToPrettyJson(const model::Value& value);

// YAML 1.2 block style that YAML 1.1 readers read the same: strings that could be taken for anything else are quoted.
std::string ToYaml(const model::Value& value);

// One line for a table cell: strings as they are, everything else as JSON.
std::string ToCell(const model::Value& value);

// What `name` (a path with dots) leads to; nullptr where there is nothing.
const model::Value* At(const model::Value& document, std::string_view path);
// The string, number … at `path` as ToCell gives it; `missing` where there is nothing.
std::string TextAt(const model::Value& document, std::string_view path, std::string_view missing = "");
// 0 where there is no integer.
std::int64_t NumberAt(const model::Value& document, std::string_view path);
// Empty where there is no list.
const model::List& ListAt(const model::Value& document, std::string_view path);

}  // namespace guidon::cli

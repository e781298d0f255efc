// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"

namespace guidon::json {

struct ParseLimits {
  std::size_t bytes_max = 1024UL * 1024;  // kTooLarge beyond
  std::size_t depth_max = 32;             // kMalformed beyond
};

// Parses one JSON document (RFC 8259, UTF-8, nothing after it). Refuses duplicate names (the path says which) and
// numbers that are not finite. Integers within 64 bits stay integers, larger ones become doubles.
// Errors: kMalformed (syntax, encoding, depth, duplicate name; `field` is the JSON path where it is known), kTooLarge.
// Thread-safe.
base::Result<model::Value> Parse(std::string_view text, const ParseLimits& limits = {});

// Compact JSON. Numbers in their shortest form that reads back equal.
std::string Write(const model::Value& value);
void Append(std::string& out, const model::Value& value);
// `text` as a JSON string with its quotes; control characters, '"' and '\\' escaped.
void AppendQuoted(std::string& out, std::string_view text);

// JSON Merge Patch (RFC 7396): names with null are removed, objects merge, everything else replaces.
model::Value MergePatch(model::Value target, const model::Value& patch);

}  // namespace guidon::json

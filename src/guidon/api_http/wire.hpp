// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "guidon/eval/snapshot.hpp"
#include "guidon/model/value.hpp"

namespace guidon::api_http {

// Options for app::ApplicationOptions::compile: keeps with each flag and variation their bytes of an OFREP answer, so
// that serving copies and does not encode. Without them the answers are the same and cost more.
eval::CompileOptions WireAnnotations();

// `"value":…,"variant":"…"` and `"key":"…"`.
std::string VariationBytes(std::string_view name, const model::Value& value);
std::string FlagKeyBytes(std::string_view flag_key);

}  // namespace guidon::api_http

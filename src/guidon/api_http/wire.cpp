// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/wire.hpp"

#include "guidon/json/json.hpp"

namespace guidon::api_http {

std::string VariationBytes(std::string_view name, const model::Value& value) {
  std::string out = "\"value\":";
  json::Append(out, value);
  out += ",\"variant\":";
  json::AppendQuoted(out, name);
  return out;
}

std::string FlagKeyBytes(std::string_view flag_key) {
  std::string out = "\"key\":";
  json::AppendQuoted(out, flag_key);
  return out;
}

eval::CompileOptions WireAnnotations() { return {.annotate_variation = VariationBytes, .annotate_flag = FlagKeyBytes}; }

}  // namespace guidon::api_http

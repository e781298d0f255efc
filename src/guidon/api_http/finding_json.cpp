// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/finding_json.hpp"

#include <utility>

namespace guidon::api_http {

model::List FindingsToJson(std::span<const eval::Finding> findings) {
  model::List list;
  for (const eval::Finding& finding : findings) {
    model::Object object;
    object.Set("severity", NameOf(finding.severity));
    object.Set("code", finding.code);
    object.Set("field", finding.field);
    if (!finding.rule_id.empty()) object.Set("ruleId", finding.rule_id);
    object.Set("message", finding.message);
    list.emplace_back(std::move(object));
  }
  return list;
}

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "guidon/eval/static_check.hpp"
#include "guidon/model/value.hpp"

namespace guidon::api_http {

// [{"severity","code","field","ruleId"?,"message"}]
model::List FindingsToJson(std::span<const eval::Finding> findings);

}  // namespace guidon::api_http

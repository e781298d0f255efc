// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"

namespace guidon::eval::flagd {

// `targeting` with every {"$ref": "name"} replaced by the evaluator of that name, also within evaluators. Error:
// kInvalidArgument (no such evaluator, one that leads back to itself, too deep) or kTooLarge, with the path.
base::Result<model::Value> FollowReferences(const model::Value& targeting,
                                            const std::map<std::string, model::Value>& evaluators);

}  // namespace guidon::eval::flagd

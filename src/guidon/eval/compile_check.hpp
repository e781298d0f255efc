// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guidon/base/result.hpp"
#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::eval {

// Whether a definition that keeps the model's rules also compiles (regular expressions, versions, networks): to be
// asked before it is saved, so that only other programs can store what does not. Error: kInvalidArgument with the JSON
// path.
base::Status CheckCompiles(const model::Flag& flag);
base::Status CheckCompiles(const model::Segment& segment);

}  // namespace guidon::eval

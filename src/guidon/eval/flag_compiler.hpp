// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "guidon/base/result.hpp"
#include "guidon/eval/compiled_flag.hpp"

namespace guidon::eval {

// Numbers the attributes that the flag names. `booleans`: the variations of the boolean flag compiled before with the
// same options, or null; shared where this flag's are the same. Error: kInvalidArgument with the JSON path of what
// cannot be compiled.
base::Result<std::shared_ptr<const FlagBody>> CompileFlag(const model::Flag& flag, const CompileOptions& options,
                                                          AttributeSlots& slots,
                                                          std::shared_ptr<const Variations>& booleans);

// The body of a flag that answers PARSE_ERROR.
std::shared_ptr<const FlagBody> BrokenBody(const BrokenFlag& broken, const CompileOptions& options);

}  // namespace guidon::eval

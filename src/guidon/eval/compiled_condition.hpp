// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/attribute_path.hpp"
#include "guidon/eval/network.hpp"
#include "guidon/eval/number.hpp"
#include "guidon/eval/regex.hpp"
#include "guidon/eval/string_set.hpp"
#include "guidon/model/condition.hpp"

namespace guidon::eval {

// Operands of `in` and `notIn`, by type: values of different types are never equal.
struct ValueSet {
  StringSet strings;
  NumberSet numbers;
  bool has_true = false;
  bool has_false = false;
};

// A condition whose operands were parsed once.
struct CompiledCondition {
  AttributePath attribute;
  model::Operator op = model::Operator::kIn;
  // By operator: in/notIn ValueSet; contains/startsWith/endsWith, semver… (checked text) and inSegment (keys) strings;
  // matches Regex; lt … eq Number; before/after Timestamp; inCidr Network; exists what presence must be.
  std::variant<ValueSet, std::vector<std::string>, std::vector<Regex>, std::vector<Number>,
               std::vector<base::Timestamp>, std::vector<Network>, bool>
      operand;
  // For the trace: as they were written.
  std::string attribute_text;
  std::string values_text;
};

// A condition (`condition` set), or a group of nodes.
struct CompiledNode {
  std::unique_ptr<const CompiledCondition> condition;
  model::GroupKind kind = model::GroupKind::kAll;
  std::vector<CompiledNode> children;
};

// Parses every operand. Error: kInvalidArgument with the JSON path below the group ("all[0].values[1]").
base::Result<CompiledNode> CompileConditions(const model::ConditionGroup& group);

}  // namespace guidon::eval

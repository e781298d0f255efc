// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/attribute_path.hpp"
#include "guidon/eval/attribute_slots.hpp"
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

// A segment by its key, with the key's hash.
struct SegmentName {
  std::string key;
  std::uint64_t hash = 0;
};

// What a condition compares with, parsed once.
struct ConditionOperands {
  AttributePath attribute;
  // By operator: in/notIn ValueSet; contains/startsWith/endsWith, semver… (checked text) strings; inSegment
  // SegmentName; matches Regex; lt … eq Number; before/after Timestamp; inCidr Network; exists what presence must be.
  std::variant<ValueSet, std::vector<std::string>, std::vector<SegmentName>, std::vector<Regex>, std::vector<Number>,
               std::vector<base::Timestamp>, std::vector<Network>, bool>
      operand;
  // For the trace: as they were written.
  std::string attribute_text;
  std::string values_text;
};

struct CompiledCondition {
  // The usual conditions meet the usual values without a look at the operands.
  enum class Shortcut : std::uint8_t {
    kNone,
    kStrings,  // in, notIn: a text is looked up in `strings`, which is not empty
    kInteger,  // lt … eq with one integer: an integer is compared with `integer`
    kPrefix,   // startsWith with one text, `affix`
    kSuffix    // endsWith with one text, `affix`
  };

  model::Operator op = model::Operator::kIn;
  Shortcut shortcut = Shortcut::kNone;
  std::uint8_t slot = AttributeSlots::kNone;
  union {
    const StringSet* strings = nullptr;  // of `operands`
    std::int64_t integer;
    const std::string* affix;  // of `operands`
  };
  std::unique_ptr<const ConditionOperands> operands;
};

// A condition, or a group of nodes (`children` not empty, or an empty group: then `condition` has no operands).
struct CompiledNode {
  bool IsGroup() const { return condition.operands == nullptr; }

  CompiledCondition condition;
  model::GroupKind kind = model::GroupKind::kAll;
  // Cheap ones first: which of them decides makes no difference to the answer.
  std::vector<CompiledNode> children;
  // children[written[i]] was written as number i; empty where the order is as it was written.
  std::vector<std::uint16_t> written;
};

// Parses every operand and numbers the attributes. Error: kInvalidArgument with the JSON path below the group
// ("all[0].values[1]").
base::Result<CompiledNode> CompileConditions(const model::ConditionGroup& group, AttributeSlots& slots);

}  // namespace guidon::eval

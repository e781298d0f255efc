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

  static constexpr std::uint8_t kNotRepeated = 0xFF;

  model::Operator op = model::Operator::kIn;
  Shortcut shortcut = Shortcut::kNone;
  std::uint8_t slot = AttributeSlots::kNone;
  // Number among the conditions that the flag's rules repeat (RepeatedConditions).
  std::uint8_t repeated = kNotRepeated;
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

// The conditions that the rules of one flag have in common ("plan in [pro]" in each of ten rules), with a number each:
// an evaluation decides them once. The groups added must outlive it.
class RepeatedConditions {
 public:
  static constexpr std::uint8_t kMax = 64;  // one bit each while evaluating; what comes later is decided every time

  void Add(const model::ConditionGroup& group);
  // kNotRepeated where it was seen once, or has no number.
  std::uint8_t NumberOf(const model::Condition& condition) const;

 private:
  struct Seen {
    const model::Condition* condition;
    std::uint8_t number;
  };
  std::vector<Seen> seen_;
  std::uint8_t count_ = 0;
};

// What one evaluation knows of them already.
struct ConditionMemo {
  std::uint64_t known = 0;
  std::uint64_t truths = 0;
};

// Parses every operand and numbers the attributes. Error: kInvalidArgument with the JSON path below the group
// ("all[0].values[1]").
base::Result<CompiledNode> CompileConditions(const model::ConditionGroup& group, AttributeSlots& slots,
                                             const RepeatedConditions& repeated = {});

}  // namespace guidon::eval

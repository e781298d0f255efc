// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/eval/flagd_value.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::eval::flagd {

enum class Op : std::uint8_t {
  kConstant,
  kFail,    // always an error when it is reached
  kList,    // a list with expressions in it
  kScope,   // all that there is to see: the context, or the item at hand
  kVar,     // a path that is known
  kVarKey,  // a path that is computed
  kAnd,
  kOr,
  kIf,
  kNot,
  kNotNot,
  kEqual,
  kNotEqual,
  kStrictEqual,
  kStrictNotEqual,
  kLess,
  kLessOrEqual,
  kGreater,
  kGreaterOrEqual,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kModulo,
  kMax,
  kMin,
  kIn,
  kCat,
  kSubstr,
  kMerge,
  kMap,
  kFilter,
  kSome,
  kAll,
  kNone,
  kReduce,
  kMissing,
  kMissingSome,
  kLog,
  kStartsWith,
  kEndsWith,
  kSemVer,
  kFractional
};
std::string_view NameOf(Op op);

// How an operator gets its operands.
enum class Operands : std::uint8_t {
  kListed,  // each argument is one
  kSpread,  // the items of the one argument's value, or that value where it is no list
  kAlone    // the one argument's value as it is
};

// flagd-core turns most of an expression into code and interprets the rest, and the two disagree in corners: about `-`
// of a list, null in `cat`, what two values of different types are when compared. An expression says which one it is
// by its shape (see flagd_compiler.cpp), and we follow.
enum class Style : std::uint8_t { kGenerated, kInterpreted };

// How `var` walks, which differs where it meets null, 0 or "" on the way.
enum class Walk : std::uint8_t { kGenerated, kMethod, kSingle, kChain };

// The first name of a path, when it is looked up in the context.
enum class Root : std::uint8_t { kAttribute, kTargetingKey, kTenantId, kFlagd };

// The shares of a `fractional` that are the same for everybody.
struct Shares {
  struct Share {
    std::uint64_t end = 0;  // buckets below this and from the end of the share before
    JsValue variant;
  };
  std::vector<Share> shares = {};
  std::uint64_t total = 0;
  bool valid = true;  // else the operator answers null

  // [variant, weight]; without weight it is 1, below 0 it is 0. Anything else makes the shares invalid.
  void Add(const JsValue& variant, const JsValue* weight);
  void Add(const JsValue& entry);
  // Null where there is no weight at all.
  JsValue Find(std::uint64_t bucket) const;
};

struct Node {
  Op op = Op::kConstant;
  Style style = Style::kGenerated;
  Operands operands = Operands::kListed;
  Walk walk = Walk::kGenerated;
  Root root = Root::kAttribute;
  bool is_attribute = false;            // kVar: an attribute of the context by its name, null where it is missing
  JsValue constant = {};                // kConstant
  std::vector<std::string> names = {};  // kVar
  std::string text = {};                // kVar: the path as it was written; kFail: why
  std::vector<Node> arguments = {};
  const Shares* shares = nullptr;  // kFractional: where all of them are known
};

// A flag's targeting expression, ready to run. Immutable; pinned in memory because its parts point at each other.
struct Program {
  Program() = default;
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Node root;
  model::Value expression;  // with every `$ref` replaced: literals point into it
  std::deque<std::string> texts = {};
  std::deque<JsList> lists = {};
  std::deque<model::Value> made = {};
  std::deque<Shares> shares = {};

  // nullptr where a share of the `fractional` has to be computed.
  const Shares* KeepShares(const Node& fractional);
};

// The names between the dots of a path. "\\." is a dot and "\\\\" a backslash in a name.
std::vector<std::string> SplitPath(std::string_view text);

// Compiles `targeting` with the `$evaluators` that it refers to; nullptr where nothing is targeted ({}). Parts without
// variables are computed here. Error: kInvalidArgument with the path below `targeting` of what is unknown or cannot be
// computed, as flagd's PARSE_ERROR.
base::Result<std::unique_ptr<const Program>> Compile(const model::Value& targeting,
                                                     const std::map<std::string, model::Value>& evaluators);

}  // namespace guidon::eval::flagd

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/time.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/flagd_program.hpp"
#include "guidon/model/context.hpp"

namespace guidon::eval::flagd {

// What an expression is evaluated with. `context` is nullptr while constants are computed.
struct Input {
  const model::Context* context = nullptr;
  std::string_view flag_key = {};
  base::Timestamp now = {};
};

// What the last `fractional` did, for the trace. `unit` is all that was hashed.
struct FractionalTrace {
  std::string unit;
  std::uint32_t hash = 0;
  std::uint64_t bucket = 0;
};

// One run of one program. Results point into the run, the program and the context.
class Run {
 public:
  explicit Run(const Input& input, std::vector<TraceCondition>* trace = nullptr) : input_(input), trace_(trace) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  // Nothing where the evaluation failed: `failure` says why.
  std::optional<JsValue> Evaluate(const Node& root);
  const char* failure() const { return failure_; }
  const std::optional<FractionalTrace>& fractional() const { return fractional_; }

 private:
  // Operators evaluated for one answer: a hundred times what a large definition needs, and a millisecond or two.
  static constexpr std::size_t kStepsMax = 100'000;

  // What generated code of flagd-core keeps in one function: what it sees, and a variable that its operators share.
  struct Frame {
    JsValue scope;
    JsValue previous = {};
  };
  class Arguments;

  // Inline for what most operands are: a constant, or an attribute.
  JsValue Eval(const Node& node, Frame& frame) {
    if (node.op == Op::kConstant) return node.constant;
    if (trace_ != nullptr || !node.is_attribute || frame.scope.kind != JsValue::Kind::kContext)
      return EvalOther(node, frame);
    if (!Spend(1)) return {};
    const model::Value* value = input_.context->attributes().Find(node.names.front());
    frame.previous = value == nullptr ? JsValue::Null() : JsValue::Of(*value);
    return frame.previous;
  }
  JsValue EvalOther(const Node& node, Frame& frame);
  JsValue Dispatch(const Node& node, Frame& frame);
  JsValue DispatchList(const Node& node, Frame& frame);
  JsValue EvalTraced(const Node& node, Frame& frame);
  JsValue Fail(const char* why);
  bool failed() const { return failure_ != nullptr; }
  bool Spend(std::size_t steps) {
    steps_ += steps;
    return steps_ <= kStepsMax || SpentTooMuch();
  }
  bool SpentTooMuch();

  JsValue Member(const JsValue& scope, std::string_view name) const;
  JsValue RootMember(const Node& node) const;
  JsValue ContextMember(Root root, std::string_view name) const;
  JsValue WalkPath(const JsValue& scope, std::span<const std::string> names) const;
  JsValue Var(const Node& node, Frame& frame);
  JsValue VarByCode(const Node& node, Frame& frame);
  JsValue VarByMethod(const Node& node, Frame& frame);
  JsValue VarChain(const Node& node, const JsValue& scope) const;
  JsValue VarKey(const Node& node, Frame& frame);

  JsValue MakeList(const Node& node, Frame& frame);
  JsValue AndOr(const Node& node, Frame& frame);
  JsValue If(const Node& node, Frame& frame);
  JsValue Not(const Node& node, Frame& frame);
  JsValue CompareByCode(const Node& node, Frame& frame);
  JsValue CompareByInterpreter(const Node& node, Frame& frame);
  bool CompareLoosely(Op op, const JsValue& a, const JsValue& b);
  std::optional<JsValue> CompareCheck(const JsValue& item, const JsValue& previous, bool strict);

  JsValue Arithmetic(const Node& node, Frame& frame);
  JsValue ArithmeticByCode(const Node& node, Frame& frame);
  JsValue ArithmeticOfOne(Op op, const JsValue& value);
  JsValue ArithmeticByInterpreter(Op op, const Node& node, Frame& frame);
  JsValue ArithmeticOfItems(Op op, std::span<const JsValue> items);
  JsValue MaxMin(const Node& node, Frame& frame);

  JsValue In(const Node& node, Frame& frame);
  JsValue Cat(const Node& node, Frame& frame);
  JsValue Substr(const Node& node, Frame& frame);
  JsValue Merge(const Node& node, Frame& frame);
  JsValue Iterate(const Node& node, Frame& frame);
  JsValue Quantify(const Node& node, Frame& frame);
  JsValue Reduce(const Node& node, Frame& frame);
  bool IsShallow(const JsValue& value);
  JsValue Missing(const Node& node, Frame& frame);
  JsValue MissingSome(const Node& node, Frame& frame);
  JsValue FindMissing(const JsValue& wanted, const JsValue& scope);
  bool IsMissing(const JsValue& key, const JsValue& scope);

  bool SeesContext(const Frame& frame);
  JsValue StartsOrEndsWith(const Node& node, Frame& frame);
  JsValue SemVer(const Node& node, Frame& frame);
  JsValue Fractional(const Node& node, Frame& frame);
  JsValue FractionalOfComputed(const Node& node, Frame& frame, const JsValue* known);
  JsValue Bucket(const Shares& shares, const JsValue& unit, const Frame& frame);

  JsList& NewList();
  std::string& NewText();
  JsValue KeepText(std::string text);
  // As text: a view of `value` where it is one, else made in `storage`.
  std::optional<std::string_view> TextOf(const JsValue& value, std::string& storage);

  const Input& input_;
  std::vector<TraceCondition>* trace_;
  std::size_t depth_ = 0;
  std::size_t steps_ = 0;
  const char* failure_ = nullptr;
  std::forward_list<JsList> lists_;
  std::forward_list<std::string> texts_;
  std::forward_list<ReduceScope> scopes_;
  std::optional<FractionalTrace> fractional_;
};

}  // namespace guidon::eval::flagd

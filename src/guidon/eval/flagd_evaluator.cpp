// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/flagd_evaluator.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "guidon/eval/flagd_arguments.hpp"
#include "guidon/eval/value_text.hpp"

namespace guidon::eval::flagd {
namespace {

using Kind = JsValue::Kind;

// Texts and lists that an expression makes.
constexpr std::size_t kTextBytesMax = 64UL * 1024;
// Copying this many bytes or items costs as much as one operator.
constexpr std::size_t kCopiesPerStep = 8;

double NotANumber() { return std::numeric_limits<double>::quiet_NaN(); }

std::int64_t SecondsOf(base::Timestamp time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

bool IsStrict(Op op) { return op == Op::kStrictEqual || op == Op::kStrictNotEqual; }

bool Holds(Op op, const JsValue& a, const JsValue& b) {
  switch (op) {
    case Op::kEqual: return LooselyEqual(a, b);
    case Op::kNotEqual: return !LooselyEqual(a, b);
    case Op::kStrictEqual: return StrictlyEqual(a, b);
    case Op::kStrictNotEqual: return !StrictlyEqual(a, b);
    default: break;
  }
  const std::optional<int> order = Compare(a, b);
  if (!order) return false;
  switch (op) {
    case Op::kLess: return *order < 0;
    case Op::kLessOrEqual: return *order <= 0;
    case Op::kGreater: return *order > 0;
    default: return *order >= 0;
  }
}

// Of two numbers, neither of them NaN.
bool Holds(Op op, double a, double b) {
  switch (op) {
    case Op::kEqual: return a == b;
    case Op::kNotEqual: return a != b;
    case Op::kLess: return a < b;
    case Op::kLessOrEqual: return a <= b;
    case Op::kGreater: return a > b;
    default: return a >= b;
  }
}

// What definitions mostly compare with.
bool IsPlainNumber(const Node& node) {
  return node.op == Op::kConstant && node.constant.IsNumber() && !std::isnan(node.constant.number);
}

bool IsTextOrNull(const JsValue& value) { return value.IsText() || value.IsNull(); }

// What cannot be taken for a number at all: NaN, lists and objects.
bool RefusesToBeNumber(const JsValue& value) {
  return value.IsObject() || (value.IsNumber() && std::isnan(value.number));
}
// As a number, or NaN where it refuses or is no number.
double AsNumber(const JsValue& value) { return RefusesToBeNumber(value) ? NotANumber() : ToNumber(value); }

double Apply(Op op, double a, double b) {
  switch (op) {
    case Op::kAdd: return a + b;
    case Op::kSubtract: return a - b;
    case Op::kMultiply: return a * b;
    case Op::kDivide: return a / b;
    default: return std::fmod(a, b);
  }
}

constexpr const char* kNoNumber = "a value is no number";
constexpr const char* kNoList = "a value is no list";

}  // namespace

// ---- Running

std::optional<JsValue> Run::Evaluate(const Node& root) {
  Frame frame;
  // While constants are computed there is an empty context, which only the start of a `reduce` can see.
  static const model::Value kNothing{model::Object()};
  frame.scope = JsValue::Of(kNothing);
  if (input_.context != nullptr) frame.scope.kind = Kind::kContext;
  const JsValue result = Eval(root, frame);
  return failed() ? std::nullopt : std::optional(result);
}

JsValue Run::Fail(const char* why) {
  if (failure_ == nullptr) failure_ = why;
  return {};
}

bool Run::SpentTooMuch() {
  Fail("the expression takes too many steps");
  return false;
}

JsValue Run::EvalOther(const Node& node, Frame& frame) {
  if (!Spend(1)) return {};
  return trace_ == nullptr ? Dispatch(node, frame) : EvalTraced(node, frame);
}

JsValue Run::EvalTraced(const Node& node, Frame& frame) {
  if (node.op == Op::kList) return Dispatch(node, frame);
  const std::size_t at = trace_->size();
  trace_->push_back({.attribute = node.op == Op::kVar ? node.text : std::string(),
                     .operator_name = std::string(NameOf(node.op)),
                     .depth = depth_});
  ++depth_;
  const JsValue result = Dispatch(node, frame);
  --depth_;
  TraceCondition& entry = (*trace_)[at];
  entry.missing = node.op == Op::kVar && result.IsNullish();
  entry.result = !failed() && IsTruthy(result);
  if (failed()) {
    entry.seen = std::string("failed: ") + failure_;
  } else {
    std::string text;
    AppendText(text, result, kTextBytesMax);
    entry.seen = entry.missing ? std::string() : CutText(std::move(text));
  }
  return result;
}

JsValue Run::Dispatch(const Node& node, Frame& frame) {
  const bool generated = node.style == Style::kGenerated;
  switch (node.op) {
    case Op::kConstant: return node.constant;
    case Op::kFail: return Fail(node.text.c_str());
    case Op::kList: return MakeList(node, frame);
    case Op::kScope: return frame.scope;
    case Op::kVar: return Var(node, frame);
    case Op::kVarKey: return VarKey(node, frame);
    case Op::kAnd:
    case Op::kOr: return AndOr(node, frame);
    case Op::kIf: return If(node, frame);
    case Op::kNot:
    case Op::kNotNot: return Not(node, frame);
    case Op::kEqual:
    case Op::kNotEqual:
    case Op::kStrictEqual:
    case Op::kStrictNotEqual:
    case Op::kLess:
    case Op::kLessOrEqual:
    case Op::kGreater:
    case Op::kGreaterOrEqual: return generated ? CompareByCode(node, frame) : CompareByInterpreter(node, frame);
    case Op::kAdd:
    case Op::kSubtract:
    case Op::kMultiply:
    case Op::kDivide:
    case Op::kModulo: return Arithmetic(node, frame);
    case Op::kMax:
    case Op::kMin: return MaxMin(node, frame);
    default: return DispatchList(node, frame);
  }
}

JsValue Run::DispatchList(const Node& node, Frame& frame) {
  switch (node.op) {
    case Op::kIn: return In(node, frame);
    case Op::kCat: return Cat(node, frame);
    case Op::kSubstr: return Substr(node, frame);
    case Op::kMerge: return Merge(node, frame);
    case Op::kMap:
    case Op::kFilter: return Iterate(node, frame);
    case Op::kSome:
    case Op::kAll:
    case Op::kNone: return Quantify(node, frame);
    case Op::kReduce: return Reduce(node, frame);
    case Op::kMissing: return Missing(node, frame);
    case Op::kMissingSome: return MissingSome(node, frame);
    case Op::kStartsWith:
    case Op::kEndsWith: return StartsOrEndsWith(node, frame);
    case Op::kSemVer: return SemVer(node, frame);
    case Op::kFractional: return Fractional(node, frame);
    default: break;
  }
  Arguments arguments(*this, node, frame);  // log: the first argument
  return failed() ? JsValue() : arguments.At(0);
}

JsList& Run::NewList() { return lists_.emplace_front(); }
std::string& Run::NewText() { return texts_.emplace_front(); }

JsValue Run::KeepText(std::string text) {
  if (!Spend(text.size() / kCopiesPerStep)) return {};
  std::string& kept = NewText();
  kept = std::move(text);
  return JsValue::Of(std::string_view(kept));
}

std::optional<std::string_view> Run::TextOf(const JsValue& value, std::string& storage) {
  if (value.IsText()) return value.Text();
  if (!AppendText(storage, value, kTextBytesMax)) {
    Fail("a text is too long");
    return std::nullopt;
  }
  return std::string_view(storage);
}

JsValue Run::MakeList(const Node& node, Frame& frame) {
  JsList items;
  items.reserve(node.arguments.size());
  for (const Node& argument : node.arguments) {
    items.push_back(Eval(argument, frame));
    if (failed()) return {};
  }
  JsList& kept = NewList();
  kept = std::move(items);
  return JsValue::Of(&kept);
}

// ---- Variables

JsValue Run::ContextMember(Root root, std::string_view name) const {
  const model::Context& context = *input_.context;
  const std::string* text = nullptr;
  switch (root) {
    case Root::kTargetingKey: text = context.targeting_key(); break;
    case Root::kTenantId: text = context.tenant_id(); break;
    case Root::kFlagd: {
      JsValue value;
      value.kind = Kind::kFlagd;
      return value;
    }
    case Root::kAttribute: {
      const model::Value* value = context.attributes().Find(name);
      return value == nullptr ? JsValue() : JsValue::Of(*value);
    }
  }
  return text == nullptr ? JsValue() : JsValue::Of(std::string_view(*text));
}

JsValue Run::Member(const JsValue& scope, std::string_view name) const {
  switch (scope.kind) {
    case Kind::kContext: {
      const Root root = name == "targetingKey" ? Root::kTargetingKey
                        : name == "tenantId"   ? Root::kTenantId
                        : name == "$flagd"     ? Root::kFlagd
                                               : Root::kAttribute;
      return ContextMember(root, name);
    }
    case Kind::kFlagd:
      if (name == "flagKey") return JsValue::Of(input_.flag_key);
      return name == "timestamp" ? JsValue::Of(static_cast<double>(SecondsOf(input_.now))) : JsValue();
    case Kind::kReduce:
      if (name == "accumulator") return scope.reduce->accumulator;
      return name == "current" ? scope.reduce->current : JsValue();
    case Kind::kObject: {
      const model::Value* value = scope.object->Find(name);
      return value == nullptr ? JsValue() : JsValue::Of(*value);
    }
    case Kind::kList:
    case Kind::kModelList: {
      if (name == "length") return JsValue::Of(static_cast<double>(scope.ListSize()));
      const auto index = IndexOf(name);
      return index && *index < scope.ListSize() ? scope.ListItem(*index) : JsValue();
    }
    case Kind::kText: {
      if (name == "length") return JsValue::Of(static_cast<double>(Utf16Length(scope.Text())));
      const auto index = IndexOf(name);
      return index && *index < Utf16Length(scope.Text()) ? JsValue::Of(Utf16Substring(scope.Text(), *index, 1))
                                                         : JsValue();
    }
    default: return {};
  }
}

// Undefined as soon as there is nothing more to look into.
JsValue Run::WalkPath(const JsValue& scope, std::span<const std::string> names) const {
  JsValue value = scope;
  for (const std::string& name : names) {
    value = Member(value, name);
    if (value.IsNullish()) return &name == &names.back() ? value : JsValue();
  }
  return value;
}

JsValue Run::RootMember(const Node& node) const {
  const JsValue first = ContextMember(node.root, node.names.front());
  if (node.names.size() == 1 || first.IsNullish()) return node.names.size() == 1 ? first : JsValue();
  return WalkPath(first, std::span(node.names).subspan(1));
}

JsValue Run::Var(const Node& node, Frame& frame) {
  switch (node.walk) {
    case Walk::kGenerated: return VarByCode(node, frame);
    case Walk::kMethod: return VarByMethod(node, frame);
    case Walk::kSingle:
      if (!IsTruthyInLanguage(frame.scope)) return JsValue::Null();
      break;
    case Walk::kChain: return VarChain(node, frame.scope);
  }
  const JsValue value = Member(frame.scope, node.names.front());
  return value.kind == Kind::kUndefined ? JsValue::Null() : value;
}

JsValue Run::VarByCode(const Node& node, Frame& frame) {
  JsValue value = frame.scope.kind == Kind::kContext ? RootMember(node) : WalkPath(frame.scope, node.names);
  if (value.IsNullish()) value = node.arguments.empty() ? JsValue::Null() : Eval(node.arguments.front(), frame);
  frame.previous = value;
  return value;
}

JsValue Run::VarByMethod(const Node& node, Frame& frame) {
  const JsValue value = WalkPath(frame.scope, node.names);
  return value.kind == Kind::kUndefined ? JsValue::Null() : value;
}

JsValue Run::VarChain(const Node& node, const JsValue& scope) const {
  JsValue value = scope;
  for (const std::string& name : node.names) {
    if (!IsTruthyInLanguage(value)) break;
    value = Member(value, name);
  }
  return value.kind == Kind::kUndefined ? JsValue::Null() : value;
}

JsValue Run::VarKey(const Node& node, Frame& frame) {
  Arguments arguments(*this, node, frame);
  if (failed()) return {};
  JsValue key = arguments.At(0);
  JsValue otherwise = arguments.At(1);
  if (node.operands == Operands::kAlone && key.IsList()) {
    const JsValue list = key;
    key = list.ListSize() > 0 ? list.ListItem(0) : JsValue();
    otherwise = list.ListSize() > 1 ? list.ListItem(1) : JsValue();
  }
  if (key.IsNullish() || (key.IsText() && key.size == 0)) return frame.scope;
  if (otherwise.kind == Kind::kUndefined) otherwise = JsValue::Null();
  std::string storage;
  const auto text = TextOf(key, storage);
  if (!text || !Spend(text->size() / kCopiesPerStep)) return {};
  const JsValue value = WalkPath(frame.scope, SplitPath(*text));
  if (value.kind == Kind::kUndefined) return otherwise;
  return value;
}

// ---- Logic

JsValue Run::AndOr(const Node& node, Frame& frame) {
  JsValue value = JsValue::Null();
  for (const Node& argument : node.arguments) {
    value = Eval(argument, frame);
    if (failed()) return {};
    if (node.style == Style::kGenerated) frame.previous = value;
    if (IsTruthy(value) == (node.op == Op::kOr)) return value;
  }
  return value;
}

JsValue Run::If(const Node& node, Frame& frame) {
  const std::vector<Node>& arguments = node.arguments;
  if (arguments.empty()) return JsValue::Null();
  std::size_t at = 0;
  for (; at + 1 < arguments.size(); at += 2) {
    const JsValue condition = Eval(arguments[at], frame);
    if (failed()) return {};
    if (IsTruthy(condition)) return Eval(arguments[at + 1], frame);
  }
  return at < arguments.size() ? Eval(arguments[at], frame) : JsValue::Null();
}

JsValue Run::Not(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed()) return {};
  JsValue value = arguments.At(0);
  if (node.style == Style::kInterpreted && node.operands == Operands::kAlone && value.IsList())
    value = value.ListSize() == 0 ? JsValue() : value.ListItem(0);
  return JsValue::Of(IsTruthy(value) == (node.op == Op::kNotNot));
}

// ---- Comparison

// What generated code compares with in place of `item`. The two checks of null undo that the language finds null equal
// to nothing, though neither less nor greater than 0.
std::optional<JsValue> Run::CompareCheck(const JsValue& item, const JsValue& previous, bool strict) {
  if (strict || (IsTextOrNull(item) && IsTextOrNull(previous))) return item;
  const bool bad =
      (std::isnan(AsNumber(item)) && (RefusesToBeNumber(item) || !previous.IsNull())) || std::isnan(AsNumber(previous));
  if (bad) {
    Fail(kNoNumber);
    return std::nullopt;
  }
  if (previous.IsNull() && !IsTruthyInLanguage(item)) return JsValue::Null();
  if (item.IsNull() && !IsTruthyInLanguage(previous)) return JsValue::Of(0.0);
  return item;
}

JsValue Run::CompareByCode(const Node& node, Frame& frame) {
  const bool strict = IsStrict(node.op);
  const bool chain = node.arguments.size() > 2;
  JsValue left = Eval(node.arguments.front(), frame);
  if (failed()) return {};
  frame.previous = left;
  if (!strict && !chain && left.IsNumber() && !std::isnan(left.number) && IsPlainNumber(node.arguments[1]))
    return JsValue::Of(Holds(node.op, left.number, node.arguments[1].constant.number));
  for (std::size_t i = 1; i < node.arguments.size(); ++i) {
    if (i > 1) left = frame.previous;
    const JsValue item = Eval(node.arguments[i], frame);
    if (failed()) return {};
    // Not `left`: the operand may have used the variable that they share.
    const auto right = CompareCheck(item, frame.previous, strict);
    if (!right) return {};
    if (chain) frame.previous = *right;
    if (!Holds(node.op, left, *right)) return JsValue::Of(false);
  }
  return JsValue::Of(true);
}

bool Run::CompareLoosely(Op op, const JsValue& a, const JsValue& b) {
  if (IsStrict(op) || (IsTextOrNull(a) && IsTextOrNull(b))) return Holds(op, a, b);
  const double x = AsNumber(a);
  const double y = AsNumber(b);
  if (std::isnan(x) || (std::isnan(y) && (RefusesToBeNumber(b) || !a.IsNull()))) {
    Fail(kNoNumber);
    return false;
  }
  return Holds(op, JsValue::Of(x), JsValue::Of(y));
}

JsValue Run::CompareByInterpreter(const Node& node, Frame& frame) {
  // With four and more, strict comparisons also check that values are numbers, and compare them as such.
  const bool many = node.arguments.size() > 3;
  JsValue previous = Eval(node.arguments.front(), frame);
  for (std::size_t i = 1; i < node.arguments.size() && !failed(); ++i) {
    const JsValue current = Eval(node.arguments[i], frame);
    if (failed()) return {};
    if (!many) {
      if (!CompareLoosely(node.op, previous, current)) return failed() ? JsValue() : JsValue::Of(false);
    } else {
      const bool as_they_are = IsStrict(node.op) || (IsTextOrNull(current) && IsTextOrNull(previous));
      if (as_they_are && !Holds(node.op, previous, current)) return JsValue::Of(false);
      const double x = AsNumber(previous);
      const double y = AsNumber(current);
      if (RefusesToBeNumber(current) || (std::isnan(y) && !previous.IsNull())) return Fail(kNoNumber);
      if (i == 1 && std::isnan(x)) return Fail(kNoNumber);
      if (!Holds(node.op, JsValue::Of(x), JsValue::Of(y))) return JsValue::Of(false);
    }
    previous = current;
  }
  return failed() ? JsValue() : JsValue::Of(true);
}

// ---- Arithmetic

JsValue Run::Arithmetic(const Node& node, Frame& frame) {
  if (node.style == Style::kInterpreted) return ArithmeticByInterpreter(node.op, node, frame);
  if (node.operands != Operands::kAlone) return ArithmeticByCode(node, frame);
  const JsValue value = Eval(node.arguments.front(), frame);
  if (failed()) return {};
  if (node.op == Op::kAdd || node.op == Op::kSubtract || node.op == Op::kDivide) frame.previous = value;
  return ArithmeticOfOne(node.op, value);
}

JsValue Run::ArithmeticByCode(const Node& node, Frame& frame) {
  double result = node.op == Op::kMultiply ? 1 : 0;
  for (std::size_t i = 0; i < node.arguments.size(); ++i) {
    const JsValue value = Eval(node.arguments[i], frame);
    if (failed()) return {};
    if (RefusesToBeNumber(value)) return Fail(kNoNumber);
    const double number = ToNumber(value);
    const bool divisor = node.op == Op::kDivide && (i > 0 || node.arguments.size() == 1);
    if (divisor && (number == 0 || std::isnan(number))) return Fail("it divides by zero");
    result = i > 0 ? Apply(node.op, result, number) : number;
  }
  if (node.arguments.size() == 1 && node.op == Op::kDivide) result = 1 / result;
  if (std::isnan(result)) return Fail(kNoNumber);
  if (node.arguments.size() == 1 && node.op == Op::kSubtract) result = -result;
  return JsValue::Of(result);
}

// The operator got one value: a list is added up, anything else is a single term.
JsValue Run::ArithmeticOfOne(Op op, const JsValue& value) {
  if (!value.IsList()) {
    if (op != Op::kAdd && op != Op::kSubtract) return Fail(kNoList);
    const double number = ToNumber(value);
    if (std::isnan(number)) return Fail(kNoNumber);
    return JsValue::Of(op == Op::kAdd ? number : -number);
  }
  const std::size_t size = value.ListSize();
  const std::size_t size_min = op == Op::kModulo ? 2 : op == Op::kSubtract || op == Op::kDivide ? 1 : 0;
  if (size < size_min) return Fail("a list is too short");
  if (!Spend(size)) return {};
  if (size == 1 && (op == Op::kSubtract || op == Op::kDivide)) {
    const JsValue only = value.ListItem(0);
    if (RefusesToBeNumber(only) || (op == Op::kDivide && !IsTruthyInLanguage(only))) return Fail(kNoNumber);
    return JsValue::Of(op == Op::kDivide ? 1 / ToNumber(only) : -ToNumber(only));
  }
  const bool has_start = op == Op::kAdd || op == Op::kMultiply;
  JsValue sum = has_start ? JsValue::Of(op == Op::kAdd ? 0.0 : 1.0) : value.ListItem(0);
  for (std::size_t i = has_start ? 0 : 1; i < size; ++i) {
    const JsValue item = value.ListItem(i);
    if ((op != Op::kAdd && RefusesToBeNumber(sum)) || RefusesToBeNumber(item)) return Fail(kNoNumber);
    if (op == Op::kDivide && !IsTruthyInLanguage(item)) return Fail("it divides by zero");
    sum = JsValue::Of(Apply(op, ToNumber(sum), ToNumber(item)));
  }
  return sum;
}

JsValue Run::ArithmeticByInterpreter(Op op, const Node& node, Frame& frame) {
  Arguments arguments(*this, node, frame);
  if (failed()) return {};
  if (node.operands != Operands::kAlone) return ArithmeticOfItems(op, arguments.items());
  const JsValue& value = arguments.At(0);
  if (value.IsList()) {
    Arguments items(*this, value);
    return failed() ? JsValue() : ArithmeticOfItems(op, items.items());
  }
  if (!IsTruthyInLanguage(value)) return JsValue::Of(0.0);
  if (value.IsObject()) return Fail(kNoNumber);
  const double number = ToNumber(value);
  if (std::isnan(number)) return Fail(kNoNumber);
  return JsValue::Of(op == Op::kAdd ? number : -number);
}

JsValue Run::ArithmeticOfItems(Op op, std::span<const JsValue> items) {
  const bool has_start = op == Op::kAdd || op == Op::kMultiply;
  if (!items.empty() && !has_start && items[0].IsObject()) return Fail(kNoNumber);
  if (items.empty() && !has_start) return Fail("it has too few arguments");
  if (items.size() == 1 && op == Op::kModulo) return Fail("it has too few arguments");
  if (items.size() == 1 && op == Op::kSubtract) return JsValue::Of(-ToNumber(items[0]));
  if (items.size() == 1 && op == Op::kDivide) {
    const double number = ToNumber(items[0]);
    return number == 0 || std::isnan(number) ? Fail("it divides by zero") : JsValue::Of(1 / number);
  }
  double result = has_start ? (op == Op::kAdd ? 0 : 1) : ToNumber(items[0]);
  for (std::size_t i = has_start ? 0 : 1; i < items.size(); ++i) {
    if (items[i].IsObject() || (op == Op::kDivide && !IsTruthyInLanguage(items[i]))) return Fail(kNoNumber);
    result = Apply(op, result, ToNumber(items[i]));
  }
  const bool infinite = op == Op::kDivide && result == std::numeric_limits<double>::infinity();
  return std::isnan(result) || infinite ? Fail(kNoNumber) : JsValue::Of(result);
}

JsValue Run::MaxMin(const Node& node, Frame& frame) {
  Arguments arguments(*this, node, frame);
  if (failed()) return {};
  const auto items = arguments.items();
  if (items.empty() || !items.front().IsNumber()) return Fail(kNoNumber);
  double best = items.front().number;
  for (const JsValue& item : items.subspan(1)) {
    if (!item.IsNumber()) return Fail(kNoNumber);
    if (node.op == Op::kMax ? item.number > best : item.number < best) best = item.number;
  }
  return JsValue::Of(best);
}

}  // namespace guidon::eval::flagd

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "guidon/eval/flagd_evaluator.hpp"
#include "guidon/eval/flagd_program.hpp"
#include "guidon/eval/flagd_references.hpp"
#include "guidon/model/field_path.hpp"

// How flagd-core (4.0, on json-logic-engine 5.0) treats an expression, which decides what it means in corners:
// - A part without variables is computed when the definition is read; if that fails, the definition is broken.
// - What is left becomes generated code (Style::kGenerated), but for `if` with one or two arguments and operators whose
//   argument is no list where they want one: those, and all below, are interpreted (Style::kInterpreted).
// - Interpreted expressions are prepared when they are first reached, constant parts included; if that fails, the
//   nearest operator that is evaluated lazily fails, whenever it is reached.
namespace guidon::eval::flagd {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::List;
using model::Value;

struct Operator {
  std::string_view name;
  Op op;
};
constexpr std::array kOperators = std::to_array<Operator>({
    {"var", Op::kVar},
    {"and", Op::kAnd},
    {"or", Op::kOr},
    {"if", Op::kIf},
    {"?:", Op::kIf},
    {"!", Op::kNot},
    {"!!", Op::kNotNot},
    {"==", Op::kEqual},
    {"!=", Op::kNotEqual},
    {"===", Op::kStrictEqual},
    {"!==", Op::kStrictNotEqual},
    {"<", Op::kLess},
    {"<=", Op::kLessOrEqual},
    {">", Op::kGreater},
    {">=", Op::kGreaterOrEqual},
    {"+", Op::kAdd},
    {"-", Op::kSubtract},
    {"*", Op::kMultiply},
    {"/", Op::kDivide},
    {"%", Op::kModulo},
    {"max", Op::kMax},
    {"min", Op::kMin},
    {"in", Op::kIn},
    {"cat", Op::kCat},
    {"substr", Op::kSubstr},
    {"merge", Op::kMerge},
    {"map", Op::kMap},
    {"filter", Op::kFilter},
    {"some", Op::kSome},
    {"all", Op::kAll},
    {"none", Op::kNone},
    {"reduce", Op::kReduce},
    {"missing", Op::kMissing},
    {"missing_some", Op::kMissingSome},
    {"log", Op::kLog},
    {"starts_with", Op::kStartsWith},
    {"ends_with", Op::kEndsWith},
    {"sem_ver", Op::kSemVer},
    {"fractional", Op::kFractional},
});

std::optional<Op> OperatorNamed(std::string_view name) {
  const auto* const found = std::ranges::find(kOperators, name, &Operator::name);
  return found == kOperators.end() ? std::nullopt : std::optional(found->op);
}

bool IsComparison(Op op) { return op >= Op::kEqual && op <= Op::kGreaterOrEqual; }
bool IsIteration(Op op) { return op >= Op::kMap && op <= Op::kReduce; }
bool IsLazy(Op op) { return op == Op::kAnd || op == Op::kOr || op == Op::kIf || IsComparison(op) || IsIteration(op); }
bool IsFlagds(Op op) { return op >= Op::kStartsWith; }
// Operators that get a single argument as it is when interpreted.
bool IsUnary(Op op) {
  return op == Op::kAdd || op == Op::kSubtract || op == Op::kNot || op == Op::kNotNot || op == Op::kCat ||
         op == Op::kVar;
}

// {"operator": data}: what every object that is not empty is, after CheckOperators.
struct Call {
  Op op;
  const Value& data;
};
std::optional<Call> CallIn(const Value& value) {
  const model::Object* object = value.AsObject();
  if (object == nullptr || object->empty()) return std::nullopt;
  return Call{.op = *OperatorNamed(object->begin()->first), .data = object->begin()->second};
}

base::Status CheckOperators(const Value& value) {
  if (const List* list = value.AsList()) {
    for (std::size_t i = 0; i < list->size(); ++i) GUIDON_TRY(model::At("", i, CheckOperators((*list)[i])));
    return {};
  }
  const model::Object* object = value.AsObject();
  if (object == nullptr || object->empty()) return {};
  if (object->size() > 1) return Fail(ErrorCode::kInvalidArgument, "has more than one operator");
  const auto& [name, data] = *object->begin();
  if (!OperatorNamed(name))
    return model::At(model::PathName(name), Fail(ErrorCode::kInvalidArgument, "is no operator that is known"));
  return model::At(model::PathName(name), CheckOperators(data));
}

Root RootOf(std::string_view name) {
  if (name == "targetingKey") return Root::kTargetingKey;
  if (name == "tenantId") return Root::kTenantId;
  return name == "$flagd" ? Root::kFlagd : Root::kAttribute;
}

Node Constant(const JsValue& value) {
  Node node;
  node.constant = value;
  return node;
}
Node Constant(const Value& value) { return Constant(JsValue::Of(value)); }
Node Failing(std::string why) {
  Node node;
  node.op = Op::kFail;
  node.text = std::move(why);
  return node;
}
bool IsConstant(const Node& node) { return node.op == Op::kConstant; }

std::unexpected<base::Error> CannotCompute(std::string why) {
  return Fail(ErrorCode::kInvalidArgument, "has a part without variables that cannot be computed: " + std::move(why));
}
const std::string kWantsList = "the operator wants a list of arguments";

Node PathNode(const std::string& text, Style style, Walk walk) {
  Node node;
  node.op = Op::kVar;
  node.style = style;
  node.walk = walk;
  node.text = text;
  node.names = SplitPath(text);
  node.root = RootOf(node.names.front());
  return node;
}

// The text of a path that is written as a text or a number.
std::optional<std::string> PathText(const JsValue& value) {
  if (value.IsText()) return std::string(value.Text());
  if (!value.IsNumber()) return std::nullopt;
  std::string text;
  AppendNumber(text, value.number);
  return text;
}
bool IsEmptyPath(const Value& value) {
  const std::string* text = value.AsString();
  return value.IsNull() || (text != nullptr && text->empty());
}

class Compiler {
 public:
  explicit Compiler(Program& program) : program_(program) {}

  Result<Node> Generated(const Value& value);

 private:
  Result<Node> Interpreted(const Value& value);
  // An argument that is interpreted when it is reached, with what goes wrong then.
  Node Lazily(const Value& value);
  Node Lazily(const List& list, std::size_t index);
  Result<Node> Computed(const Node& node);

  Result<Node> ListOf(const List& list, Style style);
  Result<Node> CompileBy(Style style, const Value& value) {
    return style == Style::kGenerated ? Generated(value) : Interpreted(value);
  }
  Result<Node> GeneratedCall(const Call& call);
  Result<Node> GeneratedVar(const Value& data);
  Result<Node> GeneratedIteration(const Call& call);
  Result<Node> GeneratedIf(const List& arguments);
  base::Status CheckTerm(const Value& term, const Node& compiled, bool divisor);
  Result<Node> WithArguments(Op op, const Value& data, Style style);
  Result<Node> InterpretedCall(const Call& call);
  Result<Node> InterpretedVar(const Value& data);
  Result<Node> InterpretedVarOfList(const JsValue& list);
  Result<std::optional<Node>> Idiom(const Call& call);
  Result<std::optional<Node>> IfIdiom(const List& arguments);
  Result<std::optional<Node>> SumIdiom(const List& arguments);
  Node InterpretedLazy(const Call& call);

  // Whether `value` is the same for every context. Error: something in it cannot even be looked at.
  Result<bool> CheckFixed(const Value& value);
  bool IsFixed(const Value& value, bool in_iteration);
  bool IsFixedCall(const Call& call, bool in_iteration);
  JsValue Keep(const JsValue& value);

  Program& program_;
  // Values that were made while compiling. Literals point into them.
  std::deque<Value> made_;
  bool unreadable_ = false;

 public:
  std::deque<Value> TakeMade() { return std::move(made_); }
};

// ---- What needs no variables

Result<bool> Compiler::CheckFixed(const Value& value) {
  unreadable_ = false;
  const bool fixed = IsFixed(value, false);
  if (unreadable_) return CannotCompute(kWantsList);
  return fixed;
}

bool Compiler::IsFixed(const Value& value, bool in_iteration) {
  if (const List* list = value.AsList())
    return std::ranges::all_of(*list, [&](const Value& item) { return IsFixed(item, in_iteration); });
  const auto call = CallIn(value);
  return !call || IsFixedCall(*call, in_iteration);
}

bool Compiler::IsFixedCall(const Call& call, bool in_iteration) {
  const List* list = call.data.AsList();
  switch (call.op) {
    case Op::kVar: {
      if (!in_iteration) return false;
      std::string text;
      AppendText(text, JsValue::Of(call.data), model::kTargetingBytesMax);
      return !text.contains("../../");
    }
    case Op::kMissing: return list != nullptr && list->empty();
    case Op::kMissingSome: return false;
    case Op::kMap:
    case Op::kFilter:
    case Op::kSome:
    case Op::kAll:
    case Op::kNone:
    case Op::kReduce:
      // The initial value of `reduce` is not looked at: a fault of flagd-core that definitions may rely on.
      if (call.data.IsNull()) unreadable_ = true;
      if (list == nullptr) return true;
      return (list->empty() || IsFixed((*list)[0], in_iteration)) && (list->size() < 2 || IsFixed((*list)[1], true));
    default: return !IsFlagds(call.op) && IsFixed(call.data, in_iteration);
  }
}

// Scalars only: `reduce` lets nothing else through.
Value ScalarOf(const JsValue& value) {
  if (value.IsText()) return value.Text();
  if (value.IsNumber()) return value.number;
  return value.kind == JsValue::Kind::kBool ? Value(value.boolean) : Value();
}

JsValue Compiler::Keep(const JsValue& value) {
  if (value.kind == JsValue::Kind::kReduce) {
    model::Object object;
    object.Insert("accumulator", ScalarOf(value.reduce->accumulator));
    object.Insert("current", ScalarOf(value.reduce->current));
    return JsValue::Of(made_.emplace_back(std::move(object)));
  }
  if (value.IsText()) return JsValue::Of(std::string_view(program_.texts.emplace_back(value.Text())));
  if (!value.IsList()) return value;
  JsList items;
  items.reserve(value.ListSize());
  for (std::size_t i = 0; i < value.ListSize(); ++i) items.push_back(Keep(value.ListItem(i)));
  return JsValue::Of(&program_.lists.emplace_back(std::move(items)));
}

Result<Node> Compiler::Computed(const Node& node) {
  if (IsConstant(node)) return Constant(node.constant);
  const Input nothing;
  Run run(nothing);
  const auto value = run.Evaluate(node);
  if (!value) return CannotCompute(run.failure());
  return Constant(Keep(*value));
}

// ---- Generated code

Result<Node> Compiler::ListOf(const List& list, Style style) {
  Node node;
  node.op = Op::kList;
  node.style = style;
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto item = CompileBy(style, list[i]);
    if (!item) return std::unexpected(model::Below("[" + std::to_string(i) + "]", std::move(item).error()));
    node.arguments.push_back(*std::move(item));
  }
  if (!std::ranges::all_of(node.arguments, IsConstant)) return node;
  JsList items;
  for (const Node& item : node.arguments) items.push_back(item.constant);
  return Constant(JsValue::Of(&program_.lists.emplace_back(std::move(items))));
}

Result<Node> Compiler::Generated(const Value& value) {
  if (const List* list = value.AsList()) return ListOf(*list, Style::kGenerated);
  const auto call = CallIn(value);
  if (!call) return Constant(value);
  GUIDON_ASSIGN(const bool fixed, CheckFixed(value));
  if (fixed) {
    GUIDON_ASSIGN(const Node node, Interpreted(value));
    return Computed(node);
  }
  auto node = GeneratedCall(*call);
  if (!node) return std::unexpected(model::Below(model::PathName(NameOf(call->op)), std::move(node).error()));
  return node;
}

Result<Node> Compiler::GeneratedCall(const Call& call) {
  const List* list = call.data.AsList();
  if (call.op == Op::kVar) return GeneratedVar(call.data);
  if (IsIteration(call.op)) return GeneratedIteration(call);
  if (call.op == Op::kIf && list != nullptr && list->size() >= 3) return GeneratedIf(*list);
  const bool and_or = call.op == Op::kAnd || call.op == Op::kOr;
  if (call.op == Op::kIf || (and_or && list == nullptr) ||
      (IsComparison(call.op) && (list == nullptr || list->size() < 2)))
    return InterpretedLazy(call);
  if (call.op == Op::kMissingSome && list == nullptr && call.data.AsObject() != nullptr)
    return CannotCompute("missing_some wants a list of arguments");
  if (call.op == Op::kMissingSome && list != nullptr && list->size() > 1 && (*list)[1].AsList() != nullptr) {
    Node node;
    node.op = call.op;
    GUIDON_ASSIGN(Node needed, Generated((*list)[0]));
    node.arguments.push_back(std::move(needed));
    node.arguments.push_back(Constant((*list)[1]));  // expressions in it are not evaluated
    return node;
  }
  return WithArguments(call.op, call.data, Style::kGenerated);
}

// `data` as the operands of an operator that evaluates all of them.
Result<Node> Compiler::WithArguments(Op op, const Value& data, Style style) {
  Node node;
  node.op = op;
  node.style = style;
  const List* list = data.AsList();
  const bool single = list != nullptr && list->size() == 1 && (*list)[0].AsList() == nullptr;
  const Value& only = single ? (*list)[0] : data;
  const bool is_expression = data.AsObject() != nullptr;
  if (style == Style::kInterpreted && IsUnary(op) && (single || list == nullptr)) {
    GUIDON_ASSIGN(Node argument, Interpreted(only));
    node.operands = Operands::kAlone;
    node.arguments.push_back(std::move(argument));
    return node;
  }
  if (list == nullptr) {
    GUIDON_ASSIGN(Node argument, CompileBy(style, data));
    const bool takes_one = op == Op::kVarKey || op == Op::kCat || (op >= Op::kNot && op < Op::kMax);
    const bool alone = is_expression && takes_one && style == Style::kGenerated;
    node.operands = !is_expression ? Operands::kListed : alone ? Operands::kAlone : Operands::kSpread;
    node.arguments.push_back(std::move(argument));
    return node;
  }
  const bool is_sum = op >= Op::kAdd && op <= Op::kModulo && style == Style::kGenerated;
  if (is_sum && (list->size() < (op == Op::kModulo ? 2U : op == Op::kSubtract || op == Op::kDivide ? 1U : 0U)))
    return CannotCompute("it has too few arguments");
  // Generated code for these looks at the first argument only.
  const bool first_only = style == Style::kGenerated && (op == Op::kNot || op == Op::kNotNot);
  for (std::size_t i = 0; i < (first_only ? std::min<std::size_t>(list->size(), 1) : list->size()); ++i) {
    auto argument = CompileBy(style, (*list)[i]);
    if (argument && is_sum) {
      const bool divisor = op == Op::kDivide && (i > 0 || list->size() == 1);
      if (auto status = CheckTerm((*list)[i], *argument, divisor); !status)
        argument = std::unexpected(std::move(status).error());
    }
    if (!argument) return std::unexpected(model::Below("[" + std::to_string(i) + "]", std::move(argument).error()));
    node.arguments.push_back(*std::move(argument));
  }
  if (op == Op::kFractional) node.shares = program_.KeepShares(node);
  return node;
}

// Terms that can never be numbers break the definition.
base::Status Compiler::CheckTerm(const Value& term, const Node& compiled, bool divisor) {
  if (term.AsList() != nullptr) return CannotCompute("a list is no number");
  if (term.AsObject() != nullptr && term.AsObject()->empty()) return CannotCompute("an object is no number");
  if (!IsConstant(compiled)) return {};
  const JsValue& value = compiled.constant;
  if (!value.IsText() && !value.IsNumber()) return {};
  const double number = ToNumber(value);
  if (std::isnan(number)) return CannotCompute("'" + std::string(value.Text()) + "' is no number");
  if (divisor && number == 0) return CannotCompute("it divides by zero");
  return {};
}

Result<Node> Compiler::GeneratedVar(const Value& data) {
  const List* list = data.AsList();
  const Value nothing;
  const Value& key = list == nullptr ? data : list->empty() ? nothing : list->front();
  if (data.AsObject() != nullptr || (list != nullptr && list->size() > 2))
    return WithArguments(Op::kVarKey, data, Style::kGenerated);
  if (IsEmptyPath(key)) {
    Node node;
    node.op = Op::kScope;
    return node;
  }
  const auto text = PathText(JsValue::Of(key));
  if (!text || text->contains("../")) {
    Node node;
    node.op = Op::kVarKey;
    const bool single = list == nullptr || (list->size() == 1 && key.AsList() == nullptr);
    node.operands = single ? Operands::kAlone : Operands::kListed;
    GUIDON_ASSIGN(Node argument, Generated(key));
    node.arguments.push_back(std::move(argument));
    if (list != nullptr && list->size() > 1) {
      GUIDON_ASSIGN(Node otherwise, Generated((*list)[1]));
      node.arguments.push_back(std::move(otherwise));
    }
    return node;
  }
  Node node = PathNode(*text, Style::kGenerated, Walk::kGenerated);
  if (list != nullptr && list->size() > 1) {
    GUIDON_ASSIGN(Node otherwise, Generated((*list)[1]));
    node.arguments.push_back(std::move(otherwise));
  }
  node.is_attribute = node.root == Root::kAttribute && node.names.size() == 1 && node.arguments.empty();
  return node;
}

Result<Node> Compiler::GeneratedIf(const List& arguments) {
  Node node;
  node.op = Op::kIf;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    auto argument = Generated(arguments[i]);
    if (!argument) return std::unexpected(model::Below("[" + std::to_string(i) + "]", std::move(argument).error()));
    node.arguments.push_back(*std::move(argument));
  }
  return node;
}

Result<Node> Compiler::GeneratedIteration(const Call& call) {
  const List* list = call.data.AsList();
  if (list == nullptr && call.op == Op::kAll) return Failing(kWantsList);
  if (list == nullptr) return CannotCompute(kWantsList);
  if (list->size() < 2) return CannotCompute("it has too few arguments");
  Node node;
  node.op = call.op;
  const std::size_t wanted = call.op == Op::kReduce ? 3 : 2;
  for (std::size_t i = 0; i < std::min(list->size(), wanted); ++i) {
    auto argument = Generated((*list)[i]);
    if (!argument) return std::unexpected(model::Below("[" + std::to_string(i) + "]", std::move(argument).error()));
    node.arguments.push_back(*std::move(argument));
  }
  return node;
}

// ---- Interpreted

Node Compiler::Lazily(const Value& value) {
  auto node = Interpreted(value);
  return node ? *std::move(node) : Failing(std::move(node).error().message);
}

Node Compiler::Lazily(const List& list, std::size_t index) {
  return index < list.size() ? Lazily(list[index]) : Constant(JsValue());
}

Result<Node> Compiler::Interpreted(const Value& value) {
  if (const List* list = value.AsList()) return ListOf(*list, Style::kInterpreted);
  const auto call = CallIn(value);
  if (!call) return Constant(value);
  GUIDON_ASSIGN(auto idiom, Idiom(*call));
  if (idiom) return *std::move(idiom);
  GUIDON_ASSIGN(const bool fixed, CheckFixed(value));
  GUIDON_ASSIGN(Node node, InterpretedCall(*call));
  return fixed ? Computed(node) : std::move(node);
}

Result<Node> Compiler::InterpretedCall(const Call& call) {
  if (call.op == Op::kVar) return InterpretedVar(call.data);
  if (IsLazy(call.op)) return InterpretedLazy(call);
  return WithArguments(call.op, call.data, Style::kInterpreted);
}

// Operators that evaluate their arguments themselves, each when it is its turn.
Node Compiler::InterpretedLazy(const Call& call) {
  const List* list = call.data.AsList();
  if (list == nullptr) return Failing(kWantsList);
  if (IsComparison(call.op) && list->size() < 2) return Failing("it has too few arguments");
  Node node;
  node.op = call.op;
  node.style = Style::kInterpreted;
  if (IsIteration(call.op)) {
    if (call.op == Op::kReduce && (list->size() < 2 || (*list)[1].IsNull())) return Failing("it has no function");
    for (std::size_t i = 0; i < (call.op == Op::kReduce ? 3U : 2U); ++i) node.arguments.push_back(Lazily(*list, i));
    return node;
  }
  for (const Value& argument : *list) node.arguments.push_back(Lazily(argument));
  return node;
}

// Shapes that are prepared together with their arguments.
Result<std::optional<Node>> Compiler::Idiom(const Call& call) {
  const List* list = call.data.AsList();
  if (list == nullptr) return std::nullopt;
  if (call.op == Op::kIf && list->size() == 3) return IfIdiom(*list);
  if (call.op == Op::kFilter && list->size() == 2) {
    GUIDON_ASSIGN(const Node condition, Interpreted((*list)[1]));
    if (!IsConstant(condition)) return std::nullopt;
    if (!IsTruthy(condition.constant)) return std::optional(Constant(made_.emplace_back(List())));
    GUIDON_ASSIGN(Node all, Interpreted((*list)[0]));
    return std::optional(std::move(all));
  }
  if (IsComparison(call.op) && (list->size() == 2 || list->size() == 3)) {
    Node node;
    node.op = call.op;
    node.style = Style::kInterpreted;
    for (const Value& argument : *list) {
      GUIDON_ASSIGN(Node side, Interpreted(argument));
      node.arguments.push_back(std::move(side));
    }
    if (!std::ranges::all_of(node.arguments, IsConstant)) return std::optional(std::move(node));
    GUIDON_ASSIGN(Node result, Computed(node));
    return std::optional(std::move(result));
  }
  if (call.op == Op::kReduce) return SumIdiom(*list);
  return std::nullopt;
}

Result<std::optional<Node>> Compiler::IfIdiom(const List& arguments) {
  Node node;
  node.op = Op::kIf;
  node.style = Style::kInterpreted;
  for (const Value& argument : arguments) {
    GUIDON_ASSIGN(Node part, Interpreted(argument));
    node.arguments.push_back(std::move(part));
  }
  if (!IsConstant(node.arguments[0])) return std::optional(std::move(node));
  return std::optional(std::move(node.arguments[IsTruthy(node.arguments[0].constant) ? 1 : 2]));
}

// Whether `function` adds or multiplies (`op`) the accumulator and the current item.
bool IsSumOf(const Value& function, Op op) {
  const auto call = CallIn(function);
  if (!call || call->op != op) return false;
  const List* terms = call->data.AsList();
  if (terms == nullptr || terms->size() != 2) return false;
  const auto is_var = [&](const Value& term, std::string_view name) {
    const auto var = CallIn(term);
    return var && var->op == Op::kVar && var->data.AsString() != nullptr && *var->data.AsString() == name;
  };
  const auto any = [&](std::string_view name) { return is_var((*terms)[0], name) || is_var((*terms)[1], name); };
  return any("accumulator") && any("current");
}

Value CallOf(Op op, Value data) {
  model::Object object;
  object.Insert(std::string(NameOf(op)), std::move(data));
  return object;
}

Result<std::optional<Node>> Compiler::SumIdiom(const List& arguments) {
  if (arguments.size() < 2 || arguments[1].IsNull()) return CannotCompute("reduce has no function");
  for (const Op op : {Op::kAdd, Op::kMultiply}) {
    if (!IsSumOf(arguments[1], op)) continue;
    Value start = op == Op::kAdd ? Value(0) : Value(1);
    if (arguments.size() > 2 && (op == Op::kMultiply || IsTruthyInLanguage(JsValue::Of(arguments[2]))))
      start = arguments[2];
    const Value& sum = made_.emplace_back(CallOf(op, List{CallOf(op, arguments[0]), std::move(start)}));
    GUIDON_ASSIGN(Node node, Interpreted(sum));
    return std::optional(std::move(node));
  }
  return std::nullopt;
}

// A list that was computed: all of its text is one name, also where that is empty. Nothing can be looked for in it,
// as one does in a text, if an item of it is what parts a path.
Result<Node> Compiler::InterpretedVarOfList(const JsValue& list) {
  for (std::size_t i = 0; i < list.ListSize(); ++i) {
    const JsValue item = list.ListItem(i);
    if (item.IsText() && (item.Text() == "." || item.Text() == "\\"))
      return CannotCompute("var wants the name of an attribute");
  }
  std::string text;
  if (!AppendText(text, list, model::kTargetingBytesMax)) return CannotCompute("a text is too long");
  Node node;
  node.op = Op::kVar;
  node.style = Style::kInterpreted;
  node.walk = Walk::kSingle;
  node.root = RootOf(text);
  node.names = {text};
  node.text = std::move(text);
  return node;
}

Result<Node> Compiler::InterpretedVar(const Value& data) {
  const List* list = data.AsList();
  const bool single = list != nullptr && list->size() == 1 && (*list)[0].AsList() == nullptr;
  if (list != nullptr && !single) return WithArguments(Op::kVarKey, data, Style::kInterpreted);
  GUIDON_ASSIGN(Node argument, Interpreted(single ? (*list)[0] : data));
  if (!IsConstant(argument)) {
    Node node;
    node.op = Op::kVarKey;
    node.style = Style::kInterpreted;
    node.operands = Operands::kAlone;
    node.arguments.push_back(std::move(argument));
    return node;
  }
  const JsValue& key = argument.constant;
  if (key.IsList()) return InterpretedVarOfList(key);
  if (!IsTruthyInLanguage(key)) {
    Node node;
    node.op = Op::kScope;
    node.style = Style::kInterpreted;
    return node;
  }
  const auto text = PathText(key);
  if (!text) return CannotCompute("var wants the name of an attribute");
  if (key.IsNumber() || text->find_first_of(".\\") == std::string::npos) {
    Node node = PathNode(*text, Style::kInterpreted, Walk::kSingle);
    node.names = {*text};
    node.root = RootOf(*text);
    return node;
  }
  Node node = PathNode(*text, Style::kInterpreted, Walk::kMethod);
  if ((node.names.size() == 2 || node.names.size() == 3) && !text->starts_with("../")) node.walk = Walk::kChain;
  return node;
}

}  // namespace

std::vector<std::string> SplitPath(std::string_view text) {
  std::vector<std::string> parts;
  std::string current;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (text[i] == '\\' && (next == '.' || next == '/' || next == '\\')) {
      current += next;
      ++i;
    } else if (text[i] == '.') {
      parts.push_back(std::exchange(current, {}));
    } else {
      current += text[i];
    }
  }
  // Dots alone make one name less than they part.
  if (parts.size() != text.size()) parts.push_back(std::move(current));
  return parts;
}

std::string_view NameOf(Op op) {
  if (op == Op::kVarKey || op == Op::kScope) return "var";
  const auto* const found = std::ranges::find(kOperators, op, &Operator::op);
  return found == kOperators.end() ? std::string_view() : found->name;
}

namespace {

// flagd takes what has no members for no targeting.
bool IsNoTargeting(const Value& expression) {
  if (const model::Object* object = expression.AsObject()) return object->empty();
  if (const List* list = expression.AsList()) return list->empty();
  return expression.AsString() == nullptr || expression.AsString()->empty();
}

}  // namespace

Result<std::unique_ptr<const Program>> Compile(const Value& targeting, const std::map<std::string, Value>& evaluators) {
  auto program = std::make_unique<Program>();
  GUIDON_ASSIGN(program->expression, FollowReferences(targeting, evaluators));
  GUIDON_TRY(CheckOperators(program->expression));
  if (IsNoTargeting(program->expression)) return nullptr;
  Compiler compiler(*program);
  GUIDON_ASSIGN(program->root, compiler.Generated(program->expression));
  program->made = compiler.TakeMade();
  return program;
}

}  // namespace guidon::eval::flagd

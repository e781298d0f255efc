// SPDX-License-Identifier: Apache-2.0
#include "guidon/flagd/condition_export.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include "guidon/flagd/logic.hpp"

namespace guidon::flagd {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using logic::Call;
using logic::IsText;
using logic::Joined;
using logic::Not;
using logic::Var;
using model::List;
using model::Operator;
using model::Value;

const std::string kTextName = "guidon.isText";
const std::string kNumberName = "guidon.isNumber";

Value Element() { return Var(""); }

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

std::string_view NumberOperator(Operator op) {
  switch (op) {
    case Operator::kLt: return "<";
    case Operator::kLte: return "<=";
    case Operator::kGt: return ">";
    case Operator::kGte: return ">=";
    default: return "===";
  }
}

std::string_view VersionOperator(Operator op) {
  switch (op) {
    case Operator::kSemverLt: return "<";
    case Operator::kSemverLte: return "<=";
    case Operator::kSemverGt: return ">";
    case Operator::kSemverGte: return ">=";
    default: return "=";
  }
}

bool IsVersion(Operator op) { return op >= Operator::kSemverEq && op <= Operator::kSemverGte; }

// The values of one type.
template <class Is>
List ValuesThat(const model::Condition& condition, Is is) {
  List values;
  std::ranges::copy_if(condition.values, std::back_inserter(values), is);
  return values;
}

// Whether a text begins or ends with `part`.
Value HasPart(Operator op, const Value& text, const std::string& part) {
  if (part.empty()) return true;  // flagd finds no empty text in an empty text
  if (op == Operator::kContains) return Call("in", Value(part), text);
  const auto size = static_cast<std::int64_t>(part.size());
  if (op == Operator::kStartsWith) return Call("===", Call("substr", List{text, 0, Value(size)}), Value(part));
  return Call("===", Call("substr", List{text, Value(-size)}), Value(part));
}

std::unexpected<base::Error> Unsupported(std::string what) { return Fail(ErrorCode::kUnsupported, std::move(what)); }

}  // namespace

ConditionExport::ConditionExport(const std::vector<model::Segment>& segments) {
  for (const model::Segment& segment : segments) segments_.emplace(segment->segment_key, &segment);
}

Value ConditionExport::Evaluator(const std::string& name, Value body) {
  if (in_segment_) return body;
  evaluators_.emplace(name, std::move(body));
  return logic::Reference(name);
}

Value ConditionExport::TextElement() { return Evaluator(kTextName, IsText(flagd::Element())); }

// Texts and lists have a length, and objects a text of their own.
Value ConditionExport::NumberElement() {
  return Evaluator(kNumberName, Call("and", List{Call("===", Var("length"), Value()),
                                                 Not(Call("in", flagd::Element(), List{true, false, Value()})),
                                                 Call("!==", Call("cat", List{flagd::Element()}), "[object Object]")}));
}

Result<Value> ConditionExport::Group(const model::ConditionGroup& group) {
  if (group.children.empty()) return Value(false);
  List parts;
  for (const model::ConditionNode& child : group.children) {
    GUIDON_ASSIGN(Value part, Node(child));
    parts.push_back(std::move(part));
  }
  if (group.kind == model::GroupKind::kNone) return Not(Joined("or", std::move(parts)));
  return Joined(group.kind == model::GroupKind::kAll ? "and" : "or", std::move(parts));
}

Result<Value> ConditionExport::Node(const model::ConditionNode& node) {
  if (const auto* group = std::get_if<model::ConditionGroup>(&node)) return Group(*group);
  return Condition(std::get<model::Condition>(node));
}

Result<Value> ConditionExport::Condition(const model::Condition& condition) {
  if (condition.op == Operator::kInSegment) return Segments(condition);
  const Value attribute = Var(condition.attribute);
  if (condition.op == Operator::kExists) {
    const bool wanted = condition.values.empty() || *condition.values.front().AsBool();
    return Call(wanted ? "!==" : "===", attribute, Value());
  }
  if (IsVersion(condition.op)) return Versions(condition);
  const bool scalar = condition.attribute == "targetingKey" || condition.attribute == "tenantId";
  if (scalar && condition.op == Operator::kIn) return Call("in", attribute, Value(condition.values));
  GUIDON_ASSIGN(Value element, Element(condition));
  return Call("some", Call("merge", List{attribute}), std::move(element));
}

// What must hold of one element.
Result<Value> ConditionExport::Element(const model::Condition& condition) {
  const Value element = flagd::Element();
  switch (condition.op) {
    case Operator::kIn: return Call("in", element, Value(condition.values));
    case Operator::kNotIn: {
      // Says something only about values of a type that is among the values.
      List types;
      const auto is_text = [](const Value& value) { return value.AsString() != nullptr; };
      const auto is_number = [](const Value& value) { return value.IsNumber(); };
      const auto is_boolean = [](const Value& value) { return value.AsBool() != nullptr; };
      if (std::ranges::any_of(condition.values, is_text)) types.push_back(TextElement());
      if (std::ranges::any_of(condition.values, is_number)) types.push_back(NumberElement());
      if (std::ranges::any_of(condition.values, is_boolean)) types.push_back(Call("in", element, List{true, false}));
      if (types.empty()) return Value(false);
      return Call("and", Joined("or", std::move(types)), Not(Call("in", element, Value(condition.values))));
    }
    case Operator::kContains:
    case Operator::kStartsWith:
    case Operator::kEndsWith: {
      List parts;
      for (const Value& value : condition.values) {
        if (!IsAscii(*value.AsString()) && condition.op != Operator::kContains)
          notes_.insert(
              "startsWith and endsWith with other than ASCII count characters, and flagd's implementations "
              "count different ones.");
        parts.push_back(HasPart(condition.op, element, *value.AsString()));
      }
      if (parts.empty()) return Value(false);
      return Call("and", TextElement(), Joined("or", std::move(parts)));
    }
    case Operator::kLt:
    case Operator::kLte:
    case Operator::kGt:
    case Operator::kGte:
    case Operator::kEq: {
      List comparisons;
      for (const Value& value : condition.values)
        comparisons.push_back(Call(NumberOperator(condition.op), element, value));
      if (comparisons.empty()) return Value(false);
      return Call("and", NumberElement(), Joined("or", std::move(comparisons)));
    }
    default: return Unsupported("flagd has nothing like the operator '" + std::string(NameOf(condition.op)) + "'");
  }
}

// flagd's own operators do not work on the elements of a list.
Value ConditionExport::Versions(const model::Condition& condition) {
  const Value attribute = Var(condition.attribute);
  notes_.insert("A list of versions matches nobody, and what counts as a short version differs.");
  List comparisons;
  for (const Value& value : condition.values)
    comparisons.push_back(Call("sem_ver", List{attribute, VersionOperator(condition.op), value}));
  if (comparisons.empty()) return false;
  return Call("and", IsText(attribute), Joined("or", std::move(comparisons)));
}

Result<Value> ConditionExport::Segments(const model::Condition& condition) {
  List parts;
  for (const Value& value : condition.values) {
    GUIDON_ASSIGN(Value part, Segment(*value.AsString()));
    parts.push_back(std::move(part));
  }
  return parts.empty() ? Value(false) : Joined("or", std::move(parts));
}

Result<Value> ConditionExport::Segment(const std::string& key) {
  const auto found = segments_.find(key);
  if (found == segments_.end()) return Unsupported("there is no segment '" + key + "'");
  const std::string name = "guidon.segment." + key;
  if (evaluators_.contains(name)) return logic::Reference(name);
  in_segment_ = true;
  auto body = SegmentBody(*found->second);
  in_segment_ = false;
  if (!body) return body;
  return Evaluator(name, *std::move(body));
}

// Excluded keys win.
Result<Value> ConditionExport::SegmentBody(const model::Segment& segment) {
  const auto has_key = [](const std::vector<std::string>& keys) {
    return Call("in", Var("targetingKey"), List(keys.begin(), keys.end()));
  };
  Value body = false;
  if (segment->when) {
    GUIDON_ASSIGN(body, Group(*segment->when));
  }
  if (!segment->included.empty()) body = Call("or", has_key(segment->included), std::move(body));
  if (!segment->excluded.empty()) body = Call("and", Not(has_key(segment->excluded)), std::move(body));
  return body;
}

}  // namespace guidon::flagd

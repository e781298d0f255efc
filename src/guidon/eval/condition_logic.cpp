// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/condition_logic.hpp"

#include <algorithm>
#include <compare>
#include <string>
#include <utility>
#include <variant>

#include "guidon/base/time.hpp"
#include "guidon/eval/network.hpp"
#include "guidon/eval/number.hpp"
#include "guidon/eval/regex.hpp"
#include "guidon/eval/semver.hpp"

namespace guidon::eval {
namespace {

using model::Condition;
using model::ConditionGroup;
using model::ConditionNode;
using model::GroupKind;
using model::Operator;
using model::Value;
using Polarity = ConditionLogic::Polarity;
using Term = ConditionLogic::Term;
using Terms = ConditionLogic::Terms;

// Trees that people write have a handful of alternatives; the product of some groups could have millions.
constexpr std::size_t kTermsMax = 64;
constexpr std::size_t kLiteralsPerTermMax = 64;
// A pattern is compiled each time it is tried.
constexpr std::size_t kStepsPerPattern = 200;

// What an ordering operator says: values below, above or equal to the operand.
struct Shape {
  enum class Kind : std::uint8_t { kNone, kNumber, kTime, kVersion };
  enum class Side : std::uint8_t { kBelow, kAbove, kEqual };
  Kind kind = Kind::kNone;
  Side side = Side::kEqual;
  bool with_equal = true;
};

Shape ShapeOf(Operator op) {
  using Kind = Shape::Kind;
  using Side = Shape::Side;
  switch (op) {
    case Operator::kLt: return {.kind = Kind::kNumber, .side = Side::kBelow, .with_equal = false};
    case Operator::kLte: return {.kind = Kind::kNumber, .side = Side::kBelow};
    case Operator::kGt: return {.kind = Kind::kNumber, .side = Side::kAbove, .with_equal = false};
    case Operator::kGte: return {.kind = Kind::kNumber, .side = Side::kAbove};
    case Operator::kEq: return {.kind = Kind::kNumber};
    case Operator::kBefore: return {.kind = Kind::kTime, .side = Side::kBelow, .with_equal = false};
    case Operator::kAfter: return {.kind = Kind::kTime, .side = Side::kAbove, .with_equal = false};
    case Operator::kSemverEq: return {.kind = Kind::kVersion};
    case Operator::kSemverLt: return {.kind = Kind::kVersion, .side = Side::kBelow, .with_equal = false};
    case Operator::kSemverLte: return {.kind = Kind::kVersion, .side = Side::kBelow};
    case Operator::kSemverGt: return {.kind = Kind::kVersion, .side = Side::kAbove, .with_equal = false};
    case Operator::kSemverGte: return {.kind = Kind::kVersion, .side = Side::kAbove};
    default: return {};
  }
}

// unordered where one of them is not of that kind.
std::partial_ordering Order(Shape::Kind kind, const Value& a, const Value& b) {
  if (kind == Shape::Kind::kNumber) {
    const auto number_a = NumberOf(a);
    const auto number_b = NumberOf(b);
    return number_a && number_b ? Compare(*number_a, *number_b) : std::partial_ordering::unordered;
  }
  const std::string* text_a = a.AsString();
  const std::string* text_b = b.AsString();
  if (text_a == nullptr || text_b == nullptr) return std::partial_ordering::unordered;
  if (kind == Shape::Kind::kTime) {
    const auto time_a = base::ParseTimestamp(*text_a);
    const auto time_b = base::ParseTimestamp(*text_b);
    return time_a && time_b ? std::partial_ordering(*time_a <=> *time_b) : std::partial_ordering::unordered;
  }
  const auto version_a = ParseSemVer(*text_a);
  const auto version_b = ParseSemVer(*text_b);
  return version_a && version_b ? std::partial_ordering(Compare(*version_a, *version_b))
                                : std::partial_ordering::unordered;
}

bool Admits(const Shape& shape, std::partial_ordering order) {
  if (order == 0) return shape.with_equal;
  return shape.side == Shape::Side::kBelow ? order < 0 : shape.side == Shape::Side::kAbove && order > 0;
}

bool IsTextOperator(Operator op) {
  return op == Operator::kContains || op == Operator::kStartsWith || op == Operator::kEndsWith;
}
bool IsMembership(Operator op) { return op == Operator::kIn || op == Operator::kNotIn; }

struct Types {
  bool string = false;
  bool number = false;
  bool boolean = false;
  bool Meets(const Types& other) const {
    return (string && other.string) || (number && other.number) || (boolean && other.boolean);
  }
};
Types TypeOf(const Value& value) {
  return {.string = value.AsString() != nullptr, .number = value.IsNumber(), .boolean = value.AsBool() != nullptr};
}
// Of the values that can make the condition true.
Types TypesOf(const Condition& condition) {
  if (!IsMembership(condition.op)) {
    const bool number = ShapeOf(condition.op).kind == Shape::Kind::kNumber;
    return {.string = !number, .number = number};
  }
  Types types;
  for (const Value& value : condition.values) {
    const Types one = TypeOf(value);
    types.string |= one.string;
    types.number |= one.number;
    types.boolean |= one.boolean;
  }
  return types;
}

bool TextMatches(Operator op, const std::string& text, const std::string& operand) {
  switch (op) {
    case Operator::kContains: return text.find(operand) != std::string::npos;
    case Operator::kStartsWith: return text.starts_with(operand);
    case Operator::kEndsWith: return text.ends_with(operand);
    case Operator::kMatches: {
      const auto regex = Regex::Compile(operand);
      return regex && regex->Matches(text);
    }
    case Operator::kInCidr: {
      const auto network = Network::Parse(operand);
      const auto address = ParseIpAddress(text);
      return network && address && network->Contains(*address);
    }
    default: return false;
  }
}

// Values of one type that are equal; 1 is 1.0.
bool SameScalar(const Value& a, const Value& b) {
  const auto number_a = NumberOf(a);
  const auto number_b = NumberOf(b);
  if (number_a && number_b) return Compare(*number_a, *number_b) == 0;
  return !number_a && !number_b && a == b;
}

// The condition for one value that is no list.
bool MatchesScalar(const Condition& condition, const Value& seen) {
  const auto any = [&](auto matches) { return std::ranges::any_of(condition.values, matches); };
  if (IsMembership(condition.op)) {
    const bool is_member = any([&](const Value& operand) { return SameScalar(seen, operand); });
    const bool is_comparable = any([&](const Value& operand) { return TypeOf(seen).Meets(TypeOf(operand)); });
    return is_comparable && is_member == (condition.op == Operator::kIn);
  }
  const Shape shape = ShapeOf(condition.op);
  if (shape.kind != Shape::Kind::kNone)
    return any([&](const Value& operand) { return Admits(shape, Order(shape.kind, seen, operand)); });
  const std::string* text = seen.AsString();
  return text != nullptr && any([&](const Value& operand) {
           return operand.AsString() != nullptr && TextMatches(condition.op, *text, *operand.AsString());
         });
}

// One operand of each: whatever is below 5 is below 7.
bool BoundImplies(const Shape& a, const Value& operand_a, const Shape& b, const Value& operand_b) {
  if (a.kind != b.kind) return false;
  const auto order = Order(a.kind, operand_a, operand_b);
  if (a.side == Shape::Side::kEqual) return Admits(b, order);
  if (a.side != b.side) return false;
  if (order == 0) return b.with_equal || !a.with_equal;
  return a.side == Shape::Side::kBelow ? order < 0 : order > 0;
}

// Nothing is below 5 and above 7.
bool BoundsExclude(const Shape& a, const Value& operand_a, const Shape& b, const Value& operand_b) {
  if (a.kind != b.kind) return false;
  const auto order = Order(a.kind, operand_a, operand_b);
  if (a.side == Shape::Side::kEqual) return order != std::partial_ordering::unordered && !Admits(b, order);
  if (b.side == Shape::Side::kEqual) return BoundsExclude(b, operand_b, a, operand_a);
  if (a.side == b.side) return false;
  if (order == 0) return !a.with_equal || !b.with_equal;
  return a.side == Shape::Side::kBelow ? order < 0 : order > 0;
}

bool TextImplies(Operator a, const std::string& operand_a, Operator b, const std::string& operand_b) {
  if (b == Operator::kContains && IsTextOperator(a)) return operand_a.find(operand_b) != std::string::npos;
  if (a != b) return false;
  if (a == Operator::kStartsWith) return operand_a.starts_with(operand_b);
  if (a == Operator::kEndsWith) return operand_a.ends_with(operand_b);
  return operand_a == operand_b;
}

bool TextsExclude(Operator a, const std::string& operand_a, Operator b, const std::string& operand_b) {
  if (a != b) return false;
  if (a == Operator::kStartsWith) return !operand_a.starts_with(operand_b) && !operand_b.starts_with(operand_a);
  if (a == Operator::kEndsWith) return !operand_a.ends_with(operand_b) && !operand_b.ends_with(operand_a);
  return false;
}

struct NetworkPair {
  std::optional<Network> a;
  std::optional<Network> b;
};
NetworkPair NetworksOf(const std::string& a, const std::string& b) {
  return {.a = Network::Parse(a), .b = Network::Parse(b)};
}

bool OperandImplies(Operator a, const Value& operand_a, Operator b, const Value& operand_b) {
  if (ShapeOf(a).kind != Shape::Kind::kNone && ShapeOf(b).kind != Shape::Kind::kNone)
    return BoundImplies(ShapeOf(a), operand_a, ShapeOf(b), operand_b);
  const std::string* text_a = operand_a.AsString();
  const std::string* text_b = operand_b.AsString();
  if (text_b == nullptr) return false;
  // Every text contains nothing.
  if (IsTextOperator(b) && text_b->empty()) return ShapeOf(a).kind != Shape::Kind::kNumber;
  if (text_a == nullptr) return false;
  if (a != Operator::kInCidr || b != Operator::kInCidr) return TextImplies(a, *text_a, b, *text_b);
  const auto networks = NetworksOf(*text_a, *text_b);
  return networks.a && networks.b && networks.b->Includes(*networks.a);
}

bool OperandsExclude(Operator a, const Value& operand_a, Operator b, const Value& operand_b) {
  if (ShapeOf(a).kind != Shape::Kind::kNone && ShapeOf(b).kind != Shape::Kind::kNone)
    return BoundsExclude(ShapeOf(a), operand_a, ShapeOf(b), operand_b);
  const std::string* text_a = operand_a.AsString();
  const std::string* text_b = operand_b.AsString();
  if (text_a == nullptr || text_b == nullptr) return false;
  if (a != Operator::kInCidr || b != Operator::kInCidr) return TextsExclude(a, *text_a, b, *text_b);
  const auto networks = NetworksOf(*text_a, *text_b);
  return networks.a && networks.b && !networks.a->Includes(*networks.b) && !networks.b->Includes(*networks.a);
}

bool SegmentsImply(const Condition& a, const Condition& b) {
  return std::ranges::all_of(a.values,
                             [&](const Value& key) { return std::ranges::find(b.values, key) != b.values.end(); });
}

// Not being among some values.
bool NotInImplies(const Condition& a, const Condition& b) {
  // Each type that the first admits must be one of the second's, and all that the second shuts out must be shut out.
  const Types types = TypesOf(a);
  const Types wider = TypesOf(b);
  if ((types.string && !wider.string) || (types.number && !wider.number) || (types.boolean && !wider.boolean))
    return false;
  return std::ranges::all_of(b.values, [&](const Value& operand) {
    return !types.Meets(TypeOf(operand)) ||
           std::ranges::any_of(a.values, [&](const Value& one) { return SameScalar(one, operand); });
  });
}

// A true `a` is never one of the values that `b` shuts out, and is of their type.
bool ImpliesNotIn(const Condition& a, const Condition& b) {
  const Types types = TypesOf(a);
  const Types comparable = TypesOf(b);
  if ((types.string && !comparable.string) || (types.number && !comparable.number)) return false;
  return std::ranges::none_of(b.values, [&](const Value& operand) { return MatchesScalar(a, operand); });
}

// In these contexts hold one text, if anything.
bool IsAlwaysOneText(std::string_view attribute) { return attribute == "targetingKey" || attribute == "tenantId"; }

bool IsUpper(Polarity polarity) { return polarity == Polarity::kTrue || polarity == Polarity::kNotFalse; }
Polarity Opposite(Polarity polarity) {
  switch (polarity) {
    case Polarity::kTrue: return Polarity::kFalse;
    case Polarity::kFalse: return Polarity::kTrue;
    case Polarity::kNotTrue: return Polarity::kNotFalse;
    case Polarity::kNotFalse: return Polarity::kNotTrue;
  }
  return polarity;
}

const std::vector<Term> kNever = {};
const std::vector<Term> kAlways = {{}};

Terms ExpandLeaf(const Condition& condition, Polarity polarity) {
  if (condition.values.empty() && condition.op != Operator::kExists) return IsUpper(polarity) ? kNever : kAlways;
  // Only segments can be unknown.
  if (condition.op != Operator::kInSegment) polarity = IsUpper(polarity) ? Polarity::kTrue : Polarity::kFalse;
  const bool asks_for_absence =
      condition.op == Operator::kExists && !condition.values.empty() && condition.values.front() == Value(false);
  return std::vector<Term>{{{.condition = &condition, .polarity = asks_for_absence ? Opposite(polarity) : polarity}}};
}

Terms Either(const Terms& a, const Terms& b) {
  if (!a || !b || a->size() + b->size() > kTermsMax) return std::nullopt;
  std::vector<Term> terms = *a;
  terms.insert(terms.end(), b->begin(), b->end());
  return terms;
}

Terms Both(const Terms& a, const Terms& b) {
  // Nothing together with anything is nothing, however large that is.
  if ((a && a->empty()) || (b && b->empty())) return kNever;
  if (!a || !b || a->size() * b->size() > kTermsMax) return std::nullopt;
  std::vector<Term> terms;
  for (const Term& one : *a) {
    for (const Term& other : *b) {
      if (one.size() + other.size() > kLiteralsPerTermMax) return std::nullopt;
      Term& both = terms.emplace_back(one);
      both.insert(both.end(), other.begin(), other.end());
    }
  }
  return terms;
}

// How a group's outcome depends on its members': all of them, or any, must come out as `polarity`.
struct Demand {
  bool of_all;
  Polarity polarity;
};
Demand DemandOf(GroupKind kind, Polarity polarity) {
  if (kind == GroupKind::kAll) return {.of_all = IsUpper(polarity), .polarity = polarity};
  if (kind == GroupKind::kAny) return {.of_all = !IsUpper(polarity), .polarity = polarity};
  return {.of_all = IsUpper(polarity), .polarity = Opposite(polarity)};
}

}  // namespace

Terms ConditionLogic::Expand(const ConditionNode& node, Polarity polarity) {
  if (const auto* group = std::get_if<ConditionGroup>(&node)) return Expand(*group, polarity);
  return ExpandLeaf(std::get<Condition>(node), polarity);
}

Terms ConditionLogic::Expand(const ConditionGroup& group, Polarity polarity) {
  if (group.children.empty()) return IsUpper(polarity) ? kNever : kAlways;
  const Demand demand = DemandOf(group.kind, polarity);
  Terms terms = demand.of_all ? kAlways : kNever;
  for (const ConditionNode& child : group.children) {
    const Terms part = Expand(child, demand.polarity);
    terms = demand.of_all ? Both(terms, part) : Either(terms, part);
  }
  return terms;
}

bool ConditionLogic::Spend(std::size_t steps) {
  if (steps > steps_left_) steps_left_ = 0;
  steps_left_ -= std::min(steps, steps_left_);
  return steps_left_ > 0;
}

bool ConditionLogic::Impossible(const Terms& terms, Values values) {
  return terms && std::ranges::all_of(*terms, [&](const Term& term) { return Contradicts(term, values); });
}

bool ConditionLogic::Implies(const Terms& narrow, const Terms& wide_fails) {
  if (wide_fails && wide_fails->empty()) return true;
  return Impossible(Both(narrow, wide_fails), Values::kAny);
}

std::string_view ConditionLogic::ClashingAttribute(const Terms& terms) {
  if (!terms) return {};
  for (const Term& term : *terms) {
    for (const Literal& a : term)
      for (const Literal& b : term)
        if (Clash(a, b, Values::kNoLists)) return a.condition->attribute;
  }
  return {};
}

bool ConditionLogic::Contradicts(const Term& term, Values values) {
  for (const Literal& a : term) {
    if (IsUpper(a.polarity) && NeverTrue(*a.condition) && a.polarity == Polarity::kTrue) return true;
    for (const Literal& b : term)
      if (&a != &b && Clash(a, b, values)) return true;
  }
  return false;
}

bool ConditionLogic::Clash(const Literal& a, const Literal& b, Values values) {
  if (!IsUpper(a.polarity) || a.condition->attribute != b.condition->attribute) return false;
  if (!IsUpper(b.polarity)) {
    // Being unknown is neither true nor false.
    if (a.polarity == Polarity::kNotFalse && b.polarity == Polarity::kNotTrue) return false;
    return LeafImplies(*a.condition, *b.condition);
  }
  const bool one_value = values == Values::kNoLists || IsAlwaysOneText(a.condition->attribute);
  return one_value && a.polarity == Polarity::kTrue && b.polarity == Polarity::kTrue &&
         LeavesExclude(*a.condition, *b.condition);
}

bool ConditionLogic::NeverTrue(const Condition& condition) {
  if (condition.op == Operator::kExists || !Spend(condition.values.size())) return false;
  if (condition.op == Operator::kInSegment)
    return std::ranges::all_of(condition.values, [&](const Value& key) {
      return key.AsString() != nullptr && nobody_in_ && nobody_in_(*key.AsString());
    });
  if (IsAlwaysOneText(condition.attribute) && !TypesOf(condition).string) return true;
  // There is no time before 1970 or after 9999, and no version below 0.0.0-0.
  const auto out_of_range = [&](const char* end) {
    const Shape shape = ShapeOf(condition.op);
    return std::ranges::none_of(condition.values, [&](const Value& operand) {
      return shape.side == Shape::Side::kBelow ? Order(shape.kind, operand, Value(end)) > 0
                                               : Order(shape.kind, operand, Value(end)) < 0;
    });
  };
  switch (condition.op) {
    case Operator::kBefore: return out_of_range("1970-01-01T00:00:00.000Z");
    case Operator::kAfter: return out_of_range("9999-12-31T23:59:59.999Z");
    case Operator::kSemverLt: return out_of_range("0.0.0-0");
    default: return false;
  }
}

bool ConditionLogic::LeafImplies(const Condition& a, const Condition& b) {
  if (!Spend(1)) return false;
  // A condition on a segment has no attribute.
  if ((a.op == Operator::kInSegment) != (b.op == Operator::kInSegment)) return false;
  if (b.op == Operator::kExists) return true;
  if (a.op == Operator::kExists) return false;
  const bool has_pattern = a.op == Operator::kMatches || b.op == Operator::kMatches;
  if (!Spend(a.values.size() * b.values.size() * (has_pattern ? kStepsPerPattern : 1))) return false;
  if (a.op == Operator::kInSegment) return SegmentsImply(a, b);
  if (a.op == Operator::kNotIn) return b.op == Operator::kNotIn && NotInImplies(a, b);
  if (a.op == Operator::kIn || a.op == Operator::kEq)
    return std::ranges::all_of(a.values, [&](const Value& value) { return MatchesScalar(b, value); });
  if (b.op == Operator::kNotIn) return ImpliesNotIn(a, b);
  return std::ranges::all_of(a.values, [&](const Value& operand_a) {
    return std::ranges::any_of(
        b.values, [&](const Value& operand_b) { return OperandImplies(a.op, operand_a, b.op, operand_b); });
  });
}

bool ConditionLogic::LeavesExclude(const Condition& a, const Condition& b) {
  if (a.op == Operator::kExists || b.op == Operator::kExists) return false;
  if (a.op == Operator::kInSegment || b.op == Operator::kInSegment) return false;
  const bool has_pattern = a.op == Operator::kMatches || b.op == Operator::kMatches;
  if (!Spend(a.values.size() * b.values.size() * (has_pattern ? kStepsPerPattern : 1))) return false;
  if (!TypesOf(a).Meets(TypesOf(b))) return true;
  for (const auto& [listing, other] : {std::pair(&a, &b), std::pair(&b, &a)}) {
    if (listing->op == Operator::kIn || listing->op == Operator::kEq)
      return std::ranges::none_of(listing->values, [&](const Value& value) { return MatchesScalar(*other, value); });
  }
  if (a.op == Operator::kNotIn || b.op == Operator::kNotIn) return false;
  return std::ranges::all_of(a.values, [&](const Value& operand_a) {
    return std::ranges::all_of(
        b.values, [&](const Value& operand_b) { return OperandsExclude(a.op, operand_a, b.op, operand_b); });
  });
}

}  // namespace guidon::eval

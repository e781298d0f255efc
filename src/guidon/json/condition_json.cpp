// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "guidon/json/model_json.hpp"
#include "guidon/json/reader.hpp"

namespace guidon::json {
namespace {

using base::ErrorCode;
using base::Result;
using model::Condition;
using model::ConditionGroup;
using model::ConditionNode;
using model::GroupKind;
using model::Operator;
using model::Value;

constexpr std::string_view kOperatorsForMessage =
    "in, notIn, contains, startsWith, endsWith, matches, lt, lte, gt, gte, eq, before, after, semverEq, semverLt, "
    "semverLte, semverGt, semverGte, inCidr, exists, inSegment";

Value ConditionToJson(const Condition& condition) {
  ObjectBuilder builder;
  builder.PutText("attribute", condition.attribute).Put("operator", NameOf(condition.op));
  if (condition.op != Operator::kExists || !condition.values.empty()) builder.Put("values", condition.values);
  return std::move(builder).Done();
}

Result<Condition> ConditionFromValue(const Value& value) {
  Condition condition;
  ObjectReader reader(value);
  reader.Read("attribute", condition.attribute, AsString);
  reader.Require("operator", condition.op, EnumOf(model::OperatorFromName, kOperatorsForMessage));
  const auto values = ListOf(AsAnything);
  if (condition.op == Operator::kExists) {
    reader.Read("values", condition.values, values);
  } else {
    reader.Require("values", condition.values, values);
  }
  return reader.Finish(std::move(condition));
}

bool IsGroup(const Value& value) {
  const model::Object* object = value.AsObject();
  return object != nullptr &&
         (object->Find("all") != nullptr || object->Find("any") != nullptr || object->Find("none") != nullptr);
}

Result<ConditionGroup> GroupFromValue(const Value& value);

Result<ConditionNode> NodeFromValue(const Value& value) {
  if (!IsGroup(value)) return ConditionFromValue(value);
  return GroupFromValue(value);
}

Result<ConditionGroup> GroupFromValue(const Value& value) {
  ConditionGroup group;
  ObjectReader reader(value);
  bool found = false;
  for (const GroupKind kind : {GroupKind::kAll, GroupKind::kAny, GroupKind::kNone}) {
    if (found || !reader.Has(NameOf(kind))) continue;
    found = true;
    group.kind = kind;
    reader.Read(NameOf(kind), group.children, ListOf(NodeFromValue));
  }
  if (!found) reader.Refuse({.code = ErrorCode::kInvalidArgument, .message = "must hold one of all, any or none"});
  return reader.Finish(std::move(group));
}

}  // namespace

Value ConditionsToJson(const ConditionGroup& group) {
  model::List children;
  children.reserve(group.children.size());
  for (const ConditionNode& node : group.children) {
    const auto* nested = std::get_if<ConditionGroup>(&node);
    children.push_back(nested != nullptr ? ConditionsToJson(*nested) : ConditionToJson(std::get<Condition>(node)));
  }
  ObjectBuilder builder;
  builder.Put(NameOf(group.kind), Value(std::move(children)));
  return std::move(builder).Done();
}

Result<ConditionGroup> ConditionsFromJson(const Value& value, std::string_view field) {
  auto group = GroupFromValue(value);
  if (!group) return std::unexpected(model::Below(field, std::move(group).error()));
  return group;
}

}  // namespace guidon::json

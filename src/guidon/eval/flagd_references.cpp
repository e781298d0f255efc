// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/flagd_references.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/model/field_path.hpp"
#include "guidon/model/limits.hpp"

namespace guidon::eval::flagd {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::Value;

const std::string* ReferenceIn(const Value& value) {
  const model::Object* object = value.AsObject();
  if (object == nullptr || object->size() != 1) return nullptr;
  const auto& [name, member] = *object->begin();
  return name == "$ref" ? member.AsString() : nullptr;
}

class Expansion {
 public:
  explicit Expansion(const std::map<std::string, Value>& evaluators) : evaluators_(evaluators) {}

  Result<Value> Expand(const Value& value, std::size_t depth) {
    if (depth > model::kTargetingDepthMax)
      return Fail(ErrorCode::kInvalidArgument, "is nested too deeply once its $ref are followed");
    if (++nodes_ > model::kTargetingNodesMax)
      return Fail(ErrorCode::kTooLarge, "is too large once its $ref are followed");
    if (const std::string* name = ReferenceIn(value)) return Follow(*name, depth);
    if (const model::List* list = value.AsList()) return ExpandList(*list, depth);
    if (const model::Object* object = value.AsObject()) return ExpandObject(*object, depth);
    return value;
  }

 private:
  Result<Value> Follow(const std::string& name, std::size_t depth) {
    const auto found = evaluators_.find(name);
    if (found == evaluators_.end())
      return Fail(ErrorCode::kInvalidArgument, "refers to '" + model::PathName(name) + "', which is no evaluator",
                  "$ref");
    if (std::ranges::find(open_, name) != open_.end())
      return Fail(ErrorCode::kInvalidArgument, "refers to '" + model::PathName(name) + "' within itself", "$ref");
    open_.push_back(name);
    auto expanded = Expand(found->second, depth);
    open_.pop_back();
    return expanded;
  }

  Result<Value> ExpandList(const model::List& list, std::size_t depth) {
    model::List expanded;
    expanded.reserve(list.size());
    for (std::size_t i = 0; i < list.size(); ++i) {
      auto item = Expand(list[i], depth + 1);
      if (!item) return std::unexpected(model::Below("[" + std::to_string(i) + "]", std::move(item).error()));
      expanded.push_back(*std::move(item));
    }
    return Value(std::move(expanded));
  }

  Result<Value> ExpandObject(const model::Object& object, std::size_t depth) {
    model::Object expanded;
    for (const auto& [name, member] : object) {
      auto value = Expand(member, depth + 1);
      if (!value) return std::unexpected(model::Below(model::PathName(name), std::move(value).error()));
      expanded.Insert(name, *std::move(value));
    }
    return Value(std::move(expanded));
  }

  const std::map<std::string, Value>& evaluators_;
  std::vector<std::string> open_;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<Value> FollowReferences(const Value& targeting, const std::map<std::string, Value>& evaluators) {
  return Expansion(evaluators).Expand(targeting, 0);
}

}  // namespace guidon::eval::flagd

// SPDX-License-Identifier: Apache-2.0
#include "guidon/json/json.hpp"

#include <iterator>
#include <utility>
#include <vector>

#include "guidon/json/dom.hpp"

namespace guidon::json {

using base::Result;
using model::Object;
using model::Value;

Result<Value> Parse(std::string_view text, const ParseLimits& limits) {
  Value value;
  GUIDON_TRY(WithDocument(text, limits, [&](simdjson::dom::element root) -> base::Status {
    GUIDON_ASSIGN(value, ToValue(root, limits.depth_max));
    return {};
  }));
  return value;
}

Value MergePatch(Value target, const Value& patch) {
  const Object* changes = patch.AsObject();
  if (changes == nullptr) return patch;
  std::vector<Object::Entry> before;
  if (Object* members = target.MutableObject()) before = std::move(*members).TakeEntries();

  // Both sides are sorted by name, so one walk merges them.
  std::vector<Object::Entry> after;
  after.reserve(before.size() + changes->size());
  auto old = before.begin();
  for (const auto& [name, change] : *changes) {
    while (old != before.end() && old->first < name) after.push_back(std::move(*old++));
    Value replaced;
    if (old != before.end() && old->first == name) replaced = std::move((old++)->second);
    if (!change.IsNull()) after.emplace_back(name, MergePatch(std::move(replaced), change));
  }
  after.insert(after.end(), std::make_move_iterator(old), std::make_move_iterator(before.end()));
  return *Object::FromEntries(std::move(after));
}

}  // namespace guidon::json

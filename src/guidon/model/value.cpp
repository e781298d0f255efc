// SPDX-License-Identifier: Apache-2.0
#include "guidon/model/value.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <utility>

#include "guidon/model/checks.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::model {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Status;

constexpr double kStorableMin = 1e-130;  // DynamoDB's number type
constexpr double kStorableMax = 9.9e125;

bool NameBefore(const Object::Entry& entry, std::string_view name) { return entry.first < name; }

// Exact, also beyond 2^53 where a conversion of the integer would round.
bool SameNumber(std::int64_t integer, double number) {
  constexpr double kTwo63 = 9223372036854775808.0;
  if (!(number >= -kTwo63 && number < kTwo63)) return false;
  const auto truncated = static_cast<std::int64_t>(number);
  return static_cast<double>(truncated) == number && truncated == integer;
}

Status CheckNumber(double number) {
  if (!std::isfinite(number)) return Fail(ErrorCode::kInvalidArgument, "must be a finite number");
  const double magnitude = std::fabs(number);
  if (magnitude != 0 && (magnitude < kStorableMin || magnitude > kStorableMax))
    return Fail(ErrorCode::kInvalidArgument, "must be 0 or of a magnitude from 1e-130 to 9.9e125");
  return {};
}

Status CheckString(std::string_view text) {
  if (checks::IsUtf8(text)) return {};
  return Fail(ErrorCode::kInvalidArgument, "is not valid UTF-8");
}

Status CheckNested(const Value& value, std::size_t depth_left);

Status CheckListItems(const List& list, std::size_t depth_left) {
  for (std::size_t i = 0; i < list.size(); ++i) GUIDON_TRY(At("", i, CheckNested(list[i], depth_left)));
  return {};
}

Status CheckMembers(const Object& object, std::size_t depth_left) {
  for (const auto& [name, member] : object) {
    auto status = CheckString(name);
    if (status) status = CheckNested(member, depth_left);
    if (!status) return At(PathName(name), std::move(status));
  }
  return {};
}

Status CheckNested(const Value& value, std::size_t depth_left) {
  if (const double* number = value.AsDouble()) return CheckNumber(*number);
  if (const std::string* text = value.AsString()) return CheckString(*text);
  const List* list = value.AsList();
  const Object* object = value.AsObject();
  if (list == nullptr && object == nullptr) return {};
  if (depth_left == 0) return Fail(ErrorCode::kInvalidArgument, "lists and objects are nested too deeply");
  return list != nullptr ? CheckListItems(*list, depth_left - 1) : CheckMembers(*object, depth_left - 1);
}

}  // namespace

Object::Object() = default;
Object::Object(const Object&) = default;
Object::Object(Object&&) noexcept = default;
Object& Object::operator=(const Object&) = default;
Object& Object::operator=(Object&&) noexcept = default;
Object::~Object() = default;

std::optional<Object> Object::FromEntries(std::vector<Entry> entries, std::string* duplicate) {
  const auto not_before = [](const Entry& a, const Entry& b) { return a.first >= b.first; };
  if (std::ranges::adjacent_find(entries, not_before) != entries.end()) {
    std::ranges::sort(entries, {}, &Entry::first);
    const auto twin = std::ranges::adjacent_find(entries, {}, &Entry::first);
    if (twin != entries.end()) {
      if (duplicate != nullptr) *duplicate = twin->first;
      return std::nullopt;
    }
  }
  Object object;
  object.entries_ = std::move(entries);
  return object;
}

std::vector<Object::Entry> Object::TakeEntries() && { return std::move(entries_); }

const Value* Object::Find(std::string_view name) const {
  // Sizes and first bytes tell the names of a small object apart faster than the order of whole texts does.
  constexpr std::size_t kSmall = 12;
  if (entries_.size() <= kSmall && !name.empty()) {
    for (const Entry& entry : entries_) {
      if (entry.first.size() == name.size() && entry.first.front() == name.front() && entry.first == name)
        return &entry.second;
    }
    return nullptr;
  }
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name, NameBefore);
  return at != entries_.end() && at->first == name ? &at->second : nullptr;
}

bool Object::Insert(std::string name, Value value) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), std::string_view(name), NameBefore);
  if (at != entries_.end() && at->first == name) return false;
  entries_.emplace(at, std::move(name), std::move(value));
  return true;
}

void Object::Set(std::string_view name, Value value) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name, NameBefore);
  if (at != entries_.end() && at->first == name) {
    at->second = std::move(value);
  } else {
    entries_.emplace(at, std::string(name), std::move(value));
  }
}

bool Object::Erase(std::string_view name) {
  const auto at = std::lower_bound(entries_.begin(), entries_.end(), name, NameBefore);
  if (at == entries_.end() || at->first != name) return false;
  entries_.erase(at);
  return true;
}

std::size_t Object::size() const { return entries_.size(); }
std::vector<Object::Entry>::const_iterator Object::begin() const { return entries_.begin(); }
std::vector<Object::Entry>::const_iterator Object::end() const { return entries_.end(); }

bool operator==(const Object& a, const Object& b) { return a.entries_ == b.entries_; }

std::string_view Value::TypeName() const {
  switch (value_.index()) {
    case 0: return "null";
    case 1: return "boolean";
    case 2:
    case 3: return "number";
    case 4: return "string";
    case 5: return "list";
    default: return "object";
  }
}

bool operator==(const Value& a, const Value& b) {
  if (const auto* integer = a.AsInteger(); integer != nullptr && b.AsDouble() != nullptr)
    return SameNumber(*integer, *b.AsDouble());
  if (const auto* integer = b.AsInteger(); integer != nullptr && a.AsDouble() != nullptr)
    return SameNumber(*integer, *a.AsDouble());
  return a.value_ == b.value_;
}

Status CheckStorable(const Value& value, std::size_t depth_max, std::string_view field) {
  return At(field, CheckNested(value, depth_max));
}

}  // namespace guidon::model

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "guidon/flagd/flagd.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::flagd {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::FlagFields;
using model::FlagType;
using model::Object;
using model::Value;

constexpr std::string_view kEvaluators = "$evaluators";

Result<const Object*> ObjectAt(const Object& parent, std::string_view name) {
  static const Object kNone;
  const Value* value = parent.Find(name);
  if (value == nullptr || value->IsNull()) return &kNone;
  if (const Object* object = value->AsObject()) return object;
  return Fail(ErrorCode::kInvalidArgument, "must be an object", std::string(name));
}

base::Status RefuseUnknown(const Object& object, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : object)
    if (std::ranges::find(known, name) == known.end())
      return Fail(ErrorCode::kInvalidArgument, "is not known in flagd's format", model::PathName(name));
  return {};
}

Result<std::string> TextAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  if (value == nullptr || value->IsNull()) return std::string();
  if (const std::string* text = value->AsString()) return *text;
  return Fail(ErrorCode::kInvalidArgument, "must be a string", std::string(name));
}

std::optional<FlagType> TypeOf(const Value& value) {
  if (value.AsBool() != nullptr) return FlagType::kBoolean;
  if (value.AsString() != nullptr) return FlagType::kString;
  if (value.IsNumber()) return FlagType::kNumber;
  return value.AsObject() != nullptr ? std::optional(FlagType::kObject) : std::nullopt;
}

base::Status ReadVariants(const Object& flag, FlagFields& fields) {
  GUIDON_ASSIGN(const Object* variants, ObjectAt(flag, "variants"));
  if (variants->empty()) return Fail(ErrorCode::kInvalidArgument, "must hold at least one variant", "variants");
  std::optional<FlagType> type;
  for (const auto& [name, value] : *variants) {
    const auto own = TypeOf(value);
    const std::string path = "variants." + model::PathName(name);
    if (!own) return Fail(ErrorCode::kInvalidArgument, "must be a boolean, a string, a number or an object", path);
    if (type && own != type)
      return Fail(ErrorCode::kInvalidArgument, "must be of the same type as the other variants", path);
    type = own;
    fields.variations.emplace(name, value);
  }
  fields.type = *type;
  return {};
}

// Off is what a boolean flag has one false variant for. Others have none: the caller's own default is the safe answer.
void ChooseOff(FlagFields& fields) {
  if (fields.type == FlagType::kBoolean) {
    const auto is_off = [](const auto& entry) { return *entry.second.AsBool() == false; };
    const auto off = std::ranges::find_if(fields.variations, is_off);
    if (std::ranges::count_if(fields.variations, is_off) == 1) fields.off_variation = off->first;
  }
  fields.code_default = fields.default_variation.empty() || fields.off_variation.empty();
}

// Names in {"$ref": name}.
void FindReferences(const Value& value, std::set<std::string>& names) {
  if (const model::List* list = value.AsList())
    for (const Value& item : *list) FindReferences(item, names);
  const Object* object = value.AsObject();
  if (object == nullptr) return;
  const Value* reference = object->Find("$ref");
  if (object->size() == 1 && reference != nullptr && reference->AsString() != nullptr)
    names.insert(*reference->AsString());
  for (const auto& [name, member] : *object) FindReferences(member, names);
}

void TakeEvaluators(const Object& all, FlagFields& fields, std::set<std::string>& used) {
  std::vector<const Value*> open = {&*fields.targeting};
  while (!open.empty()) {
    std::set<std::string> names;
    FindReferences(*open.back(), names);
    open.pop_back();
    for (const std::string& name : names) {
      const Value* evaluator = all.Find(name);
      if (evaluator == nullptr || !fields.targeting_evaluators.emplace(name, *evaluator).second) continue;
      used.insert(name);
      open.push_back(evaluator);
    }
  }
}

struct Shared {
  const Object& evaluators;
  const Object& metadata;
};

Result<FlagFields> ReadFlag(const std::string& key, const Value& value, const Shared& shared,
                            std::set<std::string>& used) {
  const Object* flag = value.AsObject();
  if (flag == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be an object");
  GUIDON_TRY(
      RefuseUnknown(*flag, {"state", "variants", "defaultVariant", "targeting", "metadata", "source", "selector"}));
  FlagFields fields{.flag_key = key, .environment = {}};
  GUIDON_ASSIGN(const std::string state, TextAt(*flag, "state"));
  if (state != "ENABLED" && state != "DISABLED")
    return Fail(ErrorCode::kInvalidArgument, "must be ENABLED or DISABLED", "state");
  fields.state = state == "ENABLED" ? model::FlagState::kEnabled : model::FlagState::kDisabled;
  fields.default_enabled = true;
  GUIDON_TRY(ReadVariants(*flag, fields));
  GUIDON_ASSIGN(fields.default_variation, TextAt(*flag, "defaultVariant"));
  ChooseOff(fields);
  for (const Object* source : {&shared.metadata, static_cast<const Object*>(nullptr)}) {
    if (source == nullptr) {
      GUIDON_ASSIGN(source, ObjectAt(*flag, "metadata"));
    }
    for (const auto& [name, member] : *source) fields.metadata[name] = member;
  }
  const Value* targeting = flag->Find("targeting");
  if (targeting == nullptr || targeting->IsNull()) return fields;
  if (targeting->AsObject() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be an object", "targeting");
  fields.targeting = *targeting;
  TakeEvaluators(shared.evaluators, fields, used);
  return fields;
}

}  // namespace

Result<Import> FromFlagd(const Value& document) {
  const Object* root = document.AsObject();
  if (root == nullptr) return Fail(ErrorCode::kInvalidArgument, "flagd's definitions are a JSON object");
  GUIDON_TRY(RefuseUnknown(*root, {"$schema", "flags", kEvaluators, "metadata"}));
  if (root->Find("flags") == nullptr) return Fail(ErrorCode::kInvalidArgument, "is missing", "flags");
  GUIDON_ASSIGN(const Object* flags, ObjectAt(*root, "flags"));
  GUIDON_ASSIGN(const Object* evaluators, ObjectAt(*root, kEvaluators));
  GUIDON_ASSIGN(const Object* metadata, ObjectAt(*root, "metadata"));
  Import import;
  std::set<std::string> used;
  for (const auto& [key, value] : *flags) {
    auto fields = ReadFlag(key, value, {.evaluators = *evaluators, .metadata = *metadata}, used);
    if (!fields) return std::unexpected(model::Below("flags." + model::PathName(key), std::move(fields).error()));
    import.flags.push_back(*std::move(fields));
  }
  if (!metadata->empty())
    import.notes.push_back({.flag_key = {}, .message = "The metadata of the flag set was copied into each flag."});
  for (const auto& [name, evaluator] : *evaluators) {
    if (!used.contains(name))
      import.notes.push_back(
          {.flag_key = {},
           .message = "The evaluator '" + model::PathName(name) + "' is left out: no flag refers to it."});
  }
  return import;
}

FlagFields Merge(const model::Flag& existing, const FlagFields& imported) {
  FlagFields merged = existing.fields();
  merged.state = imported.state;
  merged.type = imported.type;
  merged.variations = imported.variations;
  merged.default_enabled = true;
  merged.default_variation = imported.default_variation;
  if (!merged.variations.contains(merged.off_variation)) merged.off_variation = imported.off_variation;
  if (merged.kill_variation && !merged.variations.contains(*merged.kill_variation)) merged.kill_variation.reset();
  merged.code_default = merged.default_variation.empty() || merged.off_variation.empty();
  merged.targeting = imported.targeting;
  merged.targeting_evaluators = imported.targeting_evaluators;
  merged.metadata = imported.metadata;
  merged.targeting_rules.clear();
  merged.rollout_percentage.reset();
  merged.rollout_salt.reset();
  merged.bucket_by.reset();
  merged.prerequisites.clear();
  return merged;
}

}  // namespace guidon::flagd

// SPDX-License-Identifier: Apache-2.0
#include "guidon/library/definitions_document.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guidon/eval/compile_check.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::library {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;
using model::Object;
using model::Value;

constexpr std::size_t kDepthMax = 64;

// The members of the document that are lists; nothing where one is left out.
Result<const model::List*> ListOf(const Object& document, std::string_view name) {
  const Value* value = document.Find(name);
  if (value == nullptr || value->IsNull()) return nullptr;
  if (value->AsList() != nullptr) return value->AsList();
  return Fail(ErrorCode::kInvalidArgument, "must be a list, not " + std::string(value->TypeName()), std::string(name));
}

// The same part with `environment` filled in where it was left out.
Result<Value> InEnvironment(const Value& part, const std::string& environment) {
  if (part.AsObject() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must be an object, not " + std::string(part.TypeName()));
  Value copy = part;
  if (copy.AsObject()->Find("environment") == nullptr) copy.MutableObject()->Set("environment", Value(environment));
  return copy;
}

Result<model::Flag> ReadFlag(const Value& part, const std::string& environment) {
  GUIDON_ASSIGN(auto fields, json::FlagFromJson(part, {.environment = environment}));
  GUIDON_ASSIGN(model::Flag flag, model::Flag::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(flag));
  return flag;
}

Result<model::Segment> ReadSegment(const Value& part, const std::string& environment) {
  GUIDON_ASSIGN(auto fields, json::SegmentFromJson(part, {.environment = environment}));
  GUIDON_ASSIGN(model::Segment segment, model::Segment::Create(std::move(fields)));
  GUIDON_TRY(eval::CheckCompiles(segment));
  return segment;
}

Result<std::string> VariationOf(const Object& part, const std::vector<model::Flag>& flags) {
  const Value* enabled = part.Find("enabled");
  const Value* key = part.Find("flagKey");
  if (enabled->AsBool() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be true or false", "enabled");
  const auto flag = std::ranges::find_if(flags, [&](const model::Flag& one) {
    return key != nullptr && key->AsString() != nullptr && one->flag_key == *key->AsString();
  });
  if (flag == flags.end())
    return Fail(ErrorCode::kInvalidArgument, "needs the flag in the same document; name a variation instead",
                "enabled");
  return *enabled->AsBool() ? (*flag)->default_variation : (*flag)->off_variation;
}

Result<model::Override> ReadOverride(const Value& part, const std::string& environment,
                                     const std::vector<model::Flag>& flags) {
  GUIDON_ASSIGN(Value document, InEnvironment(part, environment));
  Object& members = *document.MutableObject();
  if (members.Find("enabled") != nullptr) {
    if (members.Find("variation") != nullptr)
      return Fail(ErrorCode::kInvalidArgument, "must be left out where a variation is named", "enabled");
    GUIDON_ASSIGN(std::string variation, VariationOf(members, flags));
    members.Erase("enabled");
    members.Set("variation", Value(std::move(variation)));
  }
  GUIDON_ASSIGN(auto fields, json::OverrideFromJson(document));
  return model::Override::Create(std::move(fields));
}

Result<model::KillSwitch> ReadKillSwitch(const Value& part, const std::string& environment) {
  GUIDON_ASSIGN(const Value document, InEnvironment(part, environment));
  GUIDON_ASSIGN(auto fields, json::KillSwitchFromJson(document));
  return model::KillSwitch::Create(std::move(fields));
}

// Parts of the document's list through `read`; an error carries `name[i]`.
template <class Part, class Read>
Status ReadList(const Object& document, std::string_view name, std::vector<Part>& parts, Read read) {
  GUIDON_ASSIGN(const model::List* list, ListOf(document, name));
  if (list == nullptr) return {};
  parts.reserve(list->size());
  for (std::size_t i = 0; i < list->size(); ++i) {
    auto part = read((*list)[i]);
    if (!part) return model::At(name, i, std::unexpected(std::move(part).error()));
    parts.push_back(*std::move(part));
  }
  return {};
}

// Two definitions of one thing: nobody can say which was meant.
template <class Part, class KeyOf>
Status RefuseTwins(const std::vector<Part>& parts, std::string_view name, std::string_view field, KeyOf key_of) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (seen.insert(key_of(parts[i])).second) continue;
    return model::At(name, i, Fail(ErrorCode::kInvalidArgument, "is there twice", std::string(field)));
  }
  return {};
}

Status RefuseUnknown(const Object& document) {
  static const std::set<std::string, std::less<>> kNames = {
      "brokenFlags", "brokenSegments", "complete", "environment", "eventStreams", "flags",   "killSwitches",
      "overrides",   "removed",        "schema",   "segments",    "sequence",     "tenantId"};
  for (const auto& [name, value] : document) {
    if (!kNames.contains(name)) return Fail(ErrorCode::kInvalidArgument, "is not known", model::PathName(name));
  }
  return {};
}

// What the server cannot read is known by its key, so that it answers an error and not that it is not there.
Result<eval::BrokenFlag> ReadBrokenFlag(const Value& part) {
  if (part.AsObject() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must be an object, not " + std::string(part.TypeName()));
  const auto text_of = [&](std::string_view name) {
    const Value* value = part.AsObject()->Find(name);
    return value == nullptr || value->AsString() == nullptr ? std::string() : *value->AsString();
  };
  GUIDON_ASSIGN(const auto key, model::FlagKey::Parse(text_of("flagKey")));
  eval::BrokenFlag broken{.flag_key = key.str(),
                          .error = {.code = ErrorCode::kCorrupt, .message = "The server cannot read this flag."}};
  if (const std::string tenant = text_of("tenantId"); !tenant.empty()) broken.tenant_id = tenant;
  return broken;
}

Result<eval::BrokenSegment> ReadBrokenSegment(const Value& part) {
  const Value* key = part.AsObject() == nullptr ? nullptr : part.AsObject()->Find("segmentKey");
  if (key == nullptr || key->AsString() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must name the segment", "segmentKey");
  return eval::BrokenSegment{.segment_key = *key->AsString(),
                             .error = {.code = ErrorCode::kCorrupt, .message = "The server cannot read this segment."}};
}

// Changes alone are no definitions: evaluating them would find most flags missing.
Status RefuseChanges(const Object& document) {
  const Value* complete = document.Find("complete");
  const bool changes = complete != nullptr && (complete->AsBool() == nullptr || !*complete->AsBool());
  if (changes || document.Find("removed") != nullptr)
    return Fail(ErrorCode::kInvalidArgument,
                "is not true: these are changes since an earlier state; ask for the definitions without `since`",
                "complete");
  return {};
}

Result<std::uint64_t> SequenceOf(const Object& document) {
  const Value* sequence = document.Find("sequence");
  if (sequence == nullptr) return 0;
  if (sequence->AsInteger() != nullptr && *sequence->AsInteger() >= 0)
    return static_cast<std::uint64_t>(*sequence->AsInteger());
  return Fail(ErrorCode::kInvalidArgument, "must be a whole number that is not negative", "sequence");
}

}  // namespace

Result<eval::Definitions> ParseDefinitions(std::string_view text) {
  GUIDON_ASSIGN(const Value document, json::Parse(text, {.bytes_max = kDocumentBytesMax, .depth_max = kDepthMax}));
  if (document.AsObject() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "The definitions must be a JSON object.");
  const Object& members = *document.AsObject();
  GUIDON_TRY(RefuseUnknown(members));
  GUIDON_TRY(RefuseChanges(members));
  const Value* environment = members.Find("environment");
  if (environment == nullptr || environment->AsString() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must name the environment", "environment");
  GUIDON_ASSIGN(const auto env, model::Environment::Parse(*environment->AsString()));

  eval::Definitions out;
  out.environment = env.str();
  GUIDON_ASSIGN(out.sequence, SequenceOf(members));
  GUIDON_TRY(ReadList(members, "flags", out.flags, [&](const Value& part) { return ReadFlag(part, env.str()); }));
  GUIDON_TRY(
      ReadList(members, "segments", out.segments, [&](const Value& part) { return ReadSegment(part, env.str()); }));
  GUIDON_TRY(ReadList(members, "overrides", out.overrides,
                      [&](const Value& part) { return ReadOverride(part, env.str(), out.flags); }));
  GUIDON_TRY(ReadList(members, "killSwitches", out.kill_switches,
                      [&](const Value& part) { return ReadKillSwitch(part, env.str()); }));
  GUIDON_TRY(ReadList(members, "brokenFlags", out.broken_flags, ReadBrokenFlag));
  GUIDON_TRY(ReadList(members, "brokenSegments", out.broken_segments, ReadBrokenSegment));
  GUIDON_TRY(RefuseTwins(out.flags, "flags", "flagKey", [](const auto& flag) { return flag->flag_key; }));
  GUIDON_TRY(RefuseTwins(out.segments, "segments", "segmentKey", [](const auto& one) { return one->segment_key; }));
  GUIDON_TRY(RefuseTwins(out.overrides, "overrides", "tenantId",
                         [](const auto& one) { return one->flag_key + '\n' + one->tenant_id; }));
  return out;
}

}  // namespace guidon::library

// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/limits.hpp"

// The keys of a segment: by pages, in portions, and whole.
namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::Object;
using model::Value;

Result<model::SegmentKey> SegmentKeyOf(const Call& call) { return model::SegmentKey::Parse(call.path[1]); }

Result<store::SegmentList> ListOf(const Query& query) {
  const std::string* name = query.Find("list");
  if (name == nullptr || *name == "included") return store::SegmentList::kIncluded;
  if (*name == "excluded") return store::SegmentList::kExcluded;
  return Fail(ErrorCode::kInvalidArgument, "must be included or excluded", "list");
}

Result<std::vector<std::string>> KeysAt(const Object& object, std::string_view name, std::string_view parent) {
  const std::string field = std::string(parent) + "." + std::string(name);
  std::vector<std::string> keys;
  const Value* value = object.Find(name);
  if (value == nullptr) return keys;
  if (value->AsList() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a list of strings", field);
  keys.reserve(value->AsList()->size());
  for (const Value& key : *value->AsList()) {
    if (key.AsString() == nullptr)
      return Fail(ErrorCode::kInvalidArgument, "must be a string", field + "[" + std::to_string(keys.size()) + "]");
    keys.push_back(*key.AsString());
  }
  return keys;
}

struct Lists {
  std::vector<std::string> included;
  std::vector<std::string> excluded;
};

Result<Lists> ListsAt(const Object& body, std::string_view name) {
  Lists lists;
  const Value* value = body.Find(name);
  if (value == nullptr) return lists;
  if (value->AsObject() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be an object", std::string(name));
  GUIDON_TRY(RefuseUnknown(*value->AsObject(), {"included", "excluded"}, name));
  GUIDON_ASSIGN(lists.included, KeysAt(*value->AsObject(), "included", name));
  GUIDON_ASSIGN(lists.excluded, KeysAt(*value->AsObject(), "excluded", name));
  return lists;
}

Value CountsJson(const model::SegmentKeyCounts& counts) {
  Object object;
  object.Set("included", static_cast<std::int64_t>(counts.included));
  object.Set("excluded", static_cast<std::int64_t>(counts.excluded));
  return object;
}

Response KeysResponse(const Call& call, const app::Changed<app::SegmentKeysOutcome>& changed) {
  const app::SegmentKeysOutcome& outcome = changed.entity;
  Object body;
  body.Set("segmentKey", outcome.segment_key);
  body.Set("environment", outcome.environment);
  body.Set("version", static_cast<std::int64_t>(outcome.version));
  body.Set("includedCount", static_cast<std::int64_t>(outcome.count.included));
  body.Set("excludedCount", static_cast<std::int64_t>(outcome.count.excluded));
  body.Set("added", CountsJson(outcome.added));
  body.Set("removed", CountsJson(outcome.removed));
  Response response = EntityResponse(call, Value(std::move(body)), outcome.version);
  AddChange(response, changed.sequence, changed.replayed);
  return response;
}

}  // namespace

Result<Response> ListSegmentKeys(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, SegmentKeyOf(call));
  GUIDON_ASSIGN(const auto list, ListOf(call.query));
  GUIDON_ASSIGN(const auto page, PageOf(call));
  const std::string* prefix = call.query.Find("prefix");
  if (prefix != nullptr && prefix->size() > model::kTargetingKeyBytesMax)
    return Fail(ErrorCode::kTooLarge, "is longer than any key", "prefix");
  GUIDON_ASSIGN(const auto keys,
                call.app.segments().ListKeys(call.info, env, key, list, prefix == nullptr ? "" : *prefix, page));
  return PageResponse(keys, [](const std::string& each) { return Value(each); });
}

Result<Response> EditSegmentKeys(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, SegmentKeyOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"add", "remove"}));
  GUIDON_ASSIGN(auto add, ListsAt(*body.AsObject(), "add"));
  GUIDON_ASSIGN(auto remove, ListsAt(*body.AsObject(), "remove"));
  GUIDON_ASSIGN(const auto changed, call.app.segments().EditKeys(call.info, env, key,
                                                                 {.add_included = std::move(add.included),
                                                                  .add_excluded = std::move(add.excluded),
                                                                  .remove_included = std::move(remove.included),
                                                                  .remove_excluded = std::move(remove.excluded)},
                                                                 call.if_match));
  return KeysResponse(call, changed);
}

Result<Response> UploadSegmentKeys(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, SegmentKeyOf(call));
  GUIDON_ASSIGN(auto lists, json::SegmentKeysFromJson(call.body, call.api.limits().segment_keys_body_bytes_max));
  GUIDON_ASSIGN(const auto changed,
                call.app.segments().UploadKeys(
                    call.info, env, key, {.included = std::move(lists.included), .excluded = std::move(lists.excluded)},
                    call.if_match));
  return KeysResponse(call, changed);
}

}  // namespace guidon::api_http::handlers

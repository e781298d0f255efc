// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <utility>

#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/json/model_json.hpp"

// Segments, tenants and API keys.
namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr std::int64_t kOverlapSecondsMax = 30LL * 24 * 3600;  // as app::KeyRotation says

app::IfMatch OrAny(app::IfMatch match) {
  if (match.kind == app::IfMatch::Kind::kMissing) match.kind = app::IfMatch::Kind::kAny;
  return match;
}

Result<model::SegmentKey> SegmentKeyOf(const Call& call) { return model::SegmentKey::Parse(call.path[1]); }
Result<model::TenantId> TenantOf(const Call& call) { return model::TenantId::Parse(call.path[0]); }
Result<model::KeyId> KeyOf(const Call& call) { return model::KeyId::Parse(call.path[0]); }

Response IssuedResponse(const app::Changed<app::IssuedKey>& changed) {
  Response response{.status = 201};
  const model::ApiKey& key = changed.entity.key;
  response.body = "{\"key\":";
  json::Append(response.body, json::ApiKeyToJson(key));
  if (changed.entity.token) {
    response.body += ",\"token\":";
    json::AppendQuoted(response.body, *changed.entity.token);
  }
  response.body += '}';
  response.headers.emplace_back("Location", "/api/v1/keys/" + key->key_id);
  response.headers.emplace_back("ETag", '"' + std::to_string(key->version) + '"');
  AddChange(response, changed.sequence, changed.replayed);
  return response;
}

}  // namespace

Result<Response> ListSegments(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto page, PageOf(call));
  GUIDON_ASSIGN(const auto segments, call.app.segments().List(call.info, env, page));
  return PageResponse(segments, json::SegmentToJson);
}

Result<Response> CreateSegment(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(auto fields, json::SegmentFromJson(body, {.environment = env.str()}));
  GUIDON_ASSIGN(const auto changed, call.app.segments().Create(call.info, std::move(fields)));
  const model::Segment& segment = changed.entity;
  Response response =
      CreatedResponse(call, json::SegmentToJson(segment), segment->version,
                      "/api/v1/environments/" + segment->environment + "/segments/" + segment->segment_key);
  AddChange(response, changed.sequence, changed.replayed);
  return response;
}

Result<Response> GetSegment(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, SegmentKeyOf(call));
  GUIDON_ASSIGN(const auto segment, call.app.segments().Get(call.info, env, key));
  return EntityResponse(call, json::SegmentToJson(segment), segment->version);
}

Result<Response> ReplaceSegment(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, SegmentKeyOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(auto fields, json::SegmentFromJson(body, {.environment = env.str(), .key = key.str()}));
  const app::SegmentListsGiven given{.included = body.AsObject()->Find("included") != nullptr,
                                     .excluded = body.AsObject()->Find("excluded") != nullptr};
  GUIDON_ASSIGN(const auto changed, call.app.segments().Replace(call.info, std::move(fields), call.if_match, given));
  return ChangedResponse(call, changed, json::SegmentToJson);
}

Result<Response> PatchSegment(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, SegmentKeyOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(const auto changed, call.app.segments().Patch(call.info, env, key, body, call.if_match));
  return ChangedResponse(call, changed, json::SegmentToJson);
}

Result<Response> DeleteSegment(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, SegmentKeyOf(call));
  GUIDON_ASSIGN(const auto removed, call.app.segments().Delete(call.info, env, key, OrAny(call.if_match)));
  return RemovedResponse(removed);
}

Result<Response> ListTenants(const Call& call) {
  GUIDON_ASSIGN(const auto page, PageOf(call));
  GUIDON_ASSIGN(const auto tenants, call.app.tenants().List(call.info, page));
  return PageResponse(tenants, json::TenantToJson);
}

Result<Response> CreateTenant(const Call& call) {
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(auto fields, json::TenantFromJson(body, {}));
  GUIDON_ASSIGN(const auto changed, call.app.tenants().Create(call.info, std::move(fields)));
  Response response = CreatedResponse(call, json::TenantToJson(changed.entity), changed.entity->version,
                                      "/api/v1/tenants/" + changed.entity->tenant_id);
  AddChange(response, changed.sequence, changed.replayed);
  return response;
}

Result<Response> GetTenant(const Call& call) {
  GUIDON_ASSIGN(const auto id, TenantOf(call));
  GUIDON_ASSIGN(const auto tenant, call.app.tenants().Get(call.info, id));
  return EntityResponse(call, json::TenantToJson(tenant), tenant->version);
}

Result<Response> ReplaceTenant(const Call& call) {
  GUIDON_ASSIGN(const auto id, TenantOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(auto fields, json::TenantFromJson(body, {.key = id.str()}));
  GUIDON_ASSIGN(const auto changed, call.app.tenants().Replace(call.info, std::move(fields), call.if_match));
  return ChangedResponse(call, changed, json::TenantToJson);
}

Result<Response> PatchTenant(const Call& call) {
  GUIDON_ASSIGN(const auto id, TenantOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(const auto changed, call.app.tenants().Patch(call.info, id, body, call.if_match));
  return ChangedResponse(call, changed, json::TenantToJson);
}

Result<Response> DeleteTenant(const Call& call) {
  GUIDON_ASSIGN(const auto id, TenantOf(call));
  GUIDON_ASSIGN(const auto removed, call.app.tenants().Delete(call.info, id, OrAny(call.if_match)));
  return RemovedResponse(removed);
}

Result<Response> ListKeys(const Call& call) {
  GUIDON_ASSIGN(const auto page, PageOf(call));
  GUIDON_ASSIGN(const auto keys, call.app.keys().List(call.info, page));
  return PageResponse(keys, json::ApiKeyToJson);
}

Result<Response> CreateKey(const Call& call) {
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(auto fields, json::ApiKeyRequestFromJson(body));
  GUIDON_ASSIGN(const auto changed, call.app.keys().Create(call.info, std::move(fields)));
  return IssuedResponse(changed);
}

Result<Response> GetKey(const Call& call) {
  GUIDON_ASSIGN(const auto id, KeyOf(call));
  GUIDON_ASSIGN(const auto key, call.app.keys().Get(call.info, id));
  return EntityResponse(call, json::ApiKeyToJson(key), key->version);
}

Result<Response> RevokeKey(const Call& call) {
  GUIDON_ASSIGN(const auto id, KeyOf(call));
  GUIDON_ASSIGN(const auto changed, call.app.keys().Revoke(call.info, id));
  return ChangedResponse(call, changed, json::ApiKeyToJson);
}

Result<Response> RotateKey(const Call& call) {
  GUIDON_ASSIGN(const auto id, KeyOf(call));
  app::KeyRotation rotation;
  if (!call.body.empty()) {
    GUIDON_ASSIGN(const auto body, BodyOf(call));
    GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"overlapSeconds"}));
    if (const model::Value* overlap = body.AsObject()->Find("overlapSeconds")) {
      if (overlap->AsInteger() == nullptr || *overlap->AsInteger() < 0 || *overlap->AsInteger() > kOverlapSecondsMax)
        return Fail(ErrorCode::kInvalidArgument, "must be a whole number from 0 to 2592000", "overlapSeconds");
      rotation.overlap = std::chrono::seconds(*overlap->AsInteger());
    }
  }
  GUIDON_ASSIGN(const auto changed, call.app.keys().Rotate(call.info, id, rotation));
  return IssuedResponse(changed);
}

}  // namespace guidon::api_http::handlers

// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

// {"enabled": true} or {"variation": "name"}, exactly one of them.
Result<app::OverrideChoice> ChoiceOf(const model::Object& object) {
  app::OverrideChoice choice;
  if (const model::Value* enabled = object.Find("enabled")) {
    if (enabled->AsBool() == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be a boolean", "enabled");
    choice.enabled = *enabled->AsBool();
  }
  GUIDON_ASSIGN(choice.variation, StringOf(object, "variation"));
  if (choice.enabled.has_value() == choice.variation.has_value())
    return Fail(ErrorCode::kInvalidArgument, "exactly one of enabled and variation must be there", "enabled");
  return choice;
}

Result<app::BulkOverride> EntryOf(const model::Value& value) {
  const model::Object* object = value.AsObject();
  if (object == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be an object");
  GUIDON_TRY(RefuseUnknown(*object, {"tenantId", "enabled", "variation"}));
  GUIDON_ASSIGN(const auto tenant, StringOf(*object, "tenantId"));
  if (!tenant) return Fail(ErrorCode::kInvalidArgument, "is required", "tenantId");
  GUIDON_ASSIGN(auto id, model::TenantId::Parse(*tenant));
  GUIDON_ASSIGN(auto choice, ChoiceOf(*object));
  return app::BulkOverride{.tenant = std::move(id), .choice = std::move(choice)};
}

Result<std::vector<app::BulkOverride>> EntriesOf(const model::Object& body) {
  GUIDON_TRY(RefuseUnknown(body, {"overrides"}));
  const model::Value* value = body.Find("overrides");
  if (value == nullptr || value->AsList() == nullptr || value->AsList()->empty())
    return Fail(ErrorCode::kInvalidArgument, "must be a list that is not empty", "overrides");
  const model::List& list = *value->AsList();
  if (list.size() > app::kBulkOverridesMax)
    return Fail(ErrorCode::kTooLarge, "has more than 10000 entries; send several requests", "overrides");
  std::vector<app::BulkOverride> entries;
  entries.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto entry = EntryOf(list[i]);
    if (!entry) {
      base::Error error = std::move(entry).error();
      error.field = "overrides[" + std::to_string(i) + ']' + (error.field.empty() ? "" : "." + error.field);
      return std::unexpected(std::move(error));
    }
    entries.push_back(*std::move(entry));
  }
  return entries;
}

}  // namespace

Result<Response> ListOverrides(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto page, PageOf(call));
  GUIDON_ASSIGN(const auto overrides, call.app.overrides().List(call.info, env, key, page));
  return PageResponse(overrides, json::OverrideToJson);
}

Result<Response> SetOverrides(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_ASSIGN(const auto entries, EntriesOf(*body.AsObject()));
  GUIDON_ASSIGN(const auto outcome, call.app.overrides().SetMany(call.info, env, key, entries));
  Response response;
  response.body = "{\"applied\":";
  AppendNumber(response.body, outcome.applied);
  response.body += ",\"transactions\":";
  AppendNumber(response.body, outcome.transactions);
  response.body += ",\"sequence\":";
  AppendNumber(response.body, outcome.sequence);
  response.body += '}';
  AddChange(response, outcome.sequence, false);
  return response;
}

Result<Response> GetOverride(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto tenant, model::TenantId::Parse(call.path[2]));
  GUIDON_ASSIGN(const auto found, call.app.overrides().Get(call.info, env, key, tenant));
  return EntityResponse(call, json::OverrideToJson(found), found->version);
}

Result<Response> SetOverride(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto tenant, model::TenantId::Parse(call.path[2]));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"enabled", "variation"}));
  GUIDON_ASSIGN(const auto choice, ChoiceOf(*body.AsObject()));
  GUIDON_ASSIGN(const auto changed, call.app.overrides().Set(call.info, env, key, tenant, choice));
  return ChangedResponse(call, changed, json::OverrideToJson);
}

Result<Response> UnsetOverride(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto tenant, model::TenantId::Parse(call.path[2]));
  GUIDON_ASSIGN(const auto removed, call.app.overrides().Unset(call.info, env, key, tenant));
  return RemovedResponse(removed);
}

Result<Response> ListOverridesOfTenant(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  const std::string* tenant = call.query.Find("tenantId");
  if (tenant == nullptr) return Fail(ErrorCode::kInvalidArgument, "is required", "tenantId");
  GUIDON_ASSIGN(const auto id, model::TenantId::Parse(*tenant));
  GUIDON_ASSIGN(const auto page, PageOf(call));
  GUIDON_ASSIGN(const auto overrides, call.app.overrides().ListOfTenant(call.info, env, id, page));
  return PageResponse(overrides, json::OverrideToJson);
}

Result<Response> ListKillSwitches(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(auto switches, call.app.kill_switches().List(call.info, env));
  return PageResponse(store::Page<model::KillSwitch>{.items = std::move(switches), .next_cursor = std::nullopt},
                      json::KillSwitchToJson);
}

Result<Response> EngageKillSwitch(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto scope, model::KillScope::Parse(call.path[1]));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"reason"}));
  GUIDON_ASSIGN(auto reason, StringOf(*body.AsObject(), "reason"));
  if (!reason || reason->empty())
    return Fail(ErrorCode::kInvalidArgument, "is required: whoever is called next must know why", "reason");
  GUIDON_ASSIGN(const auto changed, call.app.kill_switches().Engage(call.info, env, scope, *std::move(reason)));
  return ChangedResponse(call, changed, json::KillSwitchToJson);
}

Result<Response> ReleaseKillSwitch(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto scope, model::KillScope::Parse(call.path[1]));
  const std::string* reason = call.query.Find("reason");
  GUIDON_ASSIGN(const auto removed,
                call.app.kill_switches().Release(call.info, env, scope, reason == nullptr ? "" : *reason));
  return RemovedResponse(removed);
}

}  // namespace guidon::api_http::handlers

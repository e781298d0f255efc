// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/evaluation.hpp"
#include "guidon/api_http/finding_json.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/library/explanation.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

std::string LocationOf(const model::Flag& flag) {
  return "/api/v1/environments/" + flag->environment + "/flags/" + flag->flag_key;
}

// The flag, with what its author may want to look at again.
model::Value SavedFlagToJson(const Call& call, const model::Flag& flag) {
  model::Value document = json::FlagToJson(flag);
  model::List warnings = FindingsToJson(call.app.flags().Check(call.info, flag));
  if (!warnings.empty()) document.MutableObject()->Set("warnings", std::move(warnings));
  return document;
}

Response SavedFlag(const Call& call, const app::Changed<model::Flag>& changed) {
  return ChangedResponse(call, changed, [&](const model::Flag& flag) { return SavedFlagToJson(call, flag); });
}

// What was read from an answer can be sent back as it is.
Result<model::Value> FlagDocumentOf(const Call& call) {
  GUIDON_ASSIGN(model::Value body, FlagBodyOf(call));
  body.MutableObject()->Erase("warnings");
  return body;
}

Response CreatedFlag(const Call& call, const app::Changed<model::Flag>& changed) {
  Response response =
      CreatedResponse(call, SavedFlagToJson(call, changed.entity), changed.entity->version, LocationOf(changed.entity));
  AddChange(response, changed.sequence, changed.replayed);
  return response;
}

Result<app::FlagFilter> FilterOf(const Query& query) {
  app::FlagFilter filter;
  for (const auto& [name, target] : {std::pair{"owner", &filter.owner}, std::pair{"tag", &filter.tag},
                                     std::pair{"tenantId", &filter.tenant_id}, std::pair{"q", &filter.q}}) {
    const std::string* value = query.Find(name);
    if (value == nullptr) continue;
    if (value->empty()) return Fail(ErrorCode::kInvalidArgument, "must not be empty", name);
    *target = *value;
  }
  if (!filter.owner.empty()) GUIDON_TRY(model::Owner::Parse(filter.owner));
  if (!filter.tenant_id.empty()) GUIDON_TRY(model::TenantId::Parse(filter.tenant_id));
  if (filter.q.size() > 200) return Fail(ErrorCode::kInvalidArgument, "must be at most 200 bytes long", "q");
  if (const std::string* state = query.Find("state")) {
    filter.state = model::FlagStateFromName(*state);
    if (!filter.state) return Fail(ErrorCode::kInvalidArgument, "must be ENABLED, DISABLED or ARCHIVED", "state");
  }
  return filter;
}

// Archive and delete take whatever is there where nothing else is said.
app::IfMatch OrAny(app::IfMatch match) {
  if (match.kind == app::IfMatch::Kind::kMissing) match.kind = app::IfMatch::Kind::kAny;
  return match;
}

Result<model::Context> ExplainedContext(const Call& call) {
  GUIDON_ASSIGN(const model::Value body, BodyOf(call));
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"context"}));
  model::Context context;
  if (const model::Value* value = body.AsObject()->Find("context")) {
    auto read = json::ContextFromJson(*value);
    if (!read) {
      base::Error error = std::move(read).error();
      error.field = error.field.empty() ? "context" : "context." + error.field;
      return std::unexpected(std::move(error));
    }
    context = *std::move(read);
  }
  if (auto problem = BindTenant(call.api.gate(), call.info, call.path[0], context))
    return Fail(ErrorCode::kPermissionDenied, problem->detail, "context.tenantId");
  return context;
}

}  // namespace

Result<Response> ListFlags(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto filter, FilterOf(call.query));
  GUIDON_ASSIGN(const auto page, PageOf(call));
  GUIDON_ASSIGN(const auto flags, call.app.flags().List(call.info, env, filter, page));
  return PageResponse(flags, json::FlagToJson);
}

Result<Response> CreateFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto body, FlagDocumentOf(call));
  GUIDON_ASSIGN(auto fields, json::FlagFromJson(body, {.environment = env.str()}));
  GUIDON_ASSIGN(const auto changed, call.app.flags().Create(call.info, std::move(fields)));
  return CreatedFlag(call, changed);
}

Result<Response> GetFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto flag, call.app.flags().Get(call.info, env, key));
  return EntityResponse(call, json::FlagToJson(flag), flag->version);
}

Result<Response> ReplaceFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto body, FlagDocumentOf(call));
  GUIDON_ASSIGN(auto fields, json::FlagFromJson(body, {.environment = env.str(), .key = key.str()}));
  GUIDON_ASSIGN(const auto changed, call.app.flags().Replace(call.info, std::move(fields), call.if_match));
  return SavedFlag(call, changed);
}

Result<Response> PatchFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto body, FlagDocumentOf(call));
  GUIDON_ASSIGN(const auto changed, call.app.flags().Patch(call.info, env, key, body, call.if_match));
  return SavedFlag(call, changed);
}

Result<Response> DeleteFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto removed, call.app.flags().Delete(call.info, env, key, OrAny(call.if_match)));
  return RemovedResponse(removed);
}

Result<Response> ArchiveFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto changed, call.app.flags().Archive(call.info, env, key, OrAny(call.if_match)));
  return ChangedResponse(call, changed, json::FlagToJson);
}

Result<Response> CopyFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"environment", "flagKey"}));
  GUIDON_ASSIGN(const auto environment, StringOf(*body.AsObject(), "environment"));
  GUIDON_ASSIGN(const auto flag_key, StringOf(*body.AsObject(), "flagKey"));
  if (!environment && !flag_key)
    return Fail(ErrorCode::kInvalidArgument, "say where to: another environment, another flagKey, or both", "flagKey");
  GUIDON_ASSIGN(const auto to_env, model::Environment::Parse(environment.value_or(env.str())));
  GUIDON_ASSIGN(const auto to_key, model::FlagKey::Parse(flag_key.value_or(key.str())));
  if (auto problem = call.api.gate().AdmitEnvironment(call.info, call.route.permission, to_env.str()))
    return ProblemResponse(*problem, call.info.request_id);
  GUIDON_ASSIGN(const auto changed, call.app.flags().Copy(call.info, env, key, to_env, to_key));
  return CreatedFlag(call, changed);
}

Result<Response> LintFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto findings, call.app.flags().Lint(call.info, env, key));
  model::Object report;
  report.Set("flagKey", key.str());
  report.Set("environment", env.str());
  report.Set("findings", FindingsToJson(findings));
  return Response{.body = json::Write(std::move(report))};
}

Result<Response> ExplainFlag(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto key, FlagKeyOf(call));
  GUIDON_ASSIGN(const auto context, ExplainedContext(call));
  const auto snapshot = call.app.snapshots().Find(env.str())->Get();
  eval::Trace trace;
  const auto evaluation = eval::Evaluate(*snapshot, key.str(), context, call.app.clock().Now(), &trace);
  const bool missing = snapshot->Find(key.str()) == nullptr;
  const bool hidden = call.info.principal.tenant_id && evaluation.error == model::EvaluationError::kFlagNotFound;
  if (missing || hidden) return Fail(ErrorCode::kNotFound, "There is no flag with this key here.", "flagKey");
  Response response;
  library::AppendExplanation(response.body, key.str(), evaluation, trace);
  return response;
}

}  // namespace guidon::api_http::handlers

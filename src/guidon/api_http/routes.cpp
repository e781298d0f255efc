// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "guidon/api_http/connect.hpp"
#include "guidon/api_http/evaluation.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/api_http/metrics.hpp"
#include "guidon/api_http/route.hpp"
#include "guidon/api_http/stream_handlers.hpp"

namespace guidon::api_http {
namespace {

using app::Permission;
using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> kBulk = {"flagConfigEtag", "flagConfigLastModified"};
constexpr std::array<std::string_view, 1> kToken = {"token"};
constexpr std::array<std::string_view, 2> kPage = {"limit", "cursor"};
constexpr std::array<std::string_view, 4> kSegmentKeys = {"list", "prefix", "limit", "cursor"};
constexpr std::array<std::string_view, 7> kFlagList = {"owner", "tag", "tenantId", "state", "q", "limit", "cursor"};
constexpr std::array<std::string_view, 3> kTenantOverrides = {"tenantId", "limit", "cursor"};
constexpr std::array<std::string_view, 1> kLimit = {"limit"};
constexpr std::array<std::string_view, 1> kWait = {"wait"};
constexpr std::array<std::string_view, 1> kReason = {"reason"};
constexpr std::array<std::string_view, 1> kExport = {"format"};
constexpr std::array<std::string_view, 3> kDefinitions = {"flags", "since", "flagConfigEtag"};
constexpr std::array<std::string_view, 4> kImport = {"format", "dryRun", "owner", "portions"};
constexpr std::array<std::string_view, 4> kFlagUsage = {"from", "to", "by", "tenantId"};
constexpr std::array<std::string_view, 4> kEvaluationLog = {"from", "to", "limit", "cursor"};
constexpr std::array<std::string_view, 3> kUsageList = {"unusedSince", "limit", "cursor"};
constexpr std::array<std::string_view, 8> kAudit = {"environment", "resource", "actor", "tenantId",
                                                    "from",        "to",       "limit", "cursor"};
constexpr std::array<std::string_view, 4> kAuditVerify = {"environment", "from", "to", "cursor"};
constexpr std::array<std::string_view, 8> kAuditExport = {"format",   "environment", "resource", "actor",
                                                          "tenantId", "from",        "to",       "cursor"};

constexpr Route Blocking(Method method, std::string_view path, Permission permission, BodyRule body, Names query,
                         Route::Handler handler) {
  return {.method = method, .path = path, .permission = permission, .body = body, .query = query, .handler = handler};
}

constexpr Route Quick(std::string_view path, Route::Handler handler) {
  return {.method = Method::kGet,
          .path = path,
          .permission = Permission::kPublic,
          .body = BodyRule::kNone,
          .query = {},
          .on_io_thread = true,
          .handler = handler};
}

constexpr Route Evaluating(std::string_view path, Names query, Protocol protocol, Route::DirectHandler direct) {
  return {.method = Method::kPost,
          .path = path,
          .permission = Permission::kEvaluate,
          .body = BodyRule::kEvaluation,
          .query = query,
          .protocol = protocol,
          .on_io_thread = true,
          .direct = direct};
}

constexpr Route Streaming(std::string_view path, Permission permission, Names query, Protocol protocol,
                          Route::DirectHandler direct) {
  return {.method = Method::kGet,
          .path = path,
          .permission = permission,
          .body = BodyRule::kNone,
          .query = query,
          .protocol = protocol,
          .on_io_thread = true,
          .direct = direct};
}

// Connect sends the request of a stream as a body, too.
constexpr Route ConnectStreaming(std::string_view path) {
  return {.method = Method::kPost,
          .path = path,
          .permission = Permission::kEvaluate,
          .body = BodyRule::kConnectStream,
          .query = {},
          .protocol = Protocol::kConnectStream,
          .on_io_thread = true,
          .direct = StreamFlagdEvents};
}

// Takes a small body, and stores nothing: no thread has to wait for it.
constexpr Route Noting(std::string_view path, Route::Handler handler) {
  return {.method = Method::kPost,
          .path = path,
          .permission = Permission::kEvaluate,
          .body = BodyRule::kJson,
          .query = {},
          .on_io_thread = true,
          .handler = handler};
}

#define GUIDON_ENV "/api/v1/environments/{env}"

// What is called most comes first. The contract (api/openapi.yaml) has the same list; a test compares them.
constexpr std::array kRoutes = {
    Evaluating("/ofrep/v1/evaluate/flags/{key}", {}, Protocol::kOfrep, EvaluateOne),
    Evaluating("/ofrep/v1/evaluate/flags", kBulk, Protocol::kOfrep, EvaluateAll),
    Evaluating("/api/evaluate", {}, Protocol::kGuidon, EvaluateSmall),
    // The token in the URL is the credential: browsers' EventSource sends no headers.
    Streaming("/ofrep/v1/events", Permission::kPublic, kToken, Protocol::kOfrep, StreamEvaluationChanges),
    // The stream comes before the calls: of two paths that fit, the first is taken.
    ConnectStreaming("/flagd.evaluation.v1.Service/EventStream"),
    ConnectStreaming("/flagd.evaluation.v2.Service/EventStream"),
    Evaluating("/flagd.evaluation.v1.Service/{method}", {}, Protocol::kConnect, ResolveFlagdV1),
    Evaluating("/flagd.evaluation.v2.Service/{method}", {}, Protocol::kConnect, ResolveFlagdV2),
    Streaming(GUIDON_ENV "/events", Permission::kFlagsRead, {}, Protocol::kGuidon, StreamChanges),

    Blocking(Method::kGet, GUIDON_ENV "/definitions", Permission::kDefinitionsRead, BodyRule::kNone, kDefinitions,
             handlers::GetDefinitions),

    Quick("/healthz", handlers::Liveness),
    Blocking(Method::kGet, "/readyz", Permission::kPublic, BodyRule::kNone, {}, handlers::Readiness),
    Blocking(Method::kGet, "/metrics", Permission::kSystemRead, BodyRule::kNone, {}, handlers::MetricsText),
    Quick("/", handlers::LandingPage),
    Quick("/openapi.json", handlers::OpenApi),
    Quick("/api/v1/access", handlers::GetAccess),
    Blocking(Method::kGet, "/api/v1/configuration", Permission::kSystemRead, BodyRule::kNone, {},
             handlers::GetConfiguration),
    Blocking(Method::kPost, "/api/v1/refresh", Permission::kSystemWrite, BodyRule::kNone, {}, handlers::Refresh),

    Blocking(Method::kGet, GUIDON_ENV "/flags", Permission::kFlagsRead, BodyRule::kNone, kFlagList,
             handlers::ListFlags),
    Blocking(Method::kPost, GUIDON_ENV "/flags", Permission::kFlagsWrite, BodyRule::kJson, {}, handlers::CreateFlag),
    Blocking(Method::kGet, GUIDON_ENV "/flags/{key}", Permission::kFlagsRead, BodyRule::kNone, {}, handlers::GetFlag),
    Blocking(Method::kPut, GUIDON_ENV "/flags/{key}", Permission::kFlagsWrite, BodyRule::kJson, {},
             handlers::ReplaceFlag),
    Blocking(Method::kPatch, GUIDON_ENV "/flags/{key}", Permission::kFlagsWrite, BodyRule::kMergePatch, {},
             handlers::PatchFlag),
    Blocking(Method::kDelete, GUIDON_ENV "/flags/{key}", Permission::kFlagsWrite, BodyRule::kNone, {},
             handlers::DeleteFlag),
    Blocking(Method::kPost, GUIDON_ENV "/flags/{key}/archive", Permission::kFlagsWrite, BodyRule::kNone, {},
             handlers::ArchiveFlag),
    Blocking(Method::kPost, GUIDON_ENV "/flags/{key}/copy", Permission::kFlagsWrite, BodyRule::kJson, {},
             handlers::CopyFlag),
    Blocking(Method::kPost, GUIDON_ENV "/flags/{key}/explain", Permission::kFlagsRead, BodyRule::kJson, {},
             handlers::ExplainFlag),
    Blocking(Method::kGet, GUIDON_ENV "/flags/{key}/lint", Permission::kFlagsRead, BodyRule::kNone, {},
             handlers::LintFlag),

    Blocking(Method::kGet, GUIDON_ENV "/flags/{key}/usage", Permission::kFlagsRead, BodyRule::kNone, kFlagUsage,
             handlers::GetFlagUsage),
    Blocking(Method::kGet, GUIDON_ENV "/flags/{key}/evaluations", Permission::kFlagsRead, BodyRule::kNone,
             kEvaluationLog, handlers::ListEvaluations),
    Blocking(Method::kGet, GUIDON_ENV "/usage", Permission::kFlagsRead, BodyRule::kNone, kUsageList,
             handlers::ListUsage),
    Blocking(Method::kPost, "/api/v1/usage", Permission::kEvaluate, BodyRule::kJson, {}, handlers::ReportUsage),

    Blocking(Method::kGet, GUIDON_ENV "/export", Permission::kFlagsRead, BodyRule::kNone, kExport,
             handlers::ExportFlags),
    Blocking(Method::kPost, GUIDON_ENV "/import", Permission::kFlagsWrite, BodyRule::kJson, kImport,
             handlers::ImportFlags),

    Blocking(Method::kGet, GUIDON_ENV "/flags/{key}/overrides", Permission::kOverridesRead, BodyRule::kNone, kPage,
             handlers::ListOverrides),
    Blocking(Method::kPut, GUIDON_ENV "/flags/{key}/overrides", Permission::kOverridesWrite, BodyRule::kJson, {},
             handlers::SetOverrides),
    Blocking(Method::kGet, GUIDON_ENV "/flags/{key}/overrides/{tenantId}", Permission::kOverridesRead, BodyRule::kNone,
             {}, handlers::GetOverride),
    Blocking(Method::kPut, GUIDON_ENV "/flags/{key}/overrides/{tenantId}", Permission::kOverridesWrite, BodyRule::kJson,
             {}, handlers::SetOverride),
    Blocking(Method::kDelete, GUIDON_ENV "/flags/{key}/overrides/{tenantId}", Permission::kOverridesWrite,
             BodyRule::kNone, {}, handlers::UnsetOverride),
    Blocking(Method::kGet, GUIDON_ENV "/overrides", Permission::kOverridesRead, BodyRule::kNone, kTenantOverrides,
             handlers::ListOverridesOfTenant),

    Blocking(Method::kGet, GUIDON_ENV "/kill-switches", Permission::kKillRead, BodyRule::kNone, {},
             handlers::ListKillSwitches),
    Blocking(Method::kPut, GUIDON_ENV "/kill-switches/{scope}", Permission::kKillEngage, BodyRule::kJson, {},
             handlers::EngageKillSwitch),
    Blocking(Method::kDelete, GUIDON_ENV "/kill-switches/{scope}", Permission::kKillRelease, BodyRule::kNone, kReason,
             handlers::ReleaseKillSwitch),

    Noting(GUIDON_ENV "/acknowledgements", handlers::Acknowledge),
    Blocking(Method::kGet, GUIDON_ENV "/propagation", Permission::kFlagsRead, BodyRule::kNone, kLimit,
             handlers::ListPropagation),
    Blocking(Method::kGet, GUIDON_ENV "/propagation/{sequence}", Permission::kFlagsRead, BodyRule::kNone, kWait,
             handlers::GetPropagation),

    Blocking(Method::kGet, GUIDON_ENV "/segments", Permission::kSegmentsRead, BodyRule::kNone, kPage,
             handlers::ListSegments),
    Blocking(Method::kPost, GUIDON_ENV "/segments", Permission::kSegmentsWrite, BodyRule::kJson, {},
             handlers::CreateSegment),
    Blocking(Method::kGet, GUIDON_ENV "/segments/{key}", Permission::kSegmentsRead, BodyRule::kNone, {},
             handlers::GetSegment),
    Blocking(Method::kPut, GUIDON_ENV "/segments/{key}", Permission::kSegmentsWrite, BodyRule::kJson, {},
             handlers::ReplaceSegment),
    Blocking(Method::kPatch, GUIDON_ENV "/segments/{key}", Permission::kSegmentsWrite, BodyRule::kMergePatch, {},
             handlers::PatchSegment),
    Blocking(Method::kDelete, GUIDON_ENV "/segments/{key}", Permission::kSegmentsWrite, BodyRule::kNone, {},
             handlers::DeleteSegment),

    Blocking(Method::kGet, GUIDON_ENV "/segments/{key}/keys", Permission::kSegmentsRead, BodyRule::kNone, kSegmentKeys,
             handlers::ListSegmentKeys),
    Blocking(Method::kPost, GUIDON_ENV "/segments/{key}/keys", Permission::kSegmentsWrite, BodyRule::kJson, {},
             handlers::EditSegmentKeys),
    Blocking(Method::kPut, GUIDON_ENV "/segments/{key}/keys", Permission::kSegmentsWrite, BodyRule::kSegmentKeys, {},
             handlers::UploadSegmentKeys),

    Blocking(Method::kGet, "/api/v1/tenants", Permission::kTenantsRead, BodyRule::kNone, kPage, handlers::ListTenants),
    Blocking(Method::kPost, "/api/v1/tenants", Permission::kTenantsWrite, BodyRule::kJson, {}, handlers::CreateTenant),
    Blocking(Method::kGet, "/api/v1/tenants/{tenantId}", Permission::kTenantsRead, BodyRule::kNone, {},
             handlers::GetTenant),
    Blocking(Method::kPut, "/api/v1/tenants/{tenantId}", Permission::kTenantsWrite, BodyRule::kJson, {},
             handlers::ReplaceTenant),
    Blocking(Method::kPatch, "/api/v1/tenants/{tenantId}", Permission::kTenantsWrite, BodyRule::kMergePatch, {},
             handlers::PatchTenant),
    Blocking(Method::kDelete, "/api/v1/tenants/{tenantId}", Permission::kTenantsWrite, BodyRule::kNone, {},
             handlers::DeleteTenant),

    Blocking(Method::kGet, "/api/v1/keys", Permission::kKeysRead, BodyRule::kNone, kPage, handlers::ListKeys),
    Blocking(Method::kPost, "/api/v1/keys", Permission::kKeysWrite, BodyRule::kJson, {}, handlers::CreateKey),
    Blocking(Method::kGet, "/api/v1/keys/{keyId}", Permission::kKeysRead, BodyRule::kNone, {}, handlers::GetKey),
    Blocking(Method::kDelete, "/api/v1/keys/{keyId}", Permission::kKeysWrite, BodyRule::kNone, {}, handlers::RevokeKey),
    Blocking(Method::kPost, "/api/v1/keys/{keyId}/rotate", Permission::kKeysWrite, BodyRule::kOptionalJson, {},
             handlers::RotateKey),

    Blocking(Method::kGet, "/api/v1/audit", Permission::kAuditRead, BodyRule::kNone, kAudit, handlers::ListAudit),
    Blocking(Method::kGet, "/api/v1/audit/export", Permission::kAuditRead, BodyRule::kNone, kAuditExport,
             handlers::ExportAudit),
    Blocking(Method::kGet, "/api/v1/audit/verify", Permission::kAuditRead, BodyRule::kNone, kAuditVerify,
             handlers::VerifyAudit),
};

#undef GUIDON_ENV

static_assert(kRoutes.size() < kNoRoute, "the counters have a place for each route");

}  // namespace

std::span<const Route> Routes() { return kRoutes; }

}  // namespace guidon::api_http

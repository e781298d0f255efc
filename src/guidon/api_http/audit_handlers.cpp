// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <utility>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;

constexpr std::chrono::days kDefaultRange{31};
constexpr std::chrono::days kRangeMax{366};           // each day is several partitions to read
constexpr std::chrono::days kVerifiedRangeMax{3660};  // ten years, in portions of a month at most
constexpr std::size_t kExportEntriesMax = 100'000;
constexpr std::size_t kExportBytesMax = 32UL * 1024 * 1024;
constexpr std::size_t kExportPage = 1000;

// RFC 3339, or a date: its first millisecond, or its last where `end` is set.
Result<base::Timestamp> TimeOf(const std::string& text, std::string_view field, bool end) {
  if (text.size() != 10) return base::ParseTimestamp(text, field);
  GUIDON_ASSIGN(const auto day, base::ParseDate(text, field));
  return end ? day + std::chrono::days(1) - std::chrono::milliseconds(1) : day;
}

Result<store::AuditQuery> AuditQueryOf(const Call& call) {
  store::AuditQuery query;
  for (const auto& [name, target] : {std::pair{"environment", &query.scope}, std::pair{"resource", &query.resource},
                                     std::pair{"actor", &query.actor}, std::pair{"tenantId", &query.tenant_id}}) {
    const std::string* value = call.query.Find(name);
    if (value == nullptr) continue;
    if (value->empty() || value->size() > 256)
      return Fail(ErrorCode::kInvalidArgument, "must be 1 to 256 bytes long", name);
    *target = *value;
  }
  if (!query.tenant_id.empty()) GUIDON_TRY(model::TenantId::Parse(query.tenant_id));
  query.to = call.app.clock().Now();
  if (const std::string* to = call.query.Find("to")) {
    GUIDON_ASSIGN(query.to, TimeOf(*to, "to", true));
  }
  query.from = query.to - kDefaultRange;
  if (const std::string* from = call.query.Find("from")) {
    GUIDON_ASSIGN(query.from, TimeOf(*from, "from", false));
  }
  if (query.from > query.to) return Fail(ErrorCode::kInvalidArgument, "must not be after to", "from");
  const bool by_index = !query.resource.empty() || !query.actor.empty() || !query.tenant_id.empty();
  if (!by_index && query.to - query.from > kRangeMax)
    return Fail(ErrorCode::kInvalidArgument, "without resource, actor or tenantId at most 366 days can be asked for",
                "from");
  return query;
}

// A credential may look at one environment and not at another.
std::optional<Response> RefuseEnvironment(const Call& call, const store::AuditQuery& query) {
  if (query.scope.empty()) return std::nullopt;
  if (auto problem = call.api.gate().AdmitEnvironment(call.info, call.route.permission, query.scope))
    return ProblemResponse(*problem, call.info.request_id);
  return std::nullopt;
}

// What was stored as JSON, as JSON; what is no JSON (written by hand) as text.
model::Value StateToJson(const std::string& text) {
  auto value = json::Parse(text);
  return value ? *std::move(value) : model::Value(text);
}

model::Value AuditToJson(const store::AuditRecord& record) {
  model::Object actor;
  actor.Set("id", record.actor_id);
  actor.Set("kind", record.actor_kind);
  if (record.actor_tenant) actor.Set("tenantId", *record.actor_tenant);
  model::Object out;
  out.Set("at", base::FormatTimestamp(record.at));
  out.Set("requestId", record.request_id);
  out.Set("actor", std::move(actor));
  out.Set("address", record.address);
  out.Set("userAgent", record.user_agent);
  out.Set("action", record.action);
  if (record.scope != store::kSystemScope) out.Set("environment", record.scope);
  out.Set("resource", record.resource);
  if (record.tenant_id) out.Set("tenantId", *record.tenant_id);
  out.Set("sequence", static_cast<std::int64_t>(record.sequence));
  if (!record.previous_hash.empty()) out.Set("previousHash", record.previous_hash);
  if (!record.hash.empty()) out.Set("hash", record.hash);
  if (!record.before.empty()) out.Set("before", StateToJson(record.before));
  if (!record.after.empty()) out.Set("after", StateToJson(record.after));
  return out;
}

constexpr std::string_view kCsvHead =
    "at,requestId,actorId,actorKind,actorTenantId,address,userAgent,action,environment,resource,tenantId,sequence,"
    "before,after,previousHash,hash\r\n";

// RFC 4180. A cell that a spreadsheet would take for a formula begins with an apostrophe.
void AppendCell(std::string& out, std::string_view text, bool last = false) {
  out += '"';
  if (!text.empty() && std::string_view("=+-@\t\r").find(text.front()) != std::string_view::npos) out += '\'';
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += last ? "\"\r\n" : "\",";
}

void AppendCsv(std::string& out, const store::AuditRecord& record) {
  AppendCell(out, base::FormatTimestamp(record.at));
  AppendCell(out, record.request_id);
  AppendCell(out, record.actor_id);
  AppendCell(out, record.actor_kind);
  AppendCell(out, record.actor_tenant.value_or(""));
  AppendCell(out, record.address);
  AppendCell(out, record.user_agent);
  AppendCell(out, record.action);
  AppendCell(out, record.scope == store::kSystemScope ? "" : std::string_view(record.scope));
  AppendCell(out, record.resource);
  AppendCell(out, record.tenant_id.value_or(""));
  AppendCell(out, std::to_string(record.sequence));
  AppendCell(out, record.before);
  AppendCell(out, record.after);
  AppendCell(out, record.previous_hash);
  AppendCell(out, record.hash, true);
}

void SetEnvironment(model::Object& out, const std::string& scope) {
  if (!scope.empty() && scope != store::kSystemScope) out.Set("environment", scope);
}

std::string_view NameOf(app::AuditChain::State state) {
  switch (state) {
    case app::AuditChain::State::kOk: return "ok";
    case app::AuditChain::State::kBroken: return "broken";
    case app::AuditChain::State::kUnchained: return "unchained";
  }
  return "";
}

model::Value PointToJson(const app::AuditChain::Point& point) {
  model::Object out;
  if (point.sequence > 0) out.Set("sequence", static_cast<std::int64_t>(point.sequence));
  out.Set("at", base::FormatTimestamp(point.at));
  return out;
}

model::Value ChainToJson(const app::AuditChain& chain) {
  model::Object out;
  SetEnvironment(out, chain.scope);
  out.Set("kind", chain.kind == app::AuditChain::Kind::kChanges ? "changes" : "refusals");
  out.Set("state", std::string(NameOf(chain.state())));
  out.Set("entries", static_cast<std::int64_t>(chain.entries));
  out.Set("unchained", static_cast<std::int64_t>(chain.unchained));
  out.Set("problems", static_cast<std::int64_t>(chain.problems));
  if (chain.first) out.Set("first", PointToJson(*chain.first));
  if (chain.last) out.Set("last", PointToJson(*chain.last));
  if (chain.kind == app::AuditChain::Kind::kChanges) {
    model::Object head;
    head.Set("sequence", static_cast<std::int64_t>(chain.head));
    if (!chain.head_hash.empty()) head.Set("hash", chain.head_hash);
    out.Set("head", std::move(head));
  }
  return out;
}

model::Value ProblemToJson(const app::AuditProblem& problem) {
  model::Object out;
  SetEnvironment(out, problem.scope);
  out.Set("kind", std::string(app::NameOf(problem.kind)));
  if (!problem.run.empty()) out.Set("run", problem.run);
  if (problem.first > 0) out.Set("first", static_cast<std::int64_t>(problem.first));
  if (problem.last > 0) out.Set("last", static_cast<std::int64_t>(problem.last));
  if (problem.at) out.Set("at", base::FormatTimestamp(*problem.at));
  if (!problem.request_id.empty()) out.Set("requestId", problem.request_id);
  out.Set("message", app::DescriptionOf(problem));
  return out;
}

model::Value ReportToJson(const app::AuditReport& report) {
  model::Object out;
  out.Set("from", base::FormatTimestamp(report.from));
  out.Set("to", base::FormatTimestamp(report.to));
  out.Set("checkedTo", base::FormatTimestamp(report.checked_to));
  out.Set("toEnd", report.to_end);
  model::List chains;
  for (const app::AuditChain& chain : report.chains) chains.push_back(ChainToJson(chain));
  out.Set("chains", std::move(chains));
  model::List problems;
  for (const app::AuditProblem& problem : report.problems) problems.push_back(ProblemToJson(problem));
  out.Set("problems", std::move(problems));
  if (report.problems_left_out > 0) out.Set("problemsLeftOut", static_cast<std::int64_t>(report.problems_left_out));
  if (report.next_cursor) out.Set("nextCursor", *report.next_cursor);
  return out;
}

Result<app::AuditVerification> VerificationOf(const Call& call) {
  app::AuditVerification wanted;
  if (const std::string* environment = call.query.Find("environment")) {
    GUIDON_ASSIGN(const auto parsed, model::Environment::Parse(*environment, "environment"));
    wanted.scope = parsed.str();
  }
  const base::Timestamp now = call.app.clock().Now();
  if (const std::string* to = call.query.Find("to")) {
    GUIDON_ASSIGN(wanted.to, TimeOf(*to, "to", true));
  }
  const base::Timestamp end = wanted.to.value_or(now);
  wanted.from = std::min(end, now) - kDefaultRange;
  if (const std::string* from = call.query.Find("from")) {
    GUIDON_ASSIGN(wanted.from, TimeOf(*from, "from", false));
  }
  if (wanted.from > std::min(end, now)) return Fail(ErrorCode::kInvalidArgument, "must not be after to", "from");
  if (std::min(end, now) - wanted.from > kVerifiedRangeMax)
    return Fail(ErrorCode::kInvalidArgument, "at most 3660 days can be verified at once", "from");
  if (const std::string* cursor = call.query.Find("cursor")) wanted.cursor = *cursor;
  return wanted;
}

Result<bool> WantsCsv(const Query& query) {
  const std::string* format = query.Find("format");
  if (format == nullptr || *format == "jsonl") return false;
  if (*format == "csv") return true;
  return Fail(ErrorCode::kInvalidArgument, "must be jsonl or csv", "format");
}

}  // namespace

Result<Response> ListAudit(const Call& call) {
  GUIDON_ASSIGN(auto query, AuditQueryOf(call));
  GUIDON_ASSIGN(const auto page, PageOf(call));
  if (auto refused = RefuseEnvironment(call, query)) return *std::move(refused);
  GUIDON_ASSIGN(const auto records, call.app.audit().List(call.info, std::move(query), page));
  return PageResponse(records, AuditToJson);
}

Result<Response> VerifyAudit(const Call& call) {
  GUIDON_ASSIGN(auto wanted, VerificationOf(call));
  if (auto refused = RefuseEnvironment(call, {.scope = wanted.scope})) return *std::move(refused);
  GUIDON_ASSIGN(const auto report, call.app.audit().Verify(call.info, std::move(wanted)));
  return Response{.body = json::Write(ReportToJson(report))};
}

Result<Response> ExportAudit(const Call& call) {
  GUIDON_ASSIGN(const bool csv, WantsCsv(call.query));
  GUIDON_ASSIGN(const auto query, AuditQueryOf(call));
  GUIDON_ASSIGN(auto page, PageOf(call));
  if (auto refused = RefuseEnvironment(call, query)) return *std::move(refused);
  page.limit = kExportPage;
  Response response{.content_type = csv ? "text/csv" : "application/jsonl"};
  response.headers.emplace_back("Content-Disposition",
                                csv ? "attachment; filename=\"audit.csv\"" : "attachment; filename=\"audit.jsonl\"");
  if (csv) response.body = kCsvHead;
  std::size_t entries = 0;
  for (;;) {
    GUIDON_ASSIGN(const auto records, call.app.audit().List(call.info, query, page));
    for (const store::AuditRecord& record : records.items) {
      if (csv) {
        AppendCsv(response.body, record);
      } else {
        json::Append(response.body, AuditToJson(record));
        response.body += '\n';
      }
    }
    entries += records.items.size();
    if (!records.next_cursor) return response;
    page.cursor = *records.next_cursor;
    if (entries + kExportPage > kExportEntriesMax || response.body.size() > kExportBytesMax) break;
  }
  response.headers.emplace_back("Guidon-Next-Cursor", page.cursor);
  return response;
}

}  // namespace guidon::api_http::handlers

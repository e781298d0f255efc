// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/app/usage_service.hpp"
#include "guidon/base/time.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/field_path.hpp"
#include "guidon/store/usage.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using model::List;
using model::Object;
using model::Value;

constexpr std::chrono::hours kDefaultRange{24};
// Of more tenants an answer tells only those with the most evaluations apart.
constexpr std::size_t kTenantsShownMax = 100;
constexpr std::size_t kDateBytes = 10;

Result<base::Timestamp> TimeOf(const std::string& text, std::string_view field) {
  return text.size() == kDateBytes ? base::ParseDate(text, field) : base::ParseTimestamp(text, field);
}

Result<app::UsageQuery> UsageQueryOf(const Call& call) {
  app::UsageQuery query{.to = call.app.clock().Now()};
  if (const std::string* to = call.query.Find("to")) {
    GUIDON_ASSIGN(query.to, TimeOf(*to, "to"));
  }
  query.from = query.to - kDefaultRange;
  if (const std::string* from = call.query.Find("from")) {
    GUIDON_ASSIGN(query.from, TimeOf(*from, "from"));
  }
  if (const std::string* by = call.query.Find("by")) {
    if (*by != "hour" && *by != "day") return Fail(ErrorCode::kInvalidArgument, "must be hour or day", "by");
    query.period = *by == "day" ? app::UsagePeriod::kDay : app::UsagePeriod::kHour;
  }
  if (const std::string* tenant = call.query.Find("tenantId")) {
    GUIDON_TRY(model::TenantId::Parse(*tenant, "tenantId"));
    query.tenant_id = *tenant;
  }
  return query;
}

void SetTotals(Object& out, const app::UsageTotals& totals) {
  out.Set("evaluations", static_cast<std::int64_t>(totals.evaluations));
  out.Set("bulk", static_cast<std::int64_t>(totals.bulk));
}

Value TotalsToJson(const app::UsageTotals& totals) {
  Object out;
  SetTotals(out, totals);
  return out;
}

// "" leaves the name out: the caller's own default was served, or the context had no tenant.
Value NamedToJson(std::string_view member, std::string_view name, const app::UsageTotals& totals) {
  Object out;
  if (!name.empty()) out.Set(std::string(member), name);
  SetTotals(out, totals);
  return out;
}

Value VariationsToJson(const app::UsageByName& variations) {
  List list;
  for (const auto& [name, totals] : variations) list.push_back(NamedToJson("variation", name, totals));
  return list;
}

std::uint64_t Sum(const app::UsageTotals& totals) { return totals.evaluations + totals.bulk; }

// Those with the most evaluations by name; the rest together.
void SetTenants(Object& out, const app::UsageByName& tenants) {
  std::vector<std::pair<std::string, app::UsageTotals>> named;
  app::UsageTotals others;
  const auto add = [&others](const app::UsageTotals& totals) {
    others.evaluations += totals.evaluations;
    others.bulk += totals.bulk;
  };
  for (const auto& [tenant, totals] : tenants) {
    if (tenant == store::kOtherTenants) {
      add(totals);
    } else {
      named.emplace_back(tenant, totals);
    }
  }
  std::ranges::sort(named, [](const auto& a, const auto& b) {
    return Sum(a.second) != Sum(b.second) ? Sum(a.second) > Sum(b.second) : a.first < b.first;
  });
  List list;
  for (std::size_t i = 0; i < named.size(); ++i) {
    if (i < kTenantsShownMax) {
      list.push_back(NamedToJson("tenantId", named[i].first, named[i].second));
    } else {
      add(named[i].second);
    }
  }
  out.Set("tenants", Value(std::move(list)));
  if (Sum(others) > 0) out.Set("otherTenants", TotalsToJson(others));
}

void SetTime(Object& out, std::string_view name, const std::optional<base::Timestamp>& time) {
  if (time) out.Set(std::string(name), base::FormatTimestamp(*time));
}

Value FiguresToJson(const app::UsageQuery& query, const model::Environment& env, const model::FlagKey& flag,
                    const app::UsageFigures& figures) {
  Object out;
  out.Set("environment", env.str());
  out.Set("flagKey", flag.str());
  out.Set("from", base::FormatTimestamp(store::HourOf(query.from)));
  out.Set("to", base::FormatTimestamp(query.to));
  out.Set("by", query.period == app::UsagePeriod::kDay ? "day" : "hour");
  if (figures.last) {
    SetTime(out, "lastEvaluatedAt", figures.last->evaluated_at);
    SetTime(out, "lastInBulkAt", figures.last->bulk_at);
  }
  out.Set("total", TotalsToJson(figures.total));
  out.Set("variations", VariationsToJson(figures.variations));
  SetTenants(out, figures.tenants);
  List periods;
  for (const auto& period : figures.periods) {
    Object entry;
    entry.Set("from", base::FormatTimestamp(period.from));
    entry.Set("variations", VariationsToJson(period.variations));
    periods.push_back(Value(std::move(entry)));
  }
  out.Set("periods", Value(std::move(periods)));
  return out;
}

// Minutes are written without seconds by some clients ("2026-11-23T15:36Z").
Result<base::Timestamp> MinuteOf(const std::string& text) {
  constexpr std::size_t kWithoutSeconds = std::string_view("2026-11-23T15:36Z").size();
  if (text.size() == kWithoutSeconds && text.ends_with('Z'))
    return base::ParseTimestamp(text.substr(0, kWithoutSeconds - 1) + ":00Z", "minute");
  return base::ParseTimestamp(text, "minute");
}

Result<app::UsageReport> ReportOf(const Value& value) {
  const Object* members = value.AsObject();
  if (members == nullptr) return Fail(ErrorCode::kInvalidArgument, "must be an object");
  GUIDON_TRY(RefuseUnknown(*members, {"minute", "flagKey", "variation", "tenantId", "count"}));
  app::UsageReport report;
  GUIDON_ASSIGN(const auto minute, StringOf(*members, "minute"));
  if (!minute) return Fail(ErrorCode::kInvalidArgument, "is required", "minute");
  GUIDON_ASSIGN(report.minute, MinuteOf(*minute));
  GUIDON_ASSIGN(const auto flag, StringOf(*members, "flagKey"));
  if (!flag) return Fail(ErrorCode::kInvalidArgument, "is required", "flagKey");
  report.flag_key = *flag;
  GUIDON_ASSIGN(auto variation, StringOf(*members, "variation"));
  report.variation = std::move(variation).value_or("");
  GUIDON_ASSIGN(auto tenant, StringOf(*members, "tenantId"));
  report.tenant_id = std::move(tenant).value_or("");
  const Value* count = members->Find("count");
  if (count == nullptr || count->AsInteger() == nullptr || *count->AsInteger() < 0)
    return Fail(ErrorCode::kInvalidArgument, "must be a whole number from 1 on", "count");
  report.count = static_cast<std::uint64_t>(*count->AsInteger());
  return report;
}

// Who reports, for logs; nothing is kept of it.
base::Status CheckClient(const Object& members) {
  constexpr std::size_t kClientBytesMax = 64;
  GUIDON_ASSIGN(const auto client, StringOf(members, "client"));
  if (client && (client->empty() || client->size() > kClientBytesMax))
    return Fail(ErrorCode::kInvalidArgument, "must be 1 to 64 bytes long", "client");
  return {};
}

Result<std::vector<app::UsageReport>> ReportsOf(const Value& body) {
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"client", "records"}));
  GUIDON_TRY(CheckClient(*body.AsObject()));
  const Value* records = body.AsObject()->Find("records");
  if (records == nullptr || records->AsList() == nullptr)
    return Fail(ErrorCode::kInvalidArgument, "must be a list", "records");
  std::vector<app::UsageReport> reports;
  for (const Value& record : *records->AsList()) {
    auto report = ReportOf(record);
    if (!report)
      return std::unexpected(
          model::Below("records[" + std::to_string(reports.size()) + "]", std::move(report).error()));
    reports.push_back(*std::move(report));
  }
  return reports;
}

}  // namespace

Result<Response> GetFlagUsage(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto flag, FlagKeyOf(call));
  GUIDON_ASSIGN(const app::UsageQuery query, UsageQueryOf(call));
  GUIDON_ASSIGN(const app::UsageFigures figures, call.app.usage().Of(call.info, env, flag, query));
  Response response;
  json::Append(response.body, FiguresToJson(query, env, flag, figures));
  return response;
}

Result<Response> ListEvaluations(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto flag, FlagKeyOf(call));
  GUIDON_ASSIGN(const store::PageRequest page, PageOf(call));
  GUIDON_ASSIGN(const app::UsageQuery range, UsageQueryOf(call));
  GUIDON_ASSIGN(const auto log, call.app.usage().Log(call.info, env, flag, range.from, range.to, page));
  return PageResponse(log, [](const store::EvaluationLogRecord& entry) {
    Object out;
    out.Set("evaluatedAt", base::FormatTimestamp(entry.at));
    if (!entry.tenant_id.empty()) out.Set("tenantId", entry.tenant_id);
    if (!entry.variation.empty()) out.Set("variation", entry.variation);
    if (!entry.reason.empty()) out.Set("reason", entry.reason);
    return Value(std::move(out));
  });
}

Result<Response> ListUsage(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const store::PageRequest page, PageOf(call));
  std::optional<base::Timestamp> unused_since;
  if (const std::string* text = call.query.Find("unusedSince")) {
    GUIDON_ASSIGN(unused_since, TimeOf(*text, "unusedSince"));
  }
  GUIDON_ASSIGN(const auto list, call.app.usage().List(call.info, env, unused_since, page));
  return PageResponse(list, [](const app::FlagUsage& usage) {
    Object out;
    out.Set("flagKey", usage.flag_key);
    SetTime(out, "lastEvaluatedAt", usage.evaluated_at);
    SetTime(out, "lastInBulkAt", usage.bulk_at);
    return Value(std::move(out));
  });
}

Result<Response> ReportUsage(const Call& call) {
  GUIDON_ASSIGN(const auto env, model::Environment::Parse(call.environment));
  GUIDON_ASSIGN(const Value body, BodyOf(call));
  GUIDON_ASSIGN(auto reports, ReportsOf(body));
  for (const app::UsageReport& report : reports) {
    if (auto problem = call.api.gate().CheckTenant(call.info, env.str(), report.tenant_id))
      return ProblemResponse(*problem, call.info.request_id);
  }
  GUIDON_TRY(call.app.usage().Report(call.info, env, std::move(reports)));
  return Response{.status = 204};
}

}  // namespace guidon::api_http::handlers

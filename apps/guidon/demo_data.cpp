// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/demo_data.hpp"

#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "apps/guidon/backend.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::cli {
namespace {

struct DemoTenant {
  std::string_view id, name, plan;
};
constexpr std::array<DemoTenant, 3> kTenants = {{
    {"acme", "Acme Publishing", "enterprise"},
    {"tanuki", "たぬき書房", "enterprise"},
    {"corner", "The Corner Bookshop", "starter"},
}};

constexpr std::string_view kSegmentKey = "beta-testers";
constexpr std::string_view kSegment = R"({
  "description": "People who agreed to see unfinished things",
  "included": ["user-1", "user-7"],
  "excluded": ["user-13"],
  "when": {"any": [
    {"attribute": "email", "operator": "endsWith", "values": ["@guidon.example"]},
    {"all": [
      {"attribute": "plan", "operator": "in", "values": ["enterprise"]},
      {"attribute": "beta", "operator": "eq", "values": [1]}]}]}
})";

// @PAST@ and @FUTURE@ become times around now.
struct DemoFlag {
  std::string_view key;
  std::string_view document;
  std::string_view production = "{}";  // what is different in the last environment, as a merge patch
};
constexpr std::array<DemoFlag, 14> kFlags = {{
    {"new-checkout", R"({
      "description": "Checkout on one page; rolled out step by step", "owner": "payments", "tags": ["checkout", "release"],
      "defaultEnabled": true, "rolloutPercentage": 50, "clientVisible": true,
      "targetingRules": [{"id": "testers-first", "description": "Testers get it whatever the percentage",
        "when": {"all": [{"operator": "inSegment", "values": ["beta-testers"]}]}, "variation": "on"}]})",
     R"({"rolloutPercentage": 10})"},
    {"dark-mode", R"({
      "description": "Dark colours; the same for everybody", "owner": "web", "tags": ["ui"],
      "defaultEnabled": true, "clientVisible": true})",
     R"({"defaultEnabled": false})"},
    {"search-engine", R"({
      "description": "Which search answers; 80 / 15 / 5, the same for all users of a tenant", "owner": "search",
      "tags": ["experiment"], "type": "string", "defaultEnabled": true,
      "variations": {"classic": "classic", "semantic": "semantic", "hybrid": "hybrid"},
      "defaultVariation": "classic", "offVariation": "classic", "killVariation": "classic", "bucketBy": "tenantId",
      "targetingRules": [{"id": "traffic-split", "everyone": true, "split": [
        {"variation": "classic", "weight": 80}, {"variation": "semantic", "weight": 15},
        {"variation": "hybrid", "weight": 5}]}]})"},
    {"page-size", R"({
      "description": "Books on a page", "owner": "web", "type": "number", "defaultEnabled": true, "clientVisible": true,
      "variations": {"small": 20, "large": 50}, "defaultVariation": "small", "offVariation": "small",
      "targetingRules": [{"id": "wide-screens",
        "when": {"all": [{"attribute": "screen.width", "operator": "gte", "values": [1600]}]}, "variation": "large"}]})"},
    {"rate-limit", R"({
      "description": "API requests a minute, by plan", "owner": "platform", "tags": ["limits"], "type": "number",
      "defaultEnabled": true, "variations": {"starter": 60, "enterprise": 1200, "emergency": 5},
      "defaultVariation": "starter", "offVariation": "starter", "killVariation": "emergency",
      "targetingRules": [{"id": "enterprise-plan",
        "when": {"all": [{"attribute": "plan", "operator": "in", "values": ["enterprise"]}]},
        "variation": "enterprise"}]})"},
    {"banner", R"({
      "description": "Text over the shop; the sale begins and ends by itself", "owner": "marketing", "type": "object",
      "defaultEnabled": true, "clientVisible": true,
      "variations": {"none": {"show": false}, "sale": {"show": true, "text": "Summer sale", "textJa": "夏のセール", "colours": ["#b00020", "#ffffff"]}},
      "defaultVariation": "none", "offVariation": "none",
      "targetingRules": [{"id": "sale", "everyone": true, "variation": "sale", "startsAt": "@PAST@", "endsAt": "@FUTURE@"}]})"},
    {"beta-dashboard", R"({
      "description": "New dashboard, for testers only", "owner": "web", "tags": ["beta"], "defaultEnabled": false,
      "targetingRules": [{"id": "testers",
        "when": {"any": [{"operator": "inSegment", "values": ["beta-testers"]}]}, "variation": "on"}]})"},
    {"dashboard-charts", R"({
      "description": "Charts on the new dashboard: only where that is on", "owner": "web", "tags": ["beta"],
      "defaultEnabled": true, "prerequisites": [{"flagKey": "beta-dashboard", "variations": ["on"]}]})"},
    {"mobile-sync", R"({
      "description": "Background sync, from app 2.4 on, outside the office network", "owner": "mobile",
      "defaultEnabled": false,
      "targetingRules": [{"id": "recent-apps", "when": {"all": [
        {"attribute": "app.version", "operator": "semverGte", "values": ["2.4.0"]},
        {"none": [{"attribute": "ip", "operator": "inCidr", "values": ["10.0.0.0/8"]}]}]}, "variation": "on"}]})"},
    {"acme-single-sign-on", R"({
      "description": "Single sign-on of one customer: nobody else can evaluate it", "owner": "identity",
      "tenantId": "acme", "defaultEnabled": true})"},
    {"spring-campaign", R"({
      "description": "Ended: expired flags serve their off variation", "owner": "marketing", "defaultEnabled": true,
      "expiresAt": "@PAST@"})"},
    {"winter-campaign", R"({
      "description": "Ends by itself", "owner": "marketing", "defaultEnabled": true, "expiresAt": "@FUTURE@"})"},
    {"legacy-export", R"({
      "description": "Disabled: callers get the default in their code", "owner": "platform", "state": "DISABLED",
      "defaultEnabled": true})"},
    {"old-onboarding", R"({
      "description": "Archived: kept for the record", "owner": "web", "state": "ARCHIVED", "defaultEnabled": false})"},
}};

struct DemoOverride {
  std::string_view flag, tenant, variation;
};
constexpr std::array<DemoOverride, 3> kOverrides = {{
    {"new-checkout", "acme", "on"},
    {"new-checkout", "corner", "off"},
    {"search-engine", "tanuki", "semantic"},
}};

std::string WithTimes(std::string text, base::Timestamp now) {
  const auto replace = [&](std::string_view mark, base::Timestamp time) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at))
      text.replace(at, mark.size(), base::FormatTimestamp(time));
  };
  constexpr auto kPast = std::chrono::days{7};
  constexpr auto kFuture = std::chrono::days{90};
  replace("@PAST@", now - kPast);
  replace("@FUTURE@", now + kFuture);
  return text;
}

base::Status WriteFlag(app::Application& application, const model::Environment& environment, const DemoFlag& demo,
                       bool production) {
  const std::string text = WithTimes(std::string(demo.document), application.clock().Now());
  GUIDON_ASSIGN(model::Value document, json::Parse(text));
  if (production) {
    GUIDON_ASSIGN(const model::Value patch, json::Parse(demo.production));
    document = json::MergePatch(std::move(document), patch);
  }
  GUIDON_ASSIGN(auto fields,
                json::FlagFromJson(document, {.environment = environment.str(), .key = std::string(demo.key)}));
  GUIDON_TRY(application.flags().Create(SystemRequest(), std::move(fields)));
  return {};
}

base::Status WriteTenants(app::Application& application) {
  for (const auto& tenant : kTenants)
    GUIDON_TRY(application.tenants().Create(
        SystemRequest(),
        {.tenant_id = std::string(tenant.id), .name = std::string(tenant.name), .plan = std::string(tenant.plan)}));
  return {};
}

base::Status WriteEnvironment(app::Application& application, const model::Environment& environment, bool production) {
  GUIDON_ASSIGN(const model::Value document, json::Parse(kSegment));
  GUIDON_ASSIGN(auto segment,
                json::SegmentFromJson(document, {.environment = environment.str(), .key = std::string(kSegmentKey)}));
  GUIDON_TRY(application.segments().Create(SystemRequest(), std::move(segment)));
  for (const auto& flag : kFlags) GUIDON_TRY(WriteFlag(application, environment, flag, production));
  for (const auto& entry : kOverrides) {
    GUIDON_ASSIGN(const auto flag, model::FlagKey::Parse(entry.flag));
    GUIDON_ASSIGN(const auto tenant, model::TenantId::Parse(entry.tenant));
    GUIDON_TRY(application.overrides().Set(SystemRequest(), environment, flag, tenant,
                                           {.variation = std::string(entry.variation)}));
  }
  return {};
}

}  // namespace

bool IsEmpty(app::Application& application) {
  for (const auto& environment : application.health().environments)
    if (environment.sequence != 0 || environment.flags != 0) return false;
  const auto tenants = application.tenants().List(SystemRequest(), {.limit = 1});
  return tenants.has_value() && tenants->items.empty();
}

Outcome<std::size_t> WriteDemoData(app::Application& application) {
  const std::string what = "The demo data cannot be written";
  const auto& environments = application.options().environments;
  GUIDON_TRY(Lift(WriteTenants(application), what));
  for (const auto& environment : environments)
    GUIDON_TRY(Lift(WriteEnvironment(application, environment, environment == environments.back()), what));
  return environments.size() * kFlags.size();
}

}  // namespace guidon::cli

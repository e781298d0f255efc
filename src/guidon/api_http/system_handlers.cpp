// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <utility>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/api_http/openapi_document.hpp"
#include "guidon/base/time.hpp"

namespace guidon::api_http::handlers {
namespace {

using base::Result;

constexpr std::string_view kLandingPage = R"(<!doctype html>
<html lang="ja">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Guidon</title></head>
<body>
<main>
<h1>Guidon</h1>
<p>マルチテナント対応のフィーチャーフラグ基盤です。このサーバーはフラグの評価 (OFREP) と管理 API を提供しています。</p>
<p lang="en">Multi-tenant feature flags. This server evaluates flags (OFREP) and has the management API.</p>
<ul>
<li><a href="/openapi.json">API 仕様 <span lang="en">(OpenAPI contract)</span></a></li>
<li><a href="/readyz">稼働状況 <span lang="en">(readiness)</span></a></li>
<li><a href="/metrics">メトリクス <span lang="en">(metrics)</span></a></li>
</ul>
<p>コマンド: <code>guidon flag list --environment development</code></p>
</main>
</body>
</html>
)";

model::Value ProblemsToJson(const std::vector<eval::CompileProblem>& problems) {
  model::List list;
  for (const eval::CompileProblem& problem : problems) {
    model::Object out;
    out.Set("flagKey", problem.flag_key);
    out.Set("code", base::Name(problem.error.code));
    out.Set("detail", problem.error.message);
    if (!problem.error.field.empty()) out.Set("field", problem.error.field);
    out.Set("stale", problem.stale);
    list.emplace_back(std::move(out));
  }
  return list;
}

model::Value EnvironmentToJson(const app::EnvironmentHealth& health, base::Timestamp now) {
  model::Object out;
  out.Set("environment", health.environment);
  out.Set("sequence", static_cast<std::int64_t>(health.sequence));
  out.Set("flags", static_cast<std::int64_t>(health.flags));
  out.Set("loadedAt", base::FormatTimestamp(health.loaded_at));
  const auto age = std::max(now - health.loaded_at, std::chrono::milliseconds(0));
  out.Set("ageSeconds", std::chrono::duration<double>(age).count());
  out.Set("problems", ProblemsToJson(health.problems));
  return out;
}

}  // namespace

Result<Response> LandingPage(const Call&) {
  Response response{.content_type = "text/html; charset=utf-8", .body = std::string(kLandingPage)};
  response.headers.emplace_back("Content-Security-Policy",
                                "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  return response;
}

Result<Response> Liveness(const Call&) {
  return Response{.body = R"({"status":"ok","version":")" GUIDON_VERSION R"("})"};
}

Result<Response> Readiness(const Call& call) {
  const app::Health health = call.app.health();
  model::Object out;
  out.Set("ready", health.ready);
  if (call.tells_details) {
    model::Object store;
    store.Set("ok", health.store_error.empty());
    if (!health.store_error.empty()) store.Set("error", health.store_error);
    model::List environments;
    const base::Timestamp now = call.app.clock().Now();
    for (const app::EnvironmentHealth& environment : health.environments)
      environments.push_back(EnvironmentToJson(environment, now));
    out.Set("version", GUIDON_VERSION);
    out.Set("store", std::move(store));
    out.Set("environments", std::move(environments));
  }
  return Response{.status = health.ready ? 200 : 503, .body = json::Write(out)};
}

Result<Response> MetricsText(const Call& call) {
  return Response{.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = call.api.metrics().Serialize()};
}

Result<Response> OpenApi(const Call&) { return Response{.body = std::string(OpenApiDocument())}; }

Result<Response> Refresh(const Call& call) {
  GUIDON_ASSIGN(const std::size_t differences, call.app.Refresh());
  return Response{.body = "{\"differences\":" + std::to_string(differences) + '}'};
}

}  // namespace guidon::api_http::handlers

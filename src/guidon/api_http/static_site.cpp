// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/static_site.hpp"

#include <algorithm>
#include <string>

#include "guidon/base/random.hpp"

namespace guidon::api_http {
namespace {

constexpr std::string_view kPagePath = "/index.html";
constexpr std::string_view kHashedFolder = "/assets/";
// The longest that caches honour: a year.
constexpr std::string_view kForever = "public, max-age=31536000, immutable";
constexpr std::string_view kHtml = "text/html; charset=utf-8";

constexpr std::string_view kPageWithoutUi = R"(<!doctype html>
<html lang="ja">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Guidon</title></head>
<body>
<main>
<h1>Guidon</h1>
<p>このサーバーは管理画面なしでビルドされています (<code>GUIDON_UI=OFF</code>)。フラグの評価 (OFREP) と管理 API は使えます。</p>
<p lang="en">This server was built without the admin UI (<code>GUIDON_UI=OFF</code>). Evaluation (OFREP) and the management API work.</p>
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

bool IsForPrograms(std::string_view path) {
  return path == "/api" || path.starts_with("/api/") || path == "/ofrep" || path.starts_with("/ofrep/");
}

Response AnswerOf(const StaticFile& file, const RequestHead& head) {
  Response response{.content_type = file.content_type};
  if (file.path.starts_with(kHashedFolder)) response.cache_control = kForever;
  if (file.gzip.empty()) {
    response.body = file.bytes;
    return response;
  }
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!TakesGzip(head)) {
    response.body = file.bytes;
    return response;
  }
  response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = file.gzip;
  return response;
}

}  // namespace

StaticSite::StaticSite(std::span<const StaticFile> files) : files_(files) {
  const auto page = std::ranges::find(files_, kPagePath, &StaticFile::path);
  if (page != files_.end()) page_ = &*page;
}

Response StaticSite::Page() const {
  Response response{.content_type = kHtml, .body = std::string(page_ == nullptr ? kPageWithoutUi : page_->bytes)};
  std::string policy = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
  if (page_ != nullptr) {
    // The component library writes style sheets at run time; the nonce lets its own in and no others.
    const std::string nonce = base::RandomId();
    for (std::size_t at = 0; (at = response.body.find(kNoncePlaceholder, at)) != std::string::npos;)
      response.body.replace(at, kNoncePlaceholder.size(), nonce);
    policy += "; script-src 'self'; style-src 'self' 'nonce-" + nonce +
              "'; img-src 'self' data:; font-src 'self'; connect-src 'self'";
  }
  response.headers.emplace_back("Content-Security-Policy", std::move(policy));
  return response;
}

std::optional<Response> StaticSite::Find(const RequestHead& head, std::string_view path) const {
  if (page_ == nullptr || (head.method != Method::kGet && head.method != Method::kHead) || IsForPrograms(path))
    return std::nullopt;
  if (path == kPagePath) return Page();
  const auto file = std::ranges::find(files_, path, &StaticFile::path);
  if (file != files_.end()) return AnswerOf(*file, head);
  if (path.starts_with(kHashedFolder) || !head.Get(Header::kAccept).contains("text/html")) return std::nullopt;
  return Page();
}

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
// The admin UI's files, served without a key and with nothing but what the program holds.
#include <array>
#include <string>

#include <gtest/gtest.h>

#include "guidon/api_http/route.hpp"
#include "harness.hpp"

namespace guidon::api_test {
namespace {

constexpr std::array<api_http::StaticFile, 3> kFiles = {{
    {"/index.html", "text/html; charset=utf-8", "<meta nonce=\"__GUIDON_NONCE__\"><i>__GUIDON_NONCE__</i>"},
    {"/assets/index-1a2b.js", "text/javascript; charset=utf-8", "plain script", "packed script"},
    {"/icon.svg", "image/svg+xml", "<svg/>"},
}};

class StaticSiteTest : public ::testing::Test {
 protected:
  StaticSiteTest() : harness(false, {.ui = kFiles}) {}

  // A file is no operation of the contract, so the harness' check of it is left out.
  Reply Get(std::string_view path, const Headers& headers = {}, std::string_view method = "GET") {
    const std::string bytes = harness.Talk(RequestText(method, path, "", headers));
    return ParseReplies(bytes, method == "HEAD").at(0);
  }

  Harness harness;
};

const Headers kNavigation = {{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}, {"Accept-Encoding", "gzip, br"}};

TEST_F(StaticSiteTest, ThePageLetsInOnlyItsOwnScriptsAndItsOwnStyles) {
  const Reply page = Get("/", kNavigation);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(page.Header("Cache-Control"), "no-store");
  EXPECT_EQ(page.Header("X-Content-Type-Options"), "nosniff");
  const std::size_t begin = page.body.find('"') + 1;
  const std::string nonce = page.body.substr(begin, page.body.find('"', begin) - begin);
  EXPECT_EQ(nonce.size(), 16U);
  EXPECT_EQ(page.body, "<meta nonce=\"" + nonce + "\"><i>" + nonce + "</i>");
  EXPECT_EQ(page.Header("Content-Security-Policy"),
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src 'self'; "
            "style-src 'self' 'nonce-" +
                nonce + "'; img-src 'self' data:; font-src 'self'; connect-src 'self'");
  EXPECT_NE(Get("/", kNavigation).body, page.body) << "the nonce is new for each answer";
}

TEST_F(StaticSiteTest, HashedFilesAreKeptForEverAndCompressed) {
  const Reply packed = Get("/assets/index-1a2b.js", {{"Accept-Encoding", "gzip, deflate"}});
  EXPECT_EQ(packed.status, 200);
  EXPECT_EQ(packed.body, "packed script");
  EXPECT_EQ(packed.Header("Content-Encoding"), "gzip");
  EXPECT_EQ(packed.Header("Vary"), "Accept-Encoding");
  EXPECT_EQ(packed.Header("Content-Type"), "text/javascript; charset=utf-8");
  EXPECT_EQ(packed.Header("Cache-Control"), "public, max-age=31536000, immutable");
  for (const Headers& headers : {Headers{}, Headers{{"Accept-Encoding", "gzip;q=0"}}}) {
    const Reply plain = Get("/assets/index-1a2b.js?x=1", headers);
    EXPECT_EQ(plain.body, "plain script");
    EXPECT_EQ(plain.Header("Content-Encoding"), "");
    EXPECT_EQ(plain.Header("Vary"), "Accept-Encoding");
  }
  const Reply icon = Get("/icon.svg", kNavigation);
  EXPECT_EQ(icon.body, "<svg/>");
  EXPECT_EQ(icon.Header("Cache-Control"), "no-store");
  const Reply head = Get("/assets/index-1a2b.js", {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Header("Content-Length"), "12");
  EXPECT_EQ(head.body, "");
}

TEST_F(StaticSiteTest, ViewsAreThePageOnlyToABrowserThatNavigates) {
  for (const char* path :
       {"/production/flags", "/production/flags/a.b", "/keys", "/index.html", "/a/b/c/d/e/f/g/h/i/j"})
    EXPECT_EQ(Get(path, kNavigation).Header("Content-Type"), "text/html; charset=utf-8") << path;
  for (const char* path : {"/api", "/api/v1/nothing", "/api/v1/environments/x/y", "/ofrep/v1/nothing", "/ofrep",
                           "/assets/gone.js", "/assets/../index.html"}) {
    const Reply reply = Get(path, kNavigation);
    EXPECT_EQ(reply.status, 404) << path;
    EXPECT_EQ(reply.Code(), "NOT_FOUND") << path;
  }
  EXPECT_EQ(Get("/production/flags").status, 404) << "a program that asks for nothing in particular";
  EXPECT_EQ(Get("/production/flags", {{"Accept", "application/json"}}).status, 404);
  EXPECT_EQ(Get("/production/flags", kNavigation, "POST").status, 404);
  EXPECT_EQ(Get("/production/flags", kNavigation, "DELETE").status, 404);
}

TEST(StaticSite, TheLocalProfilesSiteCheckHoldsForFilesToo) {
  Harness harness(true, {.ui = kFiles});
  const auto status = [&](const std::string& host) {
    return ParseReplies(harness.Talk("GET /assets/index-1a2b.js HTTP/1.1\r\nHost: " + host + "\r\n\r\n")).at(0).status;
  };
  EXPECT_EQ(status("localhost:3001"), 200);
  EXPECT_EQ(status("rebound.example"), 421);
}

TEST(StaticSite, WithoutTheUiThePageSaysSoAndNothingElseIsThere) {
  Harness harness(false);
  const Reply page = harness.Send("GET", "/", "", kNavigation);
  EXPECT_NE(page.body.find("GUIDON_UI=OFF"), std::string::npos);
  EXPECT_EQ(page.Header("Content-Security-Policy"),
            "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
  EXPECT_EQ(harness.Send("GET", "/production/flags", "", kNavigation).status, 404);
  EXPECT_EQ(harness.Send("GET", "/index.html", "", kNavigation).status, 404);
}

std::string AccessOf(Harness& harness, const std::string& token) {
  Headers headers;
  if (!token.empty()) headers.emplace_back("Authorization", "Bearer " + token);
  return harness.Send("GET", "/api/v1/access", "", headers).body;
}

TEST(Access, SaysWhatACredentialMayDo) {
  Harness harness(false);
  const std::string none = R"({"environments":[],"keyless":false,"kind":"anonymous","permissions":[]})";
  EXPECT_EQ(AccessOf(harness, ""), none);
  EXPECT_EQ(AccessOf(harness, "gdn_admin_0123456789abcdef_" + std::string(43, 'A')), none);
  const std::string server = harness.MakeKey(model::KeyKind::kServer, "staging", "acme");
  EXPECT_EQ(
      AccessOf(harness, server),
      R"({"environment":"staging","environments":["staging"],"id":")" + harness.KeyIdOf(server) +
          R"(","keyless":false,"kind":"server","permissions":["flags:evaluate","definitions:read"],"tenantId":"acme"})");
}

// The list agrees with what the gate then does: walked over every operation, so that neither can change alone.
TEST(Access, ListsExactlyWhatIsNotRefused) {
  Harness harness(false);
  const std::string tokens[] = {harness.MakeKey(model::KeyKind::kAdmin),
                                harness.MakeKey(model::KeyKind::kAdmin, "development"),
                                harness.MakeKey(model::KeyKind::kAdmin, std::nullopt, "acme"),
                                harness.MakeKey(model::KeyKind::kClient, "development")};
  for (const std::string& token : tokens) {
    const std::string access = AccessOf(harness, token);
    for (const api_http::Route& route : api_http::Routes()) {
      if (route.permission == app::Permission::kPublic) continue;
      std::string path(route.path);
      if (const std::size_t at = path.find("{env}"); at != std::string::npos) path.replace(at, 5, "development");
      const bool refused = harness.Send(api_http::NameOf(route.method), path, "", {{"X-API-Key", token}}).status == 403;
      // A part of a chain proves nothing: whoever reads the audit of one tenant only does not verify it.
      if (route.path == "/api/v1/audit/verify" && access.contains("\"tenantId\"")) {
        EXPECT_TRUE(refused);
        continue;
      }
      const std::string name = '"' + std::string(app::NameOf(route.permission)) + '"';
      EXPECT_EQ(access.find(name) == std::string::npos, refused) << access << ' ' << route.path;
    }
  }
}

}  // namespace
}  // namespace guidon::api_test

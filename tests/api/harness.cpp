// SPDX-License-Identifier: Apache-2.0
#include "harness.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "contract.hpp"
#include "guidon/api_http/text.hpp"
#include "guidon/base/time.hpp"

namespace guidon::api_test {
namespace {

app::ApplicationOptions Options() {
  app::ApplicationOptions options{.environments = {},
                                  .default_environment = "development",
                                  .key_hash_secret = std::string(32, 'k'),
                                  .compile = api_http::WireAnnotations()};
  for (const char* name : {"development", "staging", "production"})
    options.environments.push_back(*model::Environment::Parse(name));
  return options;
}

}  // namespace

std::string Reply::Header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (api_http::EqualsIgnoringCase(key, name)) return value;
  }
  return "";
}

model::Value Reply::Json() const {
  auto value = json::Parse(body);
  EXPECT_TRUE(value.has_value()) << body;
  return value ? *value : model::Value();
}

std::string Reply::At(std::initializer_list<std::string_view> path) const {
  const model::Value document = Json();
  const model::Value* at = &document;
  for (const std::string_view name : path) {
    if (at->AsList() != nullptr) {
      std::size_t index = 0;
      std::from_chars(name.data(), name.data() + name.size(), index);
      if (index >= at->AsList()->size()) return "";
      at = &(*at->AsList())[index];
      continue;
    }
    at = at->AsObject() == nullptr ? nullptr : at->AsObject()->Find(name);
    if (at == nullptr) return "";
  }
  return at->AsString() != nullptr ? *at->AsString() : json::Write(*at);
}

std::string Reply::Masked() const {
  std::string text = body;
  const std::string id = Header("X-Request-Id");
  for (std::size_t at = 0; !id.empty() && (at = text.find(id)) != std::string::npos;) text.replace(at, id.size(), "ID");
  return text;
}

std::vector<Reply> ParseReplies(std::string_view bytes, bool head) {
  std::vector<Reply> replies;
  while (!bytes.empty()) {
    Reply reply;
    const std::size_t end = bytes.find("\r\n\r\n");
    EXPECT_NE(end, std::string_view::npos) << bytes;
    if (end == std::string_view::npos) break;
    std::string_view lines = bytes.substr(0, end + 2);
    bytes.remove_prefix(end + 4);
    EXPECT_TRUE(lines.starts_with("HTTP/1.1 ")) << lines;
    std::from_chars(lines.data() + 9, lines.data() + 12, reply.status);
    lines.remove_prefix(lines.find("\r\n") + 2);
    std::size_t length = 0;
    while (!lines.empty()) {
      const std::string_view line = lines.substr(0, lines.find("\r\n"));
      lines.remove_prefix(line.size() + 2);
      const std::size_t colon = line.find(':');
      std::string_view value = line.substr(colon + 1);
      value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
      reply.headers.emplace_back(line.substr(0, colon), value);
      if (line.substr(0, colon) == "Content-Length") std::from_chars(value.data(), value.data() + value.size(), length);
    }
    if (reply.status == 100) continue;
    if (!head) {
      EXPECT_LE(length, bytes.size());
      reply.body = bytes.substr(0, length);
      bytes.remove_prefix(std::min(length, bytes.size()));
    }
    replies.push_back(std::move(reply));
  }
  return replies;
}

std::string RequestText(std::string_view method, std::string_view target, std::string_view body,
                        const Headers& headers) {
  std::string out = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\n";
  const auto has = [&](std::string_view name) {
    return std::ranges::any_of(headers,
                               [&](const auto& header) { return api_http::EqualsIgnoringCase(header.first, name); });
  };
  if (!has("Host")) out += "Host: 127.0.0.1:3001\r\n";
  if (!body.empty() && !has("Content-Type")) out += "Content-Type: application/json\r\n";
  if (!body.empty() || method == "POST" || method == "PUT")
    out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  for (const auto& [name, value] : headers) out += name + ": " + value + "\r\n";
  out += "\r\n";
  out += body;
  return out;
}

Harness::Harness(bool local_profile, api_http::ServerOptions given)
    : clock(*base::ParseTimestamp("2026-11-22T04:23:00.123Z")),
      memory(clock),
      table(memory),
      options(std::move(given)) {
  options.local_profile = local_profile;
  app = *app::Application::Open(table, clock, Options());
  api = std::make_unique<api_http::Api>(*app, table, options);
  io = std::make_unique<api_http::IoState>(*api);
}

std::string Harness::Drive(api_http::Session& session, std::string_view bytes, std::size_t piece) {
  std::string out;
  for (;;) {
    switch (session.Advance()) {
      case api_http::Session::Step::kRead: {
        if (bytes.empty() || session.closes()) return out;
        const auto room = session.Prepare();
        const std::size_t size = std::min({room.size(), bytes.size(), piece == 0 ? bytes.size() : piece});
        std::memcpy(room.data(), bytes.data(), size);
        bytes.remove_prefix(size);
        session.Commit(size);
        continue;
      }
      case api_http::Session::Step::kWork:
        session.Work();
        session.FinishWork();
        break;
      case api_http::Session::Step::kWrite: break;
    }
    out += session.output();
    session.Written();
  }
}

std::string Harness::Talk(std::string_view bytes, bool* closes, std::size_t piece) {
  api_http::Session session(*api, *io, "127.0.0.1");
  std::string out = Drive(session, bytes, piece);
  if (closes != nullptr) *closes = session.closes();
  return out;
}

Reply Harness::Send(std::string_view method, std::string_view target, std::string_view body, const Headers& headers) {
  Headers all = headers;
  const bool has = std::ranges::any_of(
      headers, [](const auto& header) { return header.first == "Authorization" || header.first == "X-API-Key"; });
  if (!has && !credential.empty()) all.emplace_back("Authorization", "Bearer " + credential);
  const auto replies = ParseReplies(Talk(RequestText(method, target, body, all)), method == "HEAD");
  EXPECT_EQ(replies.size(), 1U) << method << ' ' << target;
  if (replies.empty()) return {};
  const Reply& reply = replies.front();
  EXPECT_FALSE(reply.Header("X-Request-Id").empty());
  const api_http::Method named = method == "GET"      ? api_http::Method::kGet
                                 : method == "POST"   ? api_http::Method::kPost
                                 : method == "PUT"    ? api_http::Method::kPut
                                 : method == "PATCH"  ? api_http::Method::kPatch
                                 : method == "DELETE" ? api_http::Method::kDelete
                                                      : api_http::Method::kOther;
  const auto match = api_http::Router().Find(named, target.substr(0, target.find('?')));
  if (match.route == nullptr) return reply;
  std::string lower(method);
  std::ranges::transform(lower, lower.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  const model::Object* operation = Contract::Get().Operation(match.route->path, lower);
  EXPECT_NE(operation, nullptr) << method << ' ' << match.route->path;
  if (operation == nullptr) return reply;
  for (const std::string& problem :
       Contract::Get().Check(*operation, reply.status, reply.Header("Content-Type"), reply.body))
    ADD_FAILURE() << method << ' ' << target << " → " << reply.status << ": " << problem << "\n" << reply.body;
  return reply;
}

app::RequestInfo Harness::Administrator() const {
  return {.principal = {.kind = app::PrincipalKind::kLocal, .id = "local"}, .request_id = "test"};
}

std::string Harness::MakeKey(model::KeyKind kind, std::optional<std::string> environment,
                             std::optional<std::string> tenant, std::optional<base::Timestamp> expires_at) {
  auto made = app->keys().Create(Administrator(), {.key_id = {},
                                                   .kind = kind,
                                                   .name = "test",
                                                   .environment = std::move(environment),
                                                   .tenant_id = std::move(tenant),
                                                   .expires_at = expires_at});
  EXPECT_TRUE(made.has_value()) << made.error().field << ' ' << made.error().message;
  return made ? made->entity.token.value_or("") : "";
}

std::string Harness::KeyIdOf(std::string_view token) const { return app::ParseKeyToken(token)->key_id; }

void Harness::MakeFlag(std::string_view text, std::string_view environment) {
  const Reply reply = Send("POST", "/api/v1/environments/" + std::string(environment) + "/flags", text);
  ASSERT_EQ(reply.status, 201) << reply.body;
}

}  // namespace guidon::api_test

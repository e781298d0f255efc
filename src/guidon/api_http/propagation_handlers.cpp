// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/handler_support.hpp"
#include "guidon/api_http/handlers.hpp"
#include "guidon/api_http/propagation_json.hpp"
#include "guidon/api_http/stream_request.hpp"
#include "guidon/model/ids.hpp"

// Who has a change, and who says so.
namespace guidon::api_http::handlers {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using std::chrono::milliseconds;

constexpr std::size_t kListDefault = 20;
constexpr std::size_t kListMax = 100;
constexpr std::size_t kEtagBytesMax = 512;
constexpr std::string_view kAllTenants = "*";  // in place of a tenant, in ids of streams of everything
constexpr std::string_view kLatest = "latest";

std::optional<std::uint64_t> ReadNumber(std::string_view text) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

// Nothing: the latest.
Result<std::optional<std::uint64_t>> SequenceOf(const Call& call) {
  if (call.path[1] == kLatest) return std::nullopt;
  const auto number = ReadNumber(call.path[1]);
  if (!number) return Fail(ErrorCode::kInvalidArgument, "must be the number of a change, or latest", "sequence");
  return number;
}

Result<milliseconds> WaitOf(const Call& call) {
  const std::string* text = call.query.Find("wait");
  if (text == nullptr) return milliseconds(0);
  std::string_view digits = *text;
  std::int64_t factor = 0;
  if (digits.ends_with("ms")) {
    factor = 1;
    digits.remove_suffix(2);
  } else if (digits.ends_with('s')) {
    factor = 1000;
    digits.remove_suffix(1);
  }
  const auto number = ReadNumber(digits);
  const auto longest = static_cast<std::uint64_t>(app::kPropagationWaitMax.count());
  if (factor == 0 || !number || *number > longest ||
      static_cast<std::int64_t>(*number) * factor > app::kPropagationWaitMax.count())
    return Fail(ErrorCode::kInvalidArgument, "must be a time such as 500ms or 5s, at most 30s", "wait");
  return milliseconds(static_cast<std::int64_t>(*number) * factor);
}

// The ids of a key of no tenant are of contexts without one, or of everything.
std::optional<std::uint64_t> SequenceOfTag(const app::Application& app, const std::string& environment,
                                           const std::string& tenant, std::string_view id) {
  if (id.size() > kEtagBytesMax) return std::nullopt;
  auto sequence = app.stream_tokens().SequenceOf(StreamScopeOf(StreamKind::kEvaluation, environment, tenant), id);
  if (!sequence && tenant.empty())
    sequence = app.stream_tokens().SequenceOf(
        StreamScopeOf(StreamKind::kEvaluation, environment, std::string(kAllTenants)), id);
  return sequence;
}

Result<std::string> RequiredString(const model::Object& body, std::string_view name) {
  GUIDON_ASSIGN(auto text, StringOf(body, name));
  if (!text) return Fail(ErrorCode::kInvalidArgument, "is required", std::string(name));
  return *std::move(text);
}

}  // namespace

// Answered on the I/O thread: nothing is stored.
Result<Response> Acknowledge(const Call& call) {
  const app::Principal& principal = call.info.principal;
  // In the hands of users, who could make an operator wait for clients that do not exist.
  if (principal.kind == app::PrincipalKind::kClient)
    return Fail(ErrorCode::kPermissionDenied, "Client keys do not acknowledge; use a server key.");
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  if (call.app.snapshots().FeedOf(env.str()) == nullptr)
    return Fail(ErrorCode::kNotFound, "There is no such environment.", "env");
  GUIDON_ASSIGN(const auto body, BodyOf(call));
  GUIDON_TRY(RefuseUnknown(*body.AsObject(), {"client", "etag"}));
  GUIDON_ASSIGN(const std::string client, RequiredString(*body.AsObject(), "client"));
  if (!model::TenantId::Parse(client))
    return Fail(ErrorCode::kInvalidArgument,
                "must be 1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit", "client");
  GUIDON_ASSIGN(std::string etag, RequiredString(*body.AsObject(), "etag"));
  if (etag.starts_with("W/")) etag.erase(0, 2);
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) etag = etag.substr(1, etag.size() - 2);
  etag.erase(std::min(etag.find('.'), etag.size()));  // definitions may have a revision behind the id
  const std::string tenant = principal.tenant_id.value_or("");
  const auto sequence = SequenceOfTag(call.app, env.str(), tenant, etag);
  if (!sequence)
    return Fail(ErrorCode::kInvalidArgument, "is no entity tag or event id that this key was given here", "etag");
  const bool keyless = principal.kind == app::PrincipalKind::kLocal;
  call.app.receipts().Acknowledged(env.str(),
                                   {.kind = app::ClientKind::kEvaluation,
                                    .tenant = tenant,
                                    .key_id = keyless ? std::string_view() : principal.id,
                                    .address = call.info.address},
                                   client, *sequence);
  return Response{.status = 204};
}

Result<Response> ListPropagation(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  std::size_t limit = kListDefault;
  if (const std::string* text = call.query.Find("limit")) {
    const auto number = ReadNumber(*text);
    if (!number || *number < 1 || *number > kListMax)
      return Fail(ErrorCode::kInvalidArgument, "must be a whole number from 1 to 100", "limit");
    limit = *number;
  }
  GUIDON_ASSIGN(const auto latest, call.app.propagation().Latest(call.info, env, limit));
  model::List items;
  for (const app::PropagationStatus& status : latest) items.push_back(PropagationToJson(status));
  model::Object out;
  out.Set("items", std::move(items));
  return Response{.body = json::Write(out)};
}

Result<Response> GetPropagation(const Call& call) {
  GUIDON_ASSIGN(const auto env, EnvironmentOf(call));
  GUIDON_ASSIGN(const auto sequence, SequenceOf(call));
  GUIDON_ASSIGN(const milliseconds wait, WaitOf(call));
  GUIDON_ASSIGN(const auto status, call.app.propagation().Await(call.info, env, sequence, wait));
  return Response{.body = json::Write(PropagationToJson(status))};
}

}  // namespace guidon::api_http::handlers

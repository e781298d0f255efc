// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/api.hpp"

#include <exception>
#include <utility>

#include "guidon/api_http/connect_wire.hpp"
#include "guidon/api_http/text.hpp"
#include "guidon/base/log.hpp"

namespace guidon::api_http {
namespace {

using base::ErrorCode;
using base::Result;

constexpr std::size_t kNoBodyBytesMax = 16;  // "{}" with white space
constexpr std::size_t kIdempotencyKeyBytesMax = 255;
constexpr std::string_view kEnvironmentSegment = "/environments/{env}/";

bool IsEvaluation(const Route& route) { return route.permission == app::Permission::kEvaluate; }

Problem NotFound() {
  return {.status = 404, .code = base::Name(ErrorCode::kNotFound), .detail = "There is nothing at this path."};
}

std::optional<Problem> CheckContentType(const Exchange& exchange) {
  const Route& route = *exchange.match.route;
  if (exchange.head->Has(Header::kContentEncoding))
    return Problem{.status = 415,
                   .code = "UNSUPPORTED_MEDIA_TYPE",
                   .detail = "Bodies must not be compressed.",
                   .field = "Content-Encoding"};
  if (route.body == BodyRule::kNone) {
    if (exchange.body.empty() || exchange.body == "{}") return std::nullopt;
    return Problem{
        .status = 400, .code = base::Name(ErrorCode::kInvalidArgument), .detail = "This request takes no body."};
  }
  if (route.body == BodyRule::kOptionalJson && exchange.body.empty()) return std::nullopt;
  const std::string_view type = exchange.head->Get(Header::kContentType);
  const std::string_view wanted = route.body == BodyRule::kConnectStream ? kConnectJson : kJson;
  if (exchange.head->Count(Header::kContentType) == 1) {
    if (IsMediaType(type, wanted)) return std::nullopt;
    if (route.body == BodyRule::kMergePatch && IsMediaType(type, "application/merge-patch+json")) return std::nullopt;
  }
  return Problem{.status = 415,
                 .code = "UNSUPPORTED_MEDIA_TYPE",
                 .detail = "The body must be " + std::string(wanted) + ".",
                 .field = "Content-Type"};
}

Result<std::vector<std::string>> DecodePath(const Exchange& exchange) {
  std::vector<std::string> out;
  for (const std::string_view parameter : exchange.match.parameters) {
    if (parameter.empty()) break;
    auto text = PercentDecode(parameter);
    if (!text) return base::Fail(ErrorCode::kMalformed, "a percent escape of the path is not valid UTF-8", "path");
    out.push_back(*std::move(text));
  }
  return out;
}

base::Status ReadIdempotency(const Exchange& exchange, app::RequestInfo& info) {
  const RequestHead& head = *exchange.head;
  if (!head.Has(Header::kIdempotencyKey)) return {};
  const std::string_view key = head.Get(Header::kIdempotencyKey);
  if (head.Count(Header::kIdempotencyKey) > 1 || key.empty() || key.size() > kIdempotencyKeyBytesMax ||
      PrintableAscii(key, key.size()) != key)
    return base::Fail(ErrorCode::kInvalidArgument, "must be 1 to 255 printable ASCII characters, once",
                      "Idempotency-Key");
  info.idempotency_key = key;
  info.request_body = exchange.body;
  info.request_body += exchange.query;
  return {};
}

// Every path below /environments/ has the environment as its first parameter.
std::string_view PathEnvironment(const RouteMatch& match) {
  return match.route->path.find(kEnvironmentSegment) == std::string_view::npos ? std::string_view()
                                                                               : match.parameters[0];
}

// Its answer is not looked at: the request runs again.
Response CatchUp(const Call& call) {
  if (const auto status = call.app.CatchUpTo(call.path.front(), *call.catch_up_to); !status)
    base::Log(base::LogLevel::kWarn, "another node's change cannot be read; evaluation goes on with the last snapshot",
              {{"environment", call.path.front()}, {"error", status.error().message}});
  return {};
}

Response FailureOf(const Exchange& exchange, const Problem& problem) {
  const bool ofrep = exchange.match.protocol == Protocol::kOfrep;
  const auto key = ofrep ? PercentDecode(exchange.match.parameters[0]) : std::nullopt;
  // Without a route it is no stream that was asked for.
  const bool no_stream = exchange.match.protocol == Protocol::kConnectStream && exchange.match.route == nullptr;
  return FailureResponse(no_stream ? Protocol::kConnect : exchange.match.protocol, problem, key.value_or(""),
                         exchange.request_id);
}

}  // namespace

Api::Api(app::Application& app, const store::MeteredTable& table, const ServerOptions& options)
    : app_(app),
      limits_(options.limits),
      settings_(options.settings),
      gate_(app, options),
      site_(options.ui),
      streams_(options.limits.streams_max),
      metrics_(app, table, options.more_metrics),
      definitions_(app) {}

std::vector<EffectiveSetting> Api::settings() const {
  return settings_ ? settings_() : std::vector<EffectiveSetting>();
}

void Api::Identify(Exchange& exchange) {
  exchange.request_id.clear();
  if (exchange.head != nullptr && exchange.head->Count(Header::kRequestId) == 1 &&
      IsRequestId(exchange.head->Get(Header::kRequestId))) {
    exchange.request_id = exchange.head->Get(Header::kRequestId);
    return;
  }
  exchange.io.AppendRequestId(exchange.request_id);
}

void Api::Note(Exchange& exchange, int status) const {
  const auto duration = std::chrono::steady_clock::now() - exchange.started;
  exchange.io.counters.NoteRequest(exchange.match.route == nullptr ? kNoRoute : exchange.match.index, status, duration);
  // Paths and queries stay out of the log: they may hold names that are nobody's business.
  base::Log(base::LogLevel::kDebug, "request",
            {{"method", NameOf(exchange.head == nullptr ? Method::kOther : exchange.head->method)},
             {"route", exchange.match.route == nullptr ? std::string_view("none") : exchange.match.route->path},
             {"status", std::int64_t{status}},
             {"microseconds", std::int64_t{std::chrono::duration_cast<std::chrono::microseconds>(duration).count()}},
             {"requestId", exchange.request_id}});
}

void Api::Refuse(Exchange& exchange, const Problem& problem, std::string& out) const {
  const Response response = FailureOf(exchange, problem);
  WriteResponse(exchange, response, out);
  // A stream's failure has a status of its own inside.
  Note(exchange, exchange.match.protocol == Protocol::kConnectStream ? problem.status : response.status);
}

void Api::Finish(Exchange& exchange, const Response& response, std::string& out) const {
  WriteResponse(exchange, response, out);
  Note(exchange, response.status);
}

std::size_t Api::body_bytes_max(const Exchange& exchange) const {
  switch (exchange.match.route->body) {
    case BodyRule::kNone: return kNoBodyBytesMax;
    case BodyRule::kSegmentKeys: return limits_.segment_keys_body_bytes_max;
    case BodyRule::kEvaluation: return limits_.evaluate_body_bytes_max;
    case BodyRule::kConnectStream: return kStreamRequestBytesMax;
    default: return limits_.body_bytes_max;
  }
}

Response Api::AnswerOptions(const Exchange& exchange) const {
  Response response{.status = 204};
  response.headers.emplace_back("Allow", exchange.match.allow);
  if (!exchange.cors_origin.empty() && exchange.head->Has(Header::kRequestMethod)) {
    response.headers.emplace_back("Access-Control-Allow-Methods", "POST");
    response.headers.emplace_back(
        "Access-Control-Allow-Headers",
        "Authorization, Connect-Protocol-Version, Connect-Timeout-Ms, Content-Type, Flagd-Selector, "
        "Guidon-Environment, If-None-Match, X-API-Key, X-Request-Id");
    response.headers.emplace_back("Access-Control-Max-Age", "600");
  }
  return response;
}

void Api::Locate(Exchange& exchange) const {
  const std::string_view target = exchange.head->Target();
  const std::size_t question = target.find('?');
  exchange.query = question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
  exchange.match = router_.Find(exchange.head->method, target.substr(0, question));
}

Api::Begun Api::Begin(Exchange& exchange, std::string& out) const {
  const RequestHead& head = *exchange.head;
  const auto refuse = [&](const Problem& problem) {
    Refuse(exchange, problem, out);
    return Begun::kAnswered;
  };
  Locate(exchange);
  const bool evaluates = exchange.match.protocol != Protocol::kGuidon ||
                         (exchange.match.route != nullptr && IsEvaluation(*exchange.match.route));
  exchange.cors_origin = gate_.AllowedOrigin(head, evaluates);
  if (auto problem = gate_.CheckSite(exchange.credentials, head)) return refuse(*problem);
  if (exchange.match.allow.empty() && head.Target() != "*") {
    const std::string_view target = head.Target();
    const auto file = site_.Find(head, target.substr(0, target.find('?')));
    if (!file) return refuse(NotFound());
    Finish(exchange, *file, out);
    return Begun::kAnswered;
  }
  if (head.method == Method::kOptions) {
    Finish(exchange, AnswerOptions(exchange), out);
    return Begun::kAnswered;
  }
  if (exchange.match.route == nullptr) {
    Response response =
        FailureOf(exchange, {.status = 405,
                             .code = "METHOD_NOT_ALLOWED",
                             .detail = "This path does not take this method; Allow says which it takes."});
    response.headers.emplace_back("Allow", exchange.match.allow);
    Finish(exchange, response, out);
    return Begun::kAnswered;
  }
  std::string decoded;
  std::string_view environment = PathEnvironment(exchange.match);
  if (environment.find('%') != std::string_view::npos) {
    decoded = PercentDecode(environment).value_or("%");  // "%" names no environment
    environment = decoded;
  }
  if (auto problem = gate_.Admit(exchange.credentials, exchange.io.ring(), head, *exchange.match.route, environment,
                                 exchange.peer, exchange.request_id, exchange.access))
    return refuse(*problem);
  return Begun::kWantsBody;
}

Result<Call> Api::PrepareCall(Exchange& exchange) const {
  const RequestHead& head = *exchange.head;
  const app::Principal& principal = *exchange.access.principal;
  Call call{.api = *this,
            .app = app_,
            .route = *exchange.match.route,
            .info = RequestInfoOf(principal, head, exchange.peer, exchange.request_id)};
  GUIDON_ASSIGN(call.path, DecodePath(exchange));
  GUIDON_ASSIGN(call.query, Query::Parse(exchange.query, call.route.query, call.route.protocol == Protocol::kOfrep));
  GUIDON_ASSIGN(call.if_match, ParseIfMatch(head.Get(Header::kIfMatch), head.Count(Header::kIfMatch)));
  GUIDON_TRY(ReadIdempotency(exchange, call.info));
  call.if_none_match = head.Get(Header::kIfNoneMatch);
  call.body = exchange.body;
  call.environment = exchange.access.environment;
  call.takes_gzip = TakesGzip(head);
  call.tells_details = app::Authorize(principal, app::Permission::kSystemRead, "").has_value();
  return call;
}

Api::Ran Api::Run(Exchange& exchange, std::string& out, std::optional<Call>& call) const {
  const Route& route = *exchange.match.route;
  if (auto problem = CheckContentType(exchange)) {
    Refuse(exchange, *problem, out);
    return Ran::kAnswered;
  }
  if (route.direct != nullptr) {
    const std::size_t before = out.size();
    try {
      const int status = route.direct(exchange, out);
      if (exchange.behind) {
        call.emplace(
            Call{.api = *this,
                 .app = app_,
                 .route = route,
                 .info = RequestInfoOf(*exchange.access.principal, *exchange.head, exchange.peer, exchange.request_id),
                 .path = {exchange.access.environment},
                 .catch_up_to = exchange.behind});
        return Ran::kBlocks;
      }
      Note(exchange, status);
    } catch (const std::exception& e) {
      out.resize(before);
      base::Log(base::LogLevel::kError, "a request failed", {{"requestId", exchange.request_id}, {"error", e.what()}});
      Refuse(exchange, ProblemOf({.code = ErrorCode::kInternal, .message = ""}), out);
    }
    return Ran::kAnswered;
  }
  auto prepared = PrepareCall(exchange);
  if (!prepared) {
    Refuse(exchange, ProblemOf(prepared.error()), out);
    return Ran::kAnswered;
  }
  if (route.on_io_thread) {
    Finish(exchange, Work(*prepared), out);
    return Ran::kAnswered;
  }
  call.emplace(*std::move(prepared));
  return Ran::kBlocks;
}

Response Api::Work(const Call& call) {
  base::Error error{.code = ErrorCode::kInternal, .message = ""};
  try {
    if (call.catch_up_to) return CatchUp(call);
    auto response = call.route.handler(call);
    if (response) return *std::move(response);
    error = std::move(response).error();
    if (error.code != ErrorCode::kInternal && error.code != ErrorCode::kCorrupt)
      return ProblemResponse(ProblemOf(error, call.if_match), call.info.request_id);
  } catch (const std::exception& e) {
    error.message = e.what();
  }
  base::Log(base::LogLevel::kError, "a request failed",
            {{"requestId", call.info.request_id}, {"route", call.route.path}, {"error", error.message}});
  return ProblemResponse(ProblemOf(error, call.if_match), call.info.request_id);
}

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/stream_handlers.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/text.hpp"

namespace guidon::api_http {
namespace {

constexpr std::string_view kEventStream = "text/event-stream";
constexpr std::array<std::string_view, 1> kTokenQuery = {"token"};

int Refuse(const Exchange& exchange, const Problem& problem, std::string& out) {
  const Response response = FailureResponse(exchange.match.protocol, problem, "", exchange.request_id);
  WriteResponse(exchange, response, out);
  return response.status;
}

// An id that cannot be read says no more than that something may have been missed.
void ReadLastEventId(const Exchange& exchange, StreamRequest& request) {
  const std::string_view id = exchange.head->Get(Header::kLastEventId);
  if (id.empty()) return;
  const auto sequence = exchange.api.app().stream_tokens().SequenceOf(
      StreamScopeOf(request.kind, request.environment, request.tenant), id);
  if (sequence) request.seen = std::max(request.seen.value_or(0), *sequence);
  request.lost = !sequence;
}

}  // namespace

int BeginStream(Exchange& exchange, StreamRequest request, std::string_view content_type, std::string& out) {
  const bool wanted = exchange.head->method != Method::kHead;
  if (wanted) {
    if (!exchange.api.streams().TryAdd())
      return Refuse(exchange,
                    {.status = 503,
                     .code = base::Name(base::ErrorCode::kUnavailable),
                     .detail = "This node has as many event streams as it may; try again, or another node."},
                    out);
    request.slot = ConnectionSlot(exchange.api.streams());
    request.address = exchange.peer;
    ReadLastEventId(exchange, request);
  }
  exchange.keep_alive = false;  // the connection is the stream's until it ends
  AnswerWriter writer(out);
  writer.Begin(exchange, 200, content_type);
  writer.Header("X-Accel-Buffering", "no");  // proxies that keep bytes back would keep events back
  writer.EndWithoutLength();
  if (wanted) exchange.stream = std::move(request);
  return 200;
}

int StreamEvaluationChanges(Exchange& exchange, std::string& out) {
  const auto query = Query::Parse(exchange.query, kTokenQuery, true);
  if (!query) return Refuse(exchange, ProblemOf(query.error()), out);
  const std::string* token = query->Find("token");
  const auto grant = exchange.api.gate().AdmitStream(exchange.io.ring(), token == nullptr ? "" : *token);
  if (!grant)
    return Refuse(exchange,
                  {.status = 401,
                   .code = base::Name(base::ErrorCode::kUnauthenticated),
                   .detail = "The stream's URL is not valid, or not any more; a new bulk evaluation names another."},
                  out);
  return BeginStream(exchange,
                     {.kind = StreamKind::kEvaluation,
                      .environment = grant->environment,
                      .tenant = grant->tenant,
                      .key_id = grant->key_id,
                      .seen = grant->since},
                     kEventStream, out);
}

int StreamChanges(Exchange& exchange, std::string& out) {
  if (auto query = Query::Parse(exchange.query, {}); !query) return Refuse(exchange, ProblemOf(query.error()), out);
  const app::Principal& principal = *exchange.access.principal;
  const bool keyless = principal.kind == app::PrincipalKind::kLocal;
  return BeginStream(exchange,
                     {.kind = StreamKind::kManagement,
                      .environment = exchange.access.environment,
                      .tenant = principal.tenant_id.value_or(""),
                      .key_id = keyless ? "" : principal.id},
                     kEventStream, out);
}

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/connect.hpp"

#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/connect_wire.hpp"
#include "guidon/api_http/evaluation.hpp"
#include "guidon/api_http/stream_handlers.hpp"
#include "guidon/flagd_service/answers.hpp"
#include "guidon/flagd_service/changes.hpp"
#include "guidon/json/json.hpp"

namespace guidon::api_http {
namespace {

using base::ErrorCode;
using eval::Evaluation;
using flagd_service::Kind;
using flagd_service::Version;
using model::EvaluationError;

constexpr std::string_view kConnectVersion = "1";
constexpr std::string_view kResolveAll = "ResolveAll";
constexpr std::array<std::pair<std::string_view, Kind>, 5> kResolves = {{{"ResolveBoolean", Kind::kBoolean},
                                                                         {"ResolveString", Kind::kString},
                                                                         {"ResolveFloat", Kind::kFloat},
                                                                         {"ResolveInt", Kind::kInt},
                                                                         {"ResolveObject", Kind::kObject}}};

int Refuse(const Exchange& exchange, const Problem& problem, std::string& out) {
  WriteResponse(exchange, FailureResponse(exchange.match.protocol, problem, "", exchange.request_id), out);
  return problem.status;
}

// Of an evaluation: the statuses are OFREP's, the fault is the request's; the code says more.
int Fail(const Exchange& exchange, EvaluationError error, std::string& out) {
  Response response{.status = error == EvaluationError::kFlagNotFound ? 404 : 400};
  AppendFailure(response.body, flagd_service::FailureOf(error));
  WriteResponse(exchange, response, out);
  return response.status;
}

std::optional<Problem> CheckVersion(const Exchange& exchange) {
  if (!exchange.head->Has(Header::kConnectVersion) || exchange.head->Get(Header::kConnectVersion) == kConnectVersion)
    return std::nullopt;
  return Problem{.status = 400,
                 .code = base::Name(ErrorCode::kInvalidArgument),
                 .detail = "must be 1, which is all that this server speaks",
                 .field = "Connect-Protocol-Version"};
}

struct Question {
  std::string flag_key;
  model::Context context;
};

std::optional<Problem> Read(const Exchange& exchange, Question& question) {
  if (auto problem = CheckVersion(exchange)) return problem;
  auto request = ReadFlagdRequest(exchange.body);
  if (!request) return ProblemOf(request.error());
  auto context = flagd_service::ContextOf(std::move(request->context), exchange.access.tenant);
  if (!context) {
    if (context.error().code == ErrorCode::kPermissionDenied)
      exchange.api.gate().RecordTenant(
          RequestInfoOf(*exchange.access.principal, *exchange.head, exchange.peer, exchange.request_id),
          exchange.access.environment);
    return ProblemOf(context.error());
  }
  question.flag_key = std::move(request->flag_key);
  question.context = *std::move(context);
  return std::nullopt;
}

void BeginAnswer(const Exchange& exchange, AnswerWriter& writer) {
  writer.Begin(exchange, 200, kJson);
  WriteSnapshotAge(exchange, writer);
  writer.EndBeforeBody();
}

int ResolveOne(Exchange& exchange, Kind kind, std::string& out) {
  Question question;
  if (auto problem = Read(exchange, question)) return Refuse(exchange, *problem, out);
  const eval::Snapshot& snapshot = *exchange.io.Find(exchange.access.environment);
  Evaluation evaluation = flagd_service::Resolve(snapshot, question.flag_key, question.context,
                                                 *exchange.access.principal, exchange.api.app().clock().Now());
  NoteEvaluation(exchange, question.context, evaluation);
  if (evaluation.error == EvaluationError::kNone && evaluation.variation != nullptr &&
      !flagd_service::Fits(kind, evaluation.variation->value))
    evaluation.error = EvaluationError::kTypeMismatch;
  if (evaluation.error != EvaluationError::kNone) return Fail(exchange, evaluation.error, out);
  AnswerWriter writer(out);
  BeginAnswer(exchange, writer);
  AppendAnswer(out, kind, evaluation);
  writer.Finish();
  return 200;
}

// A client of an event stream that asks for everything again has everything.
void NoteReceipt(const Exchange& exchange, std::uint64_t sequence) {
  const app::Principal& principal = *exchange.access.principal;
  const bool keyless = principal.kind == app::PrincipalKind::kLocal;
  exchange.api.app().receipts().Refetched(exchange.access.environment,
                                          {.kind = app::ClientKind::kFlagd,
                                           .tenant = exchange.access.tenant,
                                           .key_id = keyless ? std::string_view() : principal.id,
                                           .address = exchange.peer},
                                          sequence);
}

int ResolveAll(Exchange& exchange, Version version, std::string& out) {
  Question question;
  if (auto problem = Read(exchange, question)) return Refuse(exchange, *problem, out);
  const eval::Snapshot& snapshot = *exchange.io.Find(exchange.access.environment);
  EvaluateVisible(exchange, snapshot, question.context);
  NoteReceipt(exchange, snapshot.sequence());
  AnswerWriter writer(out);
  BeginAnswer(exchange, writer);
  out += "{\"flags\":{";
  bool first = true;
  for (const Evaluation& evaluation : exchange.io.evaluations) {
    if (flagd_service::IsLeftOut(evaluation, version)) continue;
    if (!std::exchange(first, false)) out += ',';
    json::AppendQuoted(out, eval::KeyOf(*evaluation.flag));
    out += ':';
    AppendAnyFlag(out, evaluation);
  }
  out += "},\"metadata\":{\"environment\":\"";
  out += exchange.access.environment;
  out += "\"}}";
  writer.Finish();
  return 200;
}

int Resolve(Exchange& exchange, Version version, std::string& out) {
  const std::string_view method = exchange.match.parameters[0];
  if (method == kResolveAll) return ResolveAll(exchange, version, out);
  for (const auto& [name, kind] : kResolves) {
    if (method == name) return ResolveOne(exchange, kind, out);
  }
  return Refuse(exchange,
                {.status = 501,
                 .code = base::Name(ErrorCode::kUnsupported),
                 .detail = "flagd.evaluation has no such method; it has ResolveBoolean, ResolveString, ResolveFloat, "
                           "ResolveInt, ResolveObject, ResolveAll and EventStream."},
                out);
}

}  // namespace

int ResolveFlagdV1(Exchange& exchange, std::string& out) { return Resolve(exchange, Version::kV1, out); }

int ResolveFlagdV2(Exchange& exchange, std::string& out) { return Resolve(exchange, Version::kV2, out); }

int StreamFlagdEvents(Exchange& exchange, std::string& out) {
  if (auto problem = CheckVersion(exchange)) return Refuse(exchange, *problem, out);
  if (const auto sent = CheckStreamRequest(exchange.body); !sent) return Refuse(exchange, ProblemOf(sent.error()), out);
  const app::Principal& principal = *exchange.access.principal;
  const bool keyless = principal.kind == app::PrincipalKind::kLocal;
  StreamRequest request{.kind = StreamKind::kFlagd,
                        .environment = exchange.access.environment,
                        .tenant = exchange.access.tenant,
                        .key_id = keyless ? "" : principal.id,
                        .client_key = flagd_service::IsClient(principal)};
  if (exchange.head->Has(Header::kConnectTimeout)) {
    const auto timeout = ParseConnectTimeout(exchange.head->Get(Header::kConnectTimeout));
    if (!timeout) return Refuse(exchange, ProblemOf(timeout.error()), out);
    request.timeout = *timeout;
  }
  return BeginStream(exchange, std::move(request), kConnectJson, out);
}

}  // namespace guidon::api_http

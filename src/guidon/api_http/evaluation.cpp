// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/evaluation.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <iterator>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/wire.hpp"
#include "guidon/base/time.hpp"
#include "guidon/flagd_service/answers.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/library/explanation.hpp"

namespace guidon::api_http {
namespace {

using base::ErrorCode;
using eval::Evaluation;
using flagd_service::TenantOf;
using model::EvaluationError;
using model::Reason;

constexpr std::array<std::string_view, 2> kBulkQuery = {"flagConfigEtag", "flagConfigLastModified"};

std::uint64_t Mix(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0xa0761d6478bd642fULL) * (b ^ 0xe7037ed1a0b428dbULL);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

std::uint64_t HashText(std::string_view text) {
  std::uint64_t hash = text.size();
  while (text.size() > 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), 8);
    hash = Mix(hash, word);
    text.remove_prefix(8);
  }
  std::uint64_t word = 0;
  std::memcpy(&word, text.data(), text.size());
  return Mix(hash, word);
}

int RefuseStatus(Exchange& exchange, const Problem& problem, std::string_view key, std::string& out) {
  const Response response = FailureResponse(exchange.match.protocol, problem, key, exchange.request_id);
  WriteResponse(exchange, response, out);
  return response.status;
}

// The context of an OFREP body, bound to the credential's tenant.
std::optional<Problem> ReadContext(const Exchange& exchange, model::Context& context) {
  auto read = json::ContextFromOfrepBody(exchange.body);
  if (!read) return ProblemOf(read.error());
  context = *std::move(read);
  const app::Principal& principal = *exchange.access.principal;
  if (!principal.tenant_id) return std::nullopt;
  return BindTenant(exchange.api.gate(), RequestInfoOf(principal, *exchange.head, exchange.peer, exchange.request_id),
                    exchange.access.environment, context);
}

Evaluation EvaluateKey(Exchange& exchange, std::string_view key, const model::Context& context, base::Timestamp now) {
  const eval::Snapshot* snapshot = exchange.io.Find(exchange.access.environment);
  if (snapshot == nullptr) return {.reason = Reason::kError, .error = EvaluationError::kFlagNotFound};
  return flagd_service::Resolve(*snapshot, key, context, *exchange.access.principal, now);
}

void AppendKey(std::string& out, const eval::CompiledFlag& flag) {
  const std::string_view bytes = eval::AnnotationOf(flag);
  if (!bytes.empty()) {
    out += bytes;
  } else {
    out += FlagKeyBytes(eval::KeyOf(flag));
  }
}

// While the node is out of touch with its store: how old the snapshot may be that it evaluates from, in seconds.
using Age = std::optional<std::chrono::seconds>;

Age AgeOf(const Exchange& exchange) {
  app::Application& app = exchange.api.app();
  if (!app.contact().following()) return std::nullopt;
  const auto age = app.contact().AgeOf(app.clock().Now());
  if (!age) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(*age);
}

void WriteAge(AnswerWriter& writer, const Age& age) {
  if (age) writer.Header("Guidon-Snapshot-Age", std::to_string(age->count()));
}

void AppendAge(std::string& out, const Age& age) {
  out += "\"snapshotAgeSeconds\":";
  AppendNumber(out, static_cast<std::uint64_t>(age->count()));
}

void AppendSuccess(std::string& out, const Evaluation& evaluation, const Age& age = std::nullopt) {
  out += '{';
  AppendKey(out, *evaluation.flag);
  if (evaluation.variation != nullptr) {
    out += ',';
    if (!evaluation.variation->annotation.empty()) {
      out += evaluation.variation->annotation;
    } else {
      out += VariationBytes(evaluation.variation->name, evaluation.variation->value);
    }
  }
  out += ",\"reason\":\"";
  out += model::NameOf(evaluation.reason);
  out += '"';
  const bool has_metadata = library::HasMetadata(evaluation);
  if (has_metadata || age) {
    out += ",\"metadata\":{";
    if (has_metadata) library::AppendMetadata(out, evaluation);
    if (has_metadata && age) out += ',';
    if (age) AppendAge(out, age);
    out += '}';
  }
  out += '}';
}

void AppendFailure(std::string& out, const eval::CompiledFlag& flag, EvaluationError error) {
  out += '{';
  AppendKey(out, flag);
  out += ",\"errorCode\":\"";
  out += model::NameOf(error);
  out += "\",\"errorDetails\":\"";
  out += DetailsOf(error);
  out += "\"}";
}

int WriteFlagFailure(const Exchange& exchange, std::string_view key, EvaluationError error, std::string& out) {
  Response response{.status = error == EvaluationError::kFlagNotFound ? 404 : 400};
  response.body = "{\"key\":";
  json::AppendQuoted(response.body, key);
  response.body += ",\"errorCode\":\"";
  response.body += model::NameOf(error);
  response.body += "\",\"errorDetails\":\"";
  response.body += DetailsOf(error);
  response.body += "\"}";
  WriteResponse(exchange, response, out);
  return response.status;
}

int WriteNotModified(const Exchange& exchange, std::string_view tag, const Age& age, std::string& out) {
  AnswerWriter writer(out);
  writer.Begin(exchange, 304, {});
  WriteAge(writer, age);
  writer.Header("ETag", tag);
  writer.EndWithoutLength();
  return 304;
}

void NoteUsage(Exchange& exchange, const model::Context& context, std::span<const Evaluation> evaluations,
               app::UsageKind kind) {
  if (!exchange.api.app().usage().enabled()) return;
  app::UsageCounter& usage = exchange.io.usage;
  const auto asker = usage.AskerOf(exchange.access.environment, TenantOf(context));
  for (const Evaluation& evaluation : evaluations) usage.Note(asker, evaluation, kind);
  if (kind == app::UsageKind::kBulk || !exchange.io.sampler.active()) return;
  for (const Evaluation& evaluation : evaluations)
    exchange.io.sampler.Note(exchange.access.environment, TenantOf(context), evaluation,
                             exchange.api.app().clock().Now());
}

std::string_view StreamTextFor(const Exchange& exchange, const model::Context& context, std::uint64_t sequence) {
  const app::Principal& principal = *exchange.access.principal;
  const bool keyless = principal.kind == app::PrincipalKind::kLocal;
  return exchange.io.stream_offers.Text(exchange.access.environment, TenantOf(context), keyless ? "" : principal.id,
                                        sequence);
}

void AppendAll(std::string& out, const Exchange& exchange, std::string_view event_streams, const Age& age) {
  out += "{\"flags\":[";
  bool first = true;
  for (const Evaluation& evaluation : exchange.io.evaluations) {
    if (!std::exchange(first, false)) out += ',';
    if (evaluation.error == EvaluationError::kNone) {
      AppendSuccess(out, evaluation);
    } else {
      AppendFailure(out, *evaluation.flag, evaluation.error);
    }
  }
  out += "],\"metadata\":{\"environment\":\"";
  out += exchange.access.environment;
  out += '"';
  if (age) {
    out += ',';
    AppendAge(out, age);
  }
  out += "},";
  out += event_streams;
  out += '}';
}

// What the node that told the client of a change had then, by flagConfigEtag; 0 where it says nothing that we said.
std::uint64_t AnnouncedSequence(const Exchange& exchange, const model::Context& context) {
  if (exchange.query.empty()) return 0;
  const auto query = Query::Parse(exchange.query, kBulkQuery, true);
  const std::string* tag = query ? query->Find("flagConfigEtag") : nullptr;
  if (tag == nullptr || tag->size() < 2 || !tag->starts_with('"') || !tag->ends_with('"')) return 0;
  const std::string scope =
      StreamScopeOf(StreamKind::kEvaluation, exchange.access.environment, std::string(TenantOf(context)));
  const auto id = std::string_view(*tag).substr(1, tag->size() - 2);
  return exchange.api.app().stream_tokens().SequenceOf(scope, id).value_or(0);
}

// A client of a stream asks again since it was told to: with this answer it has everything up to `sequence`.
void NoteReceipt(const Exchange& exchange, const model::Context& context, std::uint64_t sequence) {
  const app::Principal& principal = *exchange.access.principal;
  const bool keyless = principal.kind == app::PrincipalKind::kLocal;
  exchange.api.app().receipts().Refetched(exchange.access.environment,
                                          {.kind = app::ClientKind::kEvaluation,
                                           .tenant = TenantOf(context),
                                           .key_id = keyless ? std::string_view() : principal.id,
                                           .address = exchange.peer},
                                          sequence);
}

// flagConfigLastModified is epoch seconds or RFC 3339.
std::optional<Problem> CheckBulkQuery(const Exchange& exchange) {
  if (exchange.query.empty()) return std::nullopt;
  const auto query = Query::Parse(exchange.query, kBulkQuery, true);
  if (!query) return ProblemOf(query.error());
  const std::string* modified = query->Find("flagConfigLastModified");
  if (modified == nullptr || modified->find_first_not_of("0123456789") == std::string::npos) return std::nullopt;
  const auto time = base::ParseTimestamp(*modified, "flagConfigLastModified");
  if (time) return std::nullopt;
  return ProblemOf(time.error());
}

struct SmallRequest {
  model::Context context;
  std::string tenant_id;
  std::string flag_key;
  std::string environment;
};

base::Result<SmallRequest> ReadSmall(std::string_view body) {
  GUIDON_ASSIGN(const model::Value document, json::Parse(body));
  const model::Object* members = document.AsObject();
  if (members == nullptr) return base::Fail(ErrorCode::kInvalidArgument, "the body must be an object");
  SmallRequest request;
  std::string user;
  for (const auto& [name, value] : *members) {
    std::string* const target = name == "tenantId"      ? &request.tenant_id
                                : name == "flagKey"     ? &request.flag_key
                                : name == "environment" ? &request.environment
                                : name == "userId"      ? &user
                                                        : nullptr;
    if (target == nullptr) return base::Fail(ErrorCode::kInvalidArgument, "is not known here", name);
    if (value.AsString() == nullptr || value.AsString()->empty())
      return base::Fail(ErrorCode::kInvalidArgument, "must be a string that is not empty", name);
    *target = *value.AsString();
  }
  if (request.tenant_id.empty()) return base::Fail(ErrorCode::kInvalidArgument, "is required", "tenantId");
  GUIDON_TRY(model::FlagKey::Parse(request.flag_key));
  model::Context::Fields fields{.tenant_id = request.tenant_id};
  if (!user.empty()) fields.targeting_key = user;
  auto context = model::Context::Create(std::move(fields));
  if (!context) {
    base::Error error = std::move(context).error();
    if (error.field == "targetingKey") error.field = "userId";
    return std::unexpected(std::move(error));
  }
  request.context = *std::move(context);
  return request;
}

std::string_view SourceOf(const Evaluation& evaluation) {
  if (!evaluation.kill_switch.empty()) return "killSwitch";
  if (evaluation.expired) return "expiry";
  switch (evaluation.reason) {
    case Reason::kDisabled: return "state";
    case Reason::kPrerequisiteFailed: return "prerequisite";
    case Reason::kTargetingMatch: return evaluation.rule_id.empty() ? "override" : "rule";
    case Reason::kSplit: return evaluation.rule_id.empty() ? "split" : "rule";
    case Reason::kError: return "error";
    default: return "default";
  }
}

// A boolean flag's value; of another flag, that something other than "turned off" was served.
bool IsEnabled(const Evaluation& evaluation) {
  if (evaluation.variation == nullptr) return false;
  if (const bool* value = evaluation.variation->value.AsBool()) return *value;
  return evaluation.reason != Reason::kDisabled && evaluation.reason != Reason::kPrerequisiteFailed;
}

void AppendText(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  json::AppendQuoted(out, text);
}

Response SmallAnswer(const SmallRequest& request, const Evaluation& evaluation, base::Timestamp now) {
  Response response;
  std::string& out = response.body;
  out = IsEnabled(evaluation) ? R"({"enabled":true)" : R"({"enabled":false)";
  AppendText(out, "flagKey", request.flag_key);
  AppendText(out, "tenantId", request.tenant_id);
  AppendText(out, "reason", model::NameOf(evaluation.reason));
  if (evaluation.variation != nullptr) AppendText(out, "variation", evaluation.variation->name);
  AppendText(out, "environment", request.environment);
  AppendText(out, "evaluatedAt", base::FormatTimestamp(now));
  AppendText(out, "source", SourceOf(evaluation));
  out += '}';
  return response;
}

// The environment of the body, where it names one, under the same rules as any other.
std::optional<Problem> AdmitSmall(Exchange& exchange, SmallRequest& request) {
  const app::RequestInfo info =
      RequestInfoOf(*exchange.access.principal, *exchange.head, exchange.peer, exchange.request_id);
  if (request.environment.empty()) {
    request.environment = exchange.access.environment;
  } else if (auto problem =
                 exchange.api.gate().AdmitEnvironment(info, app::Permission::kEvaluate, request.environment)) {
    return problem;
  }
  exchange.access.environment = request.environment;
  return BindTenant(exchange.api.gate(), info, request.environment, request.context);
}

}  // namespace

void EvaluateVisible(Exchange& exchange, const eval::Snapshot& snapshot, const model::Context& context) {
  std::span<const eval::CompiledFlag* const> flags = snapshot.flags();
  if (exchange.access.principal->kind == app::PrincipalKind::kClient) {
    std::vector<const eval::CompiledFlag*>& visible = exchange.io.visible_flags;
    visible.clear();
    std::ranges::copy_if(flags, std::back_inserter(visible),
                         [](const auto* flag) { return eval::IsClientVisible(*flag); });
    flags = visible;
  }
  std::vector<Evaluation>& results = exchange.io.evaluations;
  eval::EvaluateAll(snapshot, flags, context, exchange.api.app().clock().Now(), results);
  std::erase_if(results, [](const Evaluation& one) { return one.error == EvaluationError::kFlagNotFound; });
  for (const Evaluation& evaluation : results) exchange.io.counters.NoteEvaluation(evaluation);
  NoteUsage(exchange, context, results, app::UsageKind::kBulk);
}

void NoteEvaluation(Exchange& exchange, const model::Context& context, const Evaluation& evaluation) {
  exchange.io.counters.NoteEvaluation(evaluation);
  NoteUsage(exchange, context, {&evaluation, 1}, app::UsageKind::kEvaluation);
}

void WriteSnapshotAge(const Exchange& exchange, AnswerWriter& writer) { WriteAge(writer, AgeOf(exchange)); }

std::string_view DetailsOf(EvaluationError error) {
  switch (error) {
    case EvaluationError::kFlagNotFound: return "There is no flag with this key here.";
    case EvaluationError::kTargetingKeyMissing:
      return "The flag splits traffic, and the context has nothing to split by: send targetingKey, or what bucketBy "
             "names.";
    case EvaluationError::kParseError:
      return "The definition of this flag cannot be used; the server's readiness says why.";
    case EvaluationError::kInvalidContext: return "The context cannot be used.";
    case EvaluationError::kTypeMismatch: return "The flag has another type.";
    case EvaluationError::kNone:
    case EvaluationError::kGeneral: break;
  }
  return "The flag cannot be evaluated.";
}

std::optional<Problem> BindTenant(const Gate& gate, const app::RequestInfo& request, std::string_view environment,
                                  model::Context& context) {
  if (!request.principal.tenant_id) return std::nullopt;
  if (const std::string* named = context.tenant_id()) return gate.CheckTenant(request, environment, *named);
  model::Context::Fields fields{.tenant_id = request.principal.tenant_id, .attributes = context.attributes()};
  if (const std::string* key = context.targeting_key()) fields.targeting_key = *key;
  auto bound = model::Context::Create(std::move(fields));
  if (!bound) return ProblemOf(bound.error());
  context = *std::move(bound);
  return std::nullopt;
}

EvaluationTag::EvaluationTag(std::string_view environment) { a_ = Mix(a_, HashText(environment)); }

void EvaluationTag::Add(const Evaluation& evaluation) {
  std::uint64_t word = (static_cast<std::uint64_t>(evaluation.reason) << 16U) |
                       (static_cast<std::uint64_t>(evaluation.error) << 8U) | (evaluation.expired ? 2U : 0U) |
                       (evaluation.stale ? 1U : 0U);
  if (const eval::CompiledVariation* variation = evaluation.variation) {
    word ^= variation->annotation.empty() ? HashText(VariationBytes(variation->name, variation->value))
                                          : HashText(variation->annotation);
  }
  if (!evaluation.kill_switch.empty()) word = Mix(word, HashText(evaluation.kill_switch));
  if (!evaluation.rule_id.empty()) word = Mix(word, ~HashText(evaluation.rule_id));
  // Its metadata is part of the answer; the definition's fingerprint stands for it.
  if (eval::MetadataOf(*evaluation.flag) != nullptr) word = Mix(word, eval::FingerprintOf(*evaluation.flag));
  const std::uint64_t mixed = Mix(HashText(eval::KeyOf(*evaluation.flag)), word);
  a_ = Mix(a_, mixed);
  b_ = Mix(b_ + mixed, a_);
}

void EvaluationTag::AddWindow(std::int64_t window) { b_ = Mix(b_ + static_cast<std::uint64_t>(window), a_); }

std::string EvaluationTag::Text() const {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out = "\"";
  for (const std::uint64_t half : {a_, b_}) {
    for (unsigned shift = 64; shift > 0; shift -= 4) out += kHex[(half >> (shift - 4)) & 15U];
  }
  out += '"';
  return out;
}

int EvaluateOne(Exchange& exchange, std::string& out) {
  std::string_view key = exchange.match.parameters[0];
  std::string decoded;
  if (key.find('%') != std::string_view::npos) {
    auto text = PercentDecode(key);
    if (!text)
      return RefuseStatus(exchange,
                          {.status = 400,
                           .code = base::Name(ErrorCode::kMalformed),
                           .detail = "A percent escape of the key is not valid UTF-8."},
                          "", out);
    decoded = *std::move(text);
    key = decoded;
  }
  model::Context context;
  if (auto problem = ReadContext(exchange, context)) return RefuseStatus(exchange, *problem, key, out);
  const Evaluation evaluation = EvaluateKey(exchange, key, context, exchange.api.app().clock().Now());
  NoteEvaluation(exchange, context, evaluation);
  if (evaluation.error != EvaluationError::kNone) return WriteFlagFailure(exchange, key, evaluation.error, out);
  const Age age = AgeOf(exchange);
  AnswerWriter writer(out);
  writer.Begin(exchange, 200, kJson);
  WriteAge(writer, age);
  writer.EndBeforeBody();
  AppendSuccess(out, evaluation, age);
  writer.Finish();
  return 200;
}

int EvaluateAll(Exchange& exchange, std::string& out) {
  if (auto problem = CheckBulkQuery(exchange)) return RefuseStatus(exchange, *problem, "", out);
  model::Context context;
  if (auto problem = ReadContext(exchange, context)) return RefuseStatus(exchange, *problem, "", out);
  const eval::Snapshot* snapshot = exchange.io.Find(exchange.access.environment);
  const std::uint64_t sequence = snapshot->sequence();
  const std::uint64_t announced = AnnouncedSequence(exchange, context);
  if (announced > sequence && !exchange.caught_up) {
    exchange.behind = announced;
    return 0;
  }
  if (announced > 0) NoteReceipt(exchange, context, sequence);
  EvaluateVisible(exchange, *snapshot, context);
  EvaluationTag tag(exchange.access.environment);
  for (const Evaluation& evaluation : exchange.io.evaluations) tag.Add(evaluation);
  // Whoever keeps an answer keeps its stream's URL: it must not outlive that.
  tag.AddWindow(app::StreamWindow(exchange.api.app().clock().Now()));
  const std::string text = tag.Text();
  const Age age = AgeOf(exchange);
  if (exchange.head->Has(Header::kIfNoneMatch) && IfNoneMatchHas(exchange.head->Get(Header::kIfNoneMatch), text)) {
    exchange.io.counters.bulk_not_modified.Add();
    return WriteNotModified(exchange, text, age, out);
  }
  AnswerWriter writer(out);
  writer.Begin(exchange, 200, kJson);
  WriteAge(writer, age);
  writer.Header("ETag", text);
  writer.EndBeforeBody();
  AppendAll(out, exchange, StreamTextFor(exchange, context, sequence), age);
  writer.Finish();
  return 200;
}

int EvaluateSmall(Exchange& exchange, std::string& out) {
  if (auto query = Query::Parse(exchange.query, {}); !query)
    return RefuseStatus(exchange, ProblemOf(query.error()), "", out);
  auto request = ReadSmall(exchange.body);
  if (!request) return RefuseStatus(exchange, ProblemOf(request.error()), "", out);
  if (auto problem = AdmitSmall(exchange, *request)) return RefuseStatus(exchange, *problem, "", out);
  const base::Timestamp now = exchange.api.app().clock().Now();
  const Evaluation evaluation = EvaluateKey(exchange, request->flag_key, request->context, now);
  NoteEvaluation(exchange, request->context, evaluation);
  if (evaluation.error == EvaluationError::kFlagNotFound)
    return RefuseStatus(exchange,
                        {.status = 404,
                         .code = base::Name(ErrorCode::kNotFound),
                         .detail = "There is no flag with this key here.",
                         .field = "flagKey"},
                        "", out);
  Response response = SmallAnswer(*request, evaluation, now);
  if (const Age age = AgeOf(exchange))
    response.headers.emplace_back("Guidon-Snapshot-Age", std::to_string(age->count()));
  WriteResponse(exchange, response, out);
  return response.status;
}

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/problem.hpp"

#include <fmt/format.h>

#include "guidon/api_http/connect_wire.hpp"
#include "guidon/api_http/text.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/evaluation.hpp"

namespace guidon::api_http {
namespace {

using base::ErrorCode;

int StatusOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidArgument: return 400;
    case ErrorCode::kMalformed: return 400;
    case ErrorCode::kTooLarge: return 422;  // a body that is too long never gets as far as an Error: 413
    case ErrorCode::kNotFound: return 404;
    case ErrorCode::kAlreadyExists: return 409;
    case ErrorCode::kConflict: return 409;
    case ErrorCode::kPreconditionRequired: return 428;
    case ErrorCode::kUnauthenticated: return 401;
    case ErrorCode::kPermissionDenied: return 403;
    case ErrorCode::kRateLimited: return 429;
    case ErrorCode::kUnavailable: return 503;
    case ErrorCode::kTimeout: return 504;
    case ErrorCode::kCorrupt: return 500;
    case ErrorCode::kUnsupported: return 422;
    case ErrorCode::kInternal: return 500;
  }
  return 500;
}

// OFREP knows no codes for transport and credentials: GENERAL, and the status tells.
model::EvaluationError OfrepCodeOf(const Problem& problem) {
  if (problem.status == 400 && problem.code == base::Name(ErrorCode::kMalformed))
    return model::EvaluationError::kParseError;
  if (problem.status == 400 || problem.status == 422) return model::EvaluationError::kInvalidContext;
  return model::EvaluationError::kGeneral;
}

// Connect has codes of its own. What HTTP itself refuses has none there: "unimplemented" comes closest where the client
// asks for what this server does not do.
flagd_service::Code ConnectCodeOf(const Problem& problem) {
  using flagd_service::Code;
  if (problem.code == base::Name(ErrorCode::kUnsupported)) return Code::kUnimplemented;
  switch (problem.status) {
    case 401: return Code::kUnauthenticated;
    case 403:
    case 421: return Code::kPermissionDenied;
    case 404: return Code::kNotFound;
    case 405:
    case 415: return Code::kUnimplemented;
    case 408:
    case 504: return Code::kDeadlineExceeded;
    case 409: return Code::kAborted;
    case 413:
    case 429:
    case 431: return Code::kResourceExhausted;
    case 503: return Code::kUnavailable;
    default: return problem.status < 500 ? Code::kInvalidArgument : Code::kInternal;
  }
}

void AddHeaders(Response& response) {
  if (response.status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"guidon\"");
  if (response.status == 429 || response.status == 503)
    response.headers.emplace_back("Retry-After", std::to_string(kRetryAfterSeconds));
}

void AppendMember(std::string& out, std::string_view name, std::string_view text) {
  out += ",\"";
  out += name;
  out += "\":";
  json::AppendQuoted(out, text);
}

}  // namespace

Problem ProblemOf(const base::Error& error, const app::IfMatch& if_match) {
  Problem problem{.status = StatusOf(error.code),
                  .code = base::Name(error.code),
                  .detail = error.message,
                  .field = error.field,
                  .current_version = error.current_version};
  if (error.code == ErrorCode::kConflict && error.current_version && if_match.kind == app::IfMatch::Kind::kVersion &&
      *error.current_version != if_match.version)
    problem.status = 412;
  if (problem.status == 500 && error.code == ErrorCode::kInternal) {
    // What went wrong inside is for the log, not for whoever asked.
    problem.detail = "The server failed to handle this request; its log has more under this request id.";
    problem.field.clear();
  }
  return problem;
}

Response ProblemResponse(const Problem& problem, std::string_view request_id) {
  Response response{.status = problem.status, .content_type = kProblemJson};
  std::string& out = response.body;
  out = R"({"type":"about:blank","title":)";
  json::AppendQuoted(out, ReasonPhrase(problem.status));
  out += ",\"status\":";
  AppendNumber(out, static_cast<std::uint64_t>(problem.status));
  AppendMember(out, "detail", problem.detail);
  AppendMember(out, "code", problem.code);
  if (!problem.field.empty()) AppendMember(out, "field", problem.field);
  if (problem.current_version) {
    out += ",\"currentVersion\":";
    AppendNumber(out, *problem.current_version);
  }
  AppendMember(out, "requestId", request_id);
  out += '}';
  AddHeaders(response);
  return response;
}

Response OfrepFailure(const Problem& problem, std::string_view key) {
  Response response{.status = problem.status};
  if (response.status == 422) response.status = 400;  // the protocol has no other status for a bad context
  std::string& out = response.body;
  out = R"({"errorCode":")";
  out += model::NameOf(OfrepCodeOf(problem));
  out += '"';
  if (!key.empty()) AppendMember(out, "key", key);
  const std::string details =
      problem.field.empty() ? problem.detail : fmt::format("{}: {}", problem.field, problem.detail);
  AppendMember(out, "errorDetails", details);
  out += '}';
  AddHeaders(response);
  return response;
}

Response ConnectFailure(const Problem& problem, bool stream) {
  flagd_service::Failure failure{.code = ConnectCodeOf(problem), .text = problem.detail};
  if (!problem.field.empty()) failure.text = problem.field + ": " + failure.text;
  if (stream && problem.status != 415)  // the protocol's own answer to another type
    return {.status = 200, .content_type = kConnectJson, .body = EndOfStream(failure)};
  Response response{.status = problem.status == 422 ? 400 : problem.status};  // the protocol has no 422
  AppendFailure(response.body, failure);
  AddHeaders(response);
  return response;
}

Response FailureResponse(Protocol protocol, const Problem& problem, std::string_view key, std::string_view request_id) {
  switch (protocol) {
    case Protocol::kOfrep: return OfrepFailure(problem, key);
    case Protocol::kConnect: return ConnectFailure(problem, false);
    case Protocol::kConnectStream: return ConnectFailure(problem, true);
    case Protocol::kGuidon: break;
  }
  return ProblemResponse(problem, request_id);
}

}  // namespace guidon::api_http

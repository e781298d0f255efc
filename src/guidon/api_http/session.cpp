// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/session.hpp"

#include <utility>

namespace guidon::api_http {
namespace {

constexpr std::size_t kOutputBytesKept = 256UL * 1024;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

Problem Unavailable(std::string_view detail) {
  return {.status = 503, .code = base::Name(base::ErrorCode::kUnavailable), .detail = std::string(detail)};
}

}  // namespace

Session::Session(const Api& api, IoState& io, std::string peer)
    : api_(api),
      peer_(std::move(peer)),
      parser_(api.limits().header_bytes_max),
      exchange_{.api = api, .io = io, .credentials = credentials_, .peer = peer_} {}

void Session::StartExchange() {
  exchange_.head = nullptr;
  exchange_.body = {};
  exchange_.query = {};
  exchange_.match = {};
  exchange_.access.principal = nullptr;
  exchange_.cors_origin = {};
  exchange_.keep_alive = true;
  exchange_.stream.reset();
  exchange_.behind.reset();
  exchange_.caught_up = false;
  exchange_.started = std::chrono::steady_clock::now();
  busy_ = true;
  refusing_ = draining_;
  phase_ = Phase::kHead;
}

void Session::Commit(std::size_t size) {
  if (!busy_ && size != 0) StartExchange();
  parser_.Commit(size);
}

Session::Step Session::Advance() {
  if (closes_) return Step::kRead;
  if (!busy_) {
    if (parser_.idle()) return Step::kRead;
    StartExchange();  // pipelined
  }
  return phase_ == Phase::kHead ? AdvanceHead() : AdvanceBody();
}

Session::Step Session::Fail(const ParseFailure& failure) {
  exchange_.keep_alive = false;
  exchange_.body = {};
  // What was parsed of a broken head is not to be trusted, a body that is too long spoils nothing.
  if (failure.status == 413) {
    exchange_.head = &parser_.head();
    api_.Locate(exchange_);
  } else {
    exchange_.head = nullptr;
    exchange_.match = {};
    Api::Identify(exchange_);
  }
  api_.Refuse(exchange_,
              {.status = failure.status,
               .code = failure.code,
               .detail = std::string(failure.detail),
               .field = std::string(failure.field)},
              output_);
  return Answered();
}

Session::Step Session::AdvanceHead() {
  switch (parser_.ParseHead()) {
    case RequestParser::State::kNeedMore: return Step::kRead;
    case RequestParser::State::kFailed: return Fail(parser_.failure());
    default: break;
  }
  exchange_.head = &parser_.head();
  exchange_.keep_alive =
      parser_.keep_alive() && !draining_ && requests_ + 1 < api_.limits().requests_per_connection_max;
  Api::Identify(exchange_);
  if (refusing_) {
    api_.Refuse(exchange_, Unavailable("The server is shutting down."), output_);
    return Answered();
  }
  // A refusal whose body is still on its way closes the connection: the body is not waited for.
  const bool whole = !parser_.has_body() || parser_.body_is_here();
  const bool keep_alive = exchange_.keep_alive;
  exchange_.keep_alive = keep_alive && whole;
  if (api_.Begin(exchange_, output_) == Api::Begun::kAnswered) return Answered();
  exchange_.keep_alive = keep_alive;
  phase_ = Phase::kBody;
  if (parser_.expects_continue()) {
    // Refusing by length needs no body.
    if (parser_.ParseBody(api_.body_bytes_max(exchange_)) == RequestParser::State::kFailed)
      return Fail(parser_.failure());
    output_ += kContinue;
    continues_ = true;
    return Step::kWrite;
  }
  return AdvanceBody();
}

Session::Step Session::AdvanceBody() {
  switch (parser_.ParseBody(api_.body_bytes_max(exchange_))) {
    case RequestParser::State::kNeedMore: return Step::kRead;
    case RequestParser::State::kFailed: return Fail(parser_.failure());
    default: break;
  }
  const char* const before = exchange_.head->base;
  exchange_.head = &parser_.head();
  // Views into the head are void where the buffer moved while the body came.
  if (exchange_.head->base != before) api_.Locate(exchange_);
  exchange_.body = parser_.body();
  if (draining_) exchange_.keep_alive = false;
  if (api_.Run(exchange_, output_, call_) == Api::Ran::kBlocks) return Step::kWork;
  return Answered();
}

void Session::Work() { worked_ = Api::Work(*call_); }

void Session::FinishWork() {
  call_.reset();
  if (draining_) exchange_.keep_alive = false;
  if (exchange_.behind) return AnswerFromWhatIsThere();
  api_.Finish(exchange_, worked_, output_);
  worked_ = {};
  Answered();
}

// Whether or not catching up worked: an evaluation never waits for the store for good.
void Session::AnswerFromWhatIsThere() {
  worked_ = {};
  exchange_.behind.reset();
  exchange_.caught_up = true;
  api_.Run(exchange_, output_, call_);
  Answered();
}

void Session::RefuseWork() {
  call_.reset();
  if (exchange_.behind) return AnswerFromWhatIsThere();
  api_.Refuse(exchange_, Unavailable("Too much storage work is waiting; try again."), output_);
  Answered();
}

void Session::TimeOut() {
  if (!busy_) StartExchange();
  Fail({.status = 408, .code = "REQUEST_TIMEOUT", .detail = "The request did not arrive in time."});
}

Session::Step Session::Answered() {
  busy_ = false;
  closes_ = !exchange_.keep_alive;
  ++requests_;
  if (!closes_) parser_.Consume();
  return Step::kWrite;
}

void Session::Written() {
  if (std::exchange(continues_, false)) {
    output_.clear();
    return;
  }
  if (output_.capacity() > kOutputBytesKept) {
    std::string().swap(output_);
  } else {
    output_.clear();
  }
  if (parser_.idle()) parser_.Shrink();
}

}  // namespace guidon::api_http

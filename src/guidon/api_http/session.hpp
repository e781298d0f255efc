// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "guidon/api_http/api.hpp"
#include "guidon/api_http/request_parser.hpp"

namespace guidon::api_http {

// One connection's side of the protocol, without a socket: bytes in, bytes out. The server, the tests and the fuzzer
// drive it alike. Belongs to the I/O context's thread, except for Work.
class Session {
 public:
  enum class Step : std::uint8_t {
    kRead,   // Prepare, read, Commit, Advance
    kWrite,  // send output(), then Written
    kWork    // Work on a thread that may wait, then FinishWork, then as kWrite
  };

  Session(const Api& api, IoState& io, std::string peer);

  std::span<char> Prepare() { return parser_.Prepare(); }
  void Commit(std::size_t size);
  // Goes on with what was read. Never blocks.
  Step Advance();
  // The storage part of the request in hand, on any one thread.
  void Work();
  void FinishWork();
  // Instead of Work: no thread is free for it.
  void RefuseWork();
  // The client took too long to send its request: 408, then the connection closes.
  void TimeOut();
  // From now on each answer closes the connection, and requests that have not begun are refused (503).
  void Drain() { draining_ = true; }

  const std::string& output() const { return output_; }
  void Written();
  // After what is in output().
  bool closes() const { return closes_; }
  // output() is the head of an event stream, which goes on without the session.
  bool streams() const { return exchange_.stream.has_value(); }
  std::optional<StreamRequest> TakeStream() { return std::exchange(exchange_.stream, std::nullopt); }
  // True between requests: not one byte of the next one is there.
  bool idle() const { return parser_.idle() && !busy_; }
  std::uint64_t requests() const { return requests_; }

 private:
  enum class Phase : std::uint8_t { kHead, kBody };

  Step AdvanceHead();
  Step AdvanceBody();
  Step Answered();
  void AnswerFromWhatIsThere();
  Step Fail(const ParseFailure& failure);
  void StartExchange();

  const Api& api_;
  const std::string peer_;
  CredentialCache credentials_;
  RequestParser parser_;
  Exchange exchange_;
  Phase phase_ = Phase::kHead;
  std::optional<Call> call_;
  Response worked_;
  std::string output_;
  std::uint64_t requests_ = 0;
  bool busy_ = false;       // a request has begun and is not answered
  bool refusing_ = false;   // it began after draining did
  bool continues_ = false;  // output() is only "100 Continue"
  bool draining_ = false;
  bool closes_ = false;
};

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/api_http/access.hpp"
#include "guidon/api_http/http.hpp"
#include "guidon/api_http/metrics.hpp"
#include "guidon/api_http/route.hpp"
#include "guidon/api_http/stream_offers.hpp"
#include "guidon/api_http/stream_request.hpp"
#include "guidon/api_http/text.hpp"
#include "guidon/app/application.hpp"
#include "guidon/eval/evaluator.hpp"

namespace guidon::api_http {

class Api;

// What one I/O context keeps for its requests: its views of what is published, its counts and reused memory. Belongs
// to one thread.
class IoState {
 public:
  explicit IoState(Api& api);
  ~IoState();
  IoState(const IoState&) = delete;
  IoState& operator=(const IoState&) = delete;

  // The environment's snapshot; nullptr where there is no such environment. Valid until the next call.
  const eval::Snapshot* Find(std::string_view environment);
  RingReader& ring() { return ring_; }
  // Lets go of what has been replaced, and renews the Date header. About once a second.
  void Tick(base::Timestamp now);
  // Appends an id that no other request of this process and hardly any other has.
  void AppendRequestId(std::string& out);
  std::string_view date_header() const { return date_header_; }

  IoCounters counters;
  std::vector<const eval::CompiledFlag*> visible_flags;  // to a client key, in one bulk request
  std::vector<eval::Evaluation> evaluations;             // of one bulk request
  StreamOffers stream_offers;
  app::UsageCounter usage;
  app::EvaluationSampler sampler;

  // Gives what was counted to the application; at the end of the loop, all of it.
  void HandOverUsage();

 private:
  struct EnvironmentReader {
    std::string name;
    base::Published<eval::Snapshot>::Reader reader;
  };
  Api& api_;
  std::vector<EnvironmentReader> environments_;
  RingReader ring_;
  std::string id_prefix_;
  std::uint64_t ids_ = 0;
  std::string date_header_;
  unsigned ticks_ = 0;
};

// One request on its way through the I/O thread. Views are valid until the answer was written.
struct Exchange {
  const Api& api;
  IoState& io;
  CredentialCache& credentials;
  std::string_view peer;
  const RequestHead* head = nullptr;
  std::string_view body = {};
  std::string_view query = {};
  RouteMatch match = {};
  Access access = {};
  std::string request_id = {};
  std::string_view cors_origin = {};
  bool keep_alive = true;
  std::chrono::steady_clock::time_point started = {};
  std::optional<StreamRequest> stream = std::nullopt;  // what goes on after the answer's head
  // The client was told by another node of a change that this one does not have yet: it is read first, then the request
  // runs again and answers from what is there.
  std::optional<std::uint64_t> behind = std::nullopt;
  bool caught_up = false;
};

// A request as a management handler sees it: authenticated, authorised, decoded as far as HTTP goes.
struct Call {
  const Api& api;
  app::Application& app;
  const Route& route;
  app::RequestInfo info;
  std::vector<std::string> path = {};  // parameters in the order of the template, decoded
  std::string environment = {};        // that the request is about, "" where it is about none
  Query query = {};
  app::IfMatch if_match = {};
  std::string if_none_match = {};
  std::string_view body = {};
  std::optional<std::uint64_t> catch_up_to = std::nullopt;  // in place of the handler: Exchange::behind
  bool takes_gzip = false;                                  // the client can read a compressed answer
  bool tells_details = false;                               // the credential may see the system's insides
};

// Beginning and end of an answer's head. Between them come headers, and after End the body.
class AnswerWriter {
 public:
  explicit AnswerWriter(std::string& out) : out_(out) {}
  void Begin(const Exchange& exchange, int status, std::string_view content_type,
             std::string_view cache_control = kNoStore);
  void Header(std::string_view name, std::string_view value);
  // The body's length is known.
  void End(std::size_t content_length);
  // 204 and 304 have none.
  void EndWithoutLength() { out_ += "\r\n"; }
  // The body is appended next, and Finish writes its length into the head.
  void EndBeforeBody();
  void Finish();

 private:
  std::string& out_;
  std::size_t length_at_ = 0;
  std::size_t body_at_ = 0;
};

// Appends `response` as the answer to the exchange. HEAD gets no body.
void WriteResponse(const Exchange& exchange, const Response& response, std::string& out);

}  // namespace guidon::api_http

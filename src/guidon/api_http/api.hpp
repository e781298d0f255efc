// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/api_http/access.hpp"
#include "guidon/api_http/connection_count.hpp"
#include "guidon/api_http/definitions_answers.hpp"
#include "guidon/api_http/exchange.hpp"
#include "guidon/api_http/metrics.hpp"
#include "guidon/api_http/route.hpp"
#include "guidon/api_http/server.hpp"
#include "guidon/api_http/static_site.hpp"

namespace guidon::api_http {

// The whole interface without sockets: from a request's head and body to the bytes of its answer. Thread-safe; an
// Exchange and its IoState belong to one thread at a time.
class Api {
 public:
  // `app` and `table` outlive it.
  Api(app::Application& app, const store::MeteredTable& table, const ServerOptions& options);

  enum class Begun : std::uint8_t {
    kAnswered,   // refused or answered without its body
    kWantsBody,  // at most body_bytes_max(exchange); then Run
  };
  // Finds the route, checks credential and rights, all from the head alone.
  Begun Begin(Exchange& exchange, std::string& out) const;
  std::size_t body_bytes_max(const Exchange& exchange) const;
  // Finds query, route and path parameters in the head, where it is now.
  void Locate(Exchange& exchange) const;

  enum class Ran : std::uint8_t {
    kAnswered,  // `out` has the answer
    kBlocks     // `call` is to be given to Work on a thread that may wait, then Finish
  };
  Ran Run(Exchange& exchange, std::string& out, std::optional<Call>& call) const;
  static Response Work(const Call& call);
  void Finish(Exchange& exchange, const Response& response, std::string& out) const;

  // Appends a failure in the form of the exchange's route, and counts it.
  void Refuse(Exchange& exchange, const Problem& problem, std::string& out) const;
  // Gives the request its id: the client's where it is one, else a new one.
  static void Identify(Exchange& exchange);

  app::Application& app() const { return app_; }
  const Gate& gate() const { return gate_; }
  const StaticSite& site() const { return site_; }
  // Event streams of all loops.
  ConnectionCount& streams() const { return streams_; }
  Metrics& metrics() const { return metrics_; }
  DefinitionsAnswers& definitions() const { return definitions_; }
  const ServerLimits& limits() const { return limits_; }
  std::vector<EffectiveSetting> settings() const;

 private:
  base::Result<Call> PrepareCall(Exchange& exchange) const;
  Response AnswerOptions(const Exchange& exchange) const;
  void Note(Exchange& exchange, int status) const;

  app::Application& app_;
  const ServerLimits limits_;
  const std::function<std::vector<EffectiveSetting>()> settings_;
  const Router router_;
  const Gate gate_;
  const StaticSite site_;
  mutable ConnectionCount streams_;
  mutable Metrics metrics_;
  mutable DefinitionsAnswers definitions_;
};

}  // namespace guidon::api_http

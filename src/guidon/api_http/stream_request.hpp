// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "guidon/api_http/connection_count.hpp"

namespace guidon::api_http {

enum class StreamKind : std::uint8_t {
  kEvaluation,  // OFREP: that answers may have changed
  kManagement,  // what changed
  kFlagd        // flagd's, over Connect: which flags to look at again
};

// An event stream that was admitted and whose head is written.
struct StreamRequest {
  StreamKind kind = StreamKind::kEvaluation;
  std::string environment = {};
  // Of the contexts that are evaluated; for management the only tenant whose things are seen, "" = all.
  std::string tenant = {};
  std::string key_id = {};   // ends with it; "" = no key
  std::string address = {};  // of the client
  // What the client has been told up to, by the change log. Nothing: only what comes from now on.
  std::optional<std::uint64_t> seen = std::nullopt;
  // It names an event that this server cannot read: it may have missed anything.
  bool lost = false;
  bool client_key = false;  // flagd: only flags that are marked for clients
  // flagd: when the client does not want it any more.
  std::optional<std::chrono::milliseconds> timeout = std::nullopt;
  ConnectionSlot slot = {};
};

// The scope of event ids and of what streams share.
std::string StreamScopeOf(StreamKind kind, const std::string& environment, const std::string& tenant);

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "guidon/app/application.hpp"

namespace guidon::api_http {

// What a bulk answer says of its event stream: `"eventStreams":[…]` with a URL for this environment, tenant and key
// (OFREP 0.3.0). The URL has no origin: clients take that of the server they asked. Keeps the texts of those who ask
// often: making one costs a few microseconds. Belongs to one thread.
class StreamOffers {
 public:
  explicit StreamOffers(app::Application& app) : app_(app) {}

  // `tenant`: a tenant's id, or "". `sequence`: what the answer's snapshot claims; the stream tells of everything
  // later. Valid until the next call.
  std::string_view Text(std::string_view environment, std::string_view tenant, std::string_view key_id,
                        std::uint64_t sequence);

 private:
  struct Offer {
    std::uint64_t number = 0;  // of the feed, when it was made
    std::int64_t window = 0;
    std::uint64_t since = 0;
    std::string text;
  };
  app::Application& app_;
  std::unordered_map<std::string, Offer> offers_;
  std::string key_;
};

}  // namespace guidon::api_http

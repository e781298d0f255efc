// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/stream_offers.hpp"

#include <algorithm>

namespace guidon::api_http {
namespace {

constexpr std::size_t kOffersMax = 4096;  // some 2 MB
// A page in the background for so long needs no stream: it asks anew when it is looked at again.
constexpr std::string_view kInactivitySeconds = "120";

}  // namespace

std::string_view StreamOffers::Text(std::string_view environment, std::string_view tenant, std::string_view key_id,
                                    std::uint64_t sequence) {
  const app::ChangeFeed& feed = *app_.snapshots().FeedOf(environment);
  const std::uint64_t number = feed.position().number;
  const base::Timestamp now = app_.clock().Now();
  const std::int64_t window = app::StreamWindow(now);
  key_.assign(environment);
  key_ += '/';
  key_ += tenant;
  key_ += '/';
  key_ += key_id;
  if (const auto kept = offers_.find(key_); kept != offers_.end() && kept->second.number == number &&
                                            kept->second.window == window && kept->second.since <= sequence)
    return kept->second.text;
  // Of others' changes the URL says nothing, so it stays the same.
  const std::uint64_t since = std::min(feed.LastConcerning(tenant), sequence);
  const std::string token = app_.stream_tokens().Issue({.environment = std::string(environment),
                                                        .tenant = std::string(tenant),
                                                        .key_id = std::string(key_id),
                                                        .expires_at = app::StreamGrantExpiry(now),
                                                        .since = since});
  if (offers_.size() >= kOffersMax) offers_.clear();
  Offer& offer = offers_[key_];
  offer = {.number = number, .window = window, .since = since, .text = {}};
  offer.text = R"("eventStreams":[{"type":"sse","endpoint":{"requestUri":"/ofrep/v1/events?token=)";
  offer.text += token;
  offer.text += R"("},"inactivityDelaySec":)";
  offer.text += kInactivitySeconds;
  offer.text += "}]";
  return offer.text;
}

}  // namespace guidon::api_http

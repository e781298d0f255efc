// SPDX-License-Identifier: Apache-2.0
// The first byte says in which pieces the rest comes. The events are the same as from one piece, and each is within the
// limit.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "guidon/client/sse_parser.hpp"

namespace {

using Event = std::tuple<std::string, std::string, std::string>;

void Require(bool holds) {
  if (!holds) std::abort();
}

struct Outcome {
  std::vector<Event> events;
  std::optional<std::chrono::milliseconds> retry;
  bool good = true;
};

Outcome Parse(std::string_view bytes, std::size_t piece) {
  Outcome outcome;
  guidon::client::SseParser parser([&](const guidon::client::SseEvent& event) {
    Require(event.data.size() <= guidon::client::kSseEventBytesMax + 1);
    Require(!event.type.empty());
    Require(event.id.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    outcome.events.emplace_back(event.type, event.id, event.data);
  });
  while (!bytes.empty() && outcome.good) {
    const std::size_t size = std::min(piece, bytes.size());
    outcome.good = parser.Feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  outcome.retry = parser.retry();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);  // NOLINT
  const Outcome whole = Parse(bytes, std::max<std::size_t>(bytes.size(), 1));
  const Outcome pieces = Parse(bytes, std::size_t{data[0]} + 1);
  Require(whole.good == pieces.good);
  Require(whole.events == pieces.events);
  if (whole.good) Require(whole.retry == pieces.retry);
  return 0;
}

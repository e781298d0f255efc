// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>

namespace guidon::api_grpc {

// What the flagd interfaces count. Written by the server's threads, read by any.
struct Figures {
  std::atomic<std::uint64_t> sync_serialisations{0};  // definitions written down, once for all streams of a selector
  std::atomic<std::uint64_t> sync_messages{0};        // sent to sync streams
  std::atomic<std::uint64_t> streams{0};              // open now
  std::atomic<std::uint64_t> flags_left_out{0};       // of the last definitions: what flagd's format cannot say
};

}  // namespace guidon::api_grpc

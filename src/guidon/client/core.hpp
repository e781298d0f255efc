// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "guidon/client/client.hpp"
#include "guidon/client/served.hpp"
#include "guidon/client/texts.hpp"
#include "guidon/client/usage.hpp"
#include "guidon/eval/snapshot.hpp"

namespace guidon::client {

using SteadyTime = std::chrono::steady_clock::time_point;

// What evaluation reads. Not compiled in the first moments after a start from disk.
struct Definitions {
  std::shared_ptr<const eval::Snapshot> compiled;
  std::shared_ptr<const Texts> texts;
};

class Worker;

// All that one process has of a client and that changes. After a fork the child leaves the parent's alone, whatever
// state its locks and counts were in, and makes another.
struct Core {
  Core(std::uint64_t fork, std::string id);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  const std::uint64_t forks;    // of the process, when this was made
  const std::string client_id;  // what the server is told
  Served<Definitions> served;
  UsageCounter usage;
  // When the definitions were last confirmed, as ticks of the steady clock; 0 = never.
  std::atomic<std::int64_t> confirmed_at{0};

  std::mutex mutex;  // guards `status` without its age; never held while anything is waited for
  std::condition_variable status_changed;
  Status status;

  std::unique_ptr<Worker> worker;  // last: it uses all of the above until it ends

  std::optional<std::chrono::milliseconds> Age() const;
  Status GetStatus();
};

}  // namespace guidon::client

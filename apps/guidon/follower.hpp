// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "apps/guidon/backend.hpp"
#include "guidon/app/application.hpp"

namespace guidon::cli {

// Looks at what other nodes changed, again and again (Application::Follow). Between two looks lie one to 1.2 times the
// interval, so that many nodes do not ask at the same moments and none asks more often than was said. Thread-safe.
// After a start from the copy on disk it loads everything as soon as the store answers. `backend` must outlive it; its
// end waits for the look that is under way.
class Follower {
 public:
  Follower(Backend& backend, std::chrono::milliseconds interval);
  void SetInterval(std::chrono::milliseconds interval);

 private:
  void Run(const std::stop_token& stop);
  void Look();
  base::Status LookOnce();

  Backend& backend_;
  app::Application& application_;
  bool load_everything_;  // the copy on disk may lack what nobody read
  std::chrono::steady_clock::time_point marked_ = {};
  std::atomic<std::chrono::milliseconds> interval_;
  bool fails_ = false;  // a failure that lasts is logged once
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace guidon::cli

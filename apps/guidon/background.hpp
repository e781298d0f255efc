// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "guidon/app/application.hpp"

namespace guidon::cli {

// The work that a server does by itself: every two seconds it writes what was kept in memory for a while, and at each
// refresh interval it loads everything again, and once an hour it verifies the newest day of the audit. Thread-safe.
// `application` must outlive it; its end waits for the work that is under way.
class Background {
 public:
  Background(app::Application& application, std::chrono::seconds refresh_interval);
  void SetRefreshInterval(std::chrono::seconds interval) { refresh_interval_.store(interval); }

 private:
  void Run(const std::stop_token& stop);
  void Flush();
  void Refresh();
  bool CheckAudit();  // false: there is more to look at, next time

  app::Application& application_;
  std::atomic<std::chrono::seconds> refresh_interval_;
  bool flush_fails_ = false;  // a failure that lasts is logged once
  bool refresh_fails_ = false;
  bool audit_check_fails_ = false;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses all the others
};

}  // namespace guidon::cli

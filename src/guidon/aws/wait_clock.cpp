// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/wait_clock.hpp"

#include <condition_variable>
#include <mutex>

namespace guidon::aws {

bool SystemWaitClock::Pause(std::chrono::milliseconds duration, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, duration, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace guidon::aws

// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/follower.hpp"

#include <algorithm>
#include <random>

#include "guidon/base/log.hpp"

namespace guidon::cli {
namespace {

// Missed looks that make a node say that it is out of touch, and the least time that they take.
constexpr int kMissedLooks = 3;
constexpr std::chrono::milliseconds kToleranceMin{3000};

// How exactly the copy on disk says of when it is.
constexpr std::chrono::seconds kMarkInterval{10};

std::chrono::milliseconds ToleranceOf(std::chrono::milliseconds interval) {
  return std::max(kToleranceMin, kMissedLooks * interval);
}

}  // namespace

Follower::Follower(Backend& backend, std::chrono::milliseconds interval)
    : backend_(backend),
      application_(backend.application()),
      load_everything_(backend.from_copy()),
      interval_(interval) {
  application_.contact().Follow(ToleranceOf(interval));
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void Follower::SetInterval(std::chrono::milliseconds interval) {
  interval_.store(interval);
  application_.contact().Follow(ToleranceOf(interval));
}

void Follower::Run(const std::stop_token& stop) {
  std::minstd_rand generator(std::random_device{}());
  std::unique_lock lock(mutex_);
  while (true) {
    const auto interval = interval_.load();
    const std::chrono::milliseconds jitter{std::uniform_int_distribution<long>{0, interval.count() / 5}(generator)};
    wake_.wait_for(lock, stop, interval + jitter, [] { return false; });
    if (stop.stop_requested()) return;
    Look();
  }
}

base::Status Follower::LookOnce() {
  if (load_everything_) {
    GUIDON_TRY(application_.Refresh(app::RefreshBy::kItself));
    load_everything_ = false;
  }
  return application_.Follow();
}

void Follower::Look() {
  const auto done = LookOnce();
  const auto now = std::chrono::steady_clock::now();
  if (done && now - marked_ > kMarkInterval) {
    backend_.MarkCopy();
    marked_ = now;
  }
  if (!done && !fails_)
    base::Log(base::LogLevel::kError,
              "the store cannot be followed; evaluation goes on with the last snapshot, changes are refused while the "
              "store does not answer",
              {{"error", std::string_view(done.error().message)}});
  if (done && fails_) base::Log(base::LogLevel::kInfo, "the store is followed again");
  fails_ = !done;
}

}  // namespace guidon::cli

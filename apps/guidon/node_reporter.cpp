// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/node_reporter.hpp"

#include <condition_variable>
#include <mutex>
#include <string_view>

#include "guidon/base/log.hpp"

namespace guidon::cli {
namespace {

constexpr std::chrono::seconds kPauseAfterError{2};

}  // namespace

NodeReporter::NodeReporter(app::Application& application)
    : application_(application), thread_([this](const std::stop_token& stop) { Run(stop); }) {}

NodeReporter::~NodeReporter() {
  thread_.request_stop();
  thread_.join();
  if (const auto retired = application_.propagation().Retire(); !retired)
    base::Log(base::LogLevel::kWarn, "the other nodes will wait for this one for some minutes",
              {{"error", std::string_view(retired.error().message)}});
}

void NodeReporter::Run(const std::stop_token& stop) {
  bool fails = false;
  std::mutex mutex;
  std::condition_variable_any wake;
  while (!stop.stop_requested()) {
    const auto done = application_.propagation().Report();
    if (!done && !fails)
      base::Log(base::LogLevel::kWarn, "the other nodes cannot be told what this one serves",
                {{"error", std::string_view(done.error().message)}});
    fails = !done;
    if (fails) {
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, kPauseAfterError, [] { return false; });
    } else {
      application_.propagation().AwaitNews(stop);
    }
  }
}

}  // namespace guidon::cli

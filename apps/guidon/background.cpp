// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/background.hpp"

#include <random>

#include "guidon/base/log.hpp"

namespace guidon::cli {
namespace {

constexpr std::chrono::seconds kFlushInterval{2};
// What it costs on DynamoDB: docs/operations/cost.md.
constexpr std::chrono::hours kAuditCheckInterval{1};
// After the start, when there is better to do; each node at another time.
constexpr std::chrono::seconds kFirstAuditCheckMin{60};
constexpr int kFirstAuditCheckSpread = 240;

}  // namespace

Background::Background(app::Application& application, std::chrono::seconds refresh_interval)
    : application_(application),
      refresh_interval_(refresh_interval),
      thread_([this](const std::stop_token& stop) { Run(stop); }) {}

void Background::Run(const std::stop_token& stop) {
  auto refreshed = std::chrono::steady_clock::now();
  std::minstd_rand random(std::random_device{}());
  auto next_audit_check = refreshed + kFirstAuditCheckMin + std::chrono::seconds(random() % kFirstAuditCheckSpread);
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, kFlushInterval, [] { return false; });
    if (stop.stop_requested()) return;
    Flush();
    if (std::chrono::steady_clock::now() >= next_audit_check) {
      if (CheckAudit()) next_audit_check = std::chrono::steady_clock::now() + kAuditCheckInterval;
    }
    if (std::chrono::steady_clock::now() - refreshed < refresh_interval_.load()) continue;
    Refresh();
    refreshed = std::chrono::steady_clock::now();
  }
}

void Background::Flush() {
  const auto done = application_.FlushBackgroundWrites();
  if (!done && !flush_fails_)
    base::Log(base::LogLevel::kError, "background writes fail", {{"error", std::string_view(done.error().message)}});
  if (done && flush_fails_) base::Log(base::LogLevel::kInfo, "background writes work again");
  flush_fails_ = !done;
}

// One portion, so that nothing else waits for a busy day to be read. What it finds is logged where it is found.
bool Background::CheckAudit() {
  const std::uint64_t checks = application_.audit().check_figures().checks;
  const auto done = application_.audit().CheckNewest();
  if (!done && !audit_check_fails_)
    base::Log(base::LogLevel::kWarn, "the audit could not be verified; trying again in an hour",
              {{"error", std::string_view(done.error().message)}});
  audit_check_fails_ = !done;
  return !done || application_.audit().check_figures().checks != checks;
}

void Background::Refresh() {
  const auto differences = application_.Refresh(app::RefreshBy::kItself);
  if (!differences && !refresh_fails_)
    base::Log(base::LogLevel::kError, "full resync fails; evaluation goes on with the last snapshot",
              {{"error", std::string_view(differences.error().message)}});
  if (differences && refresh_fails_) base::Log(base::LogLevel::kInfo, "full resync works again");
  if (differences && *differences > 0)
    base::Log(base::LogLevel::kWarn, "flags were edited behind the server's back",
              {{"flags", static_cast<std::int64_t>(*differences)}});
  refresh_fails_ = !differences;
}

}  // namespace guidon::cli

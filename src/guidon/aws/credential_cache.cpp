// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/credential_cache.hpp"

#include "guidon/base/log.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;

constexpr std::string_view kNone =
    "no AWS credentials were found: neither in the environment (AWS_ACCESS_KEY_ID), nor in a profile (AWS_PROFILE), "
    "nor "
    "from a web identity, a container endpoint or the instance metadata service";

base::Result<Credentials> Fetched(CredentialSource& source) {
  GUIDON_ASSIGN(auto found, source.Fetch());
  if (!found) return base::Fail(ErrorCode::kUnauthenticated, std::string(kNone));
  return *std::move(found);
}

}  // namespace

bool CredentialCache::IsFresh(base::Timestamp now) const {
  return current_ && !refused_ && (!current_->expires_at || now < *current_->expires_at - kRefreshBeforeExpiry);
}

bool CredentialCache::IsUsable(base::Timestamp now) const {
  return current_ && !refused_ && (!current_->expires_at || now < *current_->expires_at);
}

base::Result<Credentials> CredentialCache::Get() {
  std::unique_lock lock(mutex_);
  while (true) {
    const base::Timestamp now = clock_.Now();
    if (IsFresh(now)) return *current_;
    const bool paused = failure_ && wait_clock_.Now() - failed_at_ < kRefreshPause;
    if ((fetching_ || paused) && IsUsable(now)) return *current_;
    if (paused) return std::unexpected(*failure_);
    if (!fetching_) break;
    changed_.wait(lock, [&] { return !fetching_; });
  }
  fetching_ = true;
  lock.unlock();
  auto fetched = Fetched(source_);
  lock.lock();
  fetching_ = false;
  ++figures_.fetches;
  failure_.reset();
  if (fetched) {
    current_ = *fetched;
    refused_ = false;
  } else {
    ++figures_.failures;
    failure_ = fetched.error();
    failed_at_ = wait_clock_.Now();
  }
  const bool keep_old = !fetched && IsUsable(clock_.Now());
  changed_.notify_all();
  if (!keep_old) return fetched;
  base::Log(base::LogLevel::kWarn, "AWS credentials could not be renewed; the old ones are used until they expire",
            {{"error", std::string_view(fetched.error().message)}});
  return *current_;
}

void CredentialCache::Refuse(const Credentials& refused) {
  const std::lock_guard lock(mutex_);
  if (current_ && *current_ == refused) refused_ = true;
}

CredentialCache::Figures CredentialCache::figures() const {
  const std::lock_guard lock(mutex_);
  return figures_;
}

}  // namespace guidon::aws

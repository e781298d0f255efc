// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/store_contact.hpp"

#include <utility>

namespace guidon::app {

void StoreContact::Heard(base::Timestamp at) {
  const std::lock_guard lock(mutex_);
  heard_ms_.store(at.time_since_epoch().count());
  last_error_.clear();
}

void StoreContact::Failed(std::string error) {
  const std::lock_guard lock(mutex_);
  last_error_ = std::move(error);
}

std::string StoreContact::last_error() const {
  const std::lock_guard lock(mutex_);
  return last_error_;
}

}  // namespace guidon::app

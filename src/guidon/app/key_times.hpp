// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guidon/base/time.hpp"
#include "guidon/model/entities.hpp"

namespace guidon::app {

// Neither revoked nor expired; a key expires at the very millisecond that it names.
inline bool IsUsable(const model::ApiKey& key, base::Timestamp now) {
  return !key->revoked_at && (!key->expires_at || now < *key->expires_at);
}

}  // namespace guidon::app

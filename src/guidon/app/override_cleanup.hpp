// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

#include "guidon/base/time.hpp"
#include "guidon/model/ids.hpp"
#include "guidon/store/table.hpp"

namespace guidon::app {

// More than this many overrides of a deleted flag are left where they are: they cannot come back to life, they only
// take room, and whoever deletes the flag should not wait for them.
inline constexpr std::size_t kCleanupOverridesMax = 10'000;

// Removes override items of a flag that was created at `flag_created_at` and is deleted by now. Best effort: what
// cannot be removed is logged and left. Overrides of a new flag under the same key are not touched.
void RemoveOverridesOf(store::Table& table, const model::Environment& env, const model::FlagKey& flag,
                       base::Timestamp flag_created_at);

}  // namespace guidon::app

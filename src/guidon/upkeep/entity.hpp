// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "guidon/store/table.hpp"

namespace guidon::upkeep {

// What an item is, by the shape of its key alone (spec 2).
enum class Entity : std::uint8_t {
  kFlag,
  kOverride,
  kEvaluation,
  kAbTest,
  kAbAssignment,
  kSegment,
  kSegmentKeys,
  kSegmentWork,
  kKillSwitch,
  kTenant,
  kApiKey,
  kAudit,
  kChange,
  kChangeHead,
  kIdempotency,
  kUsage,
  kLastUsage,
  kNode,
  kTransfer,  // left by a copy or an import that has not ended (transfer_state.hpp)
  kOther,
};
inline constexpr std::size_t kEntityCount = 20;

Entity EntityOf(const store::Key& key);
std::string_view NameOf(Entity entity);  // "flag", "change head" …
std::optional<Entity> EntityNamed(std::string_view name);

// The key of what a copy or an import leaves in its target until it has ended.
store::Key TransferKey();

}  // namespace guidon::upkeep

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/upkeep/checksum.hpp"
#include "guidon/upkeep/scanning.hpp"

namespace guidon::upkeep {

// Items that expire within this time after a transfer began are moved, but not compared afterwards: some will be gone
// by then. Longer than idempotency keys live, and than a transfer should take.
inline constexpr std::chrono::hours kShortLived{48};

// How far an export, an import or a copy has come. Lies beside an export's file, or in the target as an item: an
// interrupted transfer goes on from there, and whoever looks at the target sees that it is not whole.
struct TransferState {
  std::string kind;    // "export", "import", "copy"
  std::string source;  // what is read, so that nothing else is taken for it later
  base::Timestamp started_at = {};
  Positions positions = {};      // of the source's segments; empty for an import
  std::uint64_t file_bytes = 0;  // export: of the file that are good
  std::uint64_t lines = 0;       // import: that were taken
  Sums sums = {};                // of what will still be there at the end
  Sums read = {};                // import: as the export counted
  std::uint64_t short_lived = 0;
  std::map<std::string, std::uint64_t, std::less<>> heads = {};  // of the source's change logs when it began

  std::string ToText() const;
  // Error: kCorrupt, kUnsupported.
  static base::Result<TransferState> From(std::string_view text);
};

// What is in the target. Errors: kCorrupt, and those of the table.
base::Result<std::optional<TransferState>> LoadState(store::Table& target);
base::Status SaveState(store::Table& target, const TransferState& state);
base::Status ClearState(store::Table& target);

}  // namespace guidon::upkeep

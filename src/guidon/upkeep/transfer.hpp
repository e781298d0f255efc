// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <istream>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/clock.hpp"
#include "guidon/base/result.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/upkeep/checksum.hpp"
#include "guidon/upkeep/pace.hpp"

// Moving a whole table: to a file of JSON lines, from one, and from table to table (docs/adr/0022).
//
// A target must be empty. What is interrupted goes on where it stopped when it is begun again, and nothing counts as
// moved before the target was read back and holds, entity by entity, as many items with the same checksums.
//
// The file: one line {"guidonExport":{…}} with format, source and time; a line {"Item":{…}} for each item, in
// DynamoDB's JSON (as in DynamoDB's own exports to S3, which can be imported too, unpacked); a last line
// {"guidonExportEnd":{…}} with the checksums, without which a file of ours is not whole.
namespace guidon::upkeep {

struct TransferProgress {
  std::string_view phase;  // "copying", "verifying", …
  std::uint64_t items = 0;
  std::uint64_t bytes = 0;
};

struct TransferOptions {
  std::size_t segments = 1;  // readers of the source, and of the target when it is read back
  std::size_t target_segments = 1;
  std::size_t writers = 1;    // batches written at the same time
  double read_units_max = 0;  // a second, on source and target together; 0: no limit
  double write_units_max = 0;
  bool dry_run = false;         // reads and checks everything, writes nothing
  bool accept_changes = false;  // a source that was written to meanwhile is not an error
  std::chrono::milliseconds save_interval{1000};
  std::function<void(const TransferProgress&)> progress = {};  // called from several threads, one at a time
  PaceClock pace_clock = PaceClock::System();
};

struct TransferReport {
  Sums sums;                      // what was moved and is there now
  std::uint64_t short_lived = 0;  // moved, not compared: they expire soon
  std::uint64_t expired = 0;      // of a file: not moved, nobody would see them
  bool resumed = false;
  bool verified = false;                  // read back and found equal
  std::vector<std::string> changed = {};  // scopes whose change log grew meanwhile
  store::CapacityUnits consumed = {};
  double write_units_estimate = 0;  // dry run: what writing them would cost, with indexes
};

// Errors, besides those of the tables: kConflict (the target is not empty, or holds something else's unfinished
// transfer; the source changed meanwhile), kCorrupt (what was read back differs).
base::Result<TransferReport> Copy(store::ScannableTable& source, std::string_view source_name,
                                  store::ScannableTable& target, const base::Clock& clock,
                                  const TransferOptions& options);

// To a file, with FILE.checkpoint beside it until it is whole. Errors: kAlreadyExists (the file is there), kUnavailable
// (it cannot be written), kConflict.
base::Result<TransferReport> ExportToFile(store::ScannableTable& source, std::string_view source_name,
                                          const std::string& file, const base::Clock& clock,
                                          const TransferOptions& options);
// To a stream: cannot be resumed, nor read back.
base::Result<TransferReport> ExportToStream(store::ScannableTable& source, std::string_view source_name,
                                            std::ostream& out, const base::Clock& clock,
                                            const TransferOptions& options);

// Errors: kMalformed naming the line, kCorrupt (the file is not whole, or was changed), kConflict.
base::Result<TransferReport> Import(std::istream& in, store::ScannableTable& target, const base::Clock& clock,
                                    const TransferOptions& options);

}  // namespace guidon::upkeep

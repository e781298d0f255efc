// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/base/clock.hpp"
#include "guidon/base/result.hpp"
#include "guidon/store/scan.hpp"
#include "guidon/upkeep/finding.hpp"
#include "guidon/upkeep/transfer.hpp"

// Looks at every item of a table, and mends what can be mended without asking anybody.
namespace guidon::upkeep {

struct VerifyOptions {
  std::size_t segments = 1;
  double read_units_max = 0;        // a second; 0: no limit
  std::size_t findings_max = 1000;  // kept; the others are counted
  // A file to go on from after an interruption, deleted at the end; "" = none.
  std::string checkpoint = {};
  std::string table_name = {};  // so that the file is not taken for another table
  std::chrono::milliseconds save_interval{1000};
  std::function<void(const TransferProgress&)> progress = {};
  PaceClock pace_clock = PaceClock::System();
};

struct VerifyReport {
  std::map<Entity, std::uint64_t> items;
  std::vector<Finding> findings;                      // the first ones
  std::map<std::string, std::uint64_t> counts = {};   // of all findings, by code
  std::map<Severity, std::uint64_t> severities = {};  // likewise
  std::vector<store::Key> repairable = {};            // items that Repair can mend
  bool resumed = false;
  double read_units = 0;

  void Add(Finding finding, std::size_t findings_max);
  bool IsSound() const { return !severities.contains(Severity::kProblem) && !severities.contains(Severity::kWarning); }
};

// More than this many mendable items are left to a next run.
inline constexpr std::size_t kRepairableMax = 100'000;

// Reads with eventual consistency; what several items tell together is looked at again with strong reads before it is a
// finding: "dangling-override", "segment-damaged", "segment-leftover", "log-gap", "log-head". Errors: those of the
// table and of the checkpoint file.
base::Result<VerifyReport> Verify(store::ScannableTable& table, const base::Clock& clock, const VerifyOptions& options);

struct Repair {
  store::Key key;
  std::string what;
  enum class Outcome : std::uint8_t { kPlanned, kDone, kChangedMeanwhile } outcome = Outcome::kPlanned;
};
std::string_view NameOf(Repair::Outcome outcome);

struct RepairOptions {
  bool write = false;          // else only says what it would do
  double write_units_max = 0;  // a second
  PaceClock pace_clock = PaceClock::System();
};

// Mends the items of these keys as they are now: read strongly, written on condition that they have not changed.
base::Result<std::vector<Repair>> RepairItems(store::Table& table, const std::vector<store::Key>& keys,
                                              const base::Clock& clock, const RepairOptions& options);

}  // namespace guidon::upkeep

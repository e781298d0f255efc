// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/evaluation_sampler.hpp"
#include "guidon/app/principal.hpp"
#include "guidon/app/services.hpp"
#include "guidon/app/usage_counter.hpp"
#include "guidon/base/result.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store/usage.hpp"

namespace guidon::app {

// What a client that evaluates by itself has counted in one minute.
struct UsageReport {
  base::Timestamp minute = {};
  std::string flag_key;
  std::string variation = {};  // "" = none
  std::string tenant_id = {};  // "" = none
  std::uint64_t count = 0;
};
inline constexpr std::size_t kUsageReportsMax = 1000;  // in one call
inline constexpr std::uint64_t kUsageReportCountMax = 1'000'000'000;
inline constexpr std::chrono::hours kUsageReportAgeMax{24 * 7};
inline constexpr std::chrono::minutes kUsageReportAheadMax{5};  // a client's clock may be wrong

struct UsageTotals {
  std::uint64_t evaluations = 0;
  std::uint64_t bulk = 0;
  friend bool operator==(const UsageTotals&, const UsageTotals&) = default;
};
using UsageByName = std::map<std::string, UsageTotals, std::less<>>;

enum class UsagePeriod : std::uint8_t { kHour, kDay };
struct UsageQuery {
  base::Timestamp from = {};
  base::Timestamp to = {};  // exclusive
  UsagePeriod period = UsagePeriod::kHour;
  std::string tenant_id = {};  // "" = all
};
inline constexpr std::chrono::days kUsageRangeMax{90};
inline constexpr std::chrono::days kUsageHoursRangeMax{7};  // with periods of an hour

struct UsageFigures {
  struct Period {
    base::Timestamp from = {};
    UsageByName variations;  // "" = none
  };
  std::optional<store::LastUsage> last;
  UsageTotals total;
  UsageByName variations;
  UsageByName tenants;          // as in store::UsageByTenant
  std::vector<Period> periods;  // without those in which nothing happened, oldest first
};

// A flag that is there, and when it was of use.
struct FlagUsage {
  std::string flag_key;
  std::optional<base::Timestamp> evaluated_at = std::nullopt;
  std::optional<base::Timestamp> bulk_at = std::nullopt;
};

// Evaluations since the start of this process; for metrics.
struct UsageSeries {
  std::string environment;
  std::string flag_key;
  std::string variation;
  UsageTotals totals;
};
inline constexpr std::size_t kUsageSeriesMax = 5000;
// Sampled evaluations that wait for the store.
inline constexpr std::size_t kEvaluationsWaitingMax = 10'000;

// How often which flag gave which variation to whom: counted in memory, written to the store once in a while, one item
// for a flag and hour (docs/adr/0020-usage.md). What was counted since the last write is lost where the process is
// killed. Thread-safe.
class UsageService {
 public:
  // `interval`: between writes; 0 = nothing is counted.
  UsageService(Services services, std::chrono::seconds interval);
  ~UsageService();

  bool enabled() const { return interval_.load(std::memory_order_relaxed).count() > 0; }
  void SetInterval(std::chrono::seconds interval) { interval_.store(interval); }
  // Takes over what a thread has counted; for I/O threads, which never wait here for a write or a reader.
  void Add(std::vector<UsageCount> counts);
  // For threads that come and go: counts one evaluation under a lock.
  void Note(std::string_view environment, std::string_view tenant, const eval::Evaluation& evaluation, UsageKind kind);
  // What clients have counted. Of flags that are not there (any more), or that the credential may not see, nothing is
  // kept. Errors: kInvalidArgument and kTooLarge naming "records[3].count" and the like, kPermissionDenied for another
  // tenant than the credential's.
  base::Status Report(const RequestInfo& request, const model::Environment& env, std::vector<UsageReport> reports);

  // Which evaluations go into the evaluation log; none at first.
  void SetSampling(SampleRates rates);
  std::shared_ptr<const SampleRates> sampling() const;
  // Sampled evaluations to be written with the next Flush, whatever the interval. Those over kEvaluationsWaitingMax are
  // left out, like `left_out` others; both are counted as dropped.
  void AddSamples(std::vector<store::EvaluationLogRecord> samples, std::uint64_t left_out);

  // Writes what has changed where the interval is over, or `all`. What cannot be written waits. Error: that of the
  // store.
  base::Status Flush(bool all);

  // Reads the store and adds what this process has not written yet. A tenant-bound principal sees its tenant's figures.
  // Errors: kNotFound, kInvalidArgument naming "from", those of the store.
  base::Result<UsageFigures> Of(const RequestInfo& request, const model::Environment& env, const model::FlagKey& flag,
                                UsageQuery query);
  // Flags in the order of their keys, with `unused_since` those that nobody has asked for by name since then. A page
  // may be short, or empty, and have a cursor.
  base::Result<store::Page<FlagUsage>> List(const RequestInfo& request, const model::Environment& env,
                                            std::optional<base::Timestamp> unused_since,
                                            const store::PageRequest& page);

  // The evaluation log of a flag, newest first. A tenant-bound principal sees its tenant's entries: its pages may be
  // short, or empty, and have a cursor.
  base::Result<store::Page<store::EvaluationLogRecord>> Log(const RequestInfo& request, const model::Environment& env,
                                                            const model::FlagKey& flag, base::Timestamp from,
                                                            base::Timestamp to, const store::PageRequest& page);

  // The first kUsageSeriesMax combinations that occurred.
  std::vector<UsageSeries> Series() const;
  // Evaluations that were not counted: too many combinations, or the store did not take them for too long.
  std::uint64_t dropped() const;

 private:
  struct Counts;
  // kNotFound where the principal does not see the flag.
  base::Status CheckVisible(const RequestInfo& request, const model::Environment& env,
                            const model::FlagKey& flag) const;
  base::Status FlushSamples();

  Services s_;
  std::atomic<std::chrono::seconds> interval_;
  std::unique_ptr<Counts> counts_;
};

}  // namespace guidon::app

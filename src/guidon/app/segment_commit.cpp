// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/segment_commit.hpp"

#include <string>
#include <utility>
#include <vector>

#include "guidon/base/log.hpp"
#include "guidon/base/random.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;

// Whether a change that failed may have happened all the same.
bool IsUnknown(const base::Error& error) {
  return error.code == ErrorCode::kUnavailable || error.code == ErrorCode::kInternal;
}

store::Key KeyOf(const store::SegmentWork& work) {
  return store::SegmentWorkKey(*model::Environment::Parse(work.environment),
                               *model::SegmentKey::Parse(work.segment_key), work.revision);
}

std::vector<store::Key> KeysOf(const std::vector<store::Item>& parts) {
  std::vector<store::Key> keys;
  for (const store::Item& part : parts) keys.push_back({*part.Find("PK")->AsString(), *part.Find("SK")->AsString()});
  return keys;
}

void CleanUp(store::Table& table, const store::SegmentWork& work, const std::vector<store::Key>& parts) {
  base::Status status = store::RemoveItems(table, parts);
  // Last, since it says that there is something to clean up.
  if (status) status = store::RemoveItems(table, {KeyOf(work)});
  if (!status)
    base::Log(base::LogLevel::kWarn, "Parts of a segment's keys could not be removed; the sweep removes them later.",
              {{"environment", work.environment}, {"segmentKey", work.segment_key}, {"error", status.error().message}});
}

}  // namespace

Result<Committed> CommitSegment(const Services& services, PreparedChange change, const store::SegmentPlan& plan) {
  if (plan.new_parts.empty() && plan.replaced_parts.empty()) return services.committer.Commit(std::move(change));
  store::Table& table = services.repository.table();
  const store::SegmentWork work{.environment = plan.head->environment,
                                .segment_key = plan.head->segment_key,
                                .revision = plan.revision.empty() ? base::RandomId() : plan.revision,
                                .started_at = services.clock.Now()};
  GUIDON_TRY(table.PutItem(store::PutSegmentWork(work)));
  GUIDON_TRY(store::WriteSegmentParts(table, plan.new_parts));
  // What is older is swept away: it must not become part of a segment after that.
  if (services.clock.Now() - work.started_at > store::kSegmentWriteTimeMax) {
    CleanUp(table, work, KeysOf(plan.new_parts));
    return base::Fail(
        ErrorCode::kUnavailable,
        "The keys of the segment could not be written within 15 minutes. Try again, in smaller portions.");
  }
  auto committed = services.committer.Commit(std::move(change));
  if (committed) {
    CleanUp(table, work, plan.replaced_parts);
  } else if (!IsUnknown(committed.error())) {
    CleanUp(table, work, KeysOf(plan.new_parts));
  }
  return committed;
}

void SweepSegments(const Services& services) {
  for (const auto& environment : services.snapshots.environments()) {
    const auto removed = store::SweepSegmentParts(services.repository.table(), environment, services.clock.Now());
    if (!removed) {
      base::Log(base::LogLevel::kWarn, "Segments could not be searched for what interrupted writes left behind.",
                {{"environment", environment.str()}, {"error", removed.error().message}});
    } else if (*removed > 0) {
      base::Log(base::LogLevel::kInfo, "Removed what interrupted writes of segments had left behind.",
                {{"environment", environment.str()}, {"items", static_cast<std::int64_t>(*removed)}});
    }
  }
}

}  // namespace guidon::app

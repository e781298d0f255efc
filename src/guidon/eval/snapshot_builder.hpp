// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "guidon/eval/snapshot_impl.hpp"

namespace guidon::eval {

// Makes one snapshot out of another (or nothing) and changes. Used once. Collects what happens to each flag in a draft,
// so that a flag is put together once however many of its overrides change.
class SnapshotBuilder {
 public:
  // What does not compile answers with its definition in `start`, else in `last_good` (may be null). `last_good` and
  // `options` must outlive the builder.
  SnapshotBuilder(Snapshot::Impl start, const Snapshot::Impl* last_good, const CompileOptions& options);

  void RemoveFlag(const std::string& flag_key);
  void SetFlag(const model::Flag& flag);
  void SetBrokenFlag(const BrokenFlag& broken);
  // Later ones win over earlier ones for the same flag and tenant.
  void SetOverrides(const std::vector<model::Override>& overrides);
  void RemoveOverride(const std::string& flag_key, std::string_view tenant_id);
  void SetSegment(const model::Segment& segment);
  void EditSegment(const SegmentEdit& edit);
  void SetBrokenSegment(const BrokenSegment& broken);
  void RemoveSegment(const std::string& segment_key);
  KillSwitches& kill_switches() { return impl_.kill_switches; }

  std::shared_ptr<const Snapshot> Finish(std::uint64_t sequence) &&;

 private:
  // A flag while it changes. Without a body there is no flag, maybe overrides that wait for one.
  struct Draft {
    std::shared_ptr<const FlagBody> body;
    OverrideTable overrides;
    bool stale = false;
    std::optional<std::string> broken_tenant;
  };

  Draft& DraftOf(const std::string& flag_key);
  std::shared_ptr<const FlagBody> LastGoodOf(const std::string& flag_key, const Draft& draft) const;
  void ReportProblem(std::string key, base::Error error, bool stale);
  void ClearProblem(const std::string& key);
  void FinishFlag(const std::string& flag_key, Draft draft);
  void MergeSorted(std::vector<std::string> touched_keys);
  void MergeProblems();

  Snapshot::Impl impl_;
  const Snapshot::Impl* last_good_;
  const CompileOptions& options_;
  std::shared_ptr<const Variations> booleans_;
  std::unordered_map<std::string, Draft> drafts_;
  std::unordered_map<std::string, std::optional<CompileProblem>> problems_;  // by key; nothing: solved
};

// The key of a segment among the problems: no flag key has a colon.
std::string SegmentProblemKey(std::string_view segment_key);

}  // namespace guidon::eval

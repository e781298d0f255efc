// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/snapshot_builder.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "guidon/eval/flag_compiler.hpp"
#include "guidon/eval/string_hash.hpp"

namespace guidon::eval {

namespace {

std::optional<std::string> OptionalOf(const std::string* text) {
  return text == nullptr ? std::nullopt : std::optional(*text);
}

}  // namespace

std::string SegmentProblemKey(std::string_view segment_key) { return "segment:" + std::string(segment_key); }

SnapshotBuilder::SnapshotBuilder(Snapshot::Impl start, const Snapshot::Impl* last_good, const CompileOptions& options)
    : impl_(std::move(start)), last_good_(last_good), options_(options) {}

SnapshotBuilder::Draft& SnapshotBuilder::DraftOf(const std::string& flag_key) {
  const auto [at, is_new] = drafts_.try_emplace(flag_key);
  Draft& draft = at->second;
  if (!is_new) return draft;
  if (const auto* flag = impl_.flags.Find(flag_key)) {
    draft = {.body = (*flag)->shared_body(),
             .overrides = (*flag)->overrides(),
             .stale = (*flag)->stale(),
             .broken_tenant = OptionalOf((*flag)->broken_tenant())};
  } else if (const OverrideTable* orphans = impl_.orphans.Find(flag_key)) {
    draft.overrides = *orphans;
  }
  return draft;
}

std::shared_ptr<const FlagBody> SnapshotBuilder::LastGoodOf(const std::string& flag_key, const Draft& draft) const {
  if (draft.body != nullptr) return draft.body->broken ? nullptr : draft.body;
  if (last_good_ == nullptr) return nullptr;
  const auto* flag = last_good_->flags.Find(flag_key);
  return flag == nullptr || (*flag)->body().broken ? nullptr : (*flag)->shared_body();
}

void SnapshotBuilder::ReportProblem(std::string key, base::Error error, bool stale) {
  CompileProblem problem{.flag_key = key, .error = std::move(error), .stale = stale};
  problems_[std::move(key)] = std::move(problem);
}

void SnapshotBuilder::ClearProblem(const std::string& key) { problems_[key] = std::nullopt; }

void SnapshotBuilder::RemoveFlag(const std::string& flag_key) {
  DraftOf(flag_key) = {};
  ClearProblem(flag_key);
}

void SnapshotBuilder::SetFlag(const model::Flag& flag) {
  auto body = CompileFlag(flag, options_, impl_.attribute_slots, booleans_);
  if (!body) {
    SetBrokenFlag({.flag_key = flag->flag_key, .error = std::move(body).error(), .tenant_id = flag->tenant_id});
    return;
  }
  Draft& draft = DraftOf(flag->flag_key);
  draft.body = *std::move(body);
  draft.stale = false;
  draft.broken_tenant.reset();
  ClearProblem(flag->flag_key);
}

void SnapshotBuilder::SetBrokenFlag(const BrokenFlag& broken) {
  Draft& draft = DraftOf(broken.flag_key);
  auto last_good = LastGoodOf(broken.flag_key, draft);
  draft.stale = last_good != nullptr;
  draft.broken_tenant = draft.stale ? broken.tenant_id : std::nullopt;
  draft.body = draft.stale ? std::move(last_good) : BrokenBody(broken, options_);
  ReportProblem(broken.flag_key, broken.error, draft.stale);
}

// In the order of the tenants' hashes: a million of them then go into the trie along one path after the other instead
// of at random, and lie in memory as they are searched.
void SnapshotBuilder::SetOverrides(const std::vector<model::Override>& overrides) {
  std::vector<std::pair<std::uint64_t, std::size_t>> order;
  order.reserve(overrides.size());
  for (std::size_t i = 0; i < overrides.size(); ++i) order.emplace_back(StringHash{}(overrides[i]->tenant_id), i);
  std::ranges::sort(order);
  for (const auto& [hash, i] : order) {
    const model::OverrideFields& fields = *overrides[i];
    DraftOf(fields.flag_key).overrides.Set(fields.tenant_id, fields.variation);
  }
}

void SnapshotBuilder::RemoveOverride(const std::string& flag_key, std::string_view tenant_id) {
  DraftOf(flag_key).overrides.Erase(tenant_id);
}

void SnapshotBuilder::SetSegment(const model::Segment& segment) {
  auto compiled = CompileSegment(segment, impl_.attribute_slots);
  if (compiled) {
    impl_.segments.Set(segment->segment_key, *std::move(compiled));
    ClearProblem(SegmentProblemKey(segment->segment_key));
    return;
  }
  SetBrokenSegment({.segment_key = segment->segment_key, .error = std::move(compiled).error()});
}

void SnapshotBuilder::SetBrokenSegment(const BrokenSegment& broken) {
  const auto* last_good = impl_.segments.Find(broken.segment_key);
  if (last_good == nullptr && last_good_ != nullptr) last_good = last_good_->segments.Find(broken.segment_key);
  const bool stale = last_good != nullptr;
  if (stale) impl_.segments.Set(broken.segment_key, std::shared_ptr(*last_good));
  ReportProblem(SegmentProblemKey(broken.segment_key), broken.error, stale);
}

void SnapshotBuilder::EditSegment(const SegmentEdit& edit) {
  const std::string& key = edit.segment->segment_key;
  const auto* present = impl_.segments.Find(key);
  if (present == nullptr && last_good_ != nullptr) present = last_good_->segments.Find(key);
  const bool follows = present != nullptr && (*present)->version == edit.from_version;
  if (!follows && present != nullptr && (*present)->version >= edit.segment->version) return;
  if (!follows)
    return SetBrokenSegment({.segment_key = key,
                             .error = {.code = base::ErrorCode::kCorrupt,
                                       .message = "The keys before the change are not known; the next full load of the "
                                                  "environment (guidon refresh) reads them again."}});
  auto compiled = CompileSegment(edit.segment, **present,
                                 {.included = {edit.included_added, edit.included_removed},
                                  .excluded = {edit.excluded_added, edit.excluded_removed}},
                                 impl_.attribute_slots);
  if (!compiled) return SetBrokenSegment({.segment_key = key, .error = std::move(compiled).error()});
  impl_.segments.Set(key, *std::move(compiled));
  ClearProblem(SegmentProblemKey(key));
}

void SnapshotBuilder::RemoveSegment(const std::string& segment_key) {
  impl_.segments.Erase(segment_key);
  ClearProblem(SegmentProblemKey(segment_key));
}

void SnapshotBuilder::FinishFlag(const std::string& flag_key, Draft draft) {
  impl_.orphans.Erase(flag_key);
  if (draft.body != nullptr) {
    impl_.flags.Set(flag_key, std::make_shared<const CompiledFlag>(std::move(draft.body), std::move(draft.overrides),
                                                                   draft.stale, draft.broken_tenant));
    return;
  }
  impl_.flags.Erase(flag_key);
  if (!draft.overrides.empty()) impl_.orphans.Set(flag_key, std::move(draft.overrides));
}

// Finds each touched key's place by search and copies what lies between, so one change among many flags costs a copy of
// pointers and no look at the other flags.
void SnapshotBuilder::MergeSorted(std::vector<std::string> touched_keys) {
  std::ranges::sort(touched_keys);
  const std::vector<const CompiledFlag*> old = std::move(impl_.sorted_flags);
  std::vector<const CompiledFlag*> merged;
  merged.reserve(old.size() + touched_keys.size());
  auto from = old.begin();
  for (const std::string& key : touched_keys) {
    const auto at = std::lower_bound(from, old.end(), key,
                                     [](const CompiledFlag* flag, const std::string& k) { return KeyOf(*flag) < k; });
    merged.insert(merged.end(), from, at);
    from = at != old.end() && KeyOf(**at) == key ? at + 1 : at;
    if (const auto* flag = impl_.flags.Find(key)) merged.push_back(flag->get());
  }
  merged.insert(merged.end(), from, old.end());
  impl_.sorted_flags = std::move(merged);
}

void SnapshotBuilder::MergeProblems() {
  if (problems_.empty()) return;
  std::erase_if(impl_.problems, [&](const CompileProblem& problem) { return problems_.contains(problem.flag_key); });
  for (auto& [key, problem] : problems_) {
    if (problem) impl_.problems.push_back(*std::move(problem));
  }
  std::ranges::sort(impl_.problems, {}, &CompileProblem::flag_key);
}

std::shared_ptr<const Snapshot> SnapshotBuilder::Finish(std::uint64_t sequence) && {
  impl_.sequence = sequence;
  std::vector<std::string> touched_keys;
  touched_keys.reserve(drafts_.size());
  for (auto& [flag_key, draft] : drafts_) {
    touched_keys.push_back(flag_key);
    FinishFlag(flag_key, std::move(draft));
  }
  MergeSorted(std::move(touched_keys));
  MergeProblems();
  return std::make_shared<const Snapshot>(std::make_unique<const Snapshot::Impl>(std::move(impl_)));
}

namespace {

std::shared_ptr<const Snapshot> BuildFrom(Definitions definitions, const Snapshot::Impl* last_good,
                                          const CompileOptions& options) {
  Snapshot::Impl start;
  start.environment = std::move(definitions.environment);
  // What is kept of the last good definitions goes by the numbers they were given.
  if (last_good != nullptr) start.attribute_slots = last_good->attribute_slots;
  SnapshotBuilder builder(std::move(start), last_good, options);
  for (const model::Segment& segment : definitions.segments) builder.SetSegment(segment);
  for (const SegmentEdit& edit : definitions.segment_edits) builder.EditSegment(edit);
  for (const BrokenSegment& broken : definitions.broken_segments) builder.SetBrokenSegment(broken);
  for (const model::Flag& flag : definitions.flags) builder.SetFlag(flag);
  for (const BrokenFlag& broken : definitions.broken_flags) builder.SetBrokenFlag(broken);
  builder.SetOverrides(definitions.overrides);
  for (model::KillSwitch& one : definitions.kill_switches) builder.kill_switches().Engage(std::move(one));
  return std::move(builder).Finish(definitions.sequence);
}

}  // namespace

std::shared_ptr<const Snapshot> Snapshot::Build(Definitions definitions, const CompileOptions& options) {
  return BuildFrom(std::move(definitions), nullptr, options);
}

std::shared_ptr<const Snapshot> Snapshot::Build(Definitions definitions, const Snapshot& last_good,
                                                const CompileOptions& options) {
  return BuildFrom(std::move(definitions), last_good.impl_.get(), options);
}

std::shared_ptr<const Snapshot> Snapshot::Apply(ChangeSet changes, const CompileOptions& options) const {
  SnapshotBuilder builder(Impl(*impl_), nullptr, options);
  for (const std::string& flag_key : changes.removed_flags) builder.RemoveFlag(flag_key);
  for (const auto& [flag_key, tenant_id] : changes.removed_overrides) builder.RemoveOverride(flag_key, tenant_id);
  for (const std::string& segment_key : changes.removed_segments) builder.RemoveSegment(segment_key);
  for (const model::KillScope& scope : changes.released_kill_switches) builder.kill_switches().Release(scope);
  for (const model::Segment& segment : changes.segments) builder.SetSegment(segment);
  for (const SegmentEdit& edit : changes.segment_edits) builder.EditSegment(edit);
  for (const BrokenSegment& broken : changes.broken_segments) builder.SetBrokenSegment(broken);
  for (const model::Flag& flag : changes.flags) builder.SetFlag(flag);
  for (const BrokenFlag& broken : changes.broken_flags) builder.SetBrokenFlag(broken);
  builder.SetOverrides(changes.overrides);
  for (model::KillSwitch& one : changes.kill_switches) builder.kill_switches().Engage(std::move(one));
  return std::move(builder).Finish(changes.sequence);
}

}  // namespace guidon::eval

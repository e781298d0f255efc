// SPDX-License-Identifier: Apache-2.0
#include "guidon/flagd_service/changes.hpp"

#include <memory>
#include <utility>

#include "guidon/eval/evaluator.hpp"
#include "guidon/model/context.hpp"

namespace guidon::flagd_service {
namespace {

constexpr std::string_view kFlagSwitch = "flag:";

// What a listener may know to be there.
class Sight {
 public:
  Sight(const app::SnapshotRegistry& snapshots, const Listener& listener)
      : listener_(listener), snapshot_(snapshots.Find(listener.scope.environment)->Get()) {
    if (!listener.scope.tenant.empty()) {
      auto context = model::Context::Create({.tenant_id = listener.scope.tenant});
      if (context) context_ = *std::move(context);
    }
  }
  const eval::Snapshot& snapshot() const { return *snapshot_; }
  bool Has(const eval::CompiledFlag& flag) const {
    if (listener_.client && !eval::IsClientVisible(flag)) return false;
    // Evaluation alone knows whose flag it is: to other tenants it is not there, whatever the time.
    return listener_.scope.tenant.empty() ||
           eval::Evaluate(*snapshot_, flag, context_, {}).error != model::EvaluationError::kFlagNotFound;
  }

 private:
  const Listener& listener_;
  const std::shared_ptr<const eval::Snapshot> snapshot_;
  model::Context context_;
};

bool AddFlag(const app::SnapshotRegistry& snapshots, const Listener& listener, const store::ChangeRecord& record,
             const std::string& key, std::set<std::string>& keys) {
  const auto snapshot = snapshots.Find(listener.scope.environment)->Get();
  const eval::CompiledFlag* flag = snapshot->Find(key);
  // A flag that is gone is named too: the client may still have it. Not to client keys, which may never have seen it.
  if (!listener.client || (flag != nullptr && eval::IsClientVisible(*flag))) {
    keys.insert(key);
    return true;
  }
  // They may have seen it until now.
  return record.entity == "flag";
}

bool AddOf(const app::SnapshotRegistry& snapshots, const Listener& listener, const app::FeedChange& change,
           std::set<std::string>& keys) {
  if (!listener.scope.tenant.empty() && !change.audience.Has(listener.scope.tenant)) return false;
  const store::ChangeRecord& record = change.record;
  if (record.entity == "flag" || record.entity == "override")
    return AddFlag(snapshots, listener, record, record.resource, keys);
  if (record.entity == "kill" && record.resource.starts_with(kFlagSwitch))
    return AddFlag(snapshots, listener, record, record.resource.substr(kFlagSwitch.size()), keys);
  if (record.entity != "segment" && record.entity != "kill") return false;
  AddAll(snapshots, listener, keys);
  return !keys.empty();
}

}  // namespace

bool IsClient(const app::Principal& principal) { return principal.kind == app::PrincipalKind::kClient; }

void AddAll(const app::SnapshotRegistry& snapshots, const Listener& listener, std::set<std::string>& keys) {
  const Sight sight(snapshots, listener);
  for (const eval::CompiledFlag* flag : sight.snapshot().flags()) {
    if (sight.Has(*flag)) keys.emplace(eval::KeyOf(*flag));
  }
}

bool AddChanged(const app::SnapshotRegistry& snapshots, const Listener& listener, const app::FeedEntry& entry,
                std::set<std::string>& keys) {
  if (entry.changes.empty()) {
    if (!listener.scope.tenant.empty() && !entry.audience.Has(listener.scope.tenant)) return false;
    AddAll(snapshots, listener, keys);
    return true;
  }
  bool any = false;
  for (const app::FeedChange& change : entry.changes) any = AddOf(snapshots, listener, change, keys) || any;
  return any;
}

model::Object ChangeData(const std::set<std::string>& keys) {
  model::Object update;
  update.Set("type", "update");
  model::Object flags;
  for (const std::string& key : keys) flags.Set(key, update);
  model::Object data;
  data.Set("flags", std::move(flags));
  return data;
}

FlagChanges::FlagChanges(const app::SnapshotRegistry& snapshots, Listener listener)
    : snapshots_(snapshots),
      feed_(*snapshots.FeedOf(listener.scope.environment)),
      listener_(std::move(listener)),
      number_(feed_.position().number),
      sequence_(feed_.position().served) {}

std::optional<std::set<std::string>> FlagChanges::Next() {
  const app::ChangeFeed::Read read = feed_.After(number_);
  std::set<std::string> keys;
  bool any = !read.complete;
  if (!read.complete) AddAll(snapshots_, listener_, keys);
  for (const auto& entry : read.entries) {
    number_ = entry->number;
    sequence_ = entry->served;
    any = AddChanged(snapshots_, listener_, *entry, keys) || any;
  }
  if (!any) return std::nullopt;
  return keys;
}

}  // namespace guidon::flagd_service

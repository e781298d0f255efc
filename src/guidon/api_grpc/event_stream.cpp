// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/event_stream.hpp"

namespace guidon::api_grpc {

FlagChanges::FlagChanges(app::Application& app, const Caller& caller)
    : app_(app),
      feed_(*app.snapshots().FeedOf(caller.environment)),
      environment_(caller.environment),
      tenant_(caller.tenant),
      client_(caller.info.principal.kind == app::PrincipalKind::kClient),
      number_(feed_.position().number),
      sequence_(feed_.position().served) {}

std::set<std::string> FlagChanges::Next() {
  const app::ChangeFeed::Read read = feed_.After(number_);
  std::set<std::string> keys;
  if (!read.complete) AddAll(keys);
  for (const auto& entry : read.entries) {
    number_ = entry->number;
    sequence_ = entry->served;
    if (entry->changes.empty()) AddAll(keys);
    for (const app::FeedChange& change : entry->changes) AddOf(change, keys);
  }
  return keys;
}

void FlagChanges::AddAll(std::set<std::string>& keys) const {
  const auto snapshot = app_.snapshots().Find(environment_)->Get();
  for (const eval::CompiledFlag* flag : snapshot->flags()) {
    if (!client_ || eval::IsClientVisible(*flag)) keys.emplace(eval::KeyOf(*flag));
  }
}

void FlagChanges::AddOf(const app::FeedChange& change, std::set<std::string>& keys) const {
  if (!tenant_.empty() && !change.audience.Has(tenant_)) return;
  const store::ChangeRecord& record = change.record;
  if (record.entity == "flag" || record.entity == "override") {
    const auto snapshot = app_.snapshots().Find(environment_)->Get();
    const eval::CompiledFlag* flag = snapshot->Find(record.resource);
    // A flag that is gone is named too: the client may still have it. Not to client keys, which may never have seen it.
    if (flag == nullptr ? !client_ : !client_ || eval::IsClientVisible(*flag)) keys.insert(record.resource);
  } else if (record.entity == "kill" && record.resource.starts_with("flag:")) {
    keys.insert(record.resource.substr(5));
  } else if (record.entity == "segment" || record.entity == "kill") {
    AddAll(keys);
  }
}

}  // namespace guidon::api_grpc

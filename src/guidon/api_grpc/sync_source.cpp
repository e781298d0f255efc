// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/sync_source.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include <flagd/sync/v1/sync.pb.h>

#include "guidon/api_grpc/values.hpp"
#include "guidon/base/log.hpp"
#include "guidon/json/json.hpp"

namespace guidon::api_grpc {
namespace {

// Definitions are read as the server itself; who may have them was decided before.
app::RequestInfo ReaderOf() {
  return {.principal = {.kind = app::PrincipalKind::kLocal, .id = "flagd-sync"}, .request_id = "flagd-sync"};
}

template <class T, class ReadPage>
base::Result<std::vector<T>> ReadAll(const ReadPage& read, std::size_t most = static_cast<std::size_t>(-1)) {
  std::vector<T> all;
  store::PageRequest request{.limit = store::kPageLimitMax};
  while (all.size() < most) {
    GUIDON_ASSIGN(auto page, read(request));
    std::ranges::move(page.items, std::back_inserter(all));
    if (!page.next_cursor) break;
    request.cursor = *page.next_cursor;
  }
  return all;
}

// What the tenant's programs are concerned with: flags of nobody else, and of overrides and kill switches its own.
flagd::Definitions OnlyFor(const flagd::Definitions& all, const std::string& tenant) {
  flagd::Definitions some{.flags = {}, .segments = all.segments};
  for (const model::Flag& flag : all.flags) {
    if (!flag->tenant_id || *flag->tenant_id == tenant) some.flags.push_back(flag);
  }
  for (const auto& [key, overrides] : all.overrides) {
    for (const model::Override& one : overrides) {
      if (one->tenant_id == tenant) some.overrides[key].push_back(one);
    }
  }
  for (const model::KillSwitch& one : all.kill_switches) {
    const std::string scope = one->scope.Text();
    if (!scope.starts_with("tenant:") || scope.substr(7) == tenant) some.kill_switches.push_back(one);
  }
  return some;
}

grpc::ByteBuffer MessageOf(const std::string& json, const std::string& environment, const std::string& tenant) {
  ::flagd::sync::v1::SyncFlagsResponse response;
  response.set_flag_configuration(json);
  model::Object context;
  context.Set("guidonEnvironment", environment);
  if (!tenant.empty()) context.Set("tenantId", tenant);
  Fill(*response.mutable_sync_context(), context);
  const std::string bytes = response.SerializeAsString();
  const grpc::Slice slice(bytes);
  return {&slice, 1};
}

}  // namespace

base::Result<std::shared_ptr<const SyncPayload>> SyncSource::Current(const std::string& environment,
                                                                     const std::string& tenant) {
  Environment& definitions = environments_[environment];
  definitions.used = true;
  GUIDON_TRY(BringUp(environment, definitions));
  Selected& selected = selected_[{environment, tenant}];
  selected.used = true;
  if (selected.payload != nullptr && selected.number == definitions.number) return selected.payload;
  flagd::Export out =
      flagd::ToFlagd(tenant.empty() ? definitions.definitions : OnlyFor(definitions.definitions, tenant));
  Report(environment, definitions, out.notes);
  CountLeftOut(definitions, out);
  std::string json = json::Write(out.document);
  figures_.sync_serialisations.fetch_add(1, std::memory_order_relaxed);
  selected.number = definitions.number;
  if (selected.payload == nullptr || selected.payload->json != json) {
    auto payload = std::make_shared<SyncPayload>();
    payload->message = MessageOf(json, environment, tenant);
    payload->json = std::move(json);
    selected.payload = std::move(payload);
  }
  return selected.payload;
}

void SyncSource::DropUnused() {
  std::erase_if(selected_, [](const auto& entry) { return !entry.second.used; });
  std::erase_if(environments_, [](const auto& entry) { return !entry.second.used; });
  for (auto& [key, selected] : selected_) selected.used = false;
  for (auto& [name, environment] : environments_) environment.used = false;
  StoreLeftOut();
}

base::Status SyncSource::BringUp(const std::string& name, Environment& environment) {
  const app::ChangeFeed& feed = *app_.snapshots().FeedOf(name);
  GUIDON_ASSIGN(const auto parsed, model::Environment::Parse(name));
  // Before anything is read: what is published while reading is read once more.
  const auto position = feed.position();
  const std::uint64_t latest = position.number;
  if (environment.loaded && environment.number == latest) return {};
  const auto missed = feed.After(environment.number);
  const bool whole = !environment.loaded || !missed.complete ||
                     std::ranges::any_of(missed.entries, [](const auto& entry) { return entry->changes.empty(); });
  if (whole) {
    GUIDON_TRY(Load(parsed, environment));
    environment.loaded = true;
    environment.number = latest;
    environment.served = position.served;
    return {};
  }
  std::set<std::string> flags;
  std::set<std::string> segments;
  bool kills = false;
  for (const auto& entry : missed.entries) {
    for (const app::FeedChange& change : entry->changes) {
      const store::ChangeRecord& record = change.record;
      if (record.entity == "flag" || record.entity == "override") flags.insert(record.resource);
      if (record.entity == "segment") segments.insert(record.resource);
      if (record.entity == "kill") kills = true;
    }
  }
  for (const std::string& key : flags) GUIDON_TRY(ReadFlag(parsed, key, environment.definitions));
  for (const std::string& key : segments) GUIDON_TRY(ReadSegment(parsed, key, environment.definitions));
  if (kills) {
    GUIDON_ASSIGN(environment.definitions.kill_switches, app_.kill_switches().List(ReaderOf(), parsed));
  }
  environment.number = missed.entries.empty() ? latest : missed.entries.back()->number;
  environment.served = missed.entries.empty() ? position.served : missed.entries.back()->served;
  return {};
}

base::Status SyncSource::Load(const model::Environment& name, Environment& environment) const {
  flagd::Definitions definitions;
  GUIDON_ASSIGN(definitions.flags, ReadAll<model::Flag>([&](const store::PageRequest& page) {
                  return app_.flags().List(ReaderOf(), name, {}, page);
                }));
  GUIDON_ASSIGN(const auto segments, ReadAll<model::Segment>([&](const store::PageRequest& page) {
                  return app_.segments().List(ReaderOf(), name, page);
                }));
  for (const model::Segment& segment : segments) GUIDON_TRY(ReadSegment(name, segment->segment_key, definitions));
  GUIDON_ASSIGN(definitions.kill_switches, app_.kill_switches().List(ReaderOf(), name));
  const auto snapshot = app_.snapshots().Find(name.str())->Get();
  const std::vector<model::Flag> flags = definitions.flags;
  for (const model::Flag& flag : flags) {
    if (snapshot->override_count(flag->flag_key) > 0) GUIDON_TRY(ReadFlag(name, flag->flag_key, definitions));
  }
  environment.definitions = std::move(definitions);
  return {};
}

base::Status SyncSource::ReadFlag(const model::Environment& name, const std::string& key,
                                  flagd::Definitions& definitions) const {
  GUIDON_ASSIGN(const auto flag_key, model::FlagKey::Parse(key));
  auto flag = app_.flags().Get(ReaderOf(), name, flag_key);
  if (!flag && flag.error().code != base::ErrorCode::kNotFound) return std::unexpected(std::move(flag).error());
  const auto place = std::ranges::find_if(definitions.flags, [&](const auto& one) { return one->flag_key == key; });
  if (!flag) {
    if (place != definitions.flags.end()) definitions.flags.erase(place);
    definitions.overrides.erase(key);
    return {};
  }
  GUIDON_ASSIGN(definitions.overrides[key], ReadAll<model::Override>(
                                                [&](const store::PageRequest& page) {
                                                  return app_.overrides().List(ReaderOf(), name, flag_key, page);
                                                },
                                                flagd::kExportedOverridesMax + 1));
  if (place != definitions.flags.end()) {
    *place = *std::move(flag);
  } else {
    definitions.flags.push_back(*std::move(flag));
  }
  return {};
}

base::Status SyncSource::ReadSegment(const model::Environment& name, const std::string& key,
                                     flagd::Definitions& definitions) const {
  GUIDON_ASSIGN(const auto segment_key, model::SegmentKey::Parse(key));
  auto segment = app_.segments().GetWhole(ReaderOf(), name, segment_key);
  if (!segment && segment.error().code != base::ErrorCode::kNotFound)
    return std::unexpected(std::move(segment).error());
  std::erase_if(definitions.segments, [&](const auto& one) { return one->segment_key == key; });
  if (segment) definitions.segments.push_back(*std::move(segment));
  return {};
}

// Notes are also of flags that are there and mean something else.
void SyncSource::CountLeftOut(Environment& environment, const flagd::Export& out) {
  const model::Value* flags = out.document.AsObject() == nullptr ? nullptr : out.document.AsObject()->Find("flags");
  const model::Object* there = flags == nullptr ? nullptr : flags->AsObject();
  std::set<std::string_view> left_out;
  for (const flagd::Note& note : out.notes) {
    if (!note.flag_key.empty() && (there == nullptr || there->Find(note.flag_key) == nullptr))
      left_out.insert(note.flag_key);
  }
  environment.left_out = left_out.size();
  StoreLeftOut();
}

void SyncSource::StoreLeftOut() const {
  std::uint64_t all = 0;
  for (const auto& [name, one] : environments_) all += one.left_out;
  figures_.flags_left_out.store(all, std::memory_order_relaxed);
}

void SyncSource::Report(const std::string& name, Environment& environment, const std::vector<flagd::Note>& notes) {
  std::set<std::pair<std::string, std::string>> now;
  for (const flagd::Note& note : notes) {
    now.emplace(note.flag_key, note.message);
    if (environment.reported.contains({note.flag_key, note.message})) continue;
    base::Log(base::LogLevel::kWarn, "flagd's format cannot say all of a flag",
              {{"environment", std::string_view(name)},
               {"flag", std::string_view(note.flag_key)},
               {"what", std::string_view(note.message)}});
  }
  environment.reported = std::move(now);
}

}  // namespace guidon::api_grpc

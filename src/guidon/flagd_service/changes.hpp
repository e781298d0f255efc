// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "guidon/app/principal.hpp"
#include "guidon/app/snapshots.hpp"
#include "guidon/flagd_service/scope.hpp"
#include "guidon/model/value.hpp"

namespace guidon::flagd_service {

// Types of the events of EventStream.
inline constexpr std::string_view kReadyEvent = "provider_ready";
inline constexpr std::string_view kChangeEvent = "configuration_change";
inline constexpr std::string_view kKeepAliveEvent = "keep_alive";

// Who is to hear of changes.
struct Listener {
  Scope scope;
  bool client = false;  // a client key: only flags that are marked for clients
};
bool IsClient(const app::Principal& principal);

// Whether the listener has to ask again since the publication; adds the keys of the flags whose answers may differ, and
// which it may see. A client key is not told the name of a flag that it may not see, or not any more.
// Precondition here and below: the environment exists.
bool AddChanged(const app::SnapshotRegistry& snapshots, const Listener& listener, const app::FeedEntry& entry,
                std::set<std::string>& keys);
// Adds all that it may see: what happened is not known any more.
void AddAll(const app::SnapshotRegistry& snapshots, const Listener& listener, std::set<std::string>& keys);

// Data of a change event: {"flags": {KEY: {"type": "update"}}}.
model::Object ChangeData(const std::set<std::string>& keys);

// Which flags a client has to look at again. Reads the feed of one environment from where it was last.
class FlagChanges {
 public:
  // `snapshots` outlives it.
  FlagChanges(const app::SnapshotRegistry& snapshots, Listener listener);
  // Keys of flags that the client may see, or that are gone, since the last call; nothing: nothing that concerns it.
  std::optional<std::set<std::string>> Next();
  // What everything that Next has told of goes up to, by the change log.
  std::uint64_t sequence() const { return sequence_; }

 private:
  const app::SnapshotRegistry& snapshots_;
  const app::ChangeFeed& feed_;
  const Listener listener_;
  std::uint64_t number_;
  std::uint64_t sequence_;
};

}  // namespace guidon::flagd_service

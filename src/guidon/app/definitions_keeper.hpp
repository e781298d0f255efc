// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/services.hpp"
#include "guidon/base/result.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/entities.hpp"

namespace guidon::app {

// Whose a thing is: a tenant's, or (absent) everybody's.
using Ownership = std::optional<std::string>;

// A flag as those evaluate it who are not this program. `changed_at` is the change log's sequence up to which its last
// change had come, here and below.
struct KeptFlag {
  std::string text;  // its JSON without what no evaluator looks at, and without `tenantOverrides`; see `readable`
  std::map<std::string, bool> tenant_overrides = {};  // those of the flag's own item
  Ownership tenant_id = std::nullopt;
  std::set<Ownership> former_tenants = {};  // it was theirs at some time since `KeptDefinitions::floor`
  std::string owner = {};
  std::vector<std::string> prerequisites = {};  // keys of flags
  std::vector<std::string> segments = {};
  bool readable = true;  // else its item cannot be read, and the text says no more than whose it is
  std::uint64_t changed_at = 0;
};
struct KeptSegment {
  std::string text;
  bool readable = true;
  std::uint64_t changed_at = 0;
};
struct KeptOverride {
  std::string variation;
  std::uint64_t changed_at = 0;
};
struct KeptOverrides {
  std::map<std::string, KeptOverride, std::less<>> of;  // by tenant
  std::uint64_t changed_at = 0;                         // of the last one
};
struct KeptKillSwitch {
  model::KillScope scope;
  std::string text;
};
struct KeptRemoval {
  enum class Kind : std::uint8_t { kFlag, kSegment, kOverride };
  Kind kind = Kind::kFlag;
  std::string key;
  std::string tenant = {};          // of an override
  std::set<Ownership> owners = {};  // of a flag: those that could see it
  std::uint64_t sequence = 0;
};
// Beyond these the oldest are forgotten, and whoever has not heard of them is told everything.
inline constexpr std::size_t kKeptRemovalsMax = 10'000;

// Everything of one environment, as it was at one sequence of the change log.
struct KeptDefinitions {
  std::uint64_t sequence = 0;
  std::uint64_t floor = 0;  // what differs from any state at or after this sequence can be told
  // Not empty where a full load found differences that no change explains: the sequence alone does not name the state.
  std::string revision = {};
  std::map<std::string, KeptFlag, std::less<>> flags = {};
  std::map<std::string, KeptSegment, std::less<>> segments = {};
  std::map<std::string, KeptOverrides, std::less<>> overrides = {};       // by flag
  std::map<std::string, KeptKillSwitch, std::less<>> kill_switches = {};  // by scope
  std::deque<KeptRemoval> removed = {};                                   // in the order of their sequences
};

// The definitions of each environment that somebody evaluates in a process of their own: read from the store when they
// are asked for first, then only what the feed says has changed. Never a mixture of two states: what was read counts
// once the change log shows that nothing came in between. Thread-safe; may block on the store.
class DefinitionsKeeper {
 public:
  // `catch_up(environment, sequence)`: see Application::CatchUpTo.
  DefinitionsKeeper(Services services, std::function<base::Status(std::string_view, std::uint64_t)> catch_up);
  ~DefinitionsKeeper();
  DefinitionsKeeper(const DefinitionsKeeper&) = delete;
  DefinitionsKeeper& operator=(const DefinitionsKeeper&) = delete;

  // Calls `use` with the present definitions; they stay as they are until it returns. Errors: those of the store and of
  // `use`; kUnavailable where changes come faster than they can be read; kNotFound where there is no such environment.
  base::Status Read(const model::Environment& environment,
                    const std::function<base::Status(const KeptDefinitions&)>& use);

 private:
  struct Slot;
  base::Status BringUp(const model::Environment& environment, Slot& slot);
  base::Status ReadChanges(const model::Environment& environment, Slot& slot);
  base::Result<KeptDefinitions> Load(const model::Environment& environment);

  Services s_;
  std::function<base::Status(std::string_view, std::uint64_t)> catch_up_;
  std::map<std::string, std::unique_ptr<Slot>, std::less<>> slots_;  // fixed at the start
};

// `kept` with the changes; for tests, too.
void ApplyToKept(const eval::ChangeSet& changes, KeptDefinitions& kept);
// Takes over from `before` what a full load cannot know: when things changed, and what was removed.
void CarryOver(const KeptDefinitions& before, KeptDefinitions& loaded);

}  // namespace guidon::app

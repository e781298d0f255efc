// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/definitions_keeper.hpp"
#include "guidon/app/keys.hpp"
#include "guidon/app/propagation.hpp"
#include "guidon/app/propagation_service.hpp"
#include "guidon/app/services.hpp"
#include "guidon/app/store_contact.hpp"
#include "guidon/app/stream_tokens.hpp"
#include "guidon/app/usage_service.hpp"

namespace guidon::app {

struct ApplicationOptions {
  std::vector<model::Environment> environments;
  std::string default_environment;  // one of them
  std::string key_hash_secret;      // see KeyService
  std::string node = {};            // what others call this process; "" = something random
  eval::CompileOptions compile = {};
  std::chrono::seconds usage_interval{60};  // between writes of what was counted; 0: nothing is
};

// Who asked for a full resync, and so what may come of it.
enum class RefreshBy : std::uint8_t {
  kItself,    // a store that has become empty is not believed: evaluation goes on with the last snapshot
  kOperator,  // whatever is there counts
};

struct EnvironmentHealth {
  std::string environment;
  std::uint64_t sequence = 0;
  std::size_t flags = 0;
  std::vector<eval::CompileProblem> problems;
  base::Timestamp loaded_at = {};
  base::Timestamp confirmed_at = {};  // when the store last said that there is nothing newer
};
struct Health {
  bool ready = false;
  std::string store_error;  // empty: the store answers
  // Set while the node is out of touch with a store that others write to: how old what it serves may be.
  std::optional<std::chrono::milliseconds> snapshot_age;
  std::vector<EnvironmentHealth> environments;
};

// All use cases over one table, with every environment's snapshot and the key ring loaded. Thread-safe.
class Application {
 public:
  // Loads everything. Errors: those of the store.
  static base::Result<std::unique_ptr<Application>> Open(store::Table& table, const base::Clock& clock,
                                                         ApplicationOptions options);
  ~Application();

  FlagService& flags();
  OverrideService& overrides();
  KillSwitchService& kill_switches();
  SegmentService& segments();
  TenantService& tenants();
  KeyService& keys();
  AuditService& audit();
  UsageService& usage();
  PropagationService& propagation();
  // Which clients of this node have what: for those who serve them.
  Propagation& receipts();
  DefinitionsKeeper& definitions();
  SnapshotRegistry& snapshots();
  ChangeCommitter& committer();
  const StreamTokens& stream_tokens() const;
  const std::string& node() const;
  const base::Clock& clock() const;
  const ApplicationOptions& options() const;

  // Full resync of every environment and of the keys (`guidon refresh`, and the profile's resync interval). Reports
  // edits made behind our back: differences that no change-log entry explains, as the number of flags that differed.
  base::Result<std::size_t> Refresh(RefreshBy by = RefreshBy::kOperator);
  // Makes sure that the environment's snapshot holds everything up to `sequence`, which another node has announced:
  // reads the change log where it does not. Those who ask at the same time share one reading. Errors: those of the
  // store.
  base::Status CatchUpTo(std::string_view environment, std::uint64_t sequence);
  // One look at the change logs: brings snapshots and keys up to date with what other nodes changed, reading only that.
  // Costs half a read unit where nothing changed. Heals gaps, and finds a log that went back (a table that was
  // restored). Errors: those of the store; what is served stays. For one thread, again and again.
  base::Status Follow();
  StoreContact& contact();
  // Differences that no change-log entry explains, found since the start.
  struct OutOfBand {
    std::uint64_t flags = 0;
    std::uint64_t kill_switches = 0;
  };
  OutOfBand out_of_band() const;
  // Writes what is kept in memory for a while (keys' last use, queued refusals, usage where its interval is over).
  // Called every few seconds, and with `last` at the end: then all of it.
  base::Status FlushBackgroundWrites(bool last = false);
  Health health();

 private:
  struct Impl;
  explicit Application(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::app

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "apps/guidon/configuration.hpp"
#include "apps/guidon/dynamo_connection.hpp"
#include "guidon/api_http/more_metrics.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/store/metered_table.hpp"
#include "guidon/store/replicating_table.hpp"

namespace guidon::cli {

// The store with everything on top of it but the network: what the configuration chose, put together. Thread-safe as
// its parts are.
class Backend {
 public:
  // What it is given must use `clock`. `replica`: where a node on a shared store keeps its copy.
  Backend(std::unique_ptr<base::Clock> clock, std::unique_ptr<store::Table> table);
  Backend(std::unique_ptr<base::Clock> clock, std::unique_ptr<DynamoConnection> connection,
          std::unique_ptr<store::Table> replica);

  app::Application& application() { return *application_; }
  const store::MeteredTable& table() const { return metered_; }
  store::MeteredTable& table() { return metered_; }
  const base::Clock& clock() const { return *clock_; }
  // Other nodes may write to the store.
  bool is_shared() const { return connection_ != nullptr; }
  // Figures of the store's client; an empty function where it has none. Must not outlive the backend.
  api_http::MoreMetrics MoreMetrics() const;
  // What holds the flags: "memory", a folder, "table NAME in REGION".
  std::string StoreText(const Configuration& configuration) const;
  // From the store, or from the copy on disk where the store does not answer.
  base::Status OpenApplication(const app::ApplicationOptions& options);
  // The application was loaded from the copy on disk: everything is to be loaded once the store answers.
  bool from_copy() const { return from_copy_; }
  // Notes in the copy that what is served is what the store has. Every few seconds is enough.
  void MarkCopy();

 private:
  std::unique_ptr<base::Clock> clock_;
  std::unique_ptr<DynamoConnection> connection_;  // nullptr: the store is on this machine
  std::unique_ptr<store::Table> table_;
  const store_dynamodb::DynamoTable* dynamo_ = nullptr;   // the same, where it is one
  std::unique_ptr<store::Table> replica_;                 // nullptr: the store is on this machine
  std::unique_ptr<store::ReplicatingTable> replicating_;  // likewise
  store::MeteredTable metered_;
  bool from_copy_ = false;
  std::unique_ptr<app::Application> application_;
};

// What to do when the file with the key hash secret is not there.
enum class MissingSecret {
  kRefuseWithKeys,  // make one, unless API keys exist: a new secret would end them all
  kMake,
};

// Whether a node on a shared store keeps a copy of what evaluation needs in its data folder. One process at a time.
enum class CopyOnDisk : std::uint8_t { kNone, kKept };

// Errors: kUsage, and those of the store (kUnavailable where another process has it open).
Outcome<std::unique_ptr<Backend>> OpenBackend(const Configuration& configuration, MissingSecret missing,
                                              CopyOnDisk copy = CopyOnDisk::kNone);

// Whether an admin key is there that is neither expired nor revoked.
bool HasAdminKey(app::Application& application);

// Who does what this program does by itself.
app::RequestInfo SystemRequest();

}  // namespace guidon::cli

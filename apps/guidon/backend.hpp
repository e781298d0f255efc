// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "apps/guidon/configuration.hpp"
#include "apps/guidon/dynamo_connection.hpp"
#include "guidon/app/application.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/store/metered_table.hpp"

namespace guidon::cli {

// The store with everything on top of it but the network: what the configuration chose, put together. Thread-safe as
// its parts are.
class Backend {
 public:
  // The table must use `clock`, and may use `connection`.
  Backend(std::unique_ptr<base::Clock> clock, std::unique_ptr<DynamoConnection> connection,
          std::unique_ptr<store::Table> table);

  app::Application& application() { return *application_; }
  const store::MeteredTable& table() const { return metered_; }
  store::MeteredTable& table() { return metered_; }
  const base::Clock& clock() const { return *clock_; }
  // What holds the flags: "memory", a folder, "table NAME in REGION".
  std::string StoreText(const Configuration& configuration) const;
  base::Status OpenApplication(app::ApplicationOptions options);

 private:
  std::unique_ptr<base::Clock> clock_;
  std::unique_ptr<DynamoConnection> connection_;  // nullptr: the store is on this machine
  std::unique_ptr<store::Table> table_;
  store::MeteredTable metered_;
  std::unique_ptr<app::Application> application_;
};

// What to do when the file with the key hash secret is not there.
enum class MissingSecret {
  kRefuseWithKeys,  // make one, unless API keys exist: a new secret would end them all
  kMake,
};

// Errors: kUsage, and those of the store (kUnavailable where another process has it open).
Outcome<std::unique_ptr<Backend>> OpenBackend(const Configuration& configuration, MissingSecret missing);

// Whether an admin key is there that is neither expired nor revoked.
bool HasAdminKey(app::Application& application);

// Who does what this program does by itself.
app::RequestInfo SystemRequest();

}  // namespace guidon::cli

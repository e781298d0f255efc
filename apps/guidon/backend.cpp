// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/backend.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/guidon/secret_file.hpp"
#include "guidon/api_http/wire.hpp"
#include "guidon/base/random.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store_memory/memory_table.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"

namespace guidon::cli {
namespace {

// The machine's name for people; what follows keeps several processes of one machine apart, and one from its successor.
std::string NodeName() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return std::string(host.data()) + "-" + base::RandomId().substr(0, 6);
}

Outcome<void> MakeFolder(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  std::filesystem::create_directories(folder, error);
  // Nobody but the owner: it holds the key hash secret and all flags.
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (!error) return {};
  return Refuse({.exit = ExitCode::kUnavailable,
                 .what = fmt::format("The data folder {} cannot be made", folder.string()),
                 .why = error.message(),
                 .next = "make it, with write access for this user, or name another with --data",
                 .field = "data"});
}

// A table that is not on DynamoDB.
Outcome<std::unique_ptr<store::Table>> OpenTable(const Configuration& configuration, const base::Clock& clock) {
  if (configuration.store == StoreKind::kMemory)
    return std::unique_ptr<store::Table>(std::make_unique<store_memory::MemoryTable>(clock));
  GUIDON_TRY(MakeFolder(configuration.data));
  store_rocksdb::RocksOptions options;
  options.path = configuration.StorePath().string();
  options.clock = &clock;
  GUIDON_ASSIGN(std::unique_ptr<store::Table> table,
                Lift(store_rocksdb::RocksTable::Open(options),
                     fmt::format("The embedded store in {} cannot be opened", configuration.data.string())));
  return table;
}

Outcome<std::string> FindSecret(const Configuration& configuration, store::Table& table, MissingSecret missing) {
  if (!configuration.key_hash_secret.empty()) return configuration.key_hash_secret;
  const auto& file = configuration.key_hash_secret_file;
  if (std::filesystem::exists(file) || !configuration.key_hash_secret_file_is_ours) return ReadSecretFile(file);
  // Nothing in memory outlives the process, so a secret need not either.
  if (configuration.store == StoreKind::kMemory) return NewSecret();
  if (missing == MissingSecret::kRefuseWithKeys) {
    GUIDON_ASSIGN(const auto keys,
                  Lift(store::Repository(table).ListApiKeys({.limit = 1}), "Cannot read the API keys"));
    if (!keys.items.empty())
      return Refuse(
          {.exit = ExitCode::kFailure,
           .what = fmt::format("The key hash secret {} is missing", file.string()),
           .why = "the store holds API keys, which can only be checked with it",
           .next = configuration.store == StoreKind::kDynamoDb
                       ? "give every node of the table the same secret: GUIDON_KEY_HASH_SECRET, or a copy of the "
                         "first node's file as --key-hash-secret-file"
                       : "restore the file from your backup; to give all keys up and start over: "
                         "guidon key bootstrap --force"});
  }
  GUIDON_TRY(MakeFolder(configuration.data));
  return MakeSecretFile(file);
}

}  // namespace

Backend::Backend(std::unique_ptr<base::Clock> clock, std::unique_ptr<DynamoConnection> connection,
                 std::unique_ptr<store::Table> table)
    : clock_(std::move(clock)), connection_(std::move(connection)), table_(std::move(table)), metered_(*table_) {}

std::string Backend::StoreText(const Configuration& configuration) const {
  if (connection_ != nullptr) return connection_->Describe();
  return configuration.store == StoreKind::kMemory ? "memory" : configuration.data.string();
}

base::Status Backend::OpenApplication(app::ApplicationOptions options) {
  GUIDON_ASSIGN(application_, app::Application::Open(metered_, *clock_, std::move(options)));
  return {};
}

Outcome<std::unique_ptr<Backend>> OpenBackend(const Configuration& configuration, MissingSecret missing) {
  auto clock = std::make_unique<base::SystemClock>();
  std::unique_ptr<DynamoConnection> connection;
  std::unique_ptr<store::Table> table;
  if (configuration.store == StoreKind::kDynamoDb) {
    GUIDON_ASSIGN(connection, DynamoConnection::Open(configuration.dynamo, *clock));
    table = connection->MakeTable();
  } else {
    GUIDON_ASSIGN(table, OpenTable(configuration, *clock));
  }
  // The store is opened first: its lock keeps a second process from making another secret.
  GUIDON_ASSIGN(std::string secret, FindSecret(configuration, *table, missing));
  auto backend = std::make_unique<Backend>(std::move(clock), std::move(connection), std::move(table));
  GUIDON_TRY(Lift(backend->OpenApplication({.environments = configuration.environments,
                                            .default_environment = configuration.default_environment,
                                            .key_hash_secret = std::move(secret),
                                            .node = NodeName(),
                                            .compile = api_http::WireAnnotations()}),
                  "The flags cannot be loaded from the store"));
  return backend;
}

bool HasAdminKey(app::Application& application) {
  const base::Timestamp now = application.clock().Now();
  const auto ring = application.keys().ring().Get();
  return std::ranges::any_of(ring->keys(), [&](const auto& entry) {
    const model::ApiKeyFields& key = *entry.second;
    return key.kind == model::KeyKind::kAdmin && !key.revoked_at && (!key.expires_at || *key.expires_at > now);
  });
}

app::RequestInfo SystemRequest() {
  return {.principal = {.kind = app::PrincipalKind::kLocal, .id = "system"},
          .request_id = base::RandomId(),
          .user_agent = "guidon/" GUIDON_VERSION};
}

}  // namespace guidon::cli

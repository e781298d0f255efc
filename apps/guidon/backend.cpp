// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/backend.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "apps/guidon/data_folder.hpp"
#include "apps/guidon/dynamo_metrics.hpp"
#include "apps/guidon/secret_file.hpp"
#include "guidon/api_http/wire.hpp"
#include "guidon/base/log.hpp"
#include "guidon/base/random.hpp"
#include "guidon/base/time.hpp"
#include "guidon/store/repositories.hpp"
#include "guidon/store_memory/memory_table.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"
#include "guidon/upkeep/transfer_state.hpp"

namespace guidon::cli {
namespace {

// The machine's name for people; what follows keeps several processes of one machine apart, and one from its successor.
std::string NodeName() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
  return std::string(host.data()) + "-" + base::RandomId().substr(0, 6);
}

// A table that is not on DynamoDB.
Outcome<std::unique_ptr<store::Table>> OpenTable(const Configuration& configuration, const base::Clock& clock) {
  if (configuration.store == StoreKind::kMemory)
    return std::unique_ptr<store::Table>(std::make_unique<store_memory::MemoryTable>(clock));
  GUIDON_TRY(MakeDataFolder(configuration.data));
  store_rocksdb::RocksOptions options;
  options.path = configuration.StorePath().string();
  options.clock = &clock;
  GUIDON_ASSIGN(std::unique_ptr<store::Table> table,
                Lift(store_rocksdb::RocksTable::Open(options),
                     fmt::format("The embedded store in {} cannot be opened", configuration.data.string())));
  return table;
}

// Nobody waits for the disk: a copy that a power cut took back is an older copy. nullptr where there can be none: a
// node that has to do without starts all the same.
std::unique_ptr<store::Table> OpenCopy(const Configuration& configuration, const base::Clock& clock) {
  constexpr std::size_t kBufferBytes = 2UL * 1024 * 1024;  // it is read once, at a start
  if (!MakeDataFolder(configuration.data)) return nullptr;
  auto table = store_rocksdb::RocksTable::Open({.path = configuration.CopyPath().string(),
                                                .clock = &clock,
                                                .sync = false,
                                                .block_cache_bytes = kBufferBytes,
                                                .write_buffer_bytes = kBufferBytes});
  if (table) return *std::move(table);
  base::Log(base::LogLevel::kWarn,
            "This node keeps no copy of the flags on disk, so it cannot start while the store is down. A copy that is "
            "damaged can be deleted.",
            {{"folder", configuration.CopyPath().string()}, {"error", std::string_view(table.error().message)}});
  return nullptr;
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
  GUIDON_TRY(MakeDataFolder(configuration.data));
  return MakeSecretFile(file);
}

// Half a store looks like one with fewer flags. A store that does not answer says nothing of this: whoever needs it
// finds out next.
Outcome<void> RefuseHalfAStore(store::Table& table) {
  const auto state = upkeep::LoadState(table);
  if (!state || !*state) return {};
  return Refuse({.exit = ExitCode::kConflict,
                 .what = "The store is not whole",
                 .why = fmt::format("a {} into it from {} has begun and not ended", (*state)->kind, (*state)->source),
                 .next = "give the same `guidon store` command again, which goes on where it stopped"});
}

}  // namespace

Backend::Backend(std::unique_ptr<base::Clock> clock, std::unique_ptr<store::Table> table)
    : clock_(std::move(clock)), table_(std::move(table)), metered_(*table_) {}

Backend::Backend(std::unique_ptr<base::Clock> clock, std::unique_ptr<DynamoConnection> connection,
                 std::unique_ptr<store::Table> replica)
    : clock_(std::move(clock)),
      connection_(std::move(connection)),
      table_(connection_->MakeTable()),
      dynamo_(static_cast<const store_dynamodb::DynamoTable*>(table_.get())),
      replica_(std::move(replica)),
      replicating_(replica_ != nullptr ? std::make_unique<store::ReplicatingTable>(*table_, *replica_) : nullptr),
      metered_(replicating_ != nullptr ? static_cast<store::Table&>(*replicating_) : *table_) {}

api_http::MoreMetrics Backend::MoreMetrics() const {
  if (dynamo_ == nullptr) return {};
  return [this] { return DynamoMetrics(connection_->client().figures(), dynamo_->figures()); };
}

std::string Backend::StoreText(const Configuration& configuration) const {
  if (connection_ != nullptr) return connection_->Describe();
  return configuration.store == StoreKind::kMemory ? "memory" : configuration.data.string();
}

base::Status Backend::OpenApplication(const app::ApplicationOptions& options) {
  auto opened = app::Application::Open(metered_, *clock_, options);
  if (!opened && replicating_ != nullptr && opened.error().code == base::ErrorCode::kUnavailable) {
    GUIDON_ASSIGN(const auto marked, replicating_->MarkedAt());
    if (!marked) return std::unexpected(std::move(opened).error());
    base::Log(base::LogLevel::kWarn, "The store does not answer: starting from the copy on disk.",
              {{"error", std::string_view(opened.error().message)}, {"copyOf", base::FormatTimestamp(*marked)}});
    replicating_->ServeFromCopy(true);
    opened = app::Application::Open(metered_, *clock_, options);
    replicating_->ServeFromCopy(false);
    if (opened) {
      from_copy_ = true;
      (*opened)->contact().Heard(*marked);
      for (const auto& environment : options.environments) (*opened)->snapshots().Confirm(environment.str(), *marked);
    }
  }
  GUIDON_ASSIGN(application_, std::move(opened));
  if (!from_copy_) MarkCopy();
  return {};
}

void Backend::MarkCopy() {
  if (replicating_ != nullptr) (void)replicating_->Mark(application_->contact().heard_at());
}

Outcome<std::unique_ptr<Backend>> OpenBackend(const Configuration& configuration, MissingSecret missing,
                                              CopyOnDisk copy) {
  auto clock = std::make_unique<base::SystemClock>();
  std::unique_ptr<Backend> backend;
  if (configuration.store == StoreKind::kDynamoDb) {
    GUIDON_ASSIGN(auto connection, DynamoConnection::Open(configuration.dynamo, *clock));
    auto replica = copy == CopyOnDisk::kKept ? OpenCopy(configuration, *clock) : nullptr;
    backend = std::make_unique<Backend>(std::move(clock), std::move(connection), std::move(replica));
  } else {
    GUIDON_ASSIGN(auto table, OpenTable(configuration, *clock));
    backend = std::make_unique<Backend>(std::move(clock), std::move(table));
  }
  GUIDON_TRY(RefuseHalfAStore(backend->table()));
  // The store is opened first: its lock keeps a second process from making another secret.
  GUIDON_ASSIGN(std::string secret, FindSecret(configuration, backend->table(), missing));
  GUIDON_TRY(Lift(backend->OpenApplication({.environments = configuration.environments,
                                            .default_environment = configuration.default_environment,
                                            .key_hash_secret = std::move(secret),
                                            .node = configuration.node_id.empty() ? NodeName() : configuration.node_id,
                                            .compile = api_http::WireAnnotations(),
                                            .usage_interval = configuration.usage_interval}),
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

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "apps/guidon/failure.hpp"
#include "apps/guidon/settings.hpp"
#include "guidon/api_http/server.hpp"
#include "guidon/app/evaluation_sampler.hpp"
#include "guidon/base/log.hpp"
#include "guidon/model/ids.hpp"

namespace guidon::cli {

enum class StoreKind : std::uint8_t { kMemory, kRocksDb, kDynamoDb };
enum class LogFormat : std::uint8_t { kConsole, kJson };

// Where the DynamoDB table is.
struct DynamoConfiguration {
  std::string table;
  std::string region;            // "" = what AWS programs are configured for
  std::string region_otherwise;  // where nothing says one
  std::string endpoint;          // "" = likewise
};

// flagd's gRPC interfaces.
struct FlagdConfiguration {
  bool enabled = false;
  std::uint16_t port = 0;
  std::uint16_t sync_port = 0;
  std::string socket;           // "" = none
  std::string tls_certificate;  // the text of the files; both or neither
  std::string tls_key;
};

// What the settings mean, checked together.
struct Configuration {
  std::string profile;
  StoreKind store = StoreKind::kRocksDb;
  std::filesystem::path data;
  DynamoConfiguration dynamo;
  std::string address;  // of the interface to listen on, without port
  std::uint16_t port = 0;
  bool loopback = false;
  std::string node_id;  // "" = the host's name and something random
  std::vector<model::Environment> environments;
  std::string default_environment;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_origins;
  bool demo = false;
  std::string key_hash_secret;                 // "" = from the file
  std::filesystem::path key_hash_secret_file;  // always set
  bool key_hash_secret_file_is_ours = false;   // not configured: made at the first start
  base::LogLevel log_level = base::LogLevel::kInfo;
  LogFormat log_format = LogFormat::kConsole;
  unsigned io_threads = 0;
  unsigned worker_threads = 0;
  std::chrono::seconds cache_ttl{};
  std::chrono::milliseconds poll_interval{};
  std::chrono::seconds usage_interval{};
  app::SampleRates usage_log;
  std::chrono::seconds shutdown_grace{};
  api_http::ServerLimits limits;
  FlagdConfiguration flagd;

  // Requests without a key are the local administrator's (spec 4, "Keys").
  bool KeylessAllowed() const { return profile == "local" && loopback; }
  std::filesystem::path StorePath() const { return data / "store"; }
  std::filesystem::path CopyPath() const { return data / "copy"; }
};

// Errors: kUsage naming the setting and its source.
Outcome<DynamoConfiguration> InterpretDynamo(const Settings& settings);
Outcome<Configuration> Interpret(const Settings& settings);

base::LogLevel LogLevelOf(std::string_view name);

}  // namespace guidon::cli

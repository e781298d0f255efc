// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/configuration.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fstream>
#include <iterator>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace guidon::cli {
namespace {

// HMAC-SHA-256 keys below its output's length weaken it.
constexpr std::size_t kKeyHashSecretBytesMin = 32;
// Spec 5, "Profiles".
constexpr std::string_view kRegionOtherwise = "ap-northeast-1";

std::unexpected<Failure> BadSetting(const Setting& setting, std::string why, std::string next = {}) {
  return Refuse({.exit = ExitCode::kUsage,
                 .what = fmt::format("Setting '{}' is '{}' ({})", setting.spec->key, setting.Shown(), setting.Where()),
                 .why = std::move(why),
                 .next = std::move(next),
                 .field = std::string(setting.spec->key)});
}

bool IsLoopbackAddress(const std::string& address) {
  in_addr four = {};
  if (inet_pton(AF_INET, address.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24U) == 127;
  return address == "::1";
}

bool IsAddress(const std::string& address) {
  in_addr four = {};
  in6_addr six = {};
  return inet_pton(AF_INET, address.c_str(), &four) == 1 || inet_pton(AF_INET6, address.c_str(), &six) == 1;
}

Outcome<void> ReadListen(const Setting& setting, Configuration& configuration) {
  const std::string& text = setting.value;
  const std::size_t colon = text.rfind(':');
  std::string host = colon == std::string::npos ? "" : text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  const std::string port_text = colon == std::string::npos ? "" : text.substr(colon + 1);
  std::uint16_t port = 0;
  const char* end = port_text.data() + port_text.size();
  const auto [at, error] = std::from_chars(port_text.data(), end, port);
  if (error != std::errc{} || at != end || !IsAddress(host))
    return BadSetting(setting, "must be ADDRESS:PORT, such as 127.0.0.1:3001, 0.0.0.0:3001 or [::1]:3001");
  configuration.address = host;
  configuration.port = port;
  configuration.loopback = IsLoopbackAddress(host);
  return {};
}

StoreKind StoreOf(std::string_view name) {
  if (name == "memory") return StoreKind::kMemory;
  return name == "dynamodb" ? StoreKind::kDynamoDb : StoreKind::kRocksDb;
}

// DynamoDB's rule for names of tables.
bool IsTableName(std::string_view name) {
  return name.size() >= 3 && name.size() <= 255 && std::ranges::all_of(name, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.';
         });
}

Outcome<void> ReadEnvironments(const Settings& settings, Configuration& configuration) {
  const Setting& setting = settings.Get("environments");
  for (const auto& name : settings.List("environments")) {
    auto environment = model::Environment::Parse(name);
    if (!environment) return BadSetting(setting, fmt::format("'{}' {}", name, environment.error().message));
    if (std::ranges::find(configuration.environments, *environment) != configuration.environments.end())
      return BadSetting(setting, fmt::format("'{}' is there twice", name));
    configuration.environments.push_back(*std::move(environment));
  }
  if (configuration.environments.empty()) return BadSetting(setting, "at least one environment is needed");
  const Setting& chosen = settings.Get("default_environment");
  configuration.default_environment = chosen.value.empty() ? configuration.environments.front().str() : chosen.value;
  if (std::ranges::find(configuration.environments, configuration.default_environment, &model::Environment::str) ==
      configuration.environments.end())
    return BadSetting(chosen, fmt::format("must be one of the environments: {}", setting.value));
  return {};
}

// As browsers write it: scheme, host in lower case and port, nothing after it.
bool IsOrigin(std::string_view text) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!text.starts_with(scheme)) continue;
    text.remove_prefix(scheme.size());
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
      return std::isdigit(c) != 0 || std::islower(c) != 0 || std::string_view(".-:[]").contains(static_cast<char>(c));
    });
  }
  return false;
}

Outcome<void> ReadOrigins(const Settings& settings, Configuration& configuration) {
  configuration.allowed_origins = settings.List("allowed_origins");
  const auto wrong = std::ranges::find_if_not(configuration.allowed_origins, IsOrigin);
  if (wrong == configuration.allowed_origins.end()) return {};
  return BadSetting(settings.Get("allowed_origins"),
                    fmt::format("'{}' is no origin, such as https://app.example.com or http://localhost:5173", *wrong));
}

// As long as a tenant's id, of the same characters: it is part of a key of the table.
Outcome<void> ReadNodeId(const Setting& setting, Configuration& configuration) {
  if (!setting.value.empty() && !model::TenantId::Parse(setting.value))
    return BadSetting(setting, "must have 1 to 64 letters, digits, '.', '_' and '-', the first a letter or digit");
  configuration.node_id = setting.value;
  return {};
}

Outcome<void> ReadSecret(const Settings& settings, Configuration& configuration) {
  const Setting& secret = settings.Get("key_hash_secret");
  const Setting& file = settings.Get("key_hash_secret_file");
  if (!secret.value.empty() && !file.value.empty())
    return UsageError("Both key_hash_secret and key_hash_secret_file are set", "set one of them");
  if (!secret.value.empty() && secret.value.size() < kKeyHashSecretBytesMin)
    return BadSetting(secret, fmt::format("must have at least {} characters", kKeyHashSecretBytesMin));
  configuration.key_hash_secret = secret.value;
  configuration.key_hash_secret_file_is_ours = file.value.empty();
  configuration.key_hash_secret_file =
      file.value.empty() ? configuration.data / "key-hash-secret" : std::filesystem::path(file.value);
  return {};
}

api_http::ServerLimits ReadLimits(const Settings& settings) {
  const auto size = [&](std::string_view key) { return static_cast<std::size_t>(settings.Number(key)); };
  const auto time = [&](std::string_view key) { return std::chrono::seconds(settings.Number(key)); };
  return {.connections_max = size("limits.connections"),
          .streams_max = size("limits.streams"),
          .requests_per_connection_max = size("limits.requests_per_connection"),
          .header_bytes_max = size("limits.header_bytes"),
          .body_bytes_max = size("limits.body_bytes"),
          .evaluate_body_bytes_max = size("limits.evaluate_body_bytes"),
          .worker_queue_max = size("limits.worker_queue"),
          .idle_timeout = time("limits.idle_timeout"),
          .request_timeout = time("limits.request_timeout"),
          .write_timeout = time("limits.write_timeout")};
}

}  // namespace

base::LogLevel LogLevelOf(std::string_view name) {
  if (name == "debug") return base::LogLevel::kDebug;
  if (name == "warn") return base::LogLevel::kWarn;
  if (name == "error") return base::LogLevel::kError;
  return base::LogLevel::kInfo;
}

Outcome<DynamoConfiguration> InterpretDynamo(const Settings& settings) {
  const Setting& table = settings.Get("table");
  if (!IsTableName(table.value))
    return BadSetting(table, "must have 3 to 255 characters of a-z, A-Z, 0-9, '_', '-' and '.'");
  return DynamoConfiguration{.table = table.value,
                             .region = settings.Text("region"),
                             .region_otherwise = std::string(kRegionOtherwise),
                             .endpoint = settings.Text("dynamodb_endpoint")};
}

// The file that the setting names; "" where it names none.
Outcome<std::string> ReadNamedFile(const Setting& setting) {
  if (setting.value.empty()) return std::string();
  std::ifstream file(setting.value, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || text.empty()) return BadSetting(setting, "names a file that cannot be read or is empty");
  return text;
}

Outcome<FlagdConfiguration> InterpretFlagd(const Settings& settings) {
  FlagdConfiguration flagd{.enabled = settings.Switch("flagd.enabled"),
                           .port = static_cast<std::uint16_t>(settings.Number("flagd.port")),
                           .sync_port = static_cast<std::uint16_t>(settings.Number("flagd.sync_port")),
                           .socket = settings.Text("flagd.socket"),
                           .tls_certificate = {},
                           .tls_key = {}};
  if (!flagd.enabled) return flagd;
  GUIDON_ASSIGN(flagd.tls_certificate, ReadNamedFile(settings.Get("flagd.tls_certificate")));
  GUIDON_ASSIGN(flagd.tls_key, ReadNamedFile(settings.Get("flagd.tls_key")));
  if (flagd.tls_certificate.empty() != flagd.tls_key.empty())
    return BadSetting(settings.Get(flagd.tls_key.empty() ? "flagd.tls_key" : "flagd.tls_certificate"),
                      "is needed as well: TLS takes a certificate and its key");
  return flagd;
}

Outcome<app::SampleRates> ReadUsageLog(const Settings& settings, const std::vector<model::Environment>& environments) {
  const std::vector<std::string> entries = settings.List("usage.log");
  auto rates = app::SampleRates::Parse(entries);
  if (!rates) return BadSetting(settings.Get("usage.log"), rates.error().message);
  for (const std::string& entry : entries) {
    const std::size_t slash = entry.find('/');
    if (slash == std::string::npos) continue;
    const std::string_view name = std::string_view(entry).substr(0, slash);
    if (std::ranges::none_of(environments, [&](const auto& env) { return env.str() == name; }))
      return BadSetting(settings.Get("usage.log"), "'" + entry + "': there is no such environment");
  }
  return *std::move(rates);
}

Outcome<Configuration> Interpret(const Settings& settings) {
  Configuration configuration;
  configuration.profile = settings.Text("profile");
  configuration.data = settings.Text("data");
  if (configuration.data.empty()) return BadSetting(settings.Get("data"), "must name a folder");
  configuration.store = StoreOf(settings.Text("store"));
  GUIDON_ASSIGN(configuration.dynamo, InterpretDynamo(settings));
  GUIDON_TRY(ReadListen(settings.Get("listen"), configuration));
  GUIDON_TRY(ReadNodeId(settings.Get("node_id"), configuration));
  GUIDON_TRY(ReadEnvironments(settings, configuration));
  GUIDON_TRY(ReadSecret(settings, configuration));
  configuration.allowed_hosts = settings.List("allowed_hosts");
  GUIDON_TRY(ReadOrigins(settings, configuration));
  configuration.demo = settings.Switch("demo");
  configuration.log_level = LogLevelOf(settings.Text("log.level"));
  configuration.log_format = settings.Text("log.format") == "json" ? LogFormat::kJson : LogFormat::kConsole;
  configuration.io_threads = static_cast<unsigned>(settings.Number("threads.io"));
  configuration.worker_threads = static_cast<unsigned>(settings.Number("threads.worker"));
  configuration.cache_ttl = std::chrono::seconds(settings.Number("cache.ttl"));
  configuration.usage_interval = std::chrono::seconds(settings.Number("usage.interval"));
  GUIDON_ASSIGN(configuration.usage_log, ReadUsageLog(settings, configuration.environments));
  configuration.poll_interval = std::chrono::milliseconds(settings.Number("changes.poll_interval"));
  configuration.shutdown_grace = std::chrono::seconds(settings.Number("shutdown.grace"));
  configuration.limits = ReadLimits(settings);
  GUIDON_ASSIGN(configuration.flagd, InterpretFlagd(settings));
  return configuration;
}

}  // namespace guidon::cli

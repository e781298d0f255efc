// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/settings.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>
#include <toml++/toml.h>
#include <unistd.h>

#include "apps/guidon/nearest_name.hpp"

namespace guidon::cli {
namespace {

constexpr std::array<std::string_view, 3> kProfiles = {"local", "dev", "prod"};
constexpr std::array<std::string_view, 3> kStores = {"memory", "rocksdb", "dynamodb"};
constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 2> kLogFormats = {"console", "json"};
constexpr std::string_view kConfigVariable = "GUIDON_CONFIG";
// A configuration file is written by a person: more is a wrong file.
constexpr std::uintmax_t kConfigFileBytesMax = 1024UL * 1024;

constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kDaySeconds = 86'400;

// Variables of the commands (client side), of the build and of the tests.
constexpr std::array<std::string_view, 5> kClientVariables = {"GUIDON_URL", "GUIDON_API_KEY", "GUIDON_ENVIRONMENT",
                                                              "GUIDON_TIMEOUT", "GUIDON_OUTPUT"};
constexpr std::array<std::string_view, 4> kForeignVariables = {"GUIDON_BINARY", "GUIDON_JOBS", "GUIDON_SKIP_INSTALL",
                                                               "GUIDON_FUZZ_SECONDS"};
constexpr std::array<std::string_view, 3> kForeignPrefixes = {"GUIDON_TEST_", "GUIDON_BENCH_", "GUIDON_BUILD_"};

constexpr SettingSpec Same(std::string_view key, SettingKind kind, std::string_view group, std::string_view help,
                           std::string_view value) {
  return {.key = key, .kind = kind, .group = group, .help = help, .local = value, .dev = value, .prod = value};
}
constexpr SettingSpec Ranged(SettingSpec spec, std::int64_t min, std::int64_t max) {
  spec.min = min;
  spec.max = max;
  return spec;
}
constexpr SettingSpec Reloadable(SettingSpec spec) {
  spec.reloadable = true;
  return spec;
}
constexpr SettingSpec ByProfile(SettingSpec spec, std::string_view local, std::string_view dev, std::string_view prod) {
  spec.local = local;
  spec.dev = dev;
  spec.prod = prod;
  return spec;
}
constexpr SettingSpec OneOf(SettingSpec spec, std::span<const std::string_view> choices) {
  spec.choices = choices;
  return spec;
}

constexpr std::int64_t kPortMax = 65'535;
constexpr std::string_view kMain = "Server";
constexpr std::string_view kDynamo = "DynamoDB";
constexpr std::string_view kFlagd = "flagd interfaces";
constexpr std::string_view kKeys = "Keys";
constexpr std::string_view kLog = "Log";
constexpr std::string_view kThreads = "Threads and intervals";
constexpr std::string_view kLimits = "Limits";

using enum SettingKind;

constexpr std::array kSettings = {
    OneOf(Same("profile", kChoice, kMain, "Set of defaults: local needs no key on the loopback address", "local"),
          kProfiles),
    OneOf(ByProfile(Same("store", kChoice, kMain, "Where flags are kept; memory forgets everything at the end", ""),
                    "rocksdb", "dynamodb", "dynamodb"),
          kStores),
    ByProfile(Same("data", kText, kMain, "Folder of the embedded store and of the key hash secret", ""), "data/local",
              "data/dev", "data/prod"),
    Same("listen", kAddress, kMain, "Address and port of UI and API; port 0 takes any free one", "127.0.0.1:3001"),
    Same(
        "node_id", kText, kMain,
        "What other nodes and operators call this one, different for each; empty: the host's name and something random",
        ""),
    Same("environments", kList, kMain, "Flag environments", "development,staging,production"),
    Same("default_environment", kText, kMain,
         "Environment of an OFREP request that names none (local profile); empty: the first one", ""),
    Same("allowed_hosts", kList, kMain, "Host names that requests may carry besides the loopback ones (local profile)",
         ""),
    Same("allowed_origins", kList, kMain,
         "Origins (https://app.example.com) whose pages may evaluate from a browser (CORS); no management", ""),
    ByProfile(Same("demo", kSwitch, kMain, "Write demo data when the store is empty", ""), "true", "false", "false"),
    ByProfile(Same("table", kText, kDynamo, "Name of the table", ""), "feature-flags-local", "feature-flags-dev",
              "feature-flags-prod"),
    Same("region", kText, kDynamo,
         "AWS region; empty: AWS_REGION, AWS_DEFAULT_REGION or the AWS profile's, else ap-northeast-1", ""),
    Same("dynamodb_endpoint", kText, kDynamo,
         "URL of DynamoDB, such as an emulator's; empty: AWS_ENDPOINT_URL_DYNAMODB, AWS_ENDPOINT_URL or the AWS "
         "profile's, else the region's own",
         ""),
    Same("flagd.enabled", kSwitch, kFlagd, "Serve flagd's gRPC interfaces as well, at the same address", "false"),
    Ranged(Same("flagd.port", kCount, kFlagd, "Port of flagd.evaluation; 0 takes any free one", "8013"), 0, kPortMax),
    Ranged(Same("flagd.sync_port", kCount, kFlagd, "Port of flagd.sync; 0 takes any free one", "8015"), 0, kPortMax),
    Same("flagd.socket", kText, kFlagd, "Path of a Unix socket that serves both; empty: none", ""),
    Same("flagd.tls_certificate", kText, kFlagd, "File with the certificate chain (PEM); empty: plain text", ""),
    Same("flagd.tls_key", kText, kFlagd, "File with the certificate's key (PEM)", ""),
    Same("key_hash_secret", kSecret, kKeys,
         "Secret under which API keys are stored as hashes, at least 32 characters; the same on all nodes of a table",
         ""),
    Same("key_hash_secret_file", kText, kKeys,
         "File that holds the key hash secret; empty: key-hash-secret in the data folder, made at the first start", ""),
    Reloadable(OneOf(Same("log.level", kChoice, kLog, "Least level that is logged", "info"), kLogLevels)),
    OneOf(ByProfile(Same("log.format", kChoice, kLog, "Log lines for people, or one JSON object a line", ""), "console",
                    "json", "json"),
          kLogFormats),
    Ranged(Same("threads.io", kCount, kThreads, "Threads that serve connections; 0: one for each core from 3 cores on",
                "0"),
           0, 256),
    Ranged(Same("threads.worker", kCount, kThreads, "Threads that wait for the store", "32"), 1, 1024),
    Reloadable(Ranged(
        Same("changes.poll_interval", kInterval, kThreads,
             "Interval of looking at what other nodes changed (DynamoDB); a look costs half a read unit", "500ms"),
        50, 60'000)),
    Reloadable(Ranged(ByProfile(Same("cache.ttl", kDuration, kThreads,
                                     "Interval of the full resync that finds edits made behind our back", ""),
                                "60s", "300s", "600s"),
                      1, kDaySeconds)),
    Reloadable(Ranged(ByProfile(Same("usage.interval", kDuration, kThreads,
                                     "Interval of writing how often flags were evaluated; 0: it is not counted", ""),
                                "60s", "5m", "5m"),
                      0, 3600)),
    Reloadable(
        Same("usage.log", kList, kThreads,
             "Evaluations to write one by one, a share of each flag's: FLAG=RATE or ENVIRONMENT/FLAG=RATE, such as "
             "checkout=0.01",
             "")),
    Reloadable(Ranged(
        Same("shutdown.grace", kDuration, kThreads, "How long open requests may take after SIGTERM", "10s"), 0, 3600)),
    Ranged(Same("limits.connections", kCount, kLimits, "Connections at a time; more are answered 503", "10000"), 1,
           1'000'000),
    Ranged(Same("limits.streams", kCount, kLimits, "Event streams at a time, besides; more are answered 503", "10000"),
           1, 1'000'000),
    Ranged(Same("limits.requests_per_connection", kCount, kLimits, "Requests before a connection is closed", "1000000"),
           1, 1'000'000'000),
    Ranged(Same("limits.header_bytes", kBytes, kLimits, "Size of a request's headers (431)", "16KiB"), kKiB, kMiB),
    Ranged(Same("limits.body_bytes", kBytes, kLimits, "Size of a management request's body (413)", "1MiB"), kKiB,
           64 * kMiB),
    Ranged(Same("limits.evaluate_body_bytes", kBytes, kLimits, "Size of an evaluation request's body (413)", "64KiB"),
           kKiB, kMiB),
    Ranged(Same("limits.worker_queue", kCount, kLimits, "Requests that wait for a worker thread (503)", "1000"), 1,
           1'000'000),
    Ranged(Same("limits.idle_timeout", kDuration, kLimits, "Time between two requests of a connection", "75s"), 1,
           3600),
    Ranged(Same("limits.request_timeout", kDuration, kLimits, "Time from a request's first byte to its last", "20s"), 1,
           3600),
    Ranged(Same("limits.write_timeout", kDuration, kLimits, "Time that a client may take to read its answer", "20s"), 1,
           3600),
};

std::string Translated(std::string_view key, char separator, bool upper) {
  std::string out;
  for (const char c : key) {
    const char plain = c == '.' || c == '_' ? separator : c;
    out += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(plain))) : plain;
  }
  return out;
}

std::optional<std::int64_t> ParseScaled(std::string_view text,
                                        std::span<const std::pair<std::string_view, std::int64_t>> units) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const auto& [name, factor] : units) {
    if (unit != name) continue;
    std::int64_t product = 0;
    if (__builtin_mul_overflow(number, factor, &product)) return std::nullopt;
    return product;
  }
  return std::nullopt;
}

std::string Join(const auto& names) { return fmt::format("{}", fmt::join(names, ", ")); }

// What a value must look like; empty where it is fine.
std::string Complaint(const SettingSpec& spec, std::string_view text) {
  switch (spec.kind) {
    case kChoice:
      return std::ranges::find(spec.choices, text) == spec.choices.end() ? "must be one of " + Join(spec.choices) : "";
    case kSwitch: return text == "true" || text == "false" ? "" : "must be true or false";
    case kCount:
    case kBytes:
    case kInterval:
    case kDuration: {
      const auto number = ParseNumber(spec, text);
      if (number && *number >= spec.min && *number <= spec.max) return "";
      const std::string_view form = spec.kind == kBytes      ? "a size such as 65536, 64KiB or 1MiB"
                                    : spec.kind == kDuration ? "a duration such as 90s, 5m or 2h"
                                    : spec.kind == kInterval ? "an interval such as 500ms or 2s"
                                                             : "a whole number";
      return fmt::format("must be {}, {} to {}{}", form, spec.min, spec.max,
                         spec.kind == kDuration   ? " seconds"
                         : spec.kind == kInterval ? " milliseconds"
                         : spec.kind == kBytes    ? " bytes"
                                                  : "");
    }
    default: return "";
  }
}

// The file's entries as text, by setting key, with the line of each.
struct FileEntry {
  std::string value;
  std::uint32_t line = 0;
};
using FileEntries = std::map<std::string, FileEntry>;

std::optional<std::string> TextOf(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* list = node.as_array()) {
    std::vector<std::string> parts;
    for (const auto& element : *list) {
      const auto* text = element.as_string();
      if (text == nullptr) return std::nullopt;
      parts.push_back(text->get());
    }
    return fmt::format("{}", fmt::join(parts, ","));
  }
  return std::nullopt;
}

Outcome<void> Flatten(const toml::table& table, const std::string& prefix, const std::string& file,
                      FileEntries& entries) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* section = node.as_table()) {
      GUIDON_TRY(Flatten(*section, key + ".", file, entries));
      continue;
    }
    const std::string where = fmt::format("{}:{}", file, node.source().begin.line);
    if (FindSetting(key) == nullptr) {
      std::vector<std::string> known;
      for (const auto& spec : kSettings) known.emplace_back(spec.key);
      const std::string near = NearestName(key, known);
      return UsageError(
          fmt::format("Unknown setting '{}' in {}", key, where),
          near.empty() ? "see all settings with `guidon config show`" : fmt::format("did you mean '{}'?", near));
    }
    const auto text = TextOf(node);
    if (!text) return UsageError(fmt::format("Setting '{}' in {} has a value of the wrong type", key, where));
    entries[key] = {.value = *text, .line = node.source().begin.line};
  }
  return {};
}

Outcome<FileEntries> ReadFile(const std::string& file) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(file, error);
  if (error) return UsageError(fmt::format("The configuration file {} cannot be read: {}", file, error.message()));
  if (bytes > kConfigFileBytesMax) return UsageError(fmt::format("The configuration file {} is over 1 MiB", file));
  FileEntries entries;
  try {
    const toml::table table = toml::parse_file(file);
    GUIDON_TRY(Flatten(table, "", file, entries));
  } catch (const toml::parse_error& problem) {
    return UsageError(fmt::format("The configuration file {}:{} cannot be read: {}", file, problem.source().begin.line,
                                  problem.description()));
  }
  return entries;
}

// Looks a setting up in the sources, strongest first.
Setting Resolve(const SettingSpec& spec, const SettingSources& sources, const FileEntries& entries,
                const std::string& file, std::string_view profile) {
  const std::string key(spec.key);
  if (const auto found = sources.flags.find(key); found != sources.flags.end())
    return {.spec = &spec, .value = found->second, .origin = Origin::kFlag, .source = FlagOf(spec)};
  const std::string variable = VariableOf(spec);
  if (const auto found = sources.environment.find(variable);
      found != sources.environment.end() && !found->second.empty())
    return {.spec = &spec, .value = found->second, .origin = Origin::kEnvironment, .source = variable};
  if (const auto found = entries.find(key); found != entries.end())
    return {.spec = &spec,
            .value = found->second.value,
            .origin = Origin::kFile,
            .source = fmt::format("{}:{}", file, found->second.line)};
  const bool differs = spec.local != spec.dev || spec.dev != spec.prod;
  return {.spec = &spec,
          .value = std::string(DefaultOf(spec, profile)),
          .origin = differs ? Origin::kProfile : Origin::kDefault,
          .source = differs ? std::string(profile) : ""};
}

Outcome<void> CheckValue(const Setting& setting) {
  const std::string complaint = Complaint(*setting.spec, setting.value);
  if (complaint.empty()) return {};
  return Refuse({.exit = ExitCode::kUsage,
                 .what = fmt::format("Setting '{}' is '{}' ({})", setting.spec->key, setting.Shown(), setting.Where()),
                 .why = complaint,
                 .field = std::string(setting.spec->key)});
}

}  // namespace

std::span<const SettingSpec> AllSettings() { return kSettings; }

const SettingSpec* FindSetting(std::string_view key) {
  const auto* found = std::ranges::find(kSettings, key, &SettingSpec::key);
  return found == kSettings.end() ? nullptr : found;
}

std::string FlagOf(const SettingSpec& spec) { return "--" + Translated(spec.key, '-', false); }
std::string VariableOf(const SettingSpec& spec) { return "GUIDON_" + Translated(spec.key, '_', true); }

std::string_view DefaultOf(const SettingSpec& spec, std::string_view profile) {
  return profile == "prod" ? spec.prod : profile == "dev" ? spec.dev : spec.local;
}

std::string_view NameOf(Origin origin) {
  switch (origin) {
    case Origin::kDefault: return "default";
    case Origin::kProfile: return "profile";
    case Origin::kFile: return "file";
    case Origin::kEnvironment: return "environment";
    case Origin::kFlag: return "flag";
  }
  return "";
}

std::string Setting::Where() const {
  return source.empty() ? std::string(NameOf(origin)) : fmt::format("{} {}", NameOf(origin), source);
}

std::string Setting::Shown() const { return spec->kind == SettingKind::kSecret && !value.empty() ? "********" : value; }

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return variables;
}

Outcome<void> CheckEnvironment(const std::map<std::string, std::string>& environment) {
  std::vector<std::string> known = {std::string(kConfigVariable)};
  for (const auto& spec : kSettings) known.push_back(VariableOf(spec));
  known.insert(known.end(), kClientVariables.begin(), kClientVariables.end());
  for (const auto& [name, value] : environment) {
    if (!name.starts_with("GUIDON_") || value.empty()) continue;
    const bool foreign = std::ranges::find(kForeignVariables, name) != kForeignVariables.end() ||
                         std::ranges::any_of(kForeignPrefixes, [&](auto prefix) { return name.starts_with(prefix); });
    if (foreign || std::ranges::find(known, name) != known.end()) continue;
    const std::string near = NearestName(name, known);
    return UsageError(fmt::format("Unknown environment variable {}", name),
                      near.empty() ? "unset it; `guidon config show` lists the variables that are read"
                                   : fmt::format("did you mean {}?", near));
  }
  return {};
}

Outcome<Settings> Settings::Load(const SettingSources& sources) {
  Settings settings;
  settings.file_ = sources.file;
  if (const auto found = sources.environment.find(std::string(kConfigVariable));
      settings.file_.empty() && found != sources.environment.end())
    settings.file_ = found->second;
  FileEntries entries;
  if (!settings.file_.empty()) {
    GUIDON_ASSIGN(entries, ReadFile(settings.file_));
  }
  const Setting profile = Resolve(kSettings[0], sources, entries, settings.file_, "local");
  GUIDON_TRY(CheckValue(profile));
  for (const auto& spec : kSettings) {
    Setting setting = Resolve(spec, sources, entries, settings.file_, profile.value);
    GUIDON_TRY(CheckValue(setting));
    settings.settings_.push_back(std::move(setting));
  }
  return settings;
}

const Setting& Settings::Get(std::string_view key) const {
  return *std::ranges::find_if(settings_, [&](const Setting& setting) { return setting.spec->key == key; });
}

std::vector<std::string> Settings::List(std::string_view key) const { return SplitList(Text(key)); }

std::int64_t Settings::Number(std::string_view key) const {
  const Setting& setting = Get(key);
  return ParseNumber(*setting.spec, setting.value).value_or(0);
}

void Settings::TakeReloadable(const Settings& fresh) {
  for (Setting& setting : settings_)
    if (setting.spec->reloadable) setting = fresh.Get(setting.spec->key);
}

bool Settings::Switch(std::string_view key) const { return Text(key) == "true"; }

std::optional<std::int64_t> ParseNumber(const SettingSpec& spec, std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 1> kPlain = {{{"", 1}}};
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 4> kSizes = {
      {{"", 1}, {"B", 1}, {"KiB", kKiB}, {"MiB", kMiB}}};
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 2> kIntervals = {{{"ms", 1}, {"s", 1000}}};
  switch (spec.kind) {
    case SettingKind::kCount: return ParseScaled(text, kPlain);
    case SettingKind::kBytes: return ParseScaled(text, kSizes);
    case SettingKind::kInterval: return ParseScaled(text, kIntervals);
    case SettingKind::kDuration: return ParseSeconds(text);
    default: return std::nullopt;
  }
}

std::optional<std::int64_t> ParseSeconds(std::string_view text) {
  static constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> kTimes = {
      {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", kDaySeconds}}};
  return ParseScaled(text, kTimes);
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    std::string_view part = text.substr(at, end - at);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) parts.emplace_back(part);
    at = end + 1;
  }
  return parts;
}

}  // namespace guidon::cli

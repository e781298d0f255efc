// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/store_target.hpp"

#include <utility>

#include <fmt/format.h>

#include "apps/guidon/data_folder.hpp"

namespace guidon::cli {
namespace {

// Each has one request under way; more of them than this find DynamoDB's own limits.
constexpr std::size_t kRemoteSegments = 4;
constexpr std::size_t kRemoteWriters = 8;
// Writers of an embedded store share one sync.
constexpr std::size_t kEmbeddedWriters = 2;

struct Spec {
  std::string_view kind;
  std::string value = {};
};

Outcome<Spec> Read(std::string_view text, const Settings& settings) {
  const std::size_t colon = text.find(':');
  Spec spec{.kind = text.substr(0, colon)};
  if (colon != std::string_view::npos) spec.value = text.substr(colon + 1);
  if (text.empty()) spec.kind = settings.Get("store").value;
  const bool known = spec.kind == "rocksdb" || spec.kind == "dynamodb";
  if (known && (colon == std::string_view::npos || !spec.value.empty())) return spec;
  if (spec.kind == "memory")
    return UsageError("A store in memory ends with its server: there is nothing to work on",
                      "name another with --store, rocksdb:DIR or dynamodb:TABLE");
  return UsageError(fmt::format("'{}' names no store", text),
                    "give rocksdb:DIR (a data folder), dynamodb:TABLE, or one of them alone for that of the settings");
}

}  // namespace

Outcome<std::unique_ptr<StoreTarget>> StoreTarget::Open(const SettingFlags& flags, std::string_view spec,
                                                        StoreUse use) {
  SettingSources sources = SourcesOf(flags);
  const std::size_t colon = spec.find(':');
  // The name goes through the settings, whose rules it keeps.
  if (spec.starts_with("dynamodb:") && colon + 1 < spec.size())
    sources.flags["table"] = std::string(spec.substr(colon + 1));
  GUIDON_ASSIGN(const Settings settings, Settings::Load(sources));
  GUIDON_ASSIGN(const Spec wanted, Read(spec, settings));
  auto target = std::unique_ptr<StoreTarget>(new StoreTarget);
  if (wanted.kind == "dynamodb") {
    GUIDON_ASSIGN(const DynamoConfiguration configuration, InterpretDynamo(settings));
    GUIDON_TRY(target->OpenDynamo(configuration, use));
  } else {
    const std::string& data = settings.Get("data").value;
    GUIDON_TRY(target->OpenRocks(wanted.value.empty() ? data : wanted.value, use));
  }
  return target;
}

Outcome<void> StoreTarget::OpenDynamo(const DynamoConfiguration& configuration, StoreUse use) {
  GUIDON_ASSIGN(connection_, DynamoConnection::Open(configuration, clock_));
  table_ = connection_->MakeTable();
  table_name_ = configuration.table;
  name_ = connection_->Describe();
  if (use == StoreUse::kInspect) return {};
  return Lift(table_->Ping(), fmt::format("The {} cannot be read", name_));
}

Outcome<void> StoreTarget::OpenRocks(const std::filesystem::path& data, StoreUse use) {
  std::error_code error;
  const std::filesystem::path path = data / "store";
  name_ = fmt::format("embedded store in {}", std::filesystem::absolute(data, error).lexically_normal().string());
  const bool must_be_there = use == StoreUse::kRead || use == StoreUse::kInspect;
  if (must_be_there && !std::filesystem::exists(path, error))
    return Refuse({.exit = ExitCode::kNotFound,
                   .what = fmt::format("There is no {}", name_),
                   .next = "name the data folder of its server, which holds the folder 'store'"});
  if (!must_be_there) GUIDON_TRY(MakeDataFolder(data));
  store_rocksdb::RocksOptions options;
  options.path = path.string();
  options.clock = &clock_;
  options.sync = use != StoreUse::kFill;
  GUIDON_ASSIGN(auto table,
                Lift(store_rocksdb::RocksTable::Open(options), fmt::format("The {} cannot be opened", name_)));
  rocks_ = table.get();
  table_ = std::move(table);
  return {};
}

std::size_t StoreTarget::SegmentsOtherwise() const { return is_embedded() ? 1 : kRemoteSegments; }

std::size_t StoreTarget::WritersOtherwise() const { return is_embedded() ? kEmbeddedWriters : kRemoteWriters; }

Outcome<void> StoreTarget::Finish() {
  if (rocks_ == nullptr) return {};
  return Lift(rocks_->Flush(), fmt::format("The {} cannot be written to the device", name_));
}

}  // namespace guidon::cli

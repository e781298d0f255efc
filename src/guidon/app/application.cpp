// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/application.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "guidon/app/segment_commit.hpp"
#include "guidon/app/snapshot_difference.hpp"
#include "guidon/base/log.hpp"
#include "guidon/base/random.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;

// Why the options cannot be used.
base::Status Check(const ApplicationOptions& options) {
  if (options.environments.empty())
    return base::Fail(ErrorCode::kInvalidArgument, "At least one environment is needed.", "environments");
  const auto is_default = [&](const auto& env) { return env.str() == options.default_environment; };
  if (std::ranges::none_of(options.environments, is_default))
    return base::Fail(ErrorCode::kInvalidArgument, "The default environment must be one of the environments.",
                      "defaultEnvironment");
  if (options.key_hash_secret.size() < kKeyHashSecretBytesMin)
    return base::Fail(ErrorCode::kInvalidArgument, "The secret for hashing keys must have at least 32 bytes.",
                      "keyHashSecret");
  return {};
}

// Keys of flags that the change log says have changed; nothing where the log no longer reaches back so far.
base::Result<std::optional<std::set<std::string>>> ChangedFlags(store::Repository& repository,
                                                                const std::string& environment, std::uint64_t after) {
  std::set<std::string> changed;
  std::uint64_t last = after;
  store::PageRequest next{.limit = store::kPageLimitMax, .cursor = {}};
  while (true) {
    GUIDON_ASSIGN(auto page, repository.ListChangesAfter(environment, after, next));
    for (const auto& record : page.items) {
      if (record.sequence != ++last) return std::nullopt;
      if (record.entity == "flag" || record.entity == "override") changed.insert(record.resource);
    }
    if (!page.next_cursor) return changed;
    next.cursor = *std::move(page.next_cursor);
  }
}

}  // namespace

struct Application::Impl {
  Impl(store::Table& store, const base::Clock& time, ApplicationOptions given)
      : table(store),
        clock(time),
        options(std::move(given)),
        repository(store),
        snapshots(options.environments, options.compile),
        committer(repository, snapshots, time),
        services{.repository = repository, .snapshots = snapshots, .committer = committer, .clock = time},
        flags(services),
        overrides(services),
        kill_switches(services),
        segments(services),
        tenants(services),
        keys(services, options.key_hash_secret),
        audit(services),
        stream_tokens(options.key_hash_secret) {}

  base::Status Load();
  base::Result<std::size_t> RefreshEnvironment(const model::Environment& environment);

  store::Table& table;
  const base::Clock& clock;
  const ApplicationOptions options;
  store::Repository repository;
  SnapshotRegistry snapshots;
  ChangeCommitter committer;
  const Services services;
  FlagService flags;
  OverrideService overrides;
  KillSwitchService kill_switches;
  SegmentService segments;
  TenantService tenants;
  KeyService keys;
  AuditService audit;
  const StreamTokens stream_tokens;
  std::mutex catch_up_mutex;  // of CatchUpTo
};

base::Status Application::Impl::Load() {
  for (const auto& environment : options.environments) GUIDON_TRY(snapshots.Reload(repository, environment, clock));
  SweepSegments(services);
  return keys.Reload();
}

base::Result<std::size_t> Application::Impl::RefreshEnvironment(const model::Environment& environment) {
  const auto* published = snapshots.Find(environment.str());
  const auto before = published->Get();
  GUIDON_TRY(snapshots.Reload(repository, environment, clock));
  const auto after = published->Get();
  GUIDON_ASSIGN(const auto changed, ChangedFlags(repository, environment.str(), before->sequence()));
  if (!changed) return 0;

  std::size_t unexplained = 0;
  for (const auto& key : DifferentFlags(*before, *after)) {
    if (changed->contains(key)) continue;
    ++unexplained;
    base::Log(base::LogLevel::kWarn, "A flag was changed in the store, past the change log.",
              {{"environment", environment.str()}, {"flagKey", key}});
  }
  if (before->sequence() == after->sequence() && !SameKillSwitches(*before, *after))
    base::Log(base::LogLevel::kWarn, "A kill switch was changed in the store, past the change log.",
              {{"environment", environment.str()}});
  return unexplained;
}

Application::Application(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Application::~Application() = default;

base::Result<std::unique_ptr<Application>> Application::Open(store::Table& table, const base::Clock& clock,
                                                             ApplicationOptions options) {
  GUIDON_TRY(Check(options));
  if (options.node.empty()) options.node = base::RandomId();
  auto impl = std::make_unique<Impl>(table, clock, std::move(options));
  GUIDON_TRY(impl->Load());
  return std::unique_ptr<Application>(new Application(std::move(impl)));
}

FlagService& Application::flags() { return impl_->flags; }
OverrideService& Application::overrides() { return impl_->overrides; }
KillSwitchService& Application::kill_switches() { return impl_->kill_switches; }
SegmentService& Application::segments() { return impl_->segments; }
TenantService& Application::tenants() { return impl_->tenants; }
KeyService& Application::keys() { return impl_->keys; }
AuditService& Application::audit() { return impl_->audit; }
SnapshotRegistry& Application::snapshots() { return impl_->snapshots; }
ChangeCommitter& Application::committer() { return impl_->committer; }
const StreamTokens& Application::stream_tokens() const { return impl_->stream_tokens; }
const std::string& Application::node() const { return impl_->options.node; }
const base::Clock& Application::clock() const { return impl_->clock; }
const ApplicationOptions& Application::options() const { return impl_->options; }

base::Result<std::size_t> Application::Refresh() {
  std::size_t differences = 0;
  for (const auto& environment : impl_->options.environments) {
    GUIDON_ASSIGN(const std::size_t found, impl_->RefreshEnvironment(environment));
    differences += found;
  }
  SweepSegments(impl_->services);
  GUIDON_TRY(impl_->keys.Reload());
  return differences;
}

base::Status Application::CatchUpTo(std::string_view environment, std::uint64_t sequence) {
  const std::lock_guard one_at_a_time(impl_->catch_up_mutex);
  const auto known = impl_->snapshots.SequenceOf(environment);
  if (!known || *known >= sequence) return {};
  GUIDON_ASSIGN(const auto parsed, model::Environment::Parse(environment));
  return impl_->snapshots.CatchUp(impl_->repository, parsed, impl_->clock);
}

base::Status Application::FlushBackgroundWrites() {
  const base::Status refusals = impl_->audit.FlushRefusals();
  const base::Status usage = impl_->keys.FlushUsage();
  return refusals ? usage : refusals;
}

Health Application::health() {
  Health health;
  const base::Status store = impl_->table.Ping();
  if (!store) health.store_error = store.error().message;
  for (const auto& environment : impl_->options.environments) {
    const auto snapshot = impl_->snapshots.Find(environment.str())->Get();
    health.environments.push_back({.environment = environment.str(),
                                   .sequence = snapshot->sequence(),
                                   .flags = snapshot->flag_count(),
                                   .problems = {snapshot->problems().begin(), snapshot->problems().end()},
                                   .loaded_at = impl_->snapshots.LoadedAt(environment.str())});
  }
  // Static stability: with every snapshot loaded, evaluation needs nothing else.
  health.ready = true;
  return health;
}

}  // namespace guidon::app

// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/application.hpp"

#include <algorithm>
#include <atomic>
#include <map>
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

// How long the index of heads may lag before the table itself is asked.
constexpr std::chrono::seconds kIndexMayLag{5};

base::Error Emptied(const model::Environment& environment, const eval::Snapshot& snapshot) {
  return {.code = ErrorCode::kUnavailable,
          .message = "The table holds nothing for environment " + environment.str() + ", where it had " +
                     std::to_string(snapshot.flag_count()) + " flags at change " + std::to_string(snapshot.sequence()) +
                     ". It looks like a new or emptied table. Evaluation goes on with the last snapshot. Restore the "
                     "table, or take what is there over with `guidon refresh`."};
}

}  // namespace

struct Application::Impl {
  Impl(store::Table& store, const base::Clock& time, ApplicationOptions given)
      : table(store),
        clock(time),
        options(std::move(given)),
        repository(store),
        snapshots(options.environments, options.compile),
        seal(options.key_hash_secret),
        committer(repository, snapshots, time, seal),
        services{.repository = repository, .snapshots = snapshots, .committer = committer, .clock = time},
        flags(services),
        overrides(services),
        kill_switches(services),
        segments(services),
        tenants(services),
        keys(services, options.key_hash_secret),
        audit(services, seal),
        usage(services, options.usage_interval),
        stream_tokens(options.key_hash_secret),
        definitions(services, [this](std::string_view environment, std::uint64_t sequence) {
          return CatchUpTo(environment, sequence);
        }) {}

  base::Status Load();
  base::Result<std::size_t> RefreshEnvironment(const model::Environment& environment, RefreshBy by);
  base::Status FollowAll();
  base::Status CatchUpTo(std::string_view environment, std::uint64_t sequence);
  base::Status FollowEnvironment(const model::Environment& environment, std::optional<std::uint64_t> head);

  store::Table& table;
  const base::Clock& clock;
  const ApplicationOptions options;
  store::Repository repository;
  SnapshotRegistry snapshots;
  const AuditSeal seal;
  ChangeCommitter committer;
  const Services services;
  FlagService flags;
  OverrideService overrides;
  KillSwitchService kill_switches;
  SegmentService segments;
  TenantService tenants;
  KeyService keys;
  AuditService audit;
  UsageService usage;
  const StreamTokens stream_tokens;
  std::mutex catch_up_mutex;  // of CatchUpTo
  StoreContact contact;
  // Made when everything is loaded: what comes later is a change.
  std::unique_ptr<Propagation> receipts;
  std::unique_ptr<PropagationService> propagation;
  std::atomic<std::uint64_t> flags_out_of_band{0};
  std::atomic<std::uint64_t> switches_out_of_band{0};
  // Since when an environment's head has been behind its snapshot; of the thread that follows.
  std::map<std::string, base::Timestamp> behind_since;
  DefinitionsKeeper definitions;
};

base::Status Application::Impl::Load() {
  const base::Timestamp began = clock.Now();
  for (const auto& environment : options.environments) GUIDON_TRY(snapshots.Reload(repository, environment, clock));
  SweepSegments(services);
  GUIDON_TRY(keys.Reload());
  contact.Heard(began);
  receipts = std::make_unique<Propagation>(snapshots, clock);
  propagation = std::make_unique<PropagationService>(services, *receipts, contact, options.node);
  return {};
}

base::Result<std::size_t> Application::Impl::RefreshEnvironment(const model::Environment& environment, RefreshBy by) {
  const auto* published = snapshots.Find(environment.str());
  const auto before = published->Get();
  if (by == RefreshBy::kItself && before->sequence() > 0 && before->flag_count() > 0) {
    GUIDON_ASSIGN(const std::uint64_t head, repository.ChangeHead(environment.str()));
    if (head == 0) return std::unexpected(Emptied(environment, *before));
  }
  GUIDON_TRY(snapshots.Reload(repository, environment, clock));
  const auto after = published->Get();
  GUIDON_ASSIGN(const auto changed, ChangedFlags(repository, environment.str(), before->sequence()));
  if (!changed) return 0;

  std::size_t unexplained = 0;
  for (const auto& key : DifferentFlags(*before, *after)) {
    if (changed->contains(key)) continue;
    ++unexplained;
    flags_out_of_band.fetch_add(1, std::memory_order_relaxed);
    base::Log(base::LogLevel::kWarn, "A flag was changed in the store, past the change log.",
              {{"environment", environment.str()}, {"flagKey", key}});
  }
  if (before->sequence() == after->sequence() && !SameKillSwitches(*before, *after)) {
    switches_out_of_band.fetch_add(1, std::memory_order_relaxed);
    base::Log(base::LogLevel::kWarn, "A kill switch was changed in the store, past the change log.",
              {{"environment", environment.str()}});
  }
  return unexplained;
}

// `head`: of the index; nothing where it says nothing.
base::Status Application::Impl::FollowEnvironment(const model::Environment& environment,
                                                  std::optional<std::uint64_t> head) {
  const base::Timestamp now = clock.Now();
  const std::uint64_t known = *snapshots.SequenceOf(environment.str());
  if (head && *head > known) {
    behind_since.erase(environment.str());
    return snapshots.CatchUp(repository, environment, clock);
  }
  if (head.value_or(0) == known) {
    behind_since.erase(environment.str());
    snapshots.Confirm(environment.str(), now);
    return {};
  }
  // The index may lag behind a change of our own. It does not for long: then the table itself is asked, now and then.
  const auto since = behind_since.try_emplace(environment.str(), now).first;
  if (now - since->second < kIndexMayLag) {
    snapshots.Confirm(environment.str(), now);
    return {};
  }
  GUIDON_ASSIGN(const std::uint64_t strong, repository.ChangeHead(environment.str()));
  since->second = now;
  if (strong >= known) return snapshots.CatchUp(repository, environment, clock);
  if (strong == 0 && snapshots.Find(environment.str())->Get()->flag_count() > 0)
    return std::unexpected(Emptied(environment, *snapshots.Find(environment.str())->Get()));
  base::Log(base::LogLevel::kWarn, "The change log went back: the table was restored or replaced. Loading everything.",
            {{"environment", environment.str()},
             {"from", static_cast<std::int64_t>(known)},
             {"to", static_cast<std::int64_t>(strong)}});
  GUIDON_TRY(snapshots.Reload(repository, environment, clock));
  behind_since.erase(environment.str());
  return {};
}

// One environment that cannot be followed does not keep the others from being.
base::Status Application::Impl::FollowAll() {
  GUIDON_ASSIGN(const auto heads, repository.ChangeHeads());
  const auto head_of = [&](std::string_view scope) {
    const auto found = heads.find(scope);
    return found == heads.end() ? std::nullopt : std::optional<std::uint64_t>(found->second);
  };
  base::Status status;
  for (const auto& environment : options.environments) {
    base::Status one = FollowEnvironment(environment, head_of(environment.str()));
    if (!one && status) status = std::move(one);
  }
  base::Status system = keys.CatchUp(head_of(store::kSystemScope).value_or(0));
  return status ? system : status;
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
UsageService& Application::usage() { return impl_->usage; }
PropagationService& Application::propagation() { return *impl_->propagation; }
Propagation& Application::receipts() { return *impl_->receipts; }
DefinitionsKeeper& Application::definitions() { return impl_->definitions; }
SnapshotRegistry& Application::snapshots() { return impl_->snapshots; }
ChangeCommitter& Application::committer() { return impl_->committer; }
const StreamTokens& Application::stream_tokens() const { return impl_->stream_tokens; }
const std::string& Application::node() const { return impl_->options.node; }
const base::Clock& Application::clock() const { return impl_->clock; }
const ApplicationOptions& Application::options() const { return impl_->options; }

StoreContact& Application::contact() { return impl_->contact; }
Application::OutOfBand Application::out_of_band() const {
  return {.flags = impl_->flags_out_of_band.load(), .kill_switches = impl_->switches_out_of_band.load()};
}

base::Status Application::Follow() {
  const base::Timestamp began = impl_->clock.Now();
  base::Status status = impl_->FollowAll();
  if (status) {
    impl_->contact.Heard(began);
  } else {
    impl_->contact.Failed(status.error().message);
  }
  return status;
}

base::Result<std::size_t> Application::Refresh(RefreshBy by) {
  std::size_t differences = 0;
  for (const auto& environment : impl_->options.environments) {
    GUIDON_ASSIGN(const std::size_t found, impl_->RefreshEnvironment(environment, by));
    differences += found;
  }
  SweepSegments(impl_->services);
  GUIDON_TRY(impl_->keys.Reload());
  return differences;
}

base::Status Application::CatchUpTo(std::string_view environment, std::uint64_t sequence) {
  return impl_->CatchUpTo(environment, sequence);
}

base::Status Application::Impl::CatchUpTo(std::string_view environment, std::uint64_t sequence) {
  const std::lock_guard one_at_a_time(catch_up_mutex);
  const auto known = snapshots.SequenceOf(environment);
  if (!known || *known >= sequence) return {};
  GUIDON_ASSIGN(const auto parsed, model::Environment::Parse(environment));
  return snapshots.CatchUp(repository, parsed, clock);
}

base::Status Application::FlushBackgroundWrites(bool last) {
  base::Status refusals = impl_->audit.FlushRefusals();
  const base::Status key_use = impl_->keys.FlushUsage();
  const base::Status usage = impl_->usage.Flush(last);
  if (!refusals) return refusals;
  return key_use ? usage : key_use;
}

Health Application::health() {
  Health health;
  // Whoever follows knows already, and a probe must not wait for a store that does not answer.
  const StoreContact& contact = impl_->contact;
  if (contact.following()) {
    health.store_error = contact.last_error();
  } else if (const base::Status store = impl_->table.Ping(); !store) {
    health.store_error = store.error().message;
  }
  health.snapshot_age = contact.AgeOf(impl_->clock.Now());
  for (const auto& environment : impl_->options.environments) {
    const auto snapshot = impl_->snapshots.Find(environment.str())->Get();
    health.environments.push_back({.environment = environment.str(),
                                   .sequence = snapshot->sequence(),
                                   .flags = snapshot->flag_count(),
                                   .problems = {snapshot->problems().begin(), snapshot->problems().end()},
                                   .loaded_at = impl_->snapshots.LoadedAt(environment.str()),
                                   .confirmed_at = impl_->snapshots.ConfirmedAt(environment.str())});
  }
  // Static stability: with every snapshot loaded, evaluation needs nothing else.
  health.ready = true;
  return health;
}

}  // namespace guidon::app

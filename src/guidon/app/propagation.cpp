// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/propagation.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>

namespace guidon::app {
namespace {

using std::chrono::microseconds;

// Who comes back after longer has not been waited for, and says nothing of how fast those changes were.
constexpr std::chrono::seconds kLateComer{60};
// In place of a tenant, of streams whose clients evaluate for all tenants: every change concerns them.
constexpr std::string_view kAllTenants = "*";

// Numbers, each with how many have it, in ascending order. Nearly always one or two of them.
class KnownSequences {
 public:
  void Add(std::uint64_t sequence) {
    const auto at = std::ranges::lower_bound(runs_, sequence, {}, &Run::first);
    if (at != runs_.end() && at->first == sequence) {
      ++at->second;
    } else {
      runs_.emplace(at, sequence, 1);
    }
    ++size_;
  }
  bool Take(std::uint64_t sequence) {
    const auto at = std::ranges::lower_bound(runs_, sequence, {}, &Run::first);
    return at != runs_.end() && at->first == sequence && TakeAt(at);
  }
  // The highest below `sequence`: whoever is furthest behind stays, since it may be the one that hangs.
  std::optional<std::uint64_t> TakeBelow(std::uint64_t sequence) {
    const auto at = std::ranges::lower_bound(runs_, sequence, {}, &Run::first);
    if (at == runs_.begin()) return std::nullopt;
    const std::uint64_t taken = std::prev(at)->first;
    TakeAt(std::prev(at));
    return taken;
  }
  std::optional<std::uint64_t> TakeHighest() {
    if (runs_.empty()) return std::nullopt;
    const std::uint64_t taken = runs_.back().first;
    TakeAt(std::prev(runs_.end()));
    return taken;
  }
  std::uint64_t CountBelow(std::uint64_t sequence) const {
    std::uint64_t count = 0;
    for (const auto& [known, clients] : runs_) count += known < sequence ? clients : 0;
    return count;
  }
  // The log went back: nobody knows more than it has.
  void Cap(std::uint64_t sequence) {
    while (TakeAbove(sequence)) Add(sequence);
  }
  std::uint64_t size() const { return size_; }

 private:
  using Run = std::pair<std::uint64_t, std::uint32_t>;
  bool TakeAt(std::vector<Run>::iterator at) {
    if (--at->second == 0) runs_.erase(at);
    --size_;
    return true;
  }
  bool TakeAbove(std::uint64_t sequence) {
    return !runs_.empty() && runs_.back().first > sequence && TakeAt(std::prev(runs_.end()));
  }

  std::vector<Run> runs_;
  std::uint32_t size_ = 0;
};

}  // namespace

struct Propagation::Client {
  Scope* scope = nullptr;
  const std::string* address = nullptr;  // its key in the scope
  KnownSequences known;                  // one for each stream but those of named clients
  std::uint32_t named = 0;               // streams whose clients are among the scope's named ones
};

// Clients of the same kind, tenant and key: whom the same changes concern.
struct Propagation::Scope {
  struct Named {
    std::uint64_t known = 0;
    Clock::time_point last_sign = {};
    std::string address = {};
    Client* stream = nullptr;  // among whose streams its own is; nullptr: it has none
  };

  Environment* environment = nullptr;
  ClientKind kind = ClientKind::kEvaluation;
  std::string tenant;
  std::string key_id;
  std::uint64_t last_concern = 0;  // the last change that concerns them
  std::uint64_t size = 0;          // clients, with and without names
  std::unordered_map<std::string, Client> clients;
  std::map<std::string, Named, std::less<>> named;

  bool Concerns(const Audience& audience) const {
    if (kind == ClientKind::kEvaluation) return tenant == kAllTenants || audience.Has(tenant);
    if (tenant.empty()) return true;
    return kind == ClientKind::kManagement ? audience.Names(tenant) : audience.Has(tenant);
  }
  // Of those with and without names, who lack something up to `sequence`.
  std::uint64_t CountBelow(std::uint64_t sequence) const {
    std::uint64_t count = 0;
    for (const auto& [address, client] : clients) count += client.known.CountBelow(sequence);
    for (const auto& [name, one] : named) count += one.known < sequence ? 1 : 0;
    return count;
  }
};

struct Propagation::Environment {
  struct Change {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
    std::shared_ptr<const FeedEntry> entry;
    bool for_all = false;  // what it was is forgotten: anybody may be concerned
    base::Timestamp committed_at = {};
    microseconds served_after{0};
    std::uint64_t connected = 0;
    LatencyCurve curve;

    bool Concerns(const Scope& scope) const { return for_all || scope.Concerns(entry->audience); }
    std::uint64_t converged() const { return curve.count(); }
  };

  std::string label;
  ChangeFeed* feed = nullptr;
  std::uint64_t listener = 0;

  mutable std::mutex mutex;
  std::uint64_t read = 0;           // number of the feed's last entry that is in `changes`
  std::uint64_t served = 0;         // the last change that was published
  std::uint64_t highest_known = 0;  // of all clients: another node may have told one more than this node has
  std::deque<Change> changes;
  // By tenant, so that a change of one tenant looks at its own.
  std::map<std::string, std::vector<std::unique_ptr<Scope>>, std::less<>> scopes;
  std::uint64_t names = 0;
  std::uint64_t without_stream = 0;  // of the named ones
  Histogram served_times;
  Histogram converged_times;
  bool news = false;  // to be told once the lock is released

  // All that follows: with `mutex` held.
  void ReadFeed(const base::Clock& clock);
  void Note(const std::shared_ptr<const FeedEntry>& entry, bool whole, const base::Clock& clock);
  void WentBack(std::uint64_t to);
  Scope* FindScope(const ClientIdentity& identity);
  Scope& ScopeOf(const ClientIdentity& identity);
  void DropScope(Scope& scope);
  std::vector<Change>::size_type IndexAfter(std::uint64_t sequence) const;
  void Raise(Scope& scope, std::string_view address, std::uint64_t sequence);
  void Acknowledge(const ClientIdentity& identity, std::string_view name, std::uint64_t sequence);
  Scope::Named& NameOne(Scope& scope, const ClientIdentity& identity, std::string_view name, std::uint64_t sequence);
  std::uint64_t LastBefore(Clock::time_point time) const;
  void Come(Scope& scope, std::uint64_t known);
  void Move(const Scope& scope, std::uint64_t from, std::uint64_t to);
  void Leave(Scope& scope, std::uint64_t known);
  void ForgetSilent(Clock::time_point now);
  const Change* Find(std::uint64_t sequence) const;
  template <class Visit>
  void ForEachScope(const Visit& visit) const {
    for (const auto& [tenant, group] : scopes) {
      for (const auto& scope : group) visit(*scope);
    }
  }
};

std::string_view NameOf(ClientKind kind) {
  switch (kind) {
    case ClientKind::kEvaluation: return "evaluation";
    case ClientKind::kManagement: return "management";
    case ClientKind::kFlagd: return "flagd";
    case ClientKind::kNamed: return "client";
  }
  return "unknown";
}

void Propagation::Histogram::Add(microseconds duration) {
  const double seconds_long = std::chrono::duration<double>(duration).count();
  std::size_t bucket = 0;
  while (bucket < kPropagationBounds.size() && seconds_long > kPropagationBounds[bucket]) ++bucket;
  ++counts[bucket];
  seconds += seconds_long;
}

void Propagation::Environment::ReadFeed(const base::Clock& clock) {
  const auto unread = feed->After(read);
  bool whole = unread.complete;
  for (const auto& entry : unread.entries) {
    read = entry->number;
    Note(entry, std::exchange(whole, true), clock);
  }
}

void Propagation::Environment::Note(const std::shared_ptr<const FeedEntry>& entry, bool whole,
                                    const base::Clock& clock) {
  if (entry->served < served) return WentBack(entry->served);
  // An edit behind our back, or a change that waits for the one before it: nothing more is claimed.
  if (entry->served == served) return;
  Change& change = changes.emplace_back();
  change.first = served + 1;
  change.last = served = entry->served;
  change.entry = entry;
  change.for_all = !whole;
  change.committed_at = entry->at;
  for (const FeedChange& one : entry->changes) change.committed_at = std::min(change.committed_at, one.record.at);
  const auto since = std::chrono::duration_cast<microseconds>(Clock::now() - entry->published);
  change.served_after = std::max<microseconds>(clock.Now() - change.committed_at - since, microseconds(0));
  served_times.Add(change.served_after);
  ForEachScope([&](Scope& scope) {
    if (!change.Concerns(scope)) return;
    scope.last_concern = served;
    change.connected += highest_known < served ? scope.size : scope.CountBelow(served);
  });
  const auto oldest = entry->published - kProgressAge;
  while (changes.size() > kProgressChangesMax || changes.front().entry->published < oldest) changes.pop_front();
  news = true;
}

// A table that was restored: numbers are given out once more.
void Propagation::Environment::WentBack(std::uint64_t to) {
  changes.clear();
  served = highest_known = to;
  ForEachScope([&](Scope& scope) {
    scope.last_concern = std::min(scope.last_concern, to);
    for (auto& [address, client] : scope.clients) client.known.Cap(to);
    for (auto& [name, one] : scope.named) one.known = std::min(one.known, to);
  });
}

Propagation::Scope* Propagation::Environment::FindScope(const ClientIdentity& identity) {
  const auto group = scopes.find(identity.tenant);
  if (group == scopes.end()) return nullptr;
  const auto found = std::ranges::find_if(group->second, [&](const auto& scope) {
    return scope->kind == identity.kind && scope->key_id == identity.key_id;
  });
  return found == group->second.end() ? nullptr : found->get();
}

Propagation::Scope& Propagation::Environment::ScopeOf(const ClientIdentity& identity) {
  if (Scope* scope = FindScope(identity)) return *scope;
  auto& group = scopes[std::string(identity.tenant)];
  Scope& scope = *group.emplace_back(std::make_unique<Scope>());
  scope.environment = this;
  scope.kind = identity.kind;
  scope.tenant = identity.tenant;
  scope.key_id = identity.key_id;
  // Whoever opened it before a change that is still remembered may have left it behind.
  for (const Change& change : changes) {
    if (change.Concerns(scope)) scope.last_concern = change.last;
  }
  return scope;
}

void Propagation::Environment::DropScope(Scope& scope) {
  const auto group = scopes.find(scope.tenant);
  std::erase_if(group->second, [&](const auto& one) { return one.get() == &scope; });
  if (group->second.empty()) scopes.erase(group);
}

// Of the first change after `sequence`.
std::size_t Propagation::Environment::IndexAfter(std::uint64_t sequence) const {
  return static_cast<std::size_t>(std::ranges::upper_bound(changes, sequence, {}, &Change::last) - changes.begin());
}

// One of the clients at the address has come to `sequence`.
void Propagation::Environment::Raise(Scope& scope, std::string_view address, std::uint64_t sequence) {
  const auto client = scope.clients.find(std::string(address));
  if (client == scope.clients.end()) return;
  const auto from = client->second.known.TakeBelow(sequence);
  if (!from) return;
  client->second.known.Add(sequence);
  Move(scope, *from, sequence);
}

void Propagation::Environment::Acknowledge(const ClientIdentity& identity, std::string_view name,
                                           std::uint64_t sequence) {
  Scope* scope = FindScope(identity);
  if (identity.tenant.empty()) {
    // A key of no tenant may follow everything: then its streams are there.
    ClientIdentity everything = identity;
    everything.tenant = kAllTenants;
    Scope* const other = FindScope(everything);
    if (other != nullptr && (other->named.contains(name) || other->clients.contains(std::string(identity.address))))
      scope = other;
  }
  const bool full = names >= kNamedClientsMax;
  if (scope == nullptr && full) return;
  if (scope == nullptr) scope = &ScopeOf(identity);
  const auto found = scope->named.find(name);
  if (found == scope->named.end() && full) return Raise(*scope, identity.address, sequence);
  Scope::Named& one = found != scope->named.end() ? found->second : NameOne(*scope, identity, name, sequence);
  one.last_sign = Clock::now();
  if (one.known < sequence) Move(*scope, std::exchange(one.known, sequence), sequence);
}

// A client's first acknowledgement: it takes the place of one of those that look like it, with what that one was known
// to have, or is one that has no stream here.
Propagation::Scope::Named& Propagation::Environment::NameOne(Scope& scope, const ClientIdentity& identity,
                                                             std::string_view name, std::uint64_t sequence) {
  Scope::Named made{.known = sequence, .address = std::string(identity.address)};
  const auto stream = scope.clients.find(std::string(identity.address));
  if (stream != scope.clients.end() && stream->second.known.size() > 0) {
    const auto below = stream->second.known.TakeBelow(sequence);
    made.known = below ? *below : stream->second.known.TakeHighest().value_or(sequence);
    made.stream = &stream->second;
    ++stream->second.named;
  } else {
    Come(scope, sequence);
    ++without_stream;
  }
  ++names;
  return scope.named.emplace(std::string(name), std::move(made)).first->second;
}

// The last change that was published before.
std::uint64_t Propagation::Environment::LastBefore(Clock::time_point time) const {
  const auto at =
      std::ranges::partition_point(changes, [&](const Change& change) { return change.entry->published < time; });
  return at == changes.begin() ? 0 : std::prev(at)->last;
}

void Propagation::Environment::Come(Scope& scope, std::uint64_t known) {
  ++scope.size;
  highest_known = std::max(highest_known, known);
  for (std::size_t i = IndexAfter(known); i < changes.size(); ++i) {
    if (changes[i].Concerns(scope)) ++changes[i].connected;
  }
}

void Propagation::Environment::Move(const Scope& scope, std::uint64_t from, std::uint64_t to) {
  const auto now = Clock::now();
  highest_known = std::max(highest_known, to);
  for (std::size_t i = IndexAfter(from); i < changes.size() && changes[i].last <= to; ++i) {
    Change& change = changes[i];
    if (!change.Concerns(scope)) continue;
    const auto after = change.served_after + std::chrono::duration_cast<microseconds>(now - change.entry->published);
    change.curve.Add(after);
    converged_times.Add(after);
    if (change.converged() == change.connected) news = true;
  }
}

void Propagation::Environment::Leave(Scope& scope, std::uint64_t known) {
  --scope.size;
  for (std::size_t i = IndexAfter(known); i < changes.size(); ++i) {
    Change& change = changes[i];
    if (!change.Concerns(scope)) continue;
    --change.connected;
    if (change.converged() == change.connected) news = true;
  }
}

void Propagation::Environment::ForgetSilent(Clock::time_point now) {
  if (without_stream == 0) return;
  std::vector<Scope*> empty;
  ForEachScope([&](Scope& scope) {
    for (auto at = scope.named.begin(); at != scope.named.end();) {
      const Scope::Named& one = at->second;
      if (one.stream != nullptr || now - one.last_sign <= kNamedClientSilence) {
        ++at;
        continue;
      }
      Leave(scope, one.known);
      --names;
      --without_stream;
      at = scope.named.erase(at);
    }
    if (scope.size == 0) empty.push_back(&scope);
  });
  for (Scope* scope : empty) DropScope(*scope);
}

const Propagation::Environment::Change* Propagation::Environment::Find(std::uint64_t sequence) const {
  const auto at = std::ranges::lower_bound(changes, sequence, {}, &Change::last);
  return at == changes.end() || at->first > sequence ? nullptr : &*at;
}

Propagation::Propagation(const SnapshotRegistry& snapshots, const base::Clock& clock) : clock_(clock) {
  for (const model::Environment& environment : snapshots.environments()) {
    Environment& made = *environments_.emplace_back(std::make_unique<Environment>());
    made.label = environment.str();
    made.feed = snapshots.FeedOf(made.label);
    const auto position = made.feed->position();
    made.read = position.number;
    made.served = position.served;
    made.listener = made.feed->Listen([this, &made] {
      {
        const std::lock_guard lock(made.mutex);
        made.ReadFeed(clock_);
        if (!std::exchange(made.news, false)) return;
      }
      Tell();
    });
  }
}

Propagation::~Propagation() {
  for (const auto& environment : environments_) environment->feed->Unlisten(environment->listener);
}

Propagation::Environment* Propagation::EnvironmentOf(std::string_view name) const {
  const auto found =
      std::ranges::find(environments_, name, [](const auto& one) -> std::string_view { return one->label; });
  return found == environments_.end() ? nullptr : found->get();
}

Propagation::Client* Propagation::Open(std::string_view environment, const ClientIdentity& identity,
                                       std::uint64_t known) {
  Environment* const at = EnvironmentOf(environment);
  if (at == nullptr) return nullptr;
  const std::lock_guard lock(at->mutex);
  at->ReadFeed(clock_);
  known = std::max(known, at->LastBefore(Clock::now() - kLateComer));
  Scope& scope = at->ScopeOf(identity);
  const auto [entry, made] = scope.clients.try_emplace(std::string(identity.address));
  Client& client = entry->second;
  client.scope = &scope;
  client.address = &entry->first;
  client.known.Add(known);
  at->Come(scope, known);
  return &client;
}

void Propagation::Close(Client* client, std::optional<std::uint64_t> known) {
  if (client == nullptr) return;
  Scope& scope = *client->scope;
  Environment& at = *scope.environment;
  {
    const std::lock_guard lock(at.mutex);
    if (known && client->known.Take(*known)) {
      at.Leave(scope, *known);
    } else if (const auto taken = client->known.TakeHighest()) {
      at.Leave(scope, *taken);
    } else {
      // All that is left are streams of named clients: of the one that has been silent for longest, we suppose.
      auto silent = scope.named.end();
      for (auto one = scope.named.begin(); one != scope.named.end(); ++one) {
        if (one->second.stream != client) continue;
        if (silent == scope.named.end() || one->second.last_sign < silent->second.last_sign) silent = one;
      }
      at.Leave(scope, silent->second.known);
      scope.named.erase(silent);
      --at.names;
      --client->named;
    }
    if (client->known.size() == 0 && client->named == 0) scope.clients.erase(std::string(*client->address));
    if (scope.size == 0) at.DropScope(scope);
    if (!std::exchange(at.news, false)) return;
  }
  Tell();
}

void Propagation::Converged(std::span<const Receipt> receipts) {
  bool news = false;
  for (const auto& at : environments_) {
    std::unique_lock<std::mutex> lock;
    for (const Receipt& receipt : receipts) {
      if (receipt.client == nullptr || receipt.client->scope->environment != at.get()) continue;
      if (!lock.owns_lock()) lock = std::unique_lock(at->mutex);
      KnownSequences& known = receipt.client->known;
      if (receipt.known >= receipt.sequence || !known.Take(receipt.known)) continue;
      known.Add(receipt.sequence);
      at->Move(*receipt.client->scope, receipt.known, receipt.sequence);
    }
    if (lock.owns_lock()) news = std::exchange(at->news, false) || news;
  }
  if (news) Tell();
}

void Propagation::Refetched(std::string_view environment, const ClientIdentity& identity, std::uint64_t sequence) {
  Environment* const at = EnvironmentOf(environment);
  if (at == nullptr) return;
  {
    const std::lock_guard lock(at->mutex);
    Scope* const scope = at->FindScope(identity);
    if (scope == nullptr) return;
    at->Raise(*scope, identity.address, sequence);
    if (!std::exchange(at->news, false)) return;
  }
  Tell();
}

void Propagation::Acknowledged(std::string_view environment, const ClientIdentity& identity, std::string_view name,
                               std::uint64_t sequence) {
  Environment* const at = EnvironmentOf(environment);
  if (at == nullptr) return;
  {
    const std::lock_guard lock(at->mutex);
    at->ReadFeed(clock_);
    at->ForgetSilent(Clock::now());
    at->Acknowledge(identity, name, sequence);
    if (!std::exchange(at->news, false)) return;
  }
  Tell();
}

std::optional<std::uint64_t> Propagation::Served(std::string_view environment) const {
  const Environment* const at = EnvironmentOf(environment);
  if (at == nullptr) return std::nullopt;
  const std::lock_guard lock(at->mutex);
  return at->served;
}

namespace {

// Adds an entry, or only its count where there are enough.
void AddWaiting(ChangeProgress& progress, std::size_t most, WaitingClients waiting) {
  if (waiting.waiting == 0) return;
  if (progress.waiting.size() < most) {
    progress.waiting.push_back(std::move(waiting));
  } else {
    progress.waiting_others += waiting.waiting;
  }
}

}  // namespace

std::optional<ChangeProgress> Propagation::ProgressOf(std::string_view environment, std::uint64_t sequence,
                                                      std::string_view tenant, std::size_t waiting_max) const {
  Environment* const at = EnvironmentOf(environment);
  if (at == nullptr) return std::nullopt;
  const std::lock_guard lock(at->mutex);
  at->ForgetSilent(Clock::now());
  if (sequence > at->served) return std::nullopt;
  const Environment::Change* const change = at->Find(sequence);
  if (!tenant.empty() && (change == nullptr || !change->entry->audience.Names(tenant))) return std::nullopt;
  ChangeProgress progress{.first = sequence, .sequence = sequence};
  if (change != nullptr) {
    progress.first = change->first;
    progress.sequence = change->last;
    progress.entry = change->entry;
    progress.committed_at = change->committed_at;
    progress.served_after = change->served_after;
    progress.curve = change->curve;
  }
  std::uint64_t size = 0;
  std::uint64_t waiting = 0;
  at->ForEachScope([&](const Scope& scope) {
    if (!tenant.empty() && scope.tenant != tenant) return;
    if (change != nullptr && !change->Concerns(scope)) return;
    // Of what is forgotten only this is known: whoever has the last change that concerned it has them all.
    const std::uint64_t needed =
        change != nullptr ? progress.sequence : std::min(progress.sequence, scope.last_concern);
    size += scope.size;
    for (const auto& [address, client] : scope.clients) {
      const std::uint64_t count = client.known.CountBelow(needed);
      waiting += count;
      AddWaiting(progress, waiting_max,
                 {.kind = scope.kind,
                  .address = address,
                  .key_id = scope.key_id,
                  .tenant = scope.tenant,
                  .waiting = count,
                  .connected = client.known.size()});
    }
    for (const auto& [name, one] : scope.named) {
      if (one.known >= needed) continue;
      ++waiting;
      AddWaiting(progress, waiting_max,
                 {.kind = ClientKind::kNamed,
                  .name = name,
                  .address = one.address,
                  .key_id = scope.key_id,
                  .tenant = scope.tenant,
                  .waiting = 1,
                  .connected = 1});
    }
  });
  // Those who went after they had it count where they are known; a tenant hears of those who are there.
  const bool all = change != nullptr && tenant.empty();
  progress.connected = all ? change->connected : size;
  progress.converged = progress.connected - std::min(progress.connected, waiting);
  return progress;
}

std::vector<std::uint64_t> Propagation::Latest(std::string_view environment, std::string_view tenant,
                                               std::size_t count) const {
  std::vector<std::uint64_t> latest;
  const Environment* const at = EnvironmentOf(environment);
  if (at == nullptr) return latest;
  const std::lock_guard lock(at->mutex);
  for (auto change = at->changes.rbegin(); change != at->changes.rend() && latest.size() < count; ++change) {
    if (tenant.empty() || change->entry->audience.Names(tenant)) latest.push_back(change->last);
  }
  return latest;
}

std::uint64_t Propagation::Behind(std::string_view environment) const {
  Environment* const at = EnvironmentOf(environment);
  if (at == nullptr) return 0;
  const std::lock_guard lock(at->mutex);
  at->ForgetSilent(Clock::now());
  std::uint64_t behind = 0;
  at->ForEachScope([&](const Scope& scope) { behind += scope.CountBelow(scope.last_concern); });
  return behind;
}

Propagation::Histogram Propagation::served_times() const {
  Histogram sum;
  for (const auto& at : environments_) {
    const std::lock_guard lock(at->mutex);
    std::ranges::transform(sum.counts, at->served_times.counts, sum.counts.begin(), std::plus<>());
    sum.seconds += at->served_times.seconds;
  }
  return sum;
}

Propagation::Histogram Propagation::converged_times() const {
  Histogram sum;
  for (const auto& at : environments_) {
    const std::lock_guard lock(at->mutex);
    std::ranges::transform(sum.counts, at->converged_times.counts, sum.counts.begin(), std::plus<>());
    sum.seconds += at->converged_times.seconds;
  }
  return sum;
}

void Propagation::Tell() const {
  {
    const std::lock_guard lock(news_mutex_);
    ++news_;
  }
  news_changed_.notify_all();
}

std::uint64_t Propagation::news() const {
  const std::lock_guard lock(news_mutex_);
  return news_;
}

void Propagation::AwaitNews(std::uint64_t seen, Clock::time_point deadline, const std::stop_token& stop) const {
  std::unique_lock lock(news_mutex_);
  news_changed_.wait_until(lock, stop, deadline, [&] { return news_ != seen || stopping_; });
}

void Propagation::StopWaiting() {
  {
    const std::lock_guard lock(news_mutex_);
    stopping_ = true;
  }
  news_changed_.notify_all();
}

bool Propagation::stopping() const {
  const std::lock_guard lock(news_mutex_);
  return stopping_;
}

}  // namespace guidon::app

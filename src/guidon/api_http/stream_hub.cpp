// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/stream_hub.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

#include "guidon/api_http/connect_wire.hpp"
#include "guidon/api_http/stream_events.hpp"
#include "guidon/flagd_service/changes.hpp"

namespace guidon::api_http {
namespace {

using std::chrono::milliseconds;
using Bytes = std::shared_ptr<const std::string>;

constexpr std::size_t kSendsInARow = 256;      // a millisecond or two; then requests have their turn
constexpr milliseconds kCoalesce{100};         // a scope's events come no faster, but for kill switches
constexpr milliseconds kRetryMin{250};         // nobody comes back before the connection is really gone
constexpr milliseconds kRetryOpen{3'000};      // after an accident of the network
constexpr milliseconds kRetryDrain{10'000};    // after a node's end: longer than its successor takes to start
constexpr std::size_t kEventsKept = 64;        // of a management scope: streams of one scope move together
constexpr std::size_t kFeedEntriesARead = 16;  // of a management stream that is behind
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

// OFREP's events say no more than "ask again", so an entry that concerns nobody makes none.
bool Concerns(StreamKind kind, const app::FeedEntry& entry, std::string_view tenant) {
  switch (kind) {
    case StreamKind::kEvaluation: return entry.audience.Has(tenant);
    case StreamKind::kManagement: return true;
    case StreamKind::kFlagd: break;
  }
  return tenant.empty() || entry.audience.Has(tenant);
}

app::ClientKind ClientKindOf(StreamKind kind) {
  switch (kind) {
    case StreamKind::kEvaluation: return app::ClientKind::kEvaluation;
    case StreamKind::kManagement: return app::ClientKind::kManagement;
    case StreamKind::kFlagd: break;
  }
  return app::ClientKind::kFlagd;
}

}  // namespace

// One client. What it is sent next follows from the scope or the feed; only the event under way is kept.
struct Stream {
  void* scope = nullptr;
  std::size_t index = 0;  // in the scope
  std::shared_ptr<StreamPeer> peer;
  Bytes current;                   // being sent
  std::size_t sent = 0;            // of it
  std::uint64_t state = 0;         // evaluation: generation of the scope that it knows; the others: entry of the feed
  std::uint64_t ends_at = kNever;  // ticks: reconnects spread over all nodes
  std::uint64_t blocked_until = kNever;  // ticks
  std::uint32_t keep_alive_slot = 0;
  bool keep_alive = false;     // a comment is due
  std::uint32_t progress = 0;  // management: generation of the scope's progress that it was sent
  std::uint64_t told = 0;      // management, flagd: sequence up to which it was sent everything
  app::Propagation::Client* client = nullptr;
  std::string key_id;
  bool has_timeout = false;  // flagd: ends_at is the client's wish
  ConnectionSlot slot;
};

struct StreamHub::Environment {
  std::string name;
  app::ChangeFeed* feed = nullptr;
  std::uint64_t listener = 0;
  std::uint64_t read = 0;    // number of the last entry that the scopes know
  std::uint64_t served = 0;  // what the snapshot claimed then
  // What was last said of how far the latest change has come.
  std::uint64_t shown_sequence = 0;
  std::uint64_t shown_connected = 0;
  std::uint64_t shown_converged = 0;
  std::unordered_map<std::string, std::unique_ptr<Scope>> scopes;
};

// Streams that are sent the same bytes.
struct StreamHub::Scope {
  Environment* environment = nullptr;
  StreamKind kind = StreamKind::kEvaluation;
  std::string tenant;
  std::string text;  // StreamScopeOf
  std::vector<std::unique_ptr<Stream>> streams;
  bool due = false;        // in due_
  std::size_t cursor = 0;  // streams before it are still to be served

  // Evaluation: the newest event; its bytes are made when the first stream is served.
  std::uint64_t generation = 0;
  std::uint64_t served = 0;
  base::Timestamp at = {};
  Clock::time_point published = {};
  Clock::time_point quiet_until = {};
  bool waits = false;  // for quiet_until
  Bytes bytes;

  // flagd: as evaluation, and by number of the feed's entry. `bytes` tells of what lies between.
  bool client_key = false;
  std::uint64_t newest = 0;
  std::uint64_t released = 0;
  std::uint64_t released_served = 0;        // by the change log
  std::vector<std::uint64_t> bytes_served;  // of what lies between, by the change log
  std::uint64_t bytes_from = 0;
  std::uint64_t bytes_to = 0;

  // Management: by number of the feed's entry.
  std::deque<std::pair<std::uint64_t, Bytes>> events;
  std::uint32_t progress = 0;  // counts what was said of progress
  Bytes progress_bytes;

  ManagementView View() const { return {.environment = environment->name, .tenant = tenant}; }
  flagd_service::Listener FlagdListener() const {
    return {.scope = {.environment = environment->name, .tenant = tenant}, .client = client_key};
  }
};

StreamHub::StreamHub(app::Application& app, IoCounters& counters, RingReader& ring, const ServerLimits& limits,
                     StreamScheduler scheduler)
    : app_(app),
      counters_(counters),
      ring_(ring),
      limits_(limits),
      scheduler_(std::move(scheduler)),
      random_(std::random_device{}()) {
  ring_.Current();
  ring_generation_ = ring_.generation();
  for (const model::Environment& environment : app.snapshots().environments()) {
    auto made = std::make_unique<Environment>();
    made->name = environment.str();
    made->feed = app.snapshots().FeedOf(made->name);
    const auto position = made->feed->position();
    made->read = position.number;
    made->served = made->shown_sequence = position.served;
    made->listener = made->feed->Listen([this] {
      if (!woken_.exchange(true, std::memory_order_acq_rel)) scheduler_.pump_soon();
    });
    environments_.push_back(std::move(made));
  }
}

StreamHub::~StreamHub() {
  for (const auto& environment : environments_) {
    environment->feed->Unlisten(environment->listener);
    for (const auto& [text, scope] : environment->scopes) {
      for (const auto& stream : scope->streams) {
        stream->peer->Close();
        app_.receipts().Close(stream->client);
      }
    }
  }
}

StreamHub::Environment* StreamHub::EnvironmentOf(std::string_view name) {
  for (const auto& environment : environments_) {
    if (environment->name == name) return environment.get();
  }
  return nullptr;
}

StreamHub::Scope& StreamHub::ScopeOf(Environment& environment, const StreamRequest& request) {
  std::string text = StreamScopeOf(request.kind, environment.name, request.tenant);
  if (request.client_key) text += "/client";  // no tenant's id has a slash
  auto& scope = environment.scopes[text];
  if (!scope) {
    scope = std::make_unique<Scope>();
    scope->environment = &environment;
    scope->kind = request.kind;
    scope->tenant = request.tenant;
    scope->text = std::move(text);
    scope->client_key = request.client_key;
  }
  return *scope;
}

std::string StreamHub::RetryText(milliseconds to) {
  std::uniform_int_distribution<std::int64_t> spread(kRetryMin.count(), to.count());
  return "retry: " + std::to_string(spread(random_)) + "\n\n";
}

void StreamHub::Adopt(std::shared_ptr<StreamPeer> peer, StreamRequest request, Clock::time_point now) {
  Environment* environment = EnvironmentOf(request.environment);
  if (environment == nullptr) return peer->Close();
  ReadFeed(*environment, now);
  Scope& scope = ScopeOf(*environment, request);
  auto made = std::make_unique<Stream>();
  Stream& stream = *made;
  stream.scope = &scope;
  stream.index = scope.streams.size();
  stream.peer = std::move(peer);
  stream.key_id = std::move(request.key_id);
  stream.slot = std::move(request.slot);
  const auto life = limits_.stream_life / limits_.sweep_interval;
  std::uniform_int_distribution<std::int64_t> spread(life * 3 / 4, life * 5 / 4);
  stream.ends_at = tick_ + static_cast<std::uint64_t>(spread(random_));
  if (request.timeout) {
    const auto wanted = tick_ + 1 + static_cast<std::uint64_t>(*request.timeout / limits_.sweep_interval);
    stream.has_timeout = wanted < stream.ends_at;
    stream.ends_at = std::min(stream.ends_at, wanted);
  }
  stream.keep_alive_slot = static_cast<std::uint32_t>(random_());
  scope.streams.push_back(std::move(made));
  ++streams_;
  counters_.streams_opened.Add();
  counters_.streams_open.Add();
  const std::uint64_t known = Begin(stream, request);
  stream.client = app_.receipts().Open(
      environment->name,
      {.kind = ClientKindOf(scope.kind), .tenant = scope.tenant, .key_id = stream.key_id, .address = request.address},
      known);
  stream.peer->AwaitEnd(stream);
  Serve(stream);
  FlushReceipts();
}

// The first bytes, and where the stream goes on. Returns what its client has, by the change log.
std::uint64_t StreamHub::Begin(Stream& stream, const StreamRequest& request) {
  Scope& scope = *static_cast<Scope*>(stream.scope);
  app::ChangeFeed& feed = *scope.environment->feed;
  const auto position = feed.position();
  const auto id = [&] { return app_.stream_tokens().EventId(scope.text, position.served); };
  std::string text = RetryText(kRetryOpen);
  std::uint64_t known = position.served;
  if (scope.kind == StreamKind::kFlagd) {
    // Clients ask for everything when they hear this.
    stream.state = position.number;
    stream.told = known;
    stream.current = std::make_shared<const std::string>(FlagdEvent(flagd_service::kReadyEvent));
    return known;
  }
  if (scope.kind == StreamKind::kEvaluation) {
    stream.state = scope.generation;
    if (request.lost || (request.seen && feed.LastConcerning(scope.tenant) > *request.seen)) {
      text += RefetchEvent(id(), app_.clock().Now());
      counters_.stream_replays.Add();
      known = request.lost ? 0 : *request.seen;
    }
  } else {
    const auto number = request.seen ? feed.NumberAt(*request.seen) : std::optional(position.number);
    const bool lost = request.lost || !number;
    stream.state = lost ? position.number : *number;
    // With a place to go on from only where nothing lies between.
    const bool present = stream.state == position.number;
    text += NodeEvent(scope.View(), present ? id() : std::string(), app_.node(), "serving", position.served);
    if (lost) text += ResyncEvent(scope.View(), id(), position.served);
    if (lost || !present) counters_.stream_replays.Add();
    if (!lost && !present) known = *request.seen;
    stream.told = known;
    stream.progress = scope.progress;
  }
  stream.current = std::make_shared<const std::string>(std::move(text));
  return known;
}

void StreamHub::MakeDue(Scope& scope) {
  scope.cursor = scope.streams.size();
  if (!std::exchange(scope.due, true)) due_.push_back(&scope);
}

void StreamHub::Concern(Scope& scope, const app::FeedEntry& entry, Clock::time_point now) {
  if (scope.kind == StreamKind::kManagement) return MakeDue(scope);
  // A burst's latency is that of its first change.
  if (!scope.waits) scope.published = entry.published;
  scope.served = entry.served;
  scope.at = entry.at;
  scope.newest = entry.number;
  scope.bytes.reset();
  if (!entry.urgent && now < scope.quiet_until) {
    scope.waits = true;
  } else {
    Release(scope, now);
  }
}

void StreamHub::Release(Scope& scope, Clock::time_point now) {
  scope.waits = false;
  scope.quiet_until = now + kCoalesce;
  ++scope.generation;
  scope.released = scope.newest;
  scope.released_served = scope.served;
  MakeDue(scope);
}

// Lets go of the scopes that have been quiet long enough, and comes back for the others.
void StreamHub::FlushBursts(Clock::time_point now) {
  auto next = Clock::time_point::max();
  for (const auto& environment : environments_) {
    for (const auto& [text, scope] : environment->scopes) {
      if (!scope->waits) continue;
      if (now >= scope->quiet_until) {
        Release(*scope, now);
      } else {
        next = std::min(next, scope->quiet_until);
      }
    }
  }
  if (next != Clock::time_point::max()) scheduler_.pump_after(std::chrono::ceil<milliseconds>(next - now));
}

void StreamHub::ReadFeed(Environment& environment, Clock::time_point now) {
  auto read = environment.feed->After(environment.read);
  if (read.entries.empty()) return;
  environment.read = read.entries.back()->number;
  environment.served = read.entries.back()->served;
  // Scopes with tenants of their own are many, and an entry mostly concerns one or all.
  for (const auto& [text, scope] : environment.scopes) {
    for (const auto& entry : read.entries) {
      if (!read.complete || Concerns(scope->kind, *entry, scope->tenant)) Concern(*scope, *entry, now);
    }
  }
}

void StreamHub::Pump(Clock::time_point now) {
  woken_.store(false, std::memory_order_release);
  for (const auto& environment : environments_) ReadFeed(*environment, now);
  FlushBursts(now);
  std::size_t left = kSendsInARow;
  while (!due_.empty() && left > 0) {
    Scope& scope = *due_.front();
    while (scope.cursor > 0 && left > 0) {
      --scope.cursor;
      --left;
      Serve(*scope.streams[scope.cursor]);
    }
    if (scope.cursor > 0) break;
    due_.pop_front();
    scope.due = false;
    if (scope.streams.empty()) scope.environment->scopes.erase(std::string(scope.text));
  }
  FlushReceipts();
  if (!due_.empty() && !woken_.exchange(true, std::memory_order_acq_rel)) scheduler_.pump_soon();
}

Bytes StreamHub::NextEvaluationEvent(Stream& stream) {
  Scope& scope = *static_cast<Scope*>(stream.scope);
  if (stream.state == scope.generation) return nullptr;
  stream.state = scope.generation;
  if (!scope.bytes) {
    scope.bytes = std::make_shared<const std::string>(
        RefetchEvent(app_.stream_tokens().EventId(scope.text, scope.served), scope.at));
    counters_.stream_events_made.Add();
  }
  counters_.NoteDelivery(Clock::now() - scope.published);
  return scope.bytes;
}

Bytes StreamHub::NextManagementEvent(Stream& stream) {
  Scope& scope = *static_cast<Scope*>(stream.scope);
  for (;;) {
    auto read = scope.environment->feed->After(stream.state, kFeedEntriesARead);
    if (read.entries.empty())
      return std::exchange(stream.progress, scope.progress) != scope.progress ? scope.progress_bytes : nullptr;
    if (!read.complete) {
      const auto position = scope.environment->feed->position();
      stream.state = position.number;
      counters_.stream_replays.Add();
      return std::make_shared<const std::string>(
          ResyncEvent(scope.View(), app_.stream_tokens().EventId(scope.text, position.served), position.served));
    }
    for (const auto& entry : read.entries) {
      stream.state = entry->number;
      auto made = std::ranges::find(scope.events, entry->number, &std::pair<std::uint64_t, Bytes>::first);
      if (made == scope.events.end()) {
        scope.events.emplace_back(entry->number,
                                  std::make_shared<const std::string>(ChangeEvents(
                                      scope.View(), app_.stream_tokens().EventId(scope.text, entry->served), *entry)));
        counters_.stream_events_made.Add();
        if (scope.events.size() > kEventsKept) scope.events.pop_front();
        made = std::prev(scope.events.end());
      }
      if (made->second->empty()) continue;
      counters_.NoteDelivery(Clock::now() - entry->published);
      return made->second;
    }
  }
}

// What lies between the stream and what the scope has let go of, as one event. Where none of it is for the client to
// see, it has it without asking again.
Bytes StreamHub::NextFlagdEvent(Stream& stream) {
  Scope& scope = *static_cast<Scope*>(stream.scope);
  if (stream.state >= scope.released) return nullptr;
  if (!scope.bytes || scope.bytes_from != stream.state || scope.bytes_to != scope.released) {
    const auto read = scope.environment->feed->After(stream.state);
    std::set<std::string> keys;
    scope.bytes_served.clear();
    bool any = !read.complete;
    if (any) flagd_service::AddAll(app_.snapshots(), scope.FlagdListener(), keys);
    for (const auto& entry : read.entries) {
      if (entry->number > scope.released) break;
      any = flagd_service::AddChanged(app_.snapshots(), scope.FlagdListener(), *entry, keys) || any;
      scope.bytes_served.push_back(entry->served);
    }
    scope.bytes = std::make_shared<const std::string>(
        any ? FlagdEvent(flagd_service::kChangeEvent, flagd_service::ChangeData(keys)) : "");
    scope.bytes_from = stream.state;
    scope.bytes_to = scope.released;
    if (any) counters_.stream_events_made.Add();
  }
  stream.state = scope.released;
  const std::uint64_t told = std::exchange(stream.told, scope.released_served);
  if (scope.bytes->empty()) {
    NoteNothingToSee(stream, told);
    return nullptr;
  }
  counters_.NoteDelivery(Clock::now() - scope.published);
  return scope.bytes;
}

// A client that had all it was told of, by asking again or from the start, has what it cannot see as well. It may have
// asked while that was held back.
void StreamHub::NoteNothingToSee(Stream& stream, std::uint64_t told) {
  const Scope& scope = *static_cast<const Scope*>(stream.scope);
  if (stream.client == nullptr) return;
  receipts_.push_back({.client = stream.client, .known = told, .sequence = scope.released_served});
  for (const std::uint64_t served : scope.bytes_served) {
    if (served != told)
      receipts_.push_back({.client = stream.client, .known = served, .sequence = scope.released_served});
  }
}

Bytes StreamHub::NextOf(Stream& stream) {
  const Scope& scope = *static_cast<const Scope*>(stream.scope);
  const bool flagd = scope.kind == StreamKind::kFlagd;
  Bytes next = scope.kind == StreamKind::kEvaluation ? NextEvaluationEvent(stream)
               : flagd                               ? NextFlagdEvent(stream)
                                                     : NextManagementEvent(stream);
  if (next != nullptr) {
    counters_.stream_events.Add();
    stream.keep_alive = false;
    return next;
  }
  if (!std::exchange(stream.keep_alive, false)) return nullptr;
  static const Bytes kComment = std::make_shared<const std::string>(kKeepAliveComment);
  static const Bytes kMessage = std::make_shared<const std::string>(FlagdEvent(flagd_service::kKeepAliveEvent));
  return flagd ? kMessage : kComment;
}

// True when all of it is sent; else the stream waits for room, or is gone.
bool StreamHub::SendCurrent(Stream& stream) {
  const std::string_view left = std::string_view(*stream.current).substr(stream.sent);
  const auto taken = stream.peer->Send(left);
  if (!taken) return End(stream), false;
  stream.sent += *taken;
  if (*taken < left.size()) {
    stream.blocked_until = tick_ + 1 + static_cast<std::uint64_t>(limits_.write_timeout / limits_.sweep_interval);
    stream.peer->AwaitRoom(stream);
    return false;
  }
  stream.current.reset();
  stream.sent = 0;
  return true;
}

void StreamHub::Serve(Stream& stream) {
  if (stream.blocked_until != kNever) return;
  for (;;) {
    if (!stream.current) stream.current = NextOf(stream);
    if (!stream.current) return NoteSent(stream);
    if (!SendCurrent(stream)) return;
  }
}

// Whoever sees changes as they are has them once they are sent; whoever is only told of them has yet to ask.
void StreamHub::NoteSent(Stream& stream) {
  const Scope& scope = *static_cast<const Scope*>(stream.scope);
  const std::uint64_t served = scope.environment->served;
  if (scope.kind != StreamKind::kManagement || stream.told >= served || stream.client == nullptr) return;
  receipts_.push_back({.client = stream.client, .known = std::exchange(stream.told, served), .sequence = served});
}

void StreamHub::FlushReceipts() {
  if (receipts_.empty()) return;
  app_.receipts().Converged(receipts_);
  receipts_.clear();
}

void StreamHub::Writable(Stream& stream) {
  stream.blocked_until = kNever;
  Serve(stream);
  FlushReceipts();
}

void StreamHub::Ended(Stream& stream) { End(stream); }

void StreamHub::End(Stream& stream) {
  Scope& scope = *static_cast<Scope*>(stream.scope);
  stream.peer->Close();
  FlushReceipts();  // they name clients that may be gone after the next line
  const bool sees = scope.kind == StreamKind::kManagement;
  app_.receipts().Close(stream.client, sees ? std::optional(stream.told) : std::nullopt);
  const std::size_t index = stream.index;
  // Whoever is moved to an earlier place may be served twice in one round, and gets nothing twice.
  std::swap(scope.streams[index], scope.streams.back());
  scope.streams[index]->index = index;
  scope.streams.pop_back();
  scope.cursor = std::min(scope.cursor, scope.streams.size());
  --streams_;
  counters_.streams_open.Subtract();
  if (scope.streams.empty() && !scope.due) scope.environment->scopes.erase(std::string(scope.text));
}

// The last words fit into any socket's buffer; where they do not, the client comes back by its own rules.
void StreamHub::SayGoodbye(Stream& stream, milliseconds to) {
  if (static_cast<const Scope*>(stream.scope)->kind == StreamKind::kFlagd)
    return Fail(stream, flagd_service::Stopping());
  if (!stream.current) stream.peer->Send(RetryText(to));
  End(stream);
}

// The last message of a stream of flagd's says why; the others just end.
void StreamHub::Fail(Stream& stream, const flagd_service::Failure& failure) {
  const bool flagd = static_cast<const Scope*>(stream.scope)->kind == StreamKind::kFlagd;
  if (flagd && !stream.current) stream.peer->Send(EndOfStream(failure));
  End(stream);
}

// How far the latest change has come, for whoever may know it, where that is not what was said last.
void StreamHub::ShowProgress(Environment& environment) {
  const auto scope = environment.scopes.find(StreamScopeOf(StreamKind::kManagement, environment.name, ""));
  if (scope == environment.scopes.end()) return;
  const auto progress = app_.receipts().ProgressOf(environment.name, environment.served, "", 0);
  if (!progress || progress->entry == nullptr) return;
  if (environment.shown_sequence == progress->sequence && environment.shown_connected == progress->connected &&
      environment.shown_converged == progress->converged)
    return;
  environment.shown_sequence = progress->sequence;
  environment.shown_connected = progress->connected;
  environment.shown_converged = progress->converged;
  ++scope->second->progress;
  scope->second->progress_bytes =
      std::make_shared<const std::string>(ProgressEvent(scope->second->View(), app_.node(), *progress));
  MakeDue(*scope->second);
}

void StreamHub::Tick() {
  ++tick_;
  const app::KeyRing& ring = ring_.Current();
  const bool keys_changed = std::exchange(ring_generation_, ring_.generation()) != ring_.generation();
  const auto period =
      std::max<std::uint64_t>(1, static_cast<std::uint64_t>(limits_.stream_keep_alive / limits_.sweep_interval));
  const base::Timestamp now = app_.clock().Now();
  std::vector<Stream*> due;
  for (const auto& environment : environments_) {
    for (const auto& [text, scope] : environment->scopes) {
      for (const auto& stream : scope->streams) {
        const bool comment = stream->keep_alive_slot % period == tick_ % period;
        if (comment) stream->keep_alive = true;
        if (comment || keys_changed || stream->ends_at <= tick_ || stream->blocked_until <= tick_)
          due.push_back(stream.get());
      }
    }
  }
  for (Stream* stream : due) {
    if (!stream->key_id.empty() && !ring.Holds(stream->key_id, now)) {
      counters_.streams_revoked.Add();
      Fail(*stream, flagd_service::KeyEnded());
    } else if (stream->blocked_until <= tick_) {
      counters_.streams_dropped.Add();
      End(*stream);
    } else if (stream->ends_at <= tick_ && stream->has_timeout) {
      Fail(*stream,
           {.code = flagd_service::Code::kDeadlineExceeded, .text = "The time that the request gave is over."});
    } else if (stream->ends_at <= tick_) {
      SayGoodbye(*stream, kRetryOpen);
    } else {
      Serve(*stream);
    }
  }
  FlushReceipts();
  for (const auto& environment : environments_) ShowProgress(*environment);
  if (!due_.empty() && !woken_.exchange(true, std::memory_order_acq_rel)) scheduler_.pump_soon();
}

void StreamHub::Drain() {
  std::vector<Stream*> all;
  for (const auto& environment : environments_) {
    for (const auto& [text, scope] : environment->scopes) {
      for (const auto& stream : scope->streams) all.push_back(stream.get());
    }
  }
  for (Stream* stream : all) {
    const Scope& scope = *static_cast<const Scope*>(stream->scope);
    if (scope.kind == StreamKind::kManagement && !stream->current)
      stream->peer->Send(
          NodeEvent(scope.View(), "", app_.node(), "draining", scope.environment->feed->position().served));
    SayGoodbye(*stream, kRetryDrain);
  }
}

}  // namespace guidon::api_http

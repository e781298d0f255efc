// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/latency_curve.hpp"
#include "guidon/app/snapshots.hpp"
#include "guidon/base/clock.hpp"

namespace guidon::app {

enum class ClientKind : std::uint8_t {
  kEvaluation,  // an OFREP stream: converged when it asks again
  kManagement,  // converged when it was sent the change
  kFlagd,       // likewise
  kNamed        // acknowledges under a name
};
std::string_view NameOf(ClientKind kind);

// What is known of who is at the other end of a stream. Clients for which all of it is the same are told apart by their
// number only.
struct ClientIdentity {
  ClientKind kind = ClientKind::kEvaluation;
  std::string_view tenant = {};  // whose changes concern it; "" = evaluation: nobody's own, the others: everybody's
  std::string_view key_id = {};  // "" = none
  std::string_view address = {};
};

// Some clients of one identity (or one with a name) that do not have a change yet.
struct WaitingClients {
  ClientKind kind = ClientKind::kEvaluation;
  std::string name = {};
  std::string address = {};
  std::string key_id = {};
  std::string tenant = {};
  std::uint64_t waiting = 0;
  std::uint64_t connected = 0;
  friend bool operator==(const WaitingClients&, const WaitingClients&) = default;
};

// How far one change has come on this node.
struct ChangeProgress {
  std::uint64_t first = 0;                      // of the sequences that were published together
  std::uint64_t sequence = 0;                   // the last of them
  std::shared_ptr<const FeedEntry> entry = {};  // nullptr where it is forgotten: then the times are not there either
  base::Timestamp committed_at = {};
  std::chrono::microseconds served_after{0};  // from the commit, by this node's clock
  std::uint64_t connected = 0;                // were to have it, without those that went before they had it
  std::uint64_t converged = 0;
  LatencyCurve curve = {};  // from the commit to each client
  std::vector<WaitingClients> waiting = {};
  std::uint64_t waiting_others = 0;  // clients that are in no entry

  std::uint64_t waiting_count() const { return connected - converged; }
};

// Publications that are remembered for each environment, and for how long.
inline constexpr std::size_t kProgressChangesMax = 1000;
inline constexpr std::chrono::hours kProgressAge{1};
// Who acknowledges under a name is bounded: more are counted without a name.
inline constexpr std::size_t kNamedClientsMax = 10'000;
// A client that acknowledges and has no stream is waited for so long after its last sign.
inline constexpr std::chrono::seconds kNamedClientSilence{60};

inline constexpr std::array<double, 13> kPropagationBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                              0.25,  0.5,    1,     2.5,  5,     10};

// Which clients of this node have which change (docs/adr/0019). Adapters say when a stream opens, what its client has
// shown to have, and when it ends. Costs a dozen bytes a stream where clients share an address, a hundred where each
// has its own, and one lock for each of those calls; nothing for each event and stream. Thread-safe.
class Propagation {
 public:
  using Clock = std::chrono::steady_clock;
  struct Client;  // streams that cannot be told apart

  // Both outlive it.
  Propagation(const SnapshotRegistry& snapshots, const base::Clock& clock);
  ~Propagation();
  Propagation(const Propagation&) = delete;
  Propagation& operator=(const Propagation&) = delete;

  // A stream begins whose client has everything up to `known`. nullptr where there is no such environment. To be given
  // back with Close, once for each call.
  Client* Open(std::string_view environment, const ClientIdentity& identity, std::uint64_t known);
  // `known`: what this very client has, where the caller can tell. Where it cannot, and several clients look alike, one
  // that has converged is taken to have gone: a client that is waited for is never forgotten by mistake.
  void Close(Client* client, std::optional<std::uint64_t> known = std::nullopt);

  struct Receipt {
    Client* client = nullptr;
    std::uint64_t known = 0;  // before
    std::uint64_t sequence = 0;
  };
  // Clients of streams that have been sent everything up to `sequence`. One lock for all of an environment.
  void Converged(std::span<const Receipt> receipts);
  // A client that asked again, and was answered from `sequence`. Where no such client is connected nothing happens.
  void Refetched(std::string_view environment, const ClientIdentity& identity, std::uint64_t sequence);
  // A client that evaluates by itself works with `sequence`. From then on it is known by `name`: it takes the place of
  // one of the streams of the same identity, or is waited for until kNamedClientSilence after its last sign.
  void Acknowledged(std::string_view environment, const ClientIdentity& identity, std::string_view name,
                    std::uint64_t sequence);

  // Sequence that this node serves; nothing where there is no such environment.
  std::optional<std::uint64_t> Served(std::string_view environment) const;
  // Nothing where this node does not have the change, or it is not `tenant`'s own ("" = anybody may ask): then only
  // that tenant's clients are in it. At most `waiting_max` entries.
  std::optional<ChangeProgress> ProgressOf(std::string_view environment, std::uint64_t sequence,
                                           std::string_view tenant, std::size_t waiting_max) const;
  // Sequences of the latest publications, newest first.
  std::vector<std::uint64_t> Latest(std::string_view environment, std::string_view tenant, std::size_t count) const;
  // Clients that do not have the last change that concerns them.
  std::uint64_t Behind(std::string_view environment) const;

  struct Histogram {
    std::array<std::uint64_t, kPropagationBounds.size() + 1> counts{};
    double seconds = 0;
    void Add(std::chrono::microseconds duration);
  };
  Histogram served_times() const;
  Histogram converged_times() const;

  // Goes up when a change was published, and when one has come to the last of its clients.
  std::uint64_t news() const;
  // Until news() is not `seen` any more, `deadline` has passed, a stop was asked for, or Wake was called.
  void AwaitNews(std::uint64_t seen, Clock::time_point deadline, const std::stop_token& stop = {}) const;
  // Ends all waiting, now and from now on: the server stops.
  void StopWaiting();
  bool stopping() const;

 private:
  struct Environment;
  struct Scope;
  Environment* EnvironmentOf(std::string_view name) const;
  void Tell() const;

  const base::Clock& clock_;
  std::vector<std::unique_ptr<Environment>> environments_;
  mutable std::mutex news_mutex_;
  mutable std::condition_variable_any news_changed_;
  mutable std::uint64_t news_ = 0;
  bool stopping_ = false;
};

}  // namespace guidon::app

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/app/propagation.hpp"
#include "guidon/app/services.hpp"
#include "guidon/app/store_contact.hpp"

namespace guidon::app {

// How many clients have a change, and how long it took.
struct Convergence {
  std::uint64_t connected = 0;  // were to have it, without those that went before they had it
  std::uint64_t converged = 0;
  LatencyCurve curve = {};  // from the commit to each client; may lack those of whom only the number is known
};

enum class NodeState : std::uint8_t {
  kServing,    // serves the change
  kBehind,     // has not said so
  kOutOfTouch  // has not said anything for long, or does not hear from the store
};

struct NodeProgress {
  std::string node;
  bool self = false;
  NodeState state = NodeState::kBehind;
  std::optional<std::uint64_t> sequence = std::nullopt;  // that it serves; not for one tenant's eyes
  std::optional<std::chrono::microseconds> served_after = std::nullopt;
  std::optional<base::Timestamp> reported_at = std::nullopt;  // of others
  std::optional<Convergence> clients = std::nullopt;          // where it says so, and all of them may be known
};

struct WaitingOnNode {
  std::string node;
  WaitingClients clients;
};

// How far a change has come, on all nodes that share the table.
struct PropagationStatus {
  std::string environment;
  std::uint64_t sequence = 0;
  std::optional<base::Timestamp> committed_at = std::nullopt;
  std::optional<store::ChangeRecord> change = std::nullopt;
  bool complete = false;                 // all nodes serve it, and no client is waited for
  std::vector<NodeProgress> nodes = {};  // this one first
  Convergence clients = {};              // of all nodes that say so
  std::vector<WaitingOnNode> waiting = {};
  std::uint64_t waiting_others = 0;  // clients that are in no entry
};

// An entry of an answer; of a node's report, which costs a write unit for each KB.
inline constexpr std::size_t kWaitingShownMax = 50;
inline constexpr std::size_t kWaitingReportedMax = 8;
inline constexpr std::size_t kChangesReportedMax = 4;
inline constexpr std::chrono::milliseconds kPropagationWaitMax{30'000};
// Waiting takes a worker thread: more than so many are answered at once.
inline constexpr int kPropagationWaitersMax = 8;

// A node that has nothing to say says so; who has been silent for more than two of its turns is out of touch, and
// forgotten when its item's time is up.
inline constexpr std::chrono::seconds kNodeReportInterval{60};
inline constexpr std::chrono::seconds kNodeSilenceMax{150};
inline constexpr std::chrono::seconds kNodeReportKept{600};

// Receipts over all nodes (docs/adr/0019). The functions may block on the store. Thread-safe.
class PropagationService {
 public:
  // All outlive it. `node`: what others call this one. Where `contact` follows nobody there are no other nodes.
  PropagationService(const Services& services, Propagation& propagation, const StoreContact& contact, std::string node)
      : s_(services), propagation_(propagation), contact_(contact), node_(std::move(node)) {}

  // `sequence`: nothing = the latest. Errors: kNotFound where this node does not have the change (after it has looked
  // at the log), or a tenant's administrator asks for what is not the tenant's own; those of the store.
  base::Result<PropagationStatus> Get(const RequestInfo& request, const model::Environment& env,
                                      std::optional<std::uint64_t> sequence);
  // As Get, once it is complete or `wait` has passed; sooner where too many wait or the server stops.
  base::Result<PropagationStatus> Await(const RequestInfo& request, const model::Environment& env,
                                        std::optional<std::uint64_t> sequence, std::chrono::milliseconds wait);
  // The latest changes, newest first; what this node remembers.
  base::Result<std::vector<PropagationStatus>> Latest(const RequestInfo& request, const model::Environment& env,
                                                      std::size_t count);

  // Tells the other nodes what this one serves and who has it, where that is not what it last said, or long ago. For
  // one thread, again and again. Errors: those of the store.
  base::Status Report();
  // The node ends: nobody is to wait for it.
  base::Status Retire();
  // Until there may be something to report, or a stop was asked for. For the thread of Report.
  void AwaitNews(const std::stop_token& stop);

 private:
  struct Other;
  base::Result<std::vector<Other>> Others(std::chrono::milliseconds age_max);
  base::Result<PropagationStatus> Make(const Principal& principal, const std::string& environment,
                                       const ChangeProgress& progress, std::uint64_t sequence,
                                       const std::vector<Other>& others) const;
  base::Status Hear(const model::Environment& env, std::uint64_t sequence);
  std::string ReportText() const;

  const Services s_;
  Propagation& propagation_;
  const StoreContact& contact_;
  const std::string node_;
  std::atomic<int> waiters_{0};

  std::mutex others_mutex_;  // of what the store said last
  std::chrono::steady_clock::time_point others_at_ = {};
  std::vector<store::NodeRecord> others_;

  // Of the thread of Report:
  std::string reported_;
  std::chrono::steady_clock::time_point reported_at_ = {};
  std::uint64_t heard_news_ = 0;
};

}  // namespace guidon::app

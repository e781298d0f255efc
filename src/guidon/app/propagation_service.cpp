// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/propagation_service.hpp"

#include <algorithm>
#include <utility>

#include "guidon/app/change.hpp"
#include "guidon/app/node_report.hpp"
#include "guidon/base/log.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;
using std::chrono::milliseconds;
using SteadyClock = std::chrono::steady_clock;

// How old the others' reports may be: for one look, and for somebody who waits and looks again and again.
constexpr milliseconds kOthersAge{200};
constexpr milliseconds kOthersAgeWaiting{40};
// Between two looks of somebody who waits: while other nodes are waited for, and while clients here are.
constexpr milliseconds kLookAtOthers{50};
constexpr milliseconds kLookAtClients{250};
// Of a node's reports: the first waits for clients that come at once, the next ones while some do not.
constexpr milliseconds kReportGather{15};
constexpr milliseconds kReportProgress{250};
constexpr milliseconds kReportGap{100};  // whatever happens: ten write units a second where changes pour in

std::string TenantOf(const Principal& principal) { return principal.tenant_id.value_or(""); }

base::Error Unheard(std::uint64_t sequence) {
  return {.code = ErrorCode::kNotFound,
          .message = "This node does not know a change " + std::to_string(sequence) +
                     " here. It may not have happened, or this node has not heard of it yet; try again."};
}

base::Error NothingOfTheTenant() {
  return {.code = ErrorCode::kNotFound, .message = "There is no such change of what is this tenant's own."};
}

}  // namespace

struct PropagationService::Other {
  std::string node;
  base::Timestamp at = {};
  NodeReport report;
};

// What other nodes last said, as far as this one has heard: while the store does not answer, that is what it was asked
// for last. Empty where there are none.
Result<std::vector<PropagationService::Other>> PropagationService::Others(milliseconds age_max) {
  std::vector<Other> others;
  if (!contact_.following()) return others;
  const std::lock_guard one_at_a_time(others_mutex_);
  if (SteadyClock::now() - others_at_ > age_max && !contact_.AgeOf(s_.clock.Now())) {
    GUIDON_ASSIGN(others_, s_.repository.ListNodes());
    others_at_ = SteadyClock::now();
  }
  for (const store::NodeRecord& record : others_) {
    if (record.node == node_) continue;
    auto report = ParseNodeReport(record.report);
    // Of a version that says it in another way: it is there, and what it serves is not known.
    others.push_back({.node = record.node, .at = record.at, .report = report ? *std::move(report) : NodeReport{}});
  }
  return others;
}

namespace {

// What another node says, as far as the principal may know.
void AddOther(PropagationStatus& status, NodeProgress node, const EnvironmentReport* report,
              const std::string& tenant) {
  const ChangeReport* change = report == nullptr ? nullptr : report->Find(status.sequence);
  if (change != nullptr) {
    node.served_after = change->served_after;
    if (tenant.empty()) {
      node.clients =
          Convergence{.connected = change->connected, .converged = change->converged, .curve = change->curve};
      status.clients.connected += change->connected;
      status.clients.converged += change->converged;
      status.clients.curve.Add(change->curve);
    }
    for (const WaitingClients& clients : change->waiting) {
      if (tenant.empty() || clients.tenant == tenant) status.waiting.push_back({.node = node.node, .clients = clients});
    }
    status.waiting_others += change->waiting_others;
  } else if (report != nullptr && report->sequence >= status.sequence) {
    // It is past the change, and says of its clients only how many lack something.
    status.waiting_others += report->behind;
  }
  status.nodes.push_back(std::move(node));
}

}  // namespace

Result<PropagationStatus> PropagationService::Make(const Principal& principal, const std::string& environment,
                                                   const ChangeProgress& progress, std::uint64_t sequence,
                                                   const std::vector<Other>& others) const {
  const std::string tenant = TenantOf(principal);
  const base::Timestamp now = s_.clock.Now();
  PropagationStatus status{.environment = environment, .sequence = sequence};
  NodeProgress self{.node = node_,
                    .self = true,
                    .state = contact_.AgeOf(now) ? NodeState::kOutOfTouch : NodeState::kServing,
                    .sequence = propagation_.Served(environment),
                    .clients = Convergence{
                        .connected = progress.connected, .converged = progress.converged, .curve = progress.curve}};
  if (progress.entry != nullptr) {
    self.served_after = progress.served_after;
    status.committed_at = progress.committed_at;
    const auto change =
        std::ranges::find(progress.entry->changes, sequence, [](const FeedChange& one) { return one.record.sequence; });
    if (change != progress.entry->changes.end() && (tenant.empty() || change->audience.Names(tenant)))
      status.change = change->record;
  }
  status.clients = *self.clients;
  status.waiting_others = progress.waiting_others;
  for (const WaitingClients& clients : progress.waiting) status.waiting.push_back({.node = node_, .clients = clients});
  status.nodes.push_back(std::move(self));
  for (const Other& other : others) {
    const auto report = other.report.environments.find(environment);
    const EnvironmentReport* const found = report == other.report.environments.end() ? nullptr : &report->second;
    NodeProgress node{.node = other.node, .reported_at = other.at};
    if (found != nullptr) node.sequence = found->sequence;
    if (found != nullptr && found->sequence >= sequence) {
      node.state = NodeState::kServing;
    } else if (now - other.at > kNodeSilenceMax) {
      node.state = NodeState::kOutOfTouch;
    }
    AddOther(status, std::move(node), found, tenant);
  }
  if (!tenant.empty()) {
    for (NodeProgress& node : status.nodes) node.sequence.reset();
  }
  while (status.waiting.size() > kWaitingShownMax) {
    status.waiting_others += status.waiting.back().clients.waiting;
    status.waiting.pop_back();
  }
  const auto serves = [](const NodeProgress& node) { return node.state == NodeState::kServing; };
  status.complete = status.waiting.empty() && status.waiting_others == 0 && std::ranges::all_of(status.nodes, serves);
  return status;
}

// Another node has announced it.
base::Status PropagationService::Hear(const model::Environment& env, std::uint64_t sequence) {
  if (!contact_.following() || contact_.AgeOf(s_.clock.Now()) ||
      propagation_.Served(env.str()).value_or(sequence) >= sequence)
    return {};
  return s_.snapshots.CatchUp(s_.repository, env, s_.clock);
}

Result<PropagationStatus> PropagationService::Get(const RequestInfo& request, const model::Environment& env,
                                                  std::optional<std::uint64_t> sequence) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  const std::string tenant = TenantOf(request.principal);
  std::uint64_t wanted = sequence.value_or(0);
  if (sequence) {
    GUIDON_TRY(Hear(env, *sequence));
  } else if (tenant.empty()) {
    wanted = propagation_.Served(env.str()).value_or(0);
  } else {
    const auto latest = propagation_.Latest(env.str(), tenant, 1);
    if (latest.empty()) return std::unexpected(NothingOfTheTenant());
    wanted = latest.front();
  }
  const auto progress = propagation_.ProgressOf(env.str(), wanted, tenant, kWaitingShownMax);
  if (!progress) return std::unexpected(tenant.empty() ? Unheard(wanted) : NothingOfTheTenant());
  GUIDON_ASSIGN(const auto others, Others(waiters_.load() > 0 ? kOthersAgeWaiting : kOthersAge));
  return Make(request.principal, env.str(), *progress, wanted, others);
}

Result<PropagationStatus> PropagationService::Await(const RequestInfo& request, const model::Environment& env,
                                                    std::optional<std::uint64_t> sequence, milliseconds wait) {
  const auto deadline = SteadyClock::now() + std::min(wait, kPropagationWaitMax);
  const bool room = waiters_.fetch_add(1) < kPropagationWaitersMax;
  while (true) {
    const std::uint64_t seen = propagation_.news();
    auto status = Get(request, env, sequence);
    const bool done = status ? status->complete : status.error().code != ErrorCode::kNotFound;
    const auto now = SteadyClock::now();
    if (done || !room || now >= deadline || propagation_.stopping()) {
      waiters_.fetch_sub(1);
      return status;
    }
    const bool others_only = status && status->clients.connected == status->clients.converged;
    const auto look = contact_.following() && others_only ? kLookAtOthers : kLookAtClients;
    propagation_.AwaitNews(seen, std::min(deadline, now + look));
  }
}

Result<std::vector<PropagationStatus>> PropagationService::Latest(const RequestInfo& request,
                                                                  const model::Environment& env, std::size_t count) {
  GUIDON_TRY(CheckEnvironment(s_, env.str()));
  const std::string tenant = TenantOf(request.principal);
  GUIDON_ASSIGN(const auto others, Others(kOthersAge));
  std::vector<PropagationStatus> latest;
  for (const std::uint64_t sequence : propagation_.Latest(env.str(), tenant, count)) {
    const auto progress = propagation_.ProgressOf(env.str(), sequence, tenant, kWaitingShownMax);
    if (!progress) continue;
    GUIDON_ASSIGN(auto status, Make(request.principal, env.str(), *progress, sequence, others));
    latest.push_back(std::move(status));
  }
  return latest;
}

std::string PropagationService::ReportText() const {
  NodeReport report;
  for (const model::Environment& environment : s_.snapshots.environments()) {
    EnvironmentReport& one = report.environments[environment.str()];
    one.sequence = propagation_.Served(environment.str()).value_or(0);
    one.behind = propagation_.Behind(environment.str());
    for (const std::uint64_t sequence : propagation_.Latest(environment.str(), "", kChangesReportedMax)) {
      auto progress = propagation_.ProgressOf(environment.str(), sequence, "", kWaitingReportedMax);
      if (progress) one.changes.push_back(ReportOf(*std::move(progress)));
    }
  }
  return WriteNodeReport(report);
}

base::Status PropagationService::Report() {
  heard_news_ = propagation_.news();
  std::string text = ReportText();
  const auto now = SteadyClock::now();
  if (text == reported_ && now - reported_at_ < kNodeReportInterval) return {};
  GUIDON_TRY(s_.repository.table().PutItem(
      store::PutNode({.node = node_, .at = s_.clock.Now(), .report = text, .kept = kNodeReportKept})));
  reported_ = std::move(text);
  reported_at_ = now;
  return {};
}

base::Status PropagationService::Retire() {
  if (reported_at_ == SteadyClock::time_point{}) return {};
  GUIDON_TRY(s_.repository.table().DeleteItem({.key = store::NodeItemKey(node_)}));
  return {};
}

void PropagationService::AwaitNews(const std::stop_token& stop) {
  const auto waits = [this](const model::Environment& env) { return propagation_.Behind(env.str()) > 0; };
  const bool incomplete = std::ranges::any_of(s_.snapshots.environments(), waits);
  const auto now = SteadyClock::now();
  const auto deadline = incomplete ? now + kReportProgress : reported_at_ + kNodeReportInterval;
  propagation_.AwaitNews(heard_news_, std::max(deadline, now + kReportProgress), stop);
  // Most clients answer within that, and then one report says it all.
  const auto earliest = std::max(SteadyClock::now() + kReportGather, reported_at_ + kReportGap);
  while (SteadyClock::now() < earliest && !stop.stop_requested() && !propagation_.stopping())
    propagation_.AwaitNews(propagation_.news(), earliest, stop);
}

}  // namespace guidon::app

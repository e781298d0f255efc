// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "guidon/app/change.hpp"
#include "guidon/app/services.hpp"
#include "guidon/base/log.hpp"
#include "guidon/base/random.hpp"
#include "guidon/json/json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;

// Refusals of one request id in one millisecond are moved apart by up to this many milliseconds.
constexpr int kDelayMax = 16;

// Of the node's own check.
constexpr std::chrono::hours kNewestDay{24};
constexpr std::size_t kProblemsLogged = 10;

void LogProblem(const AuditProblem& problem) {
  base::Log(base::LogLevel::kError,
            "The audit chain is broken: somebody changed the table past Guidon, or restored it, or this node has "
            "another secret. `guidon audit verify` says more.",
            {{"environment", problem.scope},
             {"problem", NameOf(problem.kind)},
             {"detail", std::string_view(DescriptionOf(problem))},
             {"requestId", problem.request_id}});
}

}  // namespace

struct AuditService::Queue {
  std::mutex mutex;
  std::deque<store::AuditRecord> records;
  std::mutex flush_mutex;  // one flush at a time; taken before `mutex`
  std::atomic<std::uint64_t> dropped{0};
  // Of the thread that flushes: where the chains of this process are, by scope.
  struct Link {
    std::uint64_t number = 0;
    std::string hash = {};
  };
  std::map<std::string, Link> links;
  const std::string run = base::RandomId();
  // Of the thread that checks: how far the check is; absent between two.
  std::optional<AuditVerification> check;
  std::vector<AuditProblem> problems;  // of it
};

AuditService::AuditService(Services services, const AuditSeal& seal)
    : s_(services), seal_(seal), queue_(std::make_unique<Queue>()) {}
AuditService::~AuditService() = default;

Result<store::Page<store::AuditRecord>> AuditService::List(const RequestInfo& request, store::AuditQuery query,
                                                           const store::PageRequest& page) {
  const Principal& principal = request.principal;
  if (principal.environment) {
    if (!query.scope.empty() && query.scope != *principal.environment) return store::Page<store::AuditRecord>{};
    query.scope = *principal.environment;
  }
  if (principal.tenant_id) {
    if (!query.tenant_id.empty() && query.tenant_id != *principal.tenant_id) return store::Page<store::AuditRecord>{};
    query.tenant_id = *principal.tenant_id;
  }
  if (!query.resource.empty() && query.scope.empty())
    return base::Fail(ErrorCode::kInvalidArgument, "Say in which environment the resource is.", "environment");
  return s_.repository.ListAudit(query, page);
}

void AuditService::RecordRefusal(const RequestInfo& request, std::string scope, std::string resource,
                                 std::string detail) {
  store::AuditRecord record =
      AuditOf(request, {.action = "access.refused",
                        .scope = scope.empty() ? std::string(store::kSystemScope) : std::move(scope),
                        .entity = "flag",
                        .resource = std::move(resource),
                        .tenant_id = request.principal.tenant_id});
  record.at = s_.clock.Now();
  model::Object after;
  after.Set("detail", std::move(detail));
  record.after = json::Write(after);
  {
    const std::lock_guard lock(queue_->mutex);
    if (queue_->records.size() < kRefusalsQueuedMax) {
      queue_->records.push_back(std::move(record));
      return;
    }
  }
  queue_->dropped.fetch_add(1, std::memory_order_relaxed);
  base::Log(base::LogLevel::kWarn, "A refusal is not in the audit log: too many are waiting to be written.",
            {{"requestId", request.request_id}, {"actor", request.principal.id}});
}

std::uint64_t AuditService::dropped_refusals() const { return queue_->dropped.load(std::memory_order_relaxed); }

// Request ids come from clients: one that repeats itself finds its entry taken and writes another. An entry of ours
// whose answer was lost is found there and not written twice.
base::Status AuditService::WriteRefusal(store::AuditRecord record) {
  Queue::Link& link = queue_->links[record.scope];
  record.run = queue_->run;
  record.run_number = link.number + 1;
  record.previous_hash = link.hash;
  for (int delay = 0; delay < kDelayMax; ++delay, record.at += std::chrono::milliseconds{1}) {
    const store::Put put = seal_.Put(record);
    GUIDON_ASSIGN(const auto written, s_.repository.table().PutItem(put));
    if (!written.applied && written.existing != put.item) continue;
    link = {.number = record.run_number, .hash = record.hash};
    return {};
  }
  base::Log(base::LogLevel::kWarn, "A refusal is not in the audit log: too many of the same request id at once.",
            {{"requestId", record.request_id}});
  return {};
}

base::Status AuditService::FlushRefusals() {
  const std::lock_guard one_flush(queue_->flush_mutex);
  std::deque<store::AuditRecord> waiting;
  {
    const std::lock_guard lock(queue_->mutex);
    waiting.swap(queue_->records);
  }
  while (!waiting.empty()) {
    if (const base::Status status = WriteRefusal(waiting.front()); !status) {
      const std::lock_guard lock(queue_->mutex);
      queue_->records.insert(queue_->records.begin(), std::make_move_iterator(waiting.begin()),
                             std::make_move_iterator(waiting.end()));
      return status;
    }
    waiting.pop_front();
  }
  return {};
}

base::Status AuditService::CheckNewest() {
  if (!queue_->check) {
    queue_->check = AuditVerification{.from = s_.clock.Now() - kNewestDay};
    queue_->problems.clear();
  }
  auto portion = VerifyPortion(*queue_->check);
  if (!portion) {
    queue_->check.reset();
    return std::unexpected(std::move(portion).error());
  }
  std::vector<AuditProblem>& problems = queue_->problems;
  std::ranges::move(portion->problems, std::back_inserter(problems));
  problems.resize(std::min(problems.size(), kProblemsLogged));
  if (portion->next_cursor) {
    queue_->check->cursor = *std::move(portion->next_cursor);
    return {};
  }
  queue_->check.reset();
  std::uint64_t entries = 0;
  std::uint64_t broken = 0;
  for (const AuditChain& chain : portion->chains) {
    entries += chain.entries;
    bool is_broken = chain.state() == AuditChain::State::kBroken;
    if (chain.kind == AuditChain::Kind::kChanges) {
      std::uint64_t& known = heads_[chain.scope];
      if (chain.head < known) {
        is_broken = true;
        problems.push_back(
            {.kind = AuditProblemKind::kMissingEnd, .scope = chain.scope, .first = chain.head + 1, .last = known});
      }
      known = chain.head;
    }
    if (is_broken) ++broken;
  }
  std::ranges::for_each(problems, LogProblem);
  const std::lock_guard lock(figures_mutex_);
  figures_ = {.checks = figures_.checks + 1,
              .broken_chains = broken,
              .entries = figures_.entries + entries,
              .checked_at = s_.clock.Now()};
  return {};
}

AuditService::CheckFigures AuditService::check_figures() const {
  const std::lock_guard lock(figures_mutex_);
  return figures_;
}

}  // namespace guidon::app

// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <chrono>
#include <deque>
#include <iterator>
#include <mutex>
#include <utility>

#include "guidon/app/change.hpp"
#include "guidon/app/services.hpp"
#include "guidon/base/log.hpp"
#include "guidon/json/json.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;
using base::Result;

// Refusals of one request id in one millisecond are moved apart by up to this many milliseconds.
constexpr int kDelayMax = 16;

// Request ids come from clients: one that repeats itself finds its entry taken and writes another.
base::Status WriteNew(store::Table& table, store::AuditRecord record) {
  for (int delay = 0; delay < kDelayMax; ++delay, record.at += std::chrono::milliseconds{1}) {
    GUIDON_ASSIGN(const auto written, table.PutItem(store::PutAudit(record)));
    if (written.applied) return {};
  }
  base::Log(base::LogLevel::kWarn, "A refusal is not in the audit log: too many of the same request id at once.",
            {{"requestId", record.request_id}});
  return {};
}

}  // namespace

struct AuditService::Queue {
  std::mutex mutex;
  std::deque<store::AuditRecord> records;
  std::mutex flush_mutex;  // one flush at a time; taken before `mutex`
  std::atomic<std::uint64_t> dropped{0};
};

AuditService::AuditService(Services services) : s_(services), queue_(std::make_unique<Queue>()) {}
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

base::Status AuditService::FlushRefusals() {
  const std::lock_guard one_flush(queue_->flush_mutex);
  std::deque<store::AuditRecord> waiting;
  {
    const std::lock_guard lock(queue_->mutex);
    waiting.swap(queue_->records);
  }
  while (!waiting.empty()) {
    if (const base::Status status = WriteNew(s_.repository.table(), waiting.front()); !status) {
      const std::lock_guard lock(queue_->mutex);
      queue_->records.insert(queue_->records.begin(), std::make_move_iterator(waiting.begin()),
                             std::make_move_iterator(waiting.end()));
      return status;
    }
    waiting.pop_front();
  }
  return {};
}

}  // namespace guidon::app

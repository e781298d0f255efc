// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/app/application.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/json/json.hpp"
#include "guidon/store_memory/memory_table.hpp"

namespace guidon::app::testing {

// The value, or a failed test that says why there is none.
template <class T>
T Must(base::Result<T> result) {
  if (!result) {
    ADD_FAILURE() << base::Name(result.error().code) << " " << result.error().field << ": " << result.error().message;
    std::abort();
  }
  return *std::move(result);
}
inline void Must(const base::Status& status) {
  EXPECT_TRUE(status.has_value()) << (status ? "" : status.error().message);
}

// The error, or a failed test.
template <class T>
base::Error MustFail(const base::Result<T>& result) {
  if (result) {
    ADD_FAILURE() << "it succeeded";
    return {};
  }
  return result.error();
}

inline model::Environment Env(std::string_view text) { return Must(model::Environment::Parse(text)); }
inline model::FlagKey Flag(std::string_view text) { return Must(model::FlagKey::Parse(text)); }
inline model::TenantId Tenant(std::string_view text) { return Must(model::TenantId::Parse(text)); }
inline model::SegmentKey Segment(std::string_view text) { return Must(model::SegmentKey::Parse(text)); }
inline model::KillScope Scope(std::string_view text) { return Must(model::KillScope::Parse(text)); }
inline model::Value Json(std::string_view text) { return Must(json::Parse(text)); }

inline IfMatch Any() { return {.kind = IfMatch::Kind::kAny, .version = 0}; }
inline IfMatch Version(std::uint64_t version) { return {.kind = IfMatch::Kind::kVersion, .version = version}; }

// Passes everything on, counts transactions, and does before them what a test wants to happen.
class ScriptedTable final : public store::Table {
 public:
  using Transaction = std::span<const store::TransactionOperation>;
  // Called before each transaction; an answer replaces it.
  using Hook = std::function<std::optional<base::Result<store::TransactionResult>>(Transaction)>;
  // Called before each read; an error replaces it.
  using ReadHook = std::function<base::Status()>;

  explicit ScriptedTable(store::Table& inner) : inner_(inner) {}

  void OnTransact(Hook hook) {
    const std::lock_guard lock(mutex_);
    hook_ = std::move(hook);
  }
  void OnRead(ReadHook hook) {
    const std::lock_guard lock(mutex_);
    read_hook_ = std::move(hook);
  }
  // Called before each batch of writes; an error replaces it.
  void OnBatchWrite(ReadHook hook) {
    const std::lock_guard lock(mutex_);
    batch_write_hook_ = std::move(hook);
  }
  // Called before each batch of reads.
  void OnBatchGet(std::function<void()> hook) {
    const std::lock_guard lock(mutex_);
    batch_get_hook_ = std::move(hook);
  }
  // Called after each query with what it found.
  using AfterReadHook = std::function<void(store::QueryPage&)>;
  void AfterRead(AfterReadHook hook) {
    const std::lock_guard lock(mutex_);
    after_read_hook_ = std::move(hook);
  }
  // Called after a transaction; its answer replaces the real one.
  void AfterTransact(Hook hook) {
    const std::lock_guard lock(mutex_);
    after_hook_ = std::move(hook);
  }
  // Called after a single put; its error replaces the answer.
  void AfterPut(ReadHook hook) {
    const std::lock_guard lock(mutex_);
    after_put_hook_ = std::move(hook);
  }
  int transactions() const {
    const std::lock_guard lock(mutex_);
    return transactions_;
  }

  base::Result<store::GetResult> Get(const store::Key& key, store::Consistency consistency) override {
    GUIDON_TRY(BeforeRead());
    return inner_.Get(key, consistency);
  }
  base::Result<store::WriteResult> PutItem(const store::Put& put) override {
    auto result = inner_.PutItem(put);
    ReadHook hook;
    {
      const std::lock_guard lock(mutex_);
      hook = after_put_hook_;
    }
    if (hook) GUIDON_TRY(hook());
    return result;
  }
  base::Result<store::WriteResult> UpdateItem(const store::Update& update) override {
    return inner_.UpdateItem(update);
  }
  base::Result<store::WriteResult> DeleteItem(const store::Delete& del) override { return inner_.DeleteItem(del); }
  base::Result<store::QueryPage> RunQuery(const store::Query& query) override {
    GUIDON_TRY(BeforeRead());
    auto page = inner_.RunQuery(query);
    AfterReadHook hook;
    {
      const std::lock_guard lock(mutex_);
      hook = after_read_hook_;
    }
    if (hook && page) hook(*page);
    return page;
  }
  base::Result<store::BatchGetResult> BatchGet(std::span<const store::Key> keys,
                                               store::Consistency consistency) override {
    GUIDON_TRY(BeforeRead());
    std::function<void()> hook;
    {
      const std::lock_guard lock(mutex_);
      hook = batch_get_hook_;
    }
    if (hook) hook();
    return inner_.BatchGet(keys, consistency);
  }
  base::Result<store::BatchWriteResult> BatchWrite(std::span<const store::BatchWriteOperation> operations) override {
    ReadHook hook;
    {
      const std::lock_guard lock(mutex_);
      hook = batch_write_hook_;
    }
    if (hook) GUIDON_TRY(hook());
    return inner_.BatchWrite(operations);
  }
  base::Result<store::TransactionResult> Transact(Transaction operations, std::string_view token) override {
    Hook hook;
    Hook after;
    {
      const std::lock_guard lock(mutex_);
      ++transactions_;
      hook = hook_;
      after = after_hook_;
    }
    if (hook) {
      if (auto answer = hook(operations)) return *std::move(answer);
    }
    auto result = inner_.Transact(operations, token);
    if (after) {
      if (auto answer = after(operations)) return *std::move(answer);
    }
    return result;
  }
  base::Status Ping() override { return inner_.Ping(); }

 private:
  base::Status BeforeRead() {
    ReadHook hook;
    {
      const std::lock_guard lock(mutex_);
      hook = read_hook_;
    }
    return hook ? hook() : base::Status{};
  }

  store::Table& inner_;
  mutable std::mutex mutex_;
  Hook hook_;
  Hook after_hook_;
  ReadHook read_hook_;
  ReadHook batch_write_hook_;
  ReadHook after_put_hook_;
  std::function<void()> batch_get_hook_;
  AfterReadHook after_read_hook_;
  int transactions_ = 0;
};

inline constexpr std::string_view kHashSecret = "a secret for tests that has at least 32 bytes";

// A table, a clock that stands still, and the application over them.
struct World {
  World() { Restart(); }

  // As a second node over the same table, or this one after a crash.
  std::unique_ptr<Application> NewNode(store::Table& over) const {
    return Must(Application::Open(over, clock,
                                  {.environments = {Env("development"), Env("production")},
                                   .default_environment = "development",
                                   .key_hash_secret = std::string(kHashSecret)}));
  }
  void Restart() { app = NewNode(table); }

  base::ManualClock clock{Must(base::ParseTimestamp("2026-11-22T04:00:00Z"))};
  store_memory::MemoryTable memory{clock};
  ScriptedTable table{memory};
  std::unique_ptr<Application> app;
  int requests = 0;

  RequestInfo Admin() {
    return {.principal = {.kind = PrincipalKind::kAdmin, .id = "admin"},
            .request_id = "r" + std::to_string(++requests),
            .address = "127.0.0.1",
            .user_agent = "test"};
  }
  RequestInfo AdminOf(std::string_view tenant) {
    RequestInfo request = Admin();
    request.principal.id = "admin-of-" + std::string(tenant);
    request.principal.tenant_id = std::string(tenant);
    return request;
  }
  RequestInfo WithKey(std::string key, std::string body = {}) {
    RequestInfo request = Admin();
    request.idempotency_key = std::move(key);
    request.request_body = std::move(body);
    return request;
  }

  static model::FlagFields Boolean(std::string_view key, std::string_view env = "development") {
    return {.flag_key = std::string(key), .environment = std::string(env), .owner = "team-a", .default_enabled = true};
  }
  model::Flag CreateFlag(model::FlagFields fields) {
    return Must(app->flags().Create(Admin(), std::move(fields))).entity;
  }
  model::Flag CreateFlag(std::string_view key) { return CreateFlag(Boolean(key)); }
  model::Flag GetFlag(std::string_view key, std::string_view env = "development") {
    return Must(app->flags().Get(Admin(), Env(env), Flag(key)));
  }

  std::shared_ptr<const eval::Snapshot> Snapshot(std::string_view env = "development") const {
    return app->snapshots().Find(env)->Get();
  }
  // "on", "off" …, or the name of the error.
  std::string Evaluate(std::string_view key, std::string_view tenant = {}, std::string_view env = "development",
                       const Application* node = nullptr) const {
    model::Context::Fields fields{.targeting_key = "user"};
    if (!tenant.empty()) fields.tenant_id = std::string(tenant);
    const auto context = Must(model::Context::Create(std::move(fields)));
    auto& from = node != nullptr ? const_cast<Application&>(*node) : *app;
    const auto snapshot = from.snapshots().Find(env)->Get();
    const auto answer = eval::Evaluate(*snapshot, key, context, clock.Now());
    if (answer.variation != nullptr) return answer.variation->name;
    return answer.error == model::EvaluationError::kNone ? std::string(model::NameOf(answer.reason))
                                                         : std::string(model::NameOf(answer.error));
  }

  // The whole change log of a scope, in order.
  std::vector<store::ChangeRecord> Changes(std::string_view scope = "development") {
    store::Repository repository(memory);
    std::vector<store::ChangeRecord> all;
    store::PageRequest next{.limit = 1000, .cursor = {}};
    while (true) {
      auto page = Must(repository.ListChangesAfter(scope, 0, next));
      all.insert(all.end(), page.items.begin(), page.items.end());
      if (!page.next_cursor) return all;
      next.cursor = *page.next_cursor;
    }
  }
  // Audit entries of a resource, oldest first.
  std::vector<store::AuditRecord> Audit(std::string_view resource, std::string_view scope = "development") {
    store::Repository repository(memory);
    const store::AuditQuery query{.scope = std::string(scope),
                                  .resource = std::string(resource),
                                  .from = base::Timestamp{},
                                  .to = clock.Now() + std::chrono::hours{1}};
    auto page = Must(repository.ListAudit(query, {.limit = 1000, .cursor = {}}));
    return {page.items.rbegin(), page.items.rend()};
  }
};

}  // namespace guidon::app::testing

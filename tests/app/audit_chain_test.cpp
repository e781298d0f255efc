// SPDX-License-Identifier: Apache-2.0
// Whoever changes the audit behind our back is found, on both embedded stores, whatever the way.
#include <cstdlib>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>

#include "guidon/app/audit_seal.hpp"
#include "guidon/store/codec.hpp"
#include "guidon/store/metered_table.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"
#include "support.hpp"

namespace guidon::app::testing {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using store::Item;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

enum class Backend { kMemory, kRocks };

class AuditChain : public ::testing::TestWithParam<Backend> {
 protected:
  AuditChain() {
    if (GetParam() == Backend::kRocks) {
      std::string pattern = ::testing::TempDir() + "guidon-audit-XXXXXX";
      if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "no temporary directory";
      folder_ = pattern;
      rocks_ = *store_rocksdb::RocksTable::Open({.path = folder_ / "store", .clock = &world.clock, .sync = false});
      world.app = world.NewNode(*rocks_);
    }
  }
  ~AuditChain() override {
    world.app.reset();
    rocks_.reset();
    if (!folder_.empty()) std::filesystem::remove_all(folder_);
  }

  store::Table& table() { return rocks_ ? static_cast<store::Table&>(*rocks_) : world.memory; }

  void Create(std::string_view key, std::string_view env = "development") {
    Must(world.app->flags().Create(world.Admin(), World::Boolean(key, env)));
    world.clock.Advance(seconds{1});
  }
  void CreateMany(int count) {
    for (int i = 0; i < count; ++i) Create("f" + std::to_string(next_++));
  }
  void Refuse(std::string_view env = "development") {
    RequestInfo request = world.Admin();
    world.app->audit().RecordRefusal(request, std::string(env), "GET /x", "no");
    Must(world.app->audit().FlushRefusals());
    world.clock.Advance(seconds{1});
  }

  // Everything in the audit's partitions of the days of the test, by (scope, sequence) or (scope, request id).
  std::vector<Item> All() {
    std::vector<Item> items;
    std::vector<Item> moment;
    store::AuditReader reader(table(), {.date = "2026-11-22"}, world.clock.Now() + hours{1});
    while (Must(reader.Next(moment))) items.insert(items.end(), moment.begin(), moment.end());
    return items;
  }
  Item EntryOf(std::uint64_t sequence, std::string_view scope = "development") {
    for (const Item& item : All()) {
      const auto record = Must(store::DecodeAudit(item));
      if (record.scope == scope && record.sequence == sequence) return item;
    }
    ADD_FAILURE() << "no entry " << sequence;
    return {};
  }
  void Write(Item item) { EXPECT_TRUE(Must(table().PutItem({.item = std::move(item)})).applied); }
  void Remove(const Item& item) { Must(table().DeleteItem({.key = store::KeyOf(item)})); }

  AuditReport Verify(AuditVerification wanted = {}) {
    if (wanted.from == base::Timestamp{}) wanted.from = Must(base::ParseTimestamp("2026-11-21T00:00:00Z"));
    return Must(world.app->audit().Verify(world.Admin(), std::move(wanted)));
  }
  std::vector<std::string> Problems(const AuditReport& report) {
    std::vector<std::string> found;
    for (const AuditProblem& problem : report.problems)
      found.push_back(problem.scope + " " + std::string(NameOf(problem.kind)) + " " + std::to_string(problem.first) +
                      "-" + std::to_string(problem.last));
    return found;
  }
  std::vector<std::string> Problems() { return Problems(Verify()); }

  World world;
  std::filesystem::path folder_;
  std::unique_ptr<store_rocksdb::RocksTable> rocks_;
  int next_ = 0;
};

TEST_P(AuditChain, EachEntryNamesTheOneBeforeAndTheHeadNamesTheNewest) {
  CreateMany(3);
  Create("p", "production");
  const auto first = Must(store::DecodeAudit(EntryOf(1)));
  const auto second = Must(store::DecodeAudit(EntryOf(2)));
  const auto third = Must(store::DecodeAudit(EntryOf(3)));
  EXPECT_EQ(first.previous_hash, "");
  EXPECT_THAT(first.hash, SizeIs(43));
  EXPECT_EQ(second.previous_hash, first.hash);
  EXPECT_EQ(third.previous_hash, second.hash);
  EXPECT_EQ(Must(store::DecodeAudit(EntryOf(1, "production"))).previous_hash, "");
  const auto head = Must(store::Repository(table()).ReadLogHead("development"));
  EXPECT_EQ(head, (store::LogHead{.sequence = 3, .audit_hash = third.hash, .audit_at = third.at}));
  const AuditSeal seal{std::string(kHashSecret)};
  for (const Item& item : All()) EXPECT_TRUE(seal.Holds(item));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_P(AuditChain, AWholeAuditIsOkWithWhatWasCounted) {
  CreateMany(5);
  Create("p", "production");
  Refuse();
  const AuditReport report = Verify();
  EXPECT_FALSE(report.next_cursor.has_value());
  EXPECT_TRUE(report.to_end);
  std::vector<std::string> chains;
  for (const app::AuditChain& chain : report.chains) {
    EXPECT_EQ(chain.state(), app::AuditChain::State::kOk);
    chains.push_back(chain.scope + (chain.kind == app::AuditChain::Kind::kChanges ? " changes " : " refusals ") +
                     std::to_string(chain.entries));
  }
  EXPECT_THAT(chains, ElementsAre("_system changes 0", "development changes 5", "development refusals 1",
                                  "production changes 1"));
}

TEST_P(AuditChain, AnyAttributeThatWasChangedIsFound) {
  CreateMany(4);
  const Item original = EntryOf(2);
  for (const char* name : {"actorId", "requestId", "userAgent", "address", "action", "resource", "after", "actorKind",
                           "GSI1PK", "GSI2PK", "previousHash", "hash"}) {
    Item item = original;
    item.Set(name, name == std::string_view("action") ? "flag.delete" : "something else");
    Write(item);
    EXPECT_THAT(Problems(), ElementsAre("development changed 2-2")) << name;
  }
  for (const char* name : {"after", "userAgent", "hashVersion", "hash"}) {
    Item item = original;
    item.Erase(name);
    Write(item);
    EXPECT_THAT(Problems(), ElementsAre("development changed 2-2")) << name;
  }
  Item more = original;
  more.Set("tenantId", "acme");
  Write(more);
  EXPECT_THAT(Problems(), ElementsAre("development changed 2-2"));
  Item version = original;
  version.Set("hashVersion", store::Number{"9"});
  Write(version);
  EXPECT_THAT(Problems(), ElementsAre("development unreadable 2-2"));
  Write(original);
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_P(AuditChain, AnEntryWhoseHashWasTakenAwayIsFound) {
  CreateMany(4);
  for (const std::uint64_t sequence : {2U, 4U}) {
    const Item original = EntryOf(sequence);
    Item bare = original;
    for (const char* name : {"hash", "previousHash", "hashVersion"}) bare.Erase(name);
    Write(bare);
    EXPECT_THAT(Problems(),
                ElementsAre("development notChained " + std::to_string(sequence) + "-" + std::to_string(sequence)));
    Write(original);
  }
}

TEST_P(AuditChain, AnEntryThatIsGoneIsNamed) {
  CreateMany(6);
  Remove(EntryOf(3));
  const AuditReport report = Verify();
  EXPECT_THAT(Problems(report), ElementsAre("development missing 3-3"));
  EXPECT_EQ(report.problems[0].at, Must(store::DecodeAudit(EntryOf(4))).at);
  Remove(EntryOf(4));
  EXPECT_THAT(Problems(), ElementsAre("development missing 3-4"));
}

TEST_P(AuditChain, NewestEntriesThatAreGoneAreNamed) {
  CreateMany(5);
  Remove(EntryOf(5));
  Remove(EntryOf(4));
  EXPECT_THAT(Problems(), ElementsAre("development missingEnd 4-5"));
  // Much later, when nothing of it lies in the time that is looked at.
  world.clock.Advance(hours{24 * 60});
  EXPECT_THAT(Problems(Verify({.from = world.clock.Now() - hours{24}})), ElementsAre("development missingEnd 5-5"));
}

TEST_P(AuditChain, AQuietChainIsHeldToItsNewestEntry) {
  CreateMany(2);
  world.clock.Advance(hours{24 * 60});
  const AuditVerification today{.from = world.clock.Now() - hours{24}};
  EXPECT_THAT(Problems(Verify(today)), IsEmpty());
  store::Repository repository(table());
  Item newest;
  {
    std::vector<Item> moment;
    store::AuditReader reader(table(), {.date = "2026-11-22"}, Must(base::ParseTimestamp("2026-11-22T23:00:00Z")));
    while (Must(reader.Next(moment))) {
      if (!moment.empty()) newest = moment.back();
    }
  }
  newest.Set("actorId", "somebody");
  Write(newest);
  EXPECT_THAT(Problems(Verify(today)), ElementsAre("development changed 2-2"));
}

TEST_P(AuditChain, AnEntryThatWasInsertedIsFound) {
  CreateMany(3);
  // A copy of a true one under another key.
  Item copy = EntryOf(2);
  const std::string sort = *copy.Find("SK")->AsString();
  copy.Set("SK", sort + "x");
  Write(copy);
  EXPECT_THAT(Problems(), UnorderedElementsAre("development changed 2-2", "development twice 2-2"));
  Remove(copy);
  // One of its own making, before the head and beyond it.
  store::AuditRecord forged = Must(store::DecodeAudit(EntryOf(2)));
  forged.request_id = "forged";
  Write(store::EncodeAudit(forged));
  EXPECT_THAT(Problems(), UnorderedElementsAre("development changed 2-2", "development twice 2-2"));
  Remove(store::EncodeAudit(forged));
  forged.sequence = 4;
  forged.hash_version = 0;
  Write(store::EncodeAudit(forged));
  EXPECT_THAT(Problems(), ElementsAre("development notChained 4-4"));
  Remove(store::EncodeAudit(forged));
  // No entry at all.
  Write({{"PK", "AUDIT#2026-11-22#1"}, {"SK", "zzz"}, {"environment", "development"}});
  EXPECT_THAT(Problems(), ElementsAre("development unreadable 0-0"));
}

TEST_P(AuditChain, TwoEntriesThatChangedPlacesAreFound) {
  CreateMany(4);
  Item two = EntryOf(2);
  Item three = EntryOf(3);
  two.Set("sequence", store::Number{"3"});
  three.Set("sequence", store::Number{"2"});
  Write(two);
  Write(three);
  EXPECT_THAT(Problems(), UnorderedElementsAre("development changed 2-2", "development changed 3-3"));
}

TEST_P(AuditChain, AHeadThatWasChangedIsFound) {
  CreateMany(4);
  const store::LogHead head = Must(store::Repository(table()).ReadLogHead("development"));
  const auto with = [&](const store::LogHead& other) {
    Write(store::EncodeChangeHead("development", other));
    return Problems();
  };
  EXPECT_THAT(with({.sequence = 4, .audit_hash = std::string(43, 'x'), .audit_at = head.audit_at}),
              ElementsAre("development head 4-4"));
  EXPECT_THAT(with({.sequence = 4}), ElementsAre("development head 4-4"));
  EXPECT_THAT(with({.sequence = 6, .audit_hash = head.audit_hash, .audit_at = head.audit_at}),
              ElementsAre("development missingEnd 5-6"));
  const std::string third = Must(store::DecodeAudit(EntryOf(3))).hash;
  EXPECT_THAT(with({.sequence = 3, .audit_hash = third, .audit_at = head.audit_at}),
              ElementsAre("development head 4-4"));
  EXPECT_THAT(with(head), IsEmpty());
}

TEST_P(AuditChain, ANodeGoesOnFromWhatAnotherHasWritten) {
  const auto other = world.NewNode(table());
  for (int i = 0; i < 4; ++i) {
    CreateMany(1);
    Must(other->flags().Create(world.Admin(), World::Boolean("o" + std::to_string(i))));
    world.clock.Advance(seconds{1});
  }
  EXPECT_THAT(Problems(), IsEmpty());
  EXPECT_EQ(Verify().chains[1].entries, 8U);
  // Where a head's hash was changed meanwhile, the change goes through and the break stays to be seen.
  store::LogHead head = Must(store::Repository(table()).ReadLogHead("development"));
  head.audit_hash = std::string(43, 'x');
  Write(store::EncodeChangeHead("development", head));
  CreateMany(2);
  EXPECT_THAT(Problems(), ElementsAre("development brokenLink 9-9"));
}

TEST_P(AuditChain, EntriesOfBeforeAreUnchainedUntilTheFirstChange) {
  CreateMany(3);
  for (std::uint64_t sequence = 1; sequence <= 3; ++sequence) {
    Item item = EntryOf(sequence);
    for (const char* name : {"hash", "previousHash", "hashVersion"}) item.Erase(name);
    Write(item);
  }
  Write(store::EncodeChangeHead("development", {.sequence = 3}));
  world.app = world.NewNode(table());
  AuditReport report = Verify();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.chains[1].state(), app::AuditChain::State::kUnchained);
  CreateMany(2);
  report = Verify();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.chains[1].state(), app::AuditChain::State::kOk);
  EXPECT_EQ(report.chains[1].unchained, 3U);
  EXPECT_EQ(report.chains[1].entries, 5U);
}

TEST_P(AuditChain, ABatchIsChainedInItsOrder) {
  std::vector<ImportEntry> entries;
  for (int i = 0; i < 30; ++i)
    entries.push_back({.flag_key = "i" + std::to_string(i), .make = [i](const model::Flag*) {
                         return base::Result<model::FlagFields>(World::Boolean("i" + std::to_string(i)));
                       }});
  Must(world.app->flags().Import(world.Admin(), Env("development"), entries, {}));
  const AuditReport report = Verify();
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_EQ(report.chains[1].entries, 30U);
}

TEST_P(AuditChain, ManyWritersOfManyNodesAndScopesKeepTheChains) {
  constexpr int kWriters = 6;
  constexpr int kChanges = 15;
  const auto other = world.NewNode(table());
  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      Application& node = writer % 2 == 0 ? *world.app : *other;
      for (int i = 0; i < kChanges; ++i) {
        const std::string name = "w" + std::to_string(writer) + "-" + std::to_string(i);
        RequestInfo request;
        request.principal = {.kind = PrincipalKind::kAdmin, .id = "admin"};
        request.request_id = name;
        Must(node.flags().Create(request, World::Boolean(name, i % 3 == 0 ? "production" : "development")));
        node.audit().RecordRefusal(request, "production", "GET /x", "no");
        Must(node.audit().FlushRefusals());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  const AuditReport report = Verify();
  EXPECT_THAT(Problems(report), IsEmpty());
  std::uint64_t entries = 0;
  for (const app::AuditChain& chain : report.chains) entries += chain.entries;
  EXPECT_EQ(entries, std::uint64_t{2} * kWriters * kChanges);
}

TEST_P(AuditChain, RefusalsOfARunAreChainedAndARestartBeginsAnew) {
  for (int i = 0; i < 3; ++i) Refuse();
  world.app = world.NewNode(table());
  for (int i = 0; i < 2; ++i) Refuse();
  std::map<std::string, std::vector<store::AuditRecord>> runs;
  for (const Item& item : All()) {
    const auto record = Must(store::DecodeAudit(item));
    runs[record.run].push_back(record);
  }
  ASSERT_THAT(runs, SizeIs(2));
  for (const auto& [run, records] : runs) {
    for (std::size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records[i].run_number, i + 1);
      EXPECT_EQ(records[i].previous_hash, i == 0 ? "" : records[i - 1].hash);
    }
  }
  EXPECT_THAT(Problems(), IsEmpty());
  Remove(All()[1]);
  EXPECT_THAT(Problems(), ElementsAre("development missing 2-2"));
}

TEST_P(AuditChain, ARefusalWhoseAnswerWasLostIsNotWrittenTwice) {
  if (GetParam() == Backend::kRocks) GTEST_SKIP() << "the scripted table is over the other one";
  RequestInfo request = world.Admin();
  world.app->audit().RecordRefusal(request, "development", "GET /x", "no");
  bool lost = false;
  world.table.AfterPut([&]() -> base::Status {
    if (std::exchange(lost, true)) return {};
    return base::Fail(base::ErrorCode::kUnavailable, "the answer was lost");
  });
  EXPECT_FALSE(world.app->audit().FlushRefusals().has_value());
  Must(world.app->audit().FlushRefusals());
  Refuse();
  EXPECT_THAT(All(), SizeIs(2));
  EXPECT_THAT(Problems(), IsEmpty());
}

TEST_P(AuditChain, PortionsGoOnWhereTheOneBeforeEnded) {
  CreateMany(10);
  world.clock.Advance(hours{24 * 100});
  CreateMany(10);
  Remove(EntryOf(4));
  AuditVerification wanted{.from = Must(base::ParseTimestamp("2026-11-01T00:00:00Z"))};
  std::vector<std::string> problems;
  int portions = 0;
  AuditReport report;
  do {
    report = Verify(wanted);
    for (const std::string& problem : Problems(report)) problems.push_back(problem);
    wanted.cursor = report.next_cursor.value_or("");
    ++portions;
  } while (!wanted.cursor.empty() && portions < 20);
  EXPECT_EQ(portions, 4);
  EXPECT_THAT(problems, ElementsAre("development missing 4-4"));
  EXPECT_EQ(report.chains[1].entries, 19U);
  EXPECT_EQ(report.chains[1].problems, 1U);
  EXPECT_EQ(report.checked_to, report.to);
}

TEST_P(AuditChain, ACursorIsForItsEnvironmentOnly) {
  CreateMany(1);
  AuditVerification wanted{.scope = "development", .from = world.clock.Now() - hours{24 * 100}};
  wanted.cursor = Verify(wanted).next_cursor.value();
  wanted.scope = "production";
  EXPECT_EQ(MustFail(world.app->audit().Verify(world.Admin(), wanted)).field, "cursor");
  wanted.cursor = "nonsense";
  EXPECT_EQ(MustFail(world.app->audit().Verify(world.Admin(), wanted)).field, "cursor");
}

TEST_P(AuditChain, WhoIsBoundVerifiesItsOwnOrNothing) {
  CreateMany(2);
  Create("p", "production");
  RequestInfo bound = world.Admin();
  bound.principal.environment = "production";
  const AuditVerification wanted{.from = world.clock.Now() - hours{1}};
  const AuditReport report = Must(world.app->audit().Verify(bound, wanted));
  ASSERT_THAT(report.chains, SizeIs(1));
  EXPECT_EQ(report.chains[0].scope, "production");
  EXPECT_EQ(report.chains[0].entries, 1U);
  const AuditVerification elsewhere{.scope = "development", .from = wanted.from};
  EXPECT_EQ(MustFail(world.app->audit().Verify(bound, elsewhere)).code, base::ErrorCode::kPermissionDenied);
  EXPECT_EQ(MustFail(world.app->audit().Verify(world.AdminOf("acme"), wanted)).code,
            base::ErrorCode::kPermissionDenied);
}

TEST_P(AuditChain, TheNodesOwnCheckFindsBreaksAndChainsThatWentBack) {
  CreateMany(4);
  AuditService& audit = world.app->audit();
  Must(audit.CheckNewest());
  EXPECT_EQ(audit.check_figures().checks, 1U);
  EXPECT_EQ(audit.check_figures().broken_chains, 0U);
  EXPECT_EQ(audit.check_figures().entries, 4U);
  EXPECT_EQ(audit.check_figures().checked_at, world.clock.Now());
  const Item third = EntryOf(3);
  Item changed = third;
  changed.Set("actorId", "somebody");
  Write(changed);
  Must(audit.CheckNewest());
  EXPECT_EQ(audit.check_figures().broken_chains, 1U);
  Write(third);
  Must(audit.CheckNewest());
  EXPECT_EQ(audit.check_figures().broken_chains, 0U);
  // Everything after the third change taken back, as by restoring an older table: whole in itself.
  Remove(EntryOf(4));
  const auto record = Must(store::DecodeAudit(third));
  Write(store::EncodeChangeHead("development", {.sequence = 3, .audit_hash = record.hash, .audit_at = record.at}));
  EXPECT_THAT(Problems(), IsEmpty());
  Must(audit.CheckNewest());
  EXPECT_EQ(audit.check_figures().broken_chains, 1U);
}

// What docs/operations/cost.md says of it.
TEST_P(AuditChain, TheNodesOwnCheckOfAQuietDayCostsLittle) {
  CreateMany(3);
  store::MeteredTable metered(table());
  const auto node = world.NewNode(metered);
  const auto units = [&] {
    return metered.FiguresOf(store::TableOperation::kQuery).read_units +
           metered.FiguresOf(store::TableOperation::kGet).read_units;
  };
  const auto cost_of_check = [&] {
    const double before = units();
    Must(node->audit().CheckNewest());
    return units() - before;
  };
  const double busy = cost_of_check();
  EXPECT_LE(busy, 20);
  world.clock.Advance(hours{24 * 40});
  const double quiet = cost_of_check();
  EXPECT_LE(quiet, 20);
  EXPECT_GT(quiet, 0);
  RecordProperty("units_quiet", std::to_string(quiet));
}

INSTANTIATE_TEST_SUITE_P(Stores, AuditChain, ::testing::Values(Backend::kMemory, Backend::kRocks),
                         [](const auto& backend) {
                           return backend.param == Backend::kMemory ? std::string("Memory") : std::string("Rocks");
                         });

}  // namespace
}  // namespace guidon::app::testing

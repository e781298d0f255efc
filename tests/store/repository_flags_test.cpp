// SPDX-License-Identifier: Apache-2.0
#include "repository_fixture.hpp"

namespace guidon::store {
namespace {

using base::ErrorCode;
using std::chrono::milliseconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class FlagRepositoryTest : public RepositoryTest {
 protected:
  auto ListOf(std::string_view env) {
    return [this, env = Env(env)](const PageRequest& page) { return repository_.ListFlags(env, page); };
  }
};

TEST_F(FlagRepositoryTest, FlagByKey) {
  const model::Flag flag = Save({.key = "checkout"});
  Save({.key = "checkout", .env = "staging", .owner = "others"});
  const auto found = repository_.GetFlag(Env("production"), FlagKeyOf("checkout"));
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(*found, flag);
  EXPECT_EQ(*repository_.GetFlag(Env("production"), FlagKeyOf("check")), std::nullopt);
  EXPECT_EQ(table_.FiguresOf(TableOperation::kGet).calls, 2U);
}

TEST_F(FlagRepositoryTest, FlagThatCannotBeReadIsAnErrorWhereItIsAskedForAlone) {
  Item item = EncodeFlag(MakeFlag({.key = "broken"}));
  item.Set("defaultEnabled", "yes");
  Save(item);
  ExpectError(repository_.GetFlag(Env("production"), FlagKeyOf("broken")), ErrorCode::kCorrupt, "defaultEnabled");
  item.Set("schema", Number{"2"});
  Save(item);
  ExpectError(repository_.GetFlag(Env("production"), FlagKeyOf("broken")), ErrorCode::kUnsupported, "schema");
}

TEST_F(FlagRepositoryTest, ManyFlagsInTheOrderAskedForEachOnce) {
  for (const char* key : {"a", "b", "c"}) Save({.key = key});
  const std::vector<model::FlagKey> keys = {FlagKeyOf("c"), FlagKeyOf("x"), FlagKeyOf("a"), FlagKeyOf("c")};
  EXPECT_THAT(KeysOf(*repository_.GetFlags(Env("production"), keys)), ElementsAre("c", "a"));
  EXPECT_THAT(*repository_.GetFlags(Env("production"), {}), IsEmpty());
}

TEST_F(FlagRepositoryTest, ManyFlagsComeInBatchesOfAHundred) {
  std::vector<model::FlagKey> keys;
  for (int i = 0; i < 250; ++i) {
    keys.push_back(FlagKeyOf("flag-" + std::to_string(i)));
    Save({.key = keys.back().str()});
  }
  const auto flags = repository_.GetFlags(Env("production"), keys);
  ASSERT_TRUE(flags.has_value());
  ASSERT_EQ(flags->size(), 250U);
  EXPECT_EQ(KeyOf(flags->back()), "flag-249");
  EXPECT_EQ(table_.FiguresOf(TableOperation::kBatchGet).calls, 3U);
}

TEST_F(FlagRepositoryTest, NewestFirstByPages) {
  for (int i = 0; i < 25; ++i) Save({.key = "flag-" + std::to_string(i), .created_at = kNow + milliseconds{i}});
  Save({.key = "elsewhere", .env = "production-2", .created_at = kNow + milliseconds{99}});
  const auto flags = All(ListOf("production"), 10);
  ASSERT_EQ(flags.size(), 25U);
  EXPECT_EQ(Queries(), 3U);
  for (std::size_t i = 0; i < flags.size(); ++i) EXPECT_EQ(KeyOf(flags[i]), "flag-" + std::to_string(24 - i));
}

TEST_F(FlagRepositoryTest, FlagsOfOneMomentAreAllListed) {
  for (int i = 0; i < 7; ++i) Save({.key = "flag-" + std::to_string(i)});
  const auto keys = KeysOf(All(ListOf("production"), 2));
  EXPECT_THAT(keys, UnorderedElementsAre("flag-0", "flag-1", "flag-2", "flag-3", "flag-4", "flag-5", "flag-6"));
}

TEST_F(FlagRepositoryTest, ListGoesOnWhereItWasWhenFlagsComeAndGo) {
  for (int i = 0; i < 4; ++i) Save({.key = "flag-" + std::to_string(i), .created_at = kNow + milliseconds{i}});
  const auto first = repository_.ListFlags(Env("production"), {.limit = 2});
  ASSERT_TRUE(first->next_cursor.has_value());
  EXPECT_TRUE(Write(DeleteFlag(std::get<model::Flag>(first->items[1]))));
  Save({.key = "newest", .created_at = kNow + milliseconds{9}});
  const auto second = repository_.ListFlags(Env("production"), {.limit = 2, .cursor = *first->next_cursor});
  EXPECT_THAT(KeysOf(second->items), ElementsAre("flag-1", "flag-0"));
}

TEST_F(FlagRepositoryTest, BadPageRequestsAreRefusedByName) {
  for (int i = 0; i < 3; ++i) Save({.key = "flag-" + std::to_string(i)});
  const auto env = Env("production");
  ExpectError(repository_.ListFlags(env, {.limit = 0}), ErrorCode::kInvalidArgument, "limit");
  ExpectError(repository_.ListFlags(env, {.limit = kPageLimitMax + 1}), ErrorCode::kInvalidArgument, "limit");
  ExpectError(repository_.ListFlags(env, {.cursor = "AAAA"}), ErrorCode::kInvalidArgument, "cursor");
  std::string cursor = *repository_.ListFlags(env, {.limit = 1})->next_cursor;
  ExpectError(repository_.ListFlags(Env("staging"), {.cursor = cursor}), ErrorCode::kInvalidArgument, "cursor");
  ExpectError(repository_.ListFlagsOfOwner(env, OwnerOf("ops"), {.cursor = cursor}), ErrorCode::kInvalidArgument,
              "cursor");
  cursor[cursor.size() / 2] = cursor[cursor.size() / 2] == 'A' ? 'B' : 'A';
  ExpectError(repository_.ListFlags(env, {.cursor = cursor}), ErrorCode::kInvalidArgument, "cursor");
}

TEST_F(FlagRepositoryTest, OneBrokenFlagDoesNotHideTheOthers) {
  Save({.key = "good"});
  Item broken = EncodeFlag(MakeFlag({.key = "broken", .tenant = "acme"}));
  broken.Set("variations", "x");
  Save(broken);
  const auto page = repository_.ListFlags(Env("production"), {});
  EXPECT_THAT(KeysOf(page->items), UnorderedElementsAre("good", "unreadable broken"));
  EXPECT_EQ(page->unreadable, 0U);
  for (const auto& flag : page->items) {
    if (const auto* unreadable = std::get_if<UnreadableFlag>(&flag)) {
      EXPECT_EQ(unreadable->error.field, "variations");
      EXPECT_EQ(unreadable->tenant_id, "acme");
    }
  }
}

TEST_F(FlagRepositoryTest, ItemInTheWrongListIsLeftOut) {
  // Another environment's flag that says it is in this one's index must not take the place of this one's flag.
  Save({.key = "checkout"});
  Item stray = EncodeFlag(MakeFlag({.key = "checkout", .env = "staging"}));
  stray.Set("GSI1PK", "FLAGS#production");
  Save(stray);
  Save(Item{{"PK", "SOMETHING#else"}, {"SK", "METADATA"}, {"GSI1PK", "FLAGS#production"}, {"GSI1SK", "METADATA#x"}});
  const auto page = repository_.ListFlags(Env("production"), {});
  EXPECT_THAT(KeysOf(page->items), ElementsAre("checkout"));
  EXPECT_EQ(page->unreadable, 2U);
}

TEST_F(FlagRepositoryTest, FlagsOfAnOwner) {
  Save({.key = "b", .owner = "team-a"});
  Save({.key = "a", .owner = "team-a"});
  Save({.key = "c", .owner = "team-ab"});
  Save({.key = "d", .env = "staging", .owner = "team-a"});
  Item renamed = EncodeFlag(MakeFlag({.key = "e", .owner = "team-a"}));
  renamed.Set("owner", "team-z");
  Save(renamed);
  const auto page = repository_.ListFlagsOfOwner(Env("production"), OwnerOf("team-a"), {});
  EXPECT_THAT(KeysOf(page->items), ElementsAre("a", "b"));
  EXPECT_EQ(page->unreadable, 1U);
}

TEST_F(FlagRepositoryTest, FlagsOfATenantAndOfNoOther) {
  Save({.key = "a", .tenant = "a"});
  Save({.key = "ab", .tenant = "ab"});
  Save({.key = "shared"});
  Save({.key = "a-staging", .env = "staging", .tenant = "a"});
  Save({.key = "a-production-2", .env = "production-2", .tenant = "a"});
  const auto page = repository_.ListFlagsOfTenant(Env("production"), TenantOf("a"), {});
  EXPECT_THAT(KeysOf(page->items), ElementsAre("a"));
}

TEST_F(FlagRepositoryTest, TenantIsCheckedAgainBeforeAFlagLeaves) {
  // A hand-edited index key points to tenant a, the flag belongs to tenant b: a must not learn that it exists.
  Item stray = EncodeFlag(MakeFlag({.key = "secret", .tenant = "b"}));
  stray.Set("GSI3PK", "TENANT#a");
  Save(stray);
  Item broken = stray;
  broken.Set("PK", "FLAG#production#secret-2");
  broken.Set("defaultEnabled", "yes");
  Save(broken);
  const auto page = repository_.ListFlagsOfTenant(Env("production"), TenantOf("a"), {});
  EXPECT_THAT(page->items, IsEmpty());
  EXPECT_EQ(page->unreadable, 2U);
}

TEST_F(FlagRepositoryTest, PlainItemOfAnotherProgramIsThereByKey) {
  Save(Item{{"PK", "FLAG#production#legacy"},
            {"SK", "METADATA"},
            {"flagKey", "legacy"},
            {"description", ""},
            {"defaultEnabled", true},
            {"owner", "ops"},
            {"createdAt", "2026-11-22T04:23:00Z"}});
  const auto flag = repository_.GetFlag(Env("production"), FlagKeyOf("legacy"));
  ASSERT_TRUE(flag.has_value() && flag->has_value());
  EXPECT_EQ((**flag)->version, 0U);
}

// Leaves every key but the first of each batch read unprocessed, as a throttled backend does.
class ThrottledTable final : public Table {
 public:
  explicit ThrottledTable(Table& inner, std::size_t answered) : inner_(inner), answered_(answered) {}
  base::Result<GetResult> Get(const Key& key, Consistency consistency) override { return inner_.Get(key, consistency); }
  base::Result<WriteResult> PutItem(const Put& put) override { return inner_.PutItem(put); }
  base::Result<WriteResult> UpdateItem(const Update& update) override { return inner_.UpdateItem(update); }
  base::Result<WriteResult> DeleteItem(const Delete& del) override { return inner_.DeleteItem(del); }
  base::Result<QueryPage> RunQuery(const Query& query) override { return inner_.RunQuery(query); }
  base::Result<BatchGetResult> BatchGet(std::span<const Key> keys, Consistency consistency) override {
    const std::size_t count = std::min(answered_, keys.size());
    BatchGetResult result;
    if (count > 0) {
      GUIDON_ASSIGN(result, inner_.BatchGet(keys.first(count), consistency));
    }
    result.unprocessed.assign(keys.begin() + static_cast<std::ptrdiff_t>(count), keys.end());
    return result;
  }
  base::Result<BatchWriteResult> BatchWrite(std::span<const BatchWriteOperation> operations) override {
    return inner_.BatchWrite(operations);
  }
  base::Result<TransactionResult> Transact(std::span<const TransactionOperation> operations,
                                           std::string_view token) override {
    return inner_.Transact(operations, token);
  }
  base::Status Ping() override { return inner_.Ping(); }

 private:
  Table& inner_;
  std::size_t answered_;
};

TEST_F(FlagRepositoryTest, UnprocessedKeysAreAskedForAgain) {
  std::vector<model::FlagKey> keys;
  for (int i = 0; i < 10; ++i) {
    keys.push_back(FlagKeyOf("flag-" + std::to_string(i)));
    Save({.key = keys.back().str()});
  }
  ThrottledTable slow(memory_, 3);
  const auto flags = Repository(slow).GetFlags(Env("production"), keys);
  ASSERT_TRUE(flags.has_value());
  EXPECT_EQ(flags->size(), 10U);
}

TEST_F(FlagRepositoryTest, BackendThatProcessesNothingIsUnavailable) {
  Save({.key = "a"});
  ThrottledTable stuck(memory_, 0);
  ExpectError(Repository(stuck).GetFlags(Env("production"), std::vector{FlagKeyOf("a")}), ErrorCode::kUnavailable, "");
}

}  // namespace
}  // namespace guidon::store

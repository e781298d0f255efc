// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/eval/test_support.hpp"

// Counts every allocation of the test program. The counter is the thread's own, so other threads do not disturb it.
namespace {

thread_local std::uint64_t allocation_count = 0;

void* CountedAllocate(std::size_t size, std::size_t alignment) {
  ++allocation_count;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t size) { return CountedAllocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](std::size_t size) { return CountedAllocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return CountedAllocate(size, static_cast<std::size_t>(alignment));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return CountedAllocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace guidon::eval {
namespace {

using model::Operator;
using testing::All;
using testing::Any;
using testing::Fields;
using testing::kNow;
using testing::MakeContext;
using testing::MakeFlag;
using testing::MakeKillSwitch;
using testing::MakeOverride;
using testing::MakeSegment;
using testing::Percent;
using testing::ServeWhen;
using testing::Where;

// Long enough that copying one would allocate.
const std::string kLongTenant = "tenant-with-a-name-that-no-small-string-holds";
const std::string kLongUnit = "user-with-a-name-that-no-small-string-holds";

model::Flag With(const std::string& key, void (*change)(model::FlagFields&)) {
  model::FlagFields fields = Fields(key);
  change(fields);
  return MakeFlag(std::move(fields));
}

model::Value Call(const std::string& name, model::Value data) {
  model::Object object;
  object.Set(name, std::move(data));
  return object;
}

// Two conditions, then shares.
model::Value Expression() {
  using model::List;
  return Call("if", List{Call("and", List{Call("in", List{Call("var", "account.plan"), List{"free", "starter"}}),
                                          Call(">", List{Call("var", "seats"), 5})}),
                         "on", Call("fractional", List{List{"off", 100}, List{"on", 0}})});
}

Definitions EveryKind() {
  Definitions definitions = testing::WithFlags({
      With("static", [](auto&) {}),
      With("override", [](auto&) {}),
      With("item-override", [](auto& flag) { flag.tenant_overrides = {{kLongTenant, false}}; }),
      With("rollout", [](auto& flag) { flag.rollout_percentage = Percent(50); }),
      With("rollout-by-plan",
           [](auto& flag) {
             flag.rollout_percentage = Percent(50);
             flag.bucket_by = "account.plan";
           }),
      With("killed", [](auto&) {}),
      With("killed-owner", [](auto& flag) { flag.owner = "team-with-a-name-that-no-small-string-holds"; }),
      With("expired", [](auto& flag) { flag.expires_at = kNow; }),
      With("disabled", [](auto& flag) { flag.state = model::FlagState::kDisabled; }),
      With("archived", [](auto& flag) { flag.state = model::FlagState::kArchived; }),
      With("foreign", [](auto& flag) { flag.tenant_id = "globex"; }),
      With("prerequisite", [](auto& flag) { flag.prerequisites = {{.flag_key = "static", .variations = {"on"}}}; }),
      With("unmet", [](auto& flag) { flag.prerequisites = {{.flag_key = "expired", .variations = {"on"}}}; }),
      With("rule",
           [](auto& flag) {
             flag.targeting_rules = {
                 ServeWhen("r",
                           All({Where("account.plan", Operator::kIn, {"enterprise-with-a-very-long-plan-name"}),
                                Where("seats", Operator::kGte, {10})}),
                           "off")};
           }),
      With("more-rules",
           [](auto& flag) {
             flag.targeting_rules = {
                 ServeWhen(
                     "r1",
                     Any({Where("version", Operator::kSemverLt, {"1.0.0"}),
                          Where("version", Operator::kStartsWith, {"9."}), Where("roles", Operator::kIn, {"nobody"}),
                          Where("seats", Operator::kAfter, {"2020-01-01T00:00:00Z"}),
                          Where("address", Operator::kInCidr, {"192.168.0.0/16"})}),
                     "off"),
                 ServeWhen("r2",
                           All({Where("", Operator::kInSegment, {"beta"}), Where("tenantId", Operator::kExists, {})}),
                           "off")};
           }),
  });
  definitions.flags.push_back(With("expression", [](auto& flag) { flag.targeting = Expression(); }));
  definitions.broken_flags = {{.flag_key = "broken", .error = {.message = "unreadable"}}};
  definitions.overrides = {MakeOverride("override", kLongTenant, "off")};
  definitions.segments = {MakeSegment("beta", {kLongUnit})};
  definitions.kill_switches = {MakeKillSwitch("flag:killed"),
                               MakeKillSwitch("owner:team-with-a-name-that-no-small-string-holds")};
  return definitions;
}

model::Object Account() {
  model::Object account;
  account.Set("plan", "enterprise-with-a-very-long-plan-name");
  return account;
}

struct Expectation {
  std::string flag_key;
  std::string answer;
};

TEST(Evaluate, AllocatesNothing) {
  const auto snapshot = Snapshot::Build(EveryKind());
  const model::Context context =
      MakeContext(kLongUnit, kLongTenant,
                  {{"account", Account()},
                   {"seats", 12},
                   {"version", "2.3.4-rc.1+build.with.a.long.name"},
                   {"roles", model::List{model::Value("reader-with-a-very-long-role-name"), model::Value("admin")}},
                   {"address", "10.1.2.3"}});
  const std::vector<Expectation> expectations = {{"static", "on STATIC"},
                                                 {"override", "off TARGETING_MATCH"},
                                                 {"item-override", "off TARGETING_MATCH"},
                                                 {"rollout", "on SPLIT"},
                                                 {"rollout-by-plan", "off SPLIT"},
                                                 {"killed", "off DISABLED"},
                                                 {"killed-owner", "off DISABLED"},
                                                 {"expired", "off DISABLED"},
                                                 {"disabled", "- DISABLED"},
                                                 {"archived", "- ERROR FLAG_NOT_FOUND"},
                                                 {"foreign", "- ERROR FLAG_NOT_FOUND"},
                                                 {"no-such-flag", "- ERROR FLAG_NOT_FOUND"},
                                                 {"broken", "- ERROR PARSE_ERROR"},
                                                 {"expression", "off TARGETING_MATCH"},
                                                 {"prerequisite", "on DEFAULT"},
                                                 {"unmet", "off PREREQUISITE_FAILED"},
                                                 {"rule", "off TARGETING_MATCH"},
                                                 {"more-rules", "off TARGETING_MATCH"}};
  for (const auto& [flag_key, expected] : expectations) {
    const std::uint64_t before = allocation_count;
    const Evaluation answer = Evaluate(*snapshot, flag_key, context, kNow);
    const std::uint64_t after = allocation_count;
    EXPECT_EQ(after - before, 0U) << flag_key;
    EXPECT_EQ(testing::Brief(answer), expected) << flag_key;
  }
}

TEST(AllocationCounter, Counts) {
  const std::uint64_t before = allocation_count;
  const std::string text(1000, 'x');
  EXPECT_EQ(allocation_count - before, 1U) << text.size();
}

}  // namespace
}  // namespace guidon::eval

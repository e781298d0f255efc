// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/audit_check.hpp"

#include <algorithm>
#include <chrono>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/base/text.hpp"
#include "guidon/store/codec.hpp"

namespace guidon::app {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = AuditProblemKind;

const base::Timestamp kStart = *base::ParseTimestamp("2026-11-22T04:00:00Z");

class AuditCheckTest : public ::testing::Test {
 protected:
  const AuditSeal seal_{std::string(32, 's')};
  store::LogHead head_;
  std::vector<store::Item> items_;

  store::AuditRecord Record(std::uint64_t sequence) const {
    return {.at = kStart + seconds(static_cast<std::int64_t>(sequence)),
            .request_id = "r" + std::to_string(sequence),
            .actor_id = "admin",
            .actor_kind = "admin",
            .action = "flag.patch",
            .scope = "production",
            .resource = "f",
            .sequence = sequence};
  }
  void Write(store::AuditRecord record) {
    record.previous_hash = head_.audit_hash;
    items_.push_back(seal_.Put(record).item);
    head_ = {.sequence = record.sequence, .audit_hash = record.hash, .audit_at = record.at};
  }
  void Write(std::uint64_t count) {
    for (std::uint64_t i = 1; i <= count; ++i) Write(Record(head_.sequence + 1));
  }
  AuditCheck::Options Whole() const { return {.from = kStart - hours(1), .to = kStart + hours(1)}; }
  AuditCheck NewCheck(const AuditCheck::Options& options) const {
    AuditCheck check(seal_, options);
    check.SetHead("production", head_);
    return check;
  }
  static std::vector<std::string> Found(AuditCheck& check) {
    check.Finish();
    std::vector<std::string> found;
    for (const AuditProblem& problem : check.TakeProblems()) {
      found.push_back(std::string(NameOf(problem.kind)) + " " + std::to_string(problem.first) + "-" +
                      std::to_string(problem.last));
    }
    return found;
  }
  std::vector<std::string> Verify(const AuditCheck::Options& options) const {
    AuditCheck check = NewCheck(options);
    for (const store::Item& item : items_) check.Add(item);
    return Found(check);
  }
  std::vector<std::string> Verify() const { return Verify(Whole()); }
};

TEST_F(AuditCheckTest, AWholeChainIsCountedFromItsFirstToItsLast) {
  Write(5);
  AuditCheck check = NewCheck(Whole());
  for (const store::Item& item : items_) check.Add(item);
  EXPECT_THAT(Found(check), IsEmpty());
  ASSERT_THAT(check.Chains(), SizeIs(1));
  const AuditChain chain = check.Chains()[0];
  EXPECT_EQ(chain.state(), AuditChain::State::kOk);
  EXPECT_EQ(chain.entries, 5U);
  EXPECT_EQ(chain.unchained, 0U);
  EXPECT_EQ(chain.first, (AuditChain::Point{1, kStart + seconds(1)}));
  EXPECT_EQ(chain.last, (AuditChain::Point{5, kStart + seconds(5)}));
  EXPECT_EQ(chain.head, 5U);
  EXPECT_EQ(chain.head_hash, head_.audit_hash);
}

TEST_F(AuditCheckTest, TheHashIsThatOfTheDocumentedForm) {
  store::AuditRecord record = Record(1);
  const store::Item item = seal_.Put(record).item;
  EXPECT_EQ(store::SealedText(item),
            R"({"GSI1PK":{"S":"AUDIT#RESOURCE#production#f"},"GSI1SK":{"S":"2026-11-22T04:00:01.000Z"},)"
            R"("GSI2PK":{"S":"ACTOR#admin"},"GSI2SK":{"S":"2026-11-22T04:00:01.000Z"},)"
            R"("PK":{"S":"AUDIT#2026-11-22#)" +
                std::string(1, item.Find("PK")->AsString()->back()) +
                R"("},"SK":{"S":"2026-11-22T04:00:01.000Z#r1"},"action":{"S":"flag.patch"},)"
                R"("actorId":{"S":"admin"},"actorKind":{"S":"admin"},"at":{"S":"2026-11-22T04:00:01.000Z"},)"
                R"("environment":{"S":"production"},"hashVersion":{"N":"1"},"requestId":{"S":"r1"},)"
                R"("resource":{"S":"f"},"sequence":{"N":"1"}})");
  EXPECT_TRUE(seal_.Holds(item));
  EXPECT_FALSE(AuditSeal(std::string(32, 't')).Holds(item));
}

// Whatever the order in which nodes with clocks that differ wrote, and wherever a portion ends.
TEST_F(AuditCheckTest, OrderAndPortionsDoNotMatter) {
  Write(40);
  items_.erase(items_.begin() + 20);
  std::mt19937 random(7);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same order each time
  for (int round = 0; round < 50; ++round) {
    for (std::size_t at = 0; at + 6 < items_.size(); at += 6)
      std::ranges::shuffle(items_.begin() + static_cast<std::ptrdiff_t>(at),
                           items_.begin() + static_cast<std::ptrdiff_t>(at) + 6, random);
    AuditCheck check = NewCheck(Whole());
    const store::AuditPlace place{.date = "2026-11-22", .sort = "2026-11-22T04:00:00.000Z"};
    for (const store::Item& item : items_) {
      check.Add(item);
      if (random() % 4 != 0) continue;
      const auto text = check.Save(place);
      ASSERT_TRUE(text.has_value());
      auto loaded = AuditCheck::Load(seal_, *text);
      ASSERT_TRUE(loaded.has_value());
      EXPECT_EQ(loaded->place, place);
      EXPECT_EQ(loaded->check.options(), check.options());
      EXPECT_EQ(loaded->check.Chains(), check.Chains());
      check = std::move(loaded->check);
    }
    EXPECT_THAT(Found(check), ElementsAre("missing 21-21"));
  }
}

TEST_F(AuditCheckTest, ATextThatWasChangedIsRefusedOrHarmless) {
  Write(5);
  AuditCheck check = NewCheck(Whole());
  for (const store::Item& item : items_) check.Add(item);
  const std::string text = *check.Save({.date = "2026-11-22"});
  const std::string plain = *base::FromBase64Url(text);
  for (std::size_t size = 0; size < plain.size(); ++size)
    EXPECT_FALSE(AuditCheck::Load(seal_, base::ToBase64Url(plain.substr(0, size))).has_value()) << size;
  for (std::size_t at = 0; at < plain.size(); ++at) {
    for (const char c : {'9', '0', ' ', '-', 'A'}) {
      std::string other = plain;
      other[at] = c;
      auto loaded = AuditCheck::Load(seal_, base::ToBase64Url(other));
      if (!loaded) {
        EXPECT_EQ(loaded.error().field, "cursor");
        continue;
      }
      for (const store::Item& item : items_) loaded->check.Add(item);
      loaded->check.Finish();
    }
  }
  for (const char* bad : {"", "x", "MQ", "!!!"}) EXPECT_FALSE(AuditCheck::Load(seal_, bad).has_value());
  EXPECT_FALSE(AuditCheck::Load(seal_, std::string(AuditCheck::kStateBytesMax + 1, 'A')).has_value());
}

TEST_F(AuditCheckTest, ManyEnvironmentsAreSavedWithoutTheirRunsOrNotAtAll) {
  const auto with = [&](int environments) {
    AuditCheck check(seal_, Whole());
    for (int i = 0; i < environments; ++i) {
      const std::string name = "environment-" + std::to_string(i);
      check.SetHead(name, {.sequence = 1'000'000, .audit_hash = std::string(43, 'h'), .audit_at = kStart});
      for (std::uint64_t run = 0; run < 8; ++run) {
        store::AuditRecord record = Record(0);
        record.scope = name;
        record.request_id = std::to_string(run);
        record.run = "run" + std::to_string(run);
        record.run_number = 1;
        check.Add(seal_.Put(record).item);
      }
    }
    return check.Save({.date = "2026-11-22"});
  };
  ASSERT_TRUE(with(12).has_value());
  EXPECT_LE(with(12)->size(), AuditCheck::kStateBytesMax);
  const auto too_many = with(60);
  ASSERT_FALSE(too_many.has_value());
  EXPECT_EQ(too_many.error().field, "environment");
}

TEST_F(AuditCheckTest, WhatLiesOutsideOfTheRangeIsNotAccused) {
  Write(30);
  const auto range = [&](std::int64_t from, std::int64_t to) {
    return AuditCheck::Options{.from = kStart + seconds(from), .to = kStart + seconds(to), .to_end = false};
  };
  EXPECT_THAT(Verify(range(10, 20)), IsEmpty());
  std::vector<store::Item> all = items_;
  items_.erase(items_.begin() + 4);  // number 5
  EXPECT_THAT(Verify(range(10, 20)), IsEmpty());
  EXPECT_THAT(Verify(range(4, 20)), ElementsAre("missing 5-5"));
  items_ = all;
  items_.erase(items_.begin() + 24);  // number 25
  EXPECT_THAT(Verify(range(10, 20)), IsEmpty());
  EXPECT_THAT(Verify(range(10, 30)), ElementsAre("missing 25-25"));
  // The end matters only where it was asked for.
  items_ = all;
  items_.resize(20);
  EXPECT_THAT(Verify(range(10, 30)), IsEmpty());
  EXPECT_THAT(Verify(), ElementsAre("missingEnd 21-30"));
}

TEST_F(AuditCheckTest, TheBeginningMayHaveBeenKeptNoLonger) {
  Write(10);
  items_.erase(items_.begin(), items_.begin() + 4);
  AuditCheck check = NewCheck(Whole());
  for (const store::Item& item : items_) check.Add(item);
  EXPECT_THAT(Found(check), IsEmpty());
  EXPECT_EQ(check.Chains()[0].first->sequence, 5U);
}

TEST_F(AuditCheckTest, EntriesOfLaterThanTheHeadAreLeftToTheNextTime) {
  Write(3);
  AuditCheck check = NewCheck(Whole());
  Write(3);
  items_.erase(items_.begin() + 4);  // written while this one reads: not to be relied on
  for (const store::Item& item : items_) check.Add(item);
  EXPECT_THAT(check.Ahead(), ElementsAre("production"));
  check.SetHeadNow("production", 6);
  EXPECT_THAT(Found(check), IsEmpty());
  EXPECT_EQ(check.Chains()[0].entries, 3U);
}

TEST_F(AuditCheckTest, AHeadThatFellBehindItsEntriesIsFound) {
  Write(6);
  const std::string before = items_[2].Find("hash")->AsString() != nullptr ? *items_[2].Find("hash")->AsString() : "";
  head_ = {.sequence = 3, .audit_hash = before, .audit_at = kStart + seconds(3)};
  AuditCheck check = NewCheck(Whole());
  for (const store::Item& item : items_) check.Add(item);
  check.SetHeadNow("production", 3);
  EXPECT_THAT(Found(check), ElementsAre("head 6-6"));
}

TEST_F(AuditCheckTest, TheNewestEntryOfAQuietChainIsLookedForAtItsTime) {
  Write(3);
  const AuditCheck::Options later{.from = kStart + hours(24), .to = kStart + hours(48)};
  AuditCheck check = NewCheck(later);
  ASSERT_THAT(check.NewestElsewhere(), ElementsAre(::testing::Pair("production", kStart + seconds(3))));
  check.SetNewest("production", {items_[2]});
  EXPECT_THAT(Found(check), IsEmpty());
  EXPECT_EQ(check.Chains()[0].state(), AuditChain::State::kOk);

  AuditCheck gone = NewCheck(later);
  gone.SetNewest("production", {items_[1]});
  EXPECT_THAT(Found(gone), ElementsAre("missingEnd 3-3"));

  AuditCheck changed = NewCheck(later);
  items_[2].Set("actorId", "somebody");
  changed.SetNewest("production", {items_[2]});
  EXPECT_THAT(Found(changed), ElementsAre("changed 3-3"));
}

TEST_F(AuditCheckTest, EntriesOfBeforeThereWereChainsAreCountedAndNoBreak) {
  for (std::uint64_t i = 1; i <= 3; ++i) items_.push_back(store::EncodeAudit(Record(i)));
  head_.sequence = 3;
  EXPECT_THAT(Verify(), IsEmpty());
  AuditCheck unchained = NewCheck(Whole());
  for (const store::Item& item : items_) unchained.Add(item);
  EXPECT_EQ(unchained.Chains()[0].state(), AuditChain::State::kUnchained);

  Write(3);
  EXPECT_THAT(Verify(), IsEmpty());
  AuditCheck both = NewCheck(Whole());
  for (const store::Item& item : items_) both.Add(item);
  EXPECT_EQ(both.Chains()[0].state(), AuditChain::State::kOk);
  EXPECT_EQ(both.Chains()[0].unchained, 3U);

  // One of after is a break.
  items_.push_back(store::EncodeAudit(Record(7)));
  head_.sequence = 7;
  EXPECT_THAT(Verify(), ElementsAre("notChained 7-7"));
  // A chain that begins again is one, too.
  head_.audit_hash.clear();
  Write(2);
  EXPECT_THAT(Verify(), ElementsAre("notChained 7-7"));
}

TEST_F(AuditCheckTest, AChainThatBeginsAgainIsABreak) {
  Write(3);
  head_.audit_hash.clear();
  Write(3);
  EXPECT_THAT(Verify(), ElementsAre("brokenLink 4-4"));
}

TEST_F(AuditCheckTest, RefusalsAreAChainForEachRun) {
  std::map<std::string, std::pair<std::uint64_t, std::string>> runs;
  const auto refuse = [&](const std::string& run, int second) {
    store::AuditRecord record = Record(0);
    record.at = kStart + seconds(second);
    record.request_id = run + std::to_string(second);
    record.run = run;
    record.run_number = ++runs[run].first;
    record.previous_hash = runs[run].second;
    items_.push_back(seal_.Put(record).item);
    runs[run].second = record.hash;
  };
  for (int i = 0; i < 10; ++i) refuse(i % 3 == 0 ? "one" : "two", i);
  EXPECT_THAT(Verify(), IsEmpty());
  AuditCheck check = NewCheck(Whole());
  for (const store::Item& item : items_) check.Add(item);
  ASSERT_THAT(check.Chains(), SizeIs(2));
  EXPECT_EQ(check.Chains()[1].kind, AuditChain::Kind::kRefusals);
  EXPECT_EQ(check.Chains()[1].entries, 10U);

  const std::vector<store::Item> all = items_;
  items_.erase(items_.begin() + 2);  // the second of "two"
  EXPECT_THAT(Verify(), ElementsAre("missing 2-2"));
  items_ = all;
  items_[3].Set("address", "192.0.2.1");
  EXPECT_THAT(Verify(), ElementsAre("changed 2-2"));
  items_ = all;
  store::AuditRecord bare = Record(0);
  bare.at = kStart + seconds(5);
  items_.push_back(store::EncodeAudit(bare));
  EXPECT_THAT(Verify(), ElementsAre("notChained 0-0"));
}

TEST_F(AuditCheckTest, ANewerFormIsNamedAndNotCalledBroken) {
  Write(1);
  store::AuditRecord newer = Record(2);
  newer.hash_version = kAuditHashVersion + 1;
  newer.previous_hash = head_.audit_hash;
  newer.hash = std::string(43, 'x');
  items_.push_back(store::EncodeAudit(newer));
  head_ = {.sequence = 2, .audit_hash = newer.hash, .audit_at = newer.at};
  EXPECT_THAT(Verify(), ElementsAre("unreadable 2-2"));
}

TEST_F(AuditCheckTest, EveryKindOfProblemHasANameAndASentence) {
  for (const Kind kind : {Kind::kChanged, Kind::kNotChained, Kind::kBrokenLink, Kind::kMissing, Kind::kMissingEnd,
                          Kind::kHead, Kind::kTwice, Kind::kUnreadable}) {
    EXPECT_FALSE(NameOf(kind).empty());
    EXPECT_THAT(DescriptionOf({.kind = kind, .first = 7, .last = 7}), ::testing::HasSubstr("7"));
  }
  EXPECT_EQ(DescriptionOf({.kind = Kind::kMissing, .first = 3, .last = 5}),
            "The audit has no entry of changes 3 to 5.");
}

}  // namespace
}  // namespace guidon::app

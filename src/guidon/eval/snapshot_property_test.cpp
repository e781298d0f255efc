// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "guidon/eval/snapshot.hpp"
#include "guidon/eval/test_generators.hpp"

namespace guidon::eval {
namespace {

using testing::AFew;
using testing::AnyContext;
using testing::AnyFlag;
using testing::AnyFlagKey;
using testing::AnyOverride;
using testing::AnyScope;
using testing::AnySegment;
using testing::AnySegmentKey;
using testing::AnyTenant;

// What an environment holds, kept the simple way.
struct World {
  std::map<std::string, model::Flag> flags;
  std::map<std::string, BrokenFlag> broken;
  std::map<std::pair<std::string, std::string>, model::Override> overrides;
  std::map<std::string, model::Segment> segments;
  std::map<std::string, model::KillSwitch> kill_switches;

  void Apply(const ChangeSet& changes) {
    for (const std::string& key : changes.removed_flags) RemoveFlag(key);
    for (const auto& pair : changes.removed_overrides) overrides.erase(pair);
    for (const std::string& key : changes.removed_segments) segments.erase(key);
    for (const model::KillScope& scope : changes.released_kill_switches) kill_switches.erase(scope.Text());
    for (const model::Segment& one : changes.segments) segments.insert_or_assign(one->segment_key, one);
    for (const model::Flag& one : changes.flags) {
      flags.insert_or_assign(one->flag_key, one);
      broken.erase(one->flag_key);
    }
    for (const BrokenFlag& one : changes.broken_flags) broken.insert_or_assign(one.flag_key, one);
    for (const model::Override& one : changes.overrides)
      overrides.insert_or_assign({one->flag_key, one->tenant_id}, one);
    for (const model::KillSwitch& one : changes.kill_switches) kill_switches.insert_or_assign(one->scope.Text(), one);
  }

  void RemoveFlag(const std::string& key) {
    flags.erase(key);
    broken.erase(key);
    std::erase_if(overrides, [&](const auto& entry) { return entry.first.first == key; });
  }

  Definitions All() const {
    Definitions all = testing::WithFlags({});
    for (const auto& [key, one] : flags) {
      if (!broken.contains(key)) all.flags.push_back(one);
    }
    for (const auto& [key, one] : broken) all.broken_flags.push_back(one);
    for (const auto& [key, one] : overrides) all.overrides.push_back(one);
    for (const auto& [key, one] : segments) all.segments.push_back(one);
    for (const auto& [key, one] : kill_switches) all.kill_switches.push_back(one);
    return all;
  }

  // What was good before it broke.
  std::shared_ptr<const Snapshot> LastGood() const {
    Definitions good = testing::WithFlags({});
    for (const auto& [key, one] : flags) good.flags.push_back(one);
    return Snapshot::Build(std::move(good));
  }
};

ChangeSet AnyChanges(bool with_broken) {
  ChangeSet changes;
  switch (testing::Pick(with_broken ? 9 : 8)) {
    case 0: changes.flags = AFew(3, AnyFlag); break;
    case 1: changes.flags = {AnyFlag()}; break;
    case 2: changes.removed_flags = AFew(2, AnyFlagKey); break;
    case 3: changes.overrides = AFew(4, AnyOverride); break;
    case 4: changes.removed_overrides = {{AnyFlagKey(), AnyTenant()}}; break;
    case 5: changes.segments = {AnySegment()}; break;
    case 6: changes.removed_segments = {AnySegmentKey()}; break;
    case 7:
      changes.released_kill_switches = {testing::Scope(AnyScope())};
      if (testing::Chance(2)) changes.kill_switches = {testing::MakeKillSwitch(AnyScope())};
      break;
    default: changes.broken_flags = {{.flag_key = AnyFlagKey(), .error = {.message = "unreadable"}}}; break;
  }
  if (testing::Chance(4)) changes.overrides.push_back(AnyOverride());
  return changes;
}

std::string Describe(const Evaluation& answer) {
  std::string text =
      testing::Brief(answer) + " rule=" + std::string(answer.rule_id) + " switch=" + std::string(answer.kill_switch);
  if (answer.expired) text += " expired";
  if (answer.stale) text += " stale";
  if (answer.flag != nullptr) text += " " + std::string(KeyOf(*answer.flag));
  return text;
}

// Everything that can be seen of a snapshot, with the answers to `contexts`.
std::vector<std::string> Observe(const Snapshot& snapshot, const std::vector<model::Context>& contexts) {
  std::vector<std::string> seen;
  for (const CompiledFlag* flag : snapshot.flags()) {
    const std::string key(KeyOf(*flag));
    seen.push_back(key + " " + std::to_string(FingerprintOf(*flag)));
    const bool is_found = snapshot.Find(key) == flag;
    RC_ASSERT(is_found);
    for (const model::Context& context : contexts)
      seen.push_back(key + ": " + Describe(Evaluate(snapshot, *flag, context, testing::kNow)));
  }
  for (int flag = 0; flag < 5; ++flag) {
    const std::string key = "f" + std::to_string(flag);
    seen.push_back(key + " overrides " + std::to_string(snapshot.override_count(key)));
    for (int tenant = 0; tenant < 3; ++tenant)
      seen.emplace_back(snapshot.OverrideOf(key, "t" + std::to_string(tenant)));
  }
  for (const CompileProblem& problem : snapshot.problems())
    seen.push_back("problem " + problem.flag_key + (problem.stale ? " stale" : ""));
  for (const model::KillSwitch& one : snapshot.kill_switches()) seen.push_back(one->scope.Text());
  return seen;
}

// The property that the live snapshot rests on: following changes comes to the same as reading everything again.
void CheckChangesEqualRebuild(bool with_broken) {
  World world;
  auto snapshot = Snapshot::Build(testing::WithFlags({}));
  const auto contexts = AFew(8, AnyContext);
  for (int count = testing::Pick(15); count > 0; --count) {
    const ChangeSet changes = AnyChanges(with_broken);
    world.Apply(changes);
    snapshot = snapshot->Apply(changes);
  }
  const auto rebuilt = Snapshot::Build(world.All(), *world.LastGood());
  RC_ASSERT(Observe(*snapshot, contexts) == Observe(*rebuilt, contexts));
}

RC_GTEST_PROP(Snapshot, FollowingChangesEqualsARebuild, ()) { CheckChangesEqualRebuild(false); }
RC_GTEST_PROP(Snapshot, FollowingChangesWithBrokenFlagsEqualsARebuild, ()) { CheckChangesEqualRebuild(true); }

RC_GTEST_PROP(Snapshot, ApplyLeavesItsStartAsItWas, ()) {
  const auto snapshot = Snapshot::Build(testing::AnyDefinitions());
  const auto contexts = AFew(5, AnyContext);
  const auto before = Observe(*snapshot, contexts);
  snapshot->Apply(AnyChanges(true))->Apply(AnyChanges(true));
  RC_ASSERT(Observe(*snapshot, contexts) == before);
}

}  // namespace
}  // namespace guidon::eval

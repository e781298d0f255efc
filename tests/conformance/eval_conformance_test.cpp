// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "case_file.hpp"
#include "guidon/base/result.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

// Replays conformance/eval/*.json (its README.md says what the members mean) through JSON, model and engine.
namespace guidon {
namespace {

using base::Result;
using conformance::InEnvironment;
using conformance::Items;
using conformance::Member;
using conformance::Text;
using model::Object;
using model::Value;

// Fewer means that files were not found.
constexpr std::size_t kCasesMin = 400;

// Each of `documents` through its decoder and its factory.
template <class Entity, class Decode>
base::Status ReadAll(const model::List& documents, const std::string& environment, Decode decode,
                     std::vector<Entity>& out) {
  for (const Value& document : documents) {
    GUIDON_ASSIGN(auto fields, decode(InEnvironment(document, environment)));
    GUIDON_ASSIGN(auto entity, Entity::Create(std::move(fields)));
    out.push_back(std::move(entity));
  }
  return {};
}

Result<eval::Definitions> ReadDefinitions(const Value& value) {
  eval::Definitions definitions;
  definitions.environment = Text(value, "environment");
  const std::string& environment = definitions.environment;
  const auto flag = [](const Value& document) { return json::FlagFromJson(document, {}); };
  const auto segment = [](const Value& document) { return json::SegmentFromJson(document, {}); };
  GUIDON_TRY(ReadAll(Items(value, "flags"), environment, flag, definitions.flags));
  GUIDON_TRY(ReadAll(Items(value, "segments"), environment, segment, definitions.segments));
  GUIDON_TRY(ReadAll(Items(value, "overrides"), environment, json::OverrideFromJson, definitions.overrides));
  GUIDON_TRY(ReadAll(Items(value, "killSwitches"), environment, json::KillSwitchFromJson, definitions.kill_switches));
  return definitions;
}

Result<std::shared_ptr<const eval::Snapshot>> ReadSnapshot(const Value& suite) {
  GUIDON_ASSIGN(eval::Definitions definitions, ReadDefinitions(Member(suite, "definitions")));
  if (Member(suite, "lastGood").IsNull()) return eval::Snapshot::Build(std::move(definitions));
  GUIDON_ASSIGN(eval::Definitions last_good, ReadDefinitions(Member(suite, "lastGood")));
  return eval::Snapshot::Build(std::move(definitions), *eval::Snapshot::Build(std::move(last_good)));
}

Object MetadataOf(const eval::Evaluation& answer) {
  Object metadata;
  if (!answer.rule_id.empty()) metadata.Set("ruleId", answer.rule_id);
  if (!answer.kill_switch.empty()) metadata.Set("killSwitch", answer.kill_switch);
  if (answer.expired) metadata.Set("expired", true);
  if (answer.stale) metadata.Set("stale", true);
  return metadata;
}

// The answer in the words of `expect`.
Value AnswerOf(const eval::Evaluation& answer) {
  Object object;
  if (answer.variation != nullptr) {
    object.Set("variation", answer.variation->name);
    object.Set("value", answer.variation->value);
  }
  object.Set("reason", NameOf(answer.reason));
  if (answer.error != model::EvaluationError::kNone) object.Set("errorCode", NameOf(answer.error));
  if (Object metadata = MetadataOf(answer); !metadata.empty()) object.Set("metadata", std::move(metadata));
  return object;
}

void Replay(const eval::Snapshot& snapshot, base::Timestamp now, const Value& one) {
  SCOPED_TRACE(Text(one, "name"));
  const auto context = json::ContextFromJson(Member(one, "context"));
  ASSERT_TRUE(context) << context.error().field << " " << context.error().message;
  const std::string flag_key = Text(one, "flag");
  const Value answer = AnswerOf(eval::Evaluate(snapshot, flag_key, *context, now));
  EXPECT_TRUE(answer == Member(one, "expect"))
      << "expected " << json::Write(Member(one, "expect")) << "\nbut is   " << json::Write(answer);
  eval::Trace trace;
  EXPECT_TRUE(AnswerOf(eval::Evaluate(snapshot, flag_key, *context, now, &trace)) == answer) << "with a trace";
}

std::size_t ReplaySuite(const Value& suite) {
  SCOPED_TRACE(Text(suite, "name"));
  const auto now = base::ParseTimestamp(Text(suite, "now"));
  const auto snapshot = ReadSnapshot(suite);
  EXPECT_TRUE(now) << "now";
  EXPECT_TRUE(snapshot) << (snapshot ? "" : snapshot.error().field + " " + snapshot.error().message);
  const model::List cases = Items(suite, "cases");
  EXPECT_FALSE(cases.empty());
  if (!now || !snapshot) return 0;
  for (const Value& one : cases) Replay(**snapshot, *now, one);
  return cases.size();
}

TEST(EvalConformance, EveryCaseIsAnsweredAsWritten) {
  std::size_t case_count = 0;
  conformance::ForEachSuite([&](const Value& suite) { case_count += ReplaySuite(suite); });
  EXPECT_GE(case_count, kCasesMin);
}

}  // namespace
}  // namespace guidon

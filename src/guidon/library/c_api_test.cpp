// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "guidon/json/json.hpp"
#include "guidon/library/guidon.h"
#include "guidon/model/evaluation.hpp"

// Counts this thread's allocations.
namespace {
thread_local std::uint64_t allocation_count = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocation_count;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

struct Free {
  void operator()(guidon_snapshot* snapshot) const { guidon_snapshot_free(snapshot); }
  void operator()(guidon_context* context) const { guidon_context_free(context); }
  void operator()(guidon_error* error) const { guidon_error_free(error); }
  void operator()(char* text) const { guidon_text_free(text); }
};
template <class Handle>
using Owned = std::unique_ptr<Handle, Free>;

constexpr std::string_view kDocument = R"({"environment": "production", "flags": [
  {"flagKey": "bool", "owner": "o", "defaultEnabled": true},
  {"flagKey": "gone", "owner": "o", "state": "ARCHIVED"},
  {"flagKey": "limit", "owner": "o", "type": "number", "variations": {"big": 9007199254740993, "half": 0.5},
   "defaultVariation": "big", "offVariation": "half", "defaultEnabled": true},
  {"flagKey": "layout", "owner": "o", "type": "object", "variations": {"new": {"columns": [1, 2]}, "old": {}},
   "defaultVariation": "new", "offVariation": "old", "defaultEnabled": true},
  {"flagKey": "text", "owner": "o", "type": "string", "variations": {"ja": "こんにちは", "en": ""},
   "defaultVariation": "en", "offVariation": "en", "defaultEnabled": true,
   "targetingRules": [{"id": "japan", "when": {"all": [{"attribute": "country", "operator": "in", "values": ["JP"]}]},
                       "variation": "ja"}]},
  {"flagKey": "until", "owner": "o", "defaultEnabled": true, "expiresAt": "2026-01-01T00:00:00Z"}]})";

Owned<guidon_snapshot> Load(std::string_view text, guidon_error** error = nullptr) {
  return Owned<guidon_snapshot>(guidon_snapshot_load(text.data(), text.size(), error));
}
Owned<guidon_context> Context(std::string_view text) {
  return Owned<guidon_context>(guidon_context_load(text.data(), text.size(), nullptr));
}
std::string Text(guidon_text text) {
  EXPECT_EQ(text.data[text.size], '\0');
  return {text.data, text.size};
}

TEST(CApi, NumbersItsEnumerationsAsTheEngineDoes) {
  for (int reason = GUIDON_REASON_STATIC; reason <= GUIDON_REASON_ERROR; ++reason)
    EXPECT_EQ(guidon_reason_name(static_cast<guidon_reason>(reason)),
              NameOf(static_cast<guidon::model::Reason>(reason)));
  EXPECT_STREQ(guidon_reason_name(GUIDON_REASON_PREREQUISITE_FAILED), "PREREQUISITE_FAILED");
  EXPECT_STREQ(guidon_evaluation_error_name(GUIDON_ERROR_NONE), "");
  EXPECT_STREQ(guidon_evaluation_error_name(GUIDON_ERROR_GENERAL), "GENERAL");
  EXPECT_STREQ(guidon_evaluation_error_name(GUIDON_ERROR_TYPE_MISMATCH), "TYPE_MISMATCH");
}

TEST(CApi, EvaluatesEveryType) {
  const auto snapshot = Load(kDocument);
  ASSERT_NE(snapshot, nullptr);
  const auto japan = Context(R"({"targetingKey": "u", "country": "JP"})");
  guidon_evaluation details;
  EXPECT_TRUE(guidon_boolean(snapshot.get(), "bool", japan.get(), false, &details));
  EXPECT_EQ(details.reason, GUIDON_REASON_STATIC);
  EXPECT_EQ(Text(details.variant), "on");
  EXPECT_EQ(Text(details.flag_key), "bool");
  EXPECT_STREQ(guidon_string(snapshot.get(), "text", japan.get(), "?", &details), "こんにちは");
  EXPECT_EQ(details.reason, GUIDON_REASON_TARGETING_MATCH);
  EXPECT_EQ(Text(details.rule_id), "japan");
  EXPECT_EQ(Text(details.json), "\"こんにちは\"");
  EXPECT_STREQ(guidon_string(snapshot.get(), "text", nullptr, "?", nullptr), "");
  EXPECT_EQ(guidon_number(snapshot.get(), "limit", nullptr, 1, &details), 9007199254740992.0);
  EXPECT_TRUE(details.is_integer);
  EXPECT_EQ(details.integer, 9007199254740993);
  EXPECT_STREQ(guidon_object(snapshot.get(), "layout", nullptr, "{}", nullptr), R"({"columns":[1,2]})");
}

TEST(CApi, FallsBackAndSaysWhy) {
  const auto snapshot = Load(kDocument);
  guidon_evaluation details;
  EXPECT_TRUE(guidon_boolean(snapshot.get(), "none", nullptr, true, &details));
  EXPECT_EQ(details.error, GUIDON_ERROR_FLAG_NOT_FOUND);
  EXPECT_EQ(details.type, GUIDON_TYPE_NONE);
  EXPECT_EQ(Text(details.flag_key), "");
  EXPECT_TRUE(guidon_boolean(snapshot.get(), "text", nullptr, true, &details));
  EXPECT_EQ(details.error, GUIDON_ERROR_TYPE_MISMATCH);
  EXPECT_EQ(details.reason, GUIDON_REASON_ERROR);
  EXPECT_EQ(guidon_number(snapshot.get(), "bool", nullptr, 2.5, nullptr), 2.5);
  EXPECT_TRUE(guidon_boolean(nullptr, "bool", nullptr, true, &details));
  EXPECT_EQ(details.error, GUIDON_ERROR_GENERAL);
  EXPECT_TRUE(guidon_boolean(snapshot.get(), nullptr, nullptr, true, &details));
  EXPECT_EQ(details.error, GUIDON_ERROR_GENERAL);
}

TEST(CApi, TakesTheTimeItIsGiven) {
  const auto snapshot = Load(kDocument);
  guidon_evaluation answer;
  guidon_evaluate(snapshot.get(), "until", nullptr, 0, &answer);
  EXPECT_TRUE(answer.boolean);
  EXPECT_FALSE(answer.expired);
  guidon_evaluate(snapshot.get(), "until", nullptr, GUIDON_NOW, &answer);
  EXPECT_FALSE(answer.boolean);
  EXPECT_TRUE(answer.expired);
  EXPECT_EQ(answer.reason, GUIDON_REASON_DISABLED);
}

TEST(CApi, EvaluatesAllThatExist) {
  const auto snapshot = Load(kDocument);
  ASSERT_EQ(guidon_snapshot_flag_count(snapshot.get()), 6U);
  EXPECT_STREQ(guidon_snapshot_flag_key(snapshot.get(), 0), "bool");
  EXPECT_STREQ(guidon_snapshot_flag_key(snapshot.get(), 5), "until");
  EXPECT_EQ(guidon_snapshot_flag_key(snapshot.get(), 6), nullptr);
  std::vector<guidon_evaluation> answers(6);
  ASSERT_EQ(guidon_evaluate_all(snapshot.get(), nullptr, GUIDON_NOW, answers.data(), answers.size()), 5U);
  EXPECT_EQ(Text(answers[1].flag_key), "layout");
  EXPECT_EQ(Text(answers[4].flag_key), "until");
  // Too little room: what fits is written, and the number says how much is needed.
  answers[1].flag_key = {.data = "untouched", .size = 9};
  EXPECT_EQ(guidon_evaluate_all(snapshot.get(), nullptr, GUIDON_NOW, answers.data(), 1), 5U);
  EXPECT_EQ(Text(answers[1].flag_key), "untouched");
  EXPECT_EQ(guidon_evaluate_all(snapshot.get(), nullptr, GUIDON_NOW, nullptr, 0), 5U);
}

TEST(CApi, Explains) {
  const auto snapshot = Load(kDocument);
  const auto japan = Context(R"({"country": "JP"})");
  const Owned<char> text(guidon_explain(snapshot.get(), "text", japan.get(), GUIDON_NOW));
  const auto document = guidon::json::Parse(text.get());
  ASSERT_TRUE(document) << text.get();
  EXPECT_EQ(*document->AsObject()->Find("value")->AsString(), "こんにちは");
  EXPECT_FALSE(document->AsObject()->Find("trace")->AsObject()->Find("steps")->AsList()->empty());
  EXPECT_EQ(guidon_explain(nullptr, "text", nullptr, GUIDON_NOW), nullptr);
}

TEST(CApi, SaysWhatCannotBeLoaded) {
  guidon_error* raw = nullptr;
  EXPECT_EQ(Load(R"({"environment": "p", "flags": [{"flagKey": "a b", "owner": "o"}]})", &raw), nullptr);
  const Owned<guidon_error> error(raw);
  ASSERT_NE(error, nullptr);
  EXPECT_STREQ(guidon_error_field(error.get()), "flags[0].flagKey");
  EXPECT_STREQ(guidon_error_code(error.get()), "invalid_argument");
  EXPECT_STRNE(guidon_error_message(error.get()), "");
  EXPECT_EQ(Load("{", nullptr), nullptr);
  EXPECT_EQ(guidon_snapshot_load(nullptr, 5, nullptr), nullptr);
  EXPECT_EQ(Context("[1]"), nullptr);
  EXPECT_EQ(Context(R"({"targetingKey": 1})"), nullptr);
  EXPECT_STREQ(guidon_error_message(nullptr), "");
  guidon_snapshot_free(nullptr);
  guidon_context_free(nullptr);
  guidon_error_free(nullptr);
  guidon_text_free(nullptr);
}

TEST(CApi, AllocatesNothingForScalars) {
  const auto snapshot = Load(kDocument);
  const auto japan = Context(R"({"targetingKey": "u", "country": "JP"})");
  const std::uint64_t before = allocation_count;
  guidon_evaluation details;
  bool boolean = guidon_boolean(snapshot.get(), "bool", japan.get(), false, &details);
  const char* text = guidon_string(snapshot.get(), "text", japan.get(), "", &details);
  const double number = guidon_number(snapshot.get(), "limit", japan.get(), 0, &details);
  const std::uint64_t after = allocation_count;
  EXPECT_EQ(after - before, 0U);
  EXPECT_TRUE(boolean && text[0] != '\0' && number > 0);
}

TEST(CApi, AnswersManyThreadsAtOnce) {
  const auto snapshot = Load(kDocument);
  const auto japan = Context(R"({"country": "JP"})");
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (std::size_t i = 0; i < right.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 1000; ++round)
        right[i] += std::string_view(guidon_string(snapshot.get(), "text", japan.get(), "", nullptr)) == "こんにちは";
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, 1000));
}

}  // namespace

// SPDX-License-Identifier: Apache-2.0
// The engine's side of the foreign twin: reads lines {"now", "key", "flag", "evaluators", "contexts"} (a flagd
// definition and contexts) from standard input and writes for each a line of answers [variation, reason, errorCode].
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/flag.hpp"

namespace guidon {
namespace {

using base::Result;
using model::Value;

constexpr json::ParseLimits kLimits{.bytes_max = 16UL * 1024 * 1024, .depth_max = 128};

const Value& Member(const Value& object, std::string_view name) {
  static const Value kNull;
  const model::Object* members = object.AsObject();
  const Value* member = members == nullptr ? nullptr : members->Find(name);
  return member == nullptr ? kNull : *member;
}

std::string Text(const Value& value) { return value.AsString() == nullptr ? std::string() : *value.AsString(); }

std::map<std::string, Value> Members(const Value& value) {
  const model::Object* members = value.AsObject();
  if (members == nullptr) return {};
  return {members->begin(), members->end()};
}

// Flags whose variants are strings, as the generator makes them.
Result<model::Flag> ReadFlag(const Value& line) {
  const Value& flag = Member(line, "flag");
  model::FlagFields fields{.flag_key = Text(Member(line, "key")), .environment = "twin", .owner = "twin"};
  fields.type = model::FlagType::kString;
  fields.default_enabled = true;
  fields.code_default = true;
  fields.default_variation = Text(Member(flag, "defaultVariant"));
  fields.variations = Members(Member(flag, "variants"));
  fields.targeting = Member(flag, "targeting");
  fields.targeting_evaluators = Members(Member(line, "evaluators"));
  return model::Flag::Create(std::move(fields));
}

Value AnswerOf(const eval::Evaluation& answer) {
  return model::List{answer.variation == nullptr ? Value() : Value(answer.variation->name),
                     Value(NameOf(answer.reason)), Value(NameOf(answer.error))};
}

Value Answer(const Value& line) {
  const auto flag = ReadFlag(line);
  if (!flag) return Value("flag: " + flag.error().field + " " + flag.error().message);
  const auto now = base::ParseTimestamp(Text(Member(line, "now")));
  const model::List* contexts = Member(line, "contexts").AsList();
  if (!now || contexts == nullptr) return Value("line: needs now and contexts");
  eval::Definitions definitions;
  definitions.environment = "twin";
  definitions.flags.push_back(*flag);
  const auto snapshot = eval::Snapshot::Build(std::move(definitions));
  model::List answers;
  for (const Value& one : *contexts) {
    const auto context = json::ContextFromJson(one);
    if (!context) return Value("context: " + context.error().field + " " + context.error().message);
    answers.push_back(AnswerOf(eval::Evaluate(*snapshot, (*flag)->flag_key, *context, *now)));
  }
  return answers;
}

}  // namespace
}  // namespace guidon

int main() {
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto value = guidon::json::Parse(line, guidon::kLimits);
    if (!value) {
      std::cerr << value.error().message << '\n';
      return 1;
    }
    std::cout << guidon::json::Write(guidon::Answer(*value)) << '\n';
  }
  return 0;
}

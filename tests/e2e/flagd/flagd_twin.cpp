// SPDX-License-Identifier: Apache-2.0
// The engine's side of the foreign twin. Reads lines of JSON and writes a line for each:
//   import: {"now", "key", "flag", "evaluators", "contexts"}, a flagd definition and contexts → the answers
//   export: {"now", "flags", "segments", "overrides", "killSwitches", "contexts"}, documents of ours → {"document":
//   what
//           is exported, "notes", "answers": {flag key: the answers}}
// An answer is [variation or null, reason, error code or ""]. A line that cannot be read is answered with a text.
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/eval/compile_check.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/flagd/flagd.hpp"
#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/flag.hpp"

namespace guidon {
namespace {

using base::Result;
using model::List;
using model::Object;
using model::Value;

constexpr json::ParseLimits kLimits{.bytes_max = 16UL * 1024 * 1024, .depth_max = 128};
const std::string kEnvironment = "twin";

const Value& Member(const Value& object, std::string_view name) {
  static const Value kNull;
  const Object* members = object.AsObject();
  const Value* member = members == nullptr ? nullptr : members->Find(name);
  return member == nullptr ? kNull : *member;
}

std::string Text(const Value& value) { return value.AsString() == nullptr ? std::string() : *value.AsString(); }
List Items(const Value& value) { return value.AsList() == nullptr ? List() : *value.AsList(); }

Result<List> AnswersOf(const eval::Snapshot& snapshot, const std::string& key, const Value& line) {
  GUIDON_ASSIGN(const base::Timestamp now, base::ParseTimestamp(Text(Member(line, "now"))));
  List answers;
  for (const Value& one : Items(Member(line, "contexts"))) {
    GUIDON_ASSIGN(const model::Context context, json::ContextFromJson(one));
    const eval::Evaluation answer = eval::Evaluate(snapshot, key, context, now);
    answers.push_back(List{answer.variation == nullptr ? Value() : Value(answer.variation->name),
                           Value(NameOf(answer.reason)), Value(NameOf(answer.error))});
  }
  return answers;
}

// Also checks that exporting gives back what came in.
Result<Value> AnswerImport(const Value& line) {
  const std::string key = Text(Member(line, "key"));
  Object flags;
  flags.Set(key, Member(line, "flag"));
  Object document;
  document.Set("flags", Value(flags));
  document.Set("$evaluators", Member(line, "evaluators"));
  GUIDON_ASSIGN(flagd::Import import, flagd::FromFlagd(Value(std::move(document))));
  model::FlagFields& fields = import.flags.front();
  fields.environment = kEnvironment;
  fields.owner = "twin";
  GUIDON_ASSIGN(const model::Flag flag, model::Flag::Create(std::move(fields)));
  const Value exported = flagd::ToFlagd({.flags = {flag}}).document;
  if (!(Member(Member(exported, "flags"), key) == Member(line, "flag"))) return Value("the export differs");
  for (const auto& [name, evaluator] : flag->targeting_evaluators)
    if (!(Member(Member(exported, "$evaluators"), name) == evaluator)) return Value("an exported evaluator differs");
  eval::Definitions definitions;
  definitions.environment = kEnvironment;
  definitions.flags = {flag};
  const auto snapshot = eval::Snapshot::Build(std::move(definitions));
  GUIDON_ASSIGN(List answers, AnswersOf(*snapshot, key, line));
  return Value(std::move(answers));
}

template <class Entity, class Decode>
base::Status ReadAll(const Value& documents, Decode decode, std::vector<Entity>& out) {
  for (Value document : Items(documents)) {
    document.MutableObject()->Set("environment", Value(kEnvironment));
    GUIDON_ASSIGN(auto fields, decode(document));
    GUIDON_ASSIGN(Entity entity, Entity::Create(std::move(fields)));
    out.push_back(std::move(entity));
  }
  return {};
}

Result<Value> AnswerExport(const Value& line) {
  eval::Definitions read;
  read.environment = kEnvironment;
  const auto flag_from = [](const Value& value) { return json::FlagFromJson(value, {}); };
  const auto segment_from = [](const Value& value) { return json::SegmentFromJson(value, {}); };
  GUIDON_TRY(ReadAll(Member(line, "flags"), flag_from, read.flags));
  GUIDON_TRY(ReadAll(Member(line, "segments"), segment_from, read.segments));
  GUIDON_TRY(ReadAll(Member(line, "overrides"), json::OverrideFromJson, read.overrides));
  GUIDON_TRY(ReadAll(Member(line, "killSwitches"), json::KillSwitchFromJson, read.kill_switches));
  flagd::Definitions definitions{.flags = read.flags, .segments = read.segments, .kill_switches = read.kill_switches};
  for (const model::Override& one : read.overrides) definitions.overrides[one->flag_key].push_back(one);
  flagd::Export out = flagd::ToFlagd(definitions);
  const std::vector<model::Flag> flags = read.flags;
  const auto snapshot = eval::Snapshot::Build(std::move(read));
  Object answers;
  for (const model::Flag& flag : flags) {
    GUIDON_TRY(eval::CheckCompiles(flag));
    GUIDON_ASSIGN(List of_flag, AnswersOf(*snapshot, flag->flag_key, line));
    answers.Set(flag->flag_key, Value(std::move(of_flag)));
  }
  List notes;
  for (const flagd::Note& note : out.notes) notes.push_back(List{Value(note.flag_key), Value(note.message)});
  Object answer;
  answer.Set("document", std::move(out.document));
  answer.Set("notes", Value(std::move(notes)));
  answer.Set("answers", Value(std::move(answers)));
  return Value(std::move(answer));
}

}  // namespace
}  // namespace guidon

int main(int argc, char** argv) {
  const bool exports = argc > 1 && std::string_view(argv[1]) == "export";
  std::ios::sync_with_stdio(false);
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto value = guidon::json::Parse(line, guidon::kLimits);
    if (!value) {
      std::cerr << value.error().message << '\n';
      return 1;
    }
    const auto answer = exports ? guidon::AnswerExport(*value) : guidon::AnswerImport(*value);
    const auto text = answer ? *answer : guidon::model::Value(answer.error().field + ": " + answer.error().message);
    std::cout << guidon::json::Write(text) << '\n';
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "comparison.hpp"

#include <cstddef>
#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "guidon/json/json.hpp"

namespace guidon::twin {
namespace {

using Engine = std::shared_ptr<const eval::Snapshot>;

Engine Build(const eval::Definitions& last_good, const eval::Definitions& present) {
  return eval::Snapshot::Build(present, *eval::Snapshot::Build(last_good));
}

Engine Follow(Engine engine, const std::vector<eval::ChangeSet>& changes) {
  for (const eval::ChangeSet& one : changes) engine = engine->Apply(one);
  return engine;
}

World WorldOf(const eval::Definitions& last_good, const eval::Definitions& present,
              const std::vector<eval::ChangeSet>& changes) {
  World world(last_good, present);
  for (const eval::ChangeSet& one : changes) world.Apply(one);
  return world;
}

bool SameAnswer(const eval::Evaluation& evaluation, const Answer& naive) { return AnswerOf(evaluation) == naive; }

// All flags at once, by their keys.
std::map<std::string_view, eval::Evaluation> BulkAnswers(const eval::Snapshot& engine, const model::Context& context,
                                                         base::Timestamp now) {
  std::vector<eval::Evaluation> answers;
  eval::EvaluateAll(engine, engine.flags(), context, now, answers);
  std::map<std::string_view, eval::Evaluation> by_key;
  for (std::size_t i = 0; i < answers.size(); ++i) by_key.emplace(eval::KeyOf(*engine.flags()[i]), answers[i]);
  return by_key;
}

// What the engine says that differs from `naive`: with a trace, without one, or in bulk.
std::optional<std::pair<Answer, std::string>> Disagrees(const eval::Snapshot& engine, const Case& question,
                                                        const Answer& naive) {
  Answer answer = AnswerOf(eval::Evaluate(engine, question.flag_key, question.context, question.now));
  if (answer != naive) return std::pair(std::move(answer), "without a trace");
  eval::Trace trace;
  answer = AnswerOf(eval::Evaluate(engine, question.flag_key, question.context, question.now, &trace));
  if (answer != naive) return std::pair(std::move(answer), "with a trace");
  const auto bulk = BulkAnswers(engine, question.context, question.now);
  if (const auto at = bulk.find(question.flag_key); at != bulk.end() && !SameAnswer(at->second, naive))
    return std::pair(AnswerOf(at->second), "in bulk");
  return std::nullopt;
}

// Both ways to one environment, made once for all questions.
struct Engines {
  Engine followed;
  Engine rebuilt;  // nullptr where nothing was followed
};

bool Agree(const Engines& engines, const std::string& flag_key, const model::Context& context, base::Timestamp now,
           const std::map<std::string_view, eval::Evaluation>& bulk, const Answer& naive) {
  eval::Trace trace;
  if (const auto at = bulk.find(flag_key); at != bulk.end() && !SameAnswer(at->second, naive)) return false;
  return SameAnswer(eval::Evaluate(*engines.followed, flag_key, context, now), naive) &&
         SameAnswer(eval::Evaluate(*engines.followed, flag_key, context, now, &trace), naive) &&
         (engines.rebuilt == nullptr || SameAnswer(eval::Evaluate(*engines.rebuilt, flag_key, context, now), naive));
}

}  // namespace

Answer AnswerOf(const eval::Evaluation& evaluation) {
  Answer answer{.reason = evaluation.reason,
                .error = evaluation.error,
                .kill_switch = std::string(evaluation.kill_switch),
                .rule_id = std::string(evaluation.rule_id),
                .expired = evaluation.expired,
                .stale = evaluation.stale};
  if (evaluation.variation != nullptr) {
    answer.variation = evaluation.variation->name;
    answer.value = evaluation.variation->value;
  }
  return answer;
}

std::string Describe(const Answer& answer) {
  std::string text = answer.variation.value_or("no variation") + " " + std::string(NameOf(answer.reason));
  if (answer.value) text += " value " + json::Write(*answer.value);
  if (answer.error != model::EvaluationError::kNone) text += " " + std::string(NameOf(answer.error));
  if (!answer.kill_switch.empty()) text += " switch " + answer.kill_switch;
  if (!answer.rule_id.empty()) text += " rule " + answer.rule_id;
  if (answer.expired) text += " expired";
  if (answer.stale) text += " stale";
  return text;
}

std::optional<Difference> Compare(const Case& question, const Faults& faults) {
  Coverage ignored;
  const World world = WorldOf(question.last_good, question.present, question.changes);
  const Answer naive = EvaluateNaively(world, question.flag_key, question.context, question.now, ignored);
  Case faulty = question;
  if (faults) faults(faulty);
  const Engine engine = Follow(Build(faulty.last_good, faulty.present), faulty.changes);
  auto answer = Disagrees(*engine, question, naive);
  if (!answer) return std::nullopt;
  return Difference{
      .question = question, .naive = naive, .engine = std::move(answer->first), .where = std::move(answer->second)};
}

std::optional<Difference> CompareAll(const Scenario& scenario, Coverage& coverage, std::uint64_t& pairs,
                                     const Faults& faults) {
  const World world = WorldOf(scenario.last_good, scenario.present, scenario.changes);
  Case followed{.last_good = scenario.last_good, .present = scenario.present, .changes = scenario.changes};
  Rebuild rebuild = RebuildOf(world);
  Case rebuilt{.last_good = std::move(rebuild.last_good), .present = std::move(rebuild.present)};
  Case faulty = followed;
  if (faults) faults(faulty);
  const Engines engines{
      .followed = Follow(Build(faulty.last_good, faulty.present), faulty.changes),
      .rebuilt = scenario.changes.empty() || faults ? nullptr : Build(rebuilt.last_good, rebuilt.present)};
  for (const auto& [context, now] : scenario.questions) {
    const auto bulk = BulkAnswers(*engines.followed, context, now);
    for (const std::string& flag_key : scenario.flag_keys) {
      ++pairs;
      const Answer naive = EvaluateNaively(world, flag_key, context, now, coverage);
      if (Agree(engines, flag_key, context, now, bulk, naive)) continue;
      // A case in one piece is easier to read, and to keep.
      for (Case* question : {&rebuilt, &followed}) {
        question->flag_key = flag_key;
        question->context = context;
        question->now = now;
        if (auto difference = Compare(*question, faults)) return difference;
      }
      return Difference{.question = followed, .naive = naive, .engine = {}, .where = "in this scenario only"};
    }
  }
  return std::nullopt;
}

}  // namespace guidon::twin

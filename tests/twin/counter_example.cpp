// SPDX-License-Identifier: Apache-2.0
#include "counter_example.hpp"

#include <cstddef>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "guidon/json/json.hpp"
#include "guidon/json/model_json.hpp"

namespace guidon::twin {
namespace {

using model::ConditionGroup;
using model::FlagFields;
using model::List;
using model::Object;
using model::Value;

// Tries smaller cases one after the other and keeps each that still differs, until none does.
class Shrinker {
 public:
  Shrinker(Difference difference, const Faults& faults) : best_(std::move(difference)), faults_(faults) {}

  Difference Run() {
    do {
      progress_ = false;
      ShrinkChanges();
      ShrinkDefinitions([](Case& one) -> eval::Definitions& { return one.present; });
      ShrinkDefinitions([](Case& one) -> eval::Definitions& { return one.last_good; });
      ShrinkContext();
    } while (progress_);
    return std::move(best_);
  }

 private:
  // True where the changed case still differs; then it is the best one.
  template <class Edit>
  bool Try(Edit edit) {
    Case smaller = best_.question;
    edit(smaller);
    auto difference = Compare(smaller, faults_);
    if (!difference) return false;
    best_ = *std::move(difference);
    progress_ = true;
    return true;
  }

  // Without one element after the other, last ones first.
  template <class Items>
  void DropEach(Items items) {
    for (std::size_t i = items(best_.question).size(); i > 0; --i) {
      Try([&](Case& one) {
        auto& list = items(one);
        list.erase(std::next(list.begin(), static_cast<std::ptrdiff_t>(i - 1)));
      });
    }
  }

  void ShrinkChanges() {
    DropEach([](Case& one) -> auto& { return one.changes; });
    for (std::size_t i = 0; i < best_.question.changes.size(); ++i) {
      DropEach([i](Case& one) -> auto& { return one.changes[i].flags; });
      DropEach([i](Case& one) -> auto& { return one.changes[i].overrides; });
      DropEach([i](Case& one) -> auto& { return one.changes[i].kill_switches; });
      ShrinkFlags([i](Case& one) -> auto& { return one.changes[i].flags; });
    }
  }

  template <class Part>
  void ShrinkDefinitions(Part part) {
    DropEach([&](Case& one) -> auto& { return part(one).flags; });
    DropEach([&](Case& one) -> auto& { return part(one).broken_flags; });
    DropEach([&](Case& one) -> auto& { return part(one).overrides; });
    DropEach([&](Case& one) -> auto& { return part(one).segments; });
    DropEach([&](Case& one) -> auto& { return part(one).kill_switches; });
    ShrinkFlags([&](Case& one) -> auto& { return part(one).flags; });
    ShrinkSegments([&](Case& one) -> auto& { return part(one).segments; });
  }

  template <class Flags>
  void ShrinkFlags(Flags flags) {
    for (std::size_t i = 0; i < flags(best_.question).size(); ++i) {
      for (const FlagFields& fields : SmallerFlags(*flags(best_.question)[i])) {
        auto flag = model::Flag::Create(fields);
        if (flag && *flag != flags(best_.question)[i] && Try([&](Case& one) { flags(one)[i] = *flag; })) {
          // The others were made of what is no longer there.
          --i;
          break;
        }
      }
    }
  }

  template <class Segments>
  void ShrinkSegments(Segments segments) {
    for (std::size_t i = 0; i < segments(best_.question).size(); ++i) {
      for (const model::SegmentFields& fields : SmallerSegments(*segments(best_.question)[i])) {
        auto segment = model::Segment::Create(fields);
        if (segment && Try([&](Case& one) { segments(one)[i] = *segment; })) {
          --i;
          break;
        }
      }
    }
  }

  // One step each.
  static std::vector<FlagFields> SmallerFlags(const FlagFields& flag) {
    std::vector<FlagFields> smaller;
    const auto with = [&](auto edit) { edit(smaller.emplace_back(flag)); };
    for (std::size_t i = flag.targeting_rules.size(); i > 0; --i) {
      const auto at = static_cast<std::ptrdiff_t>(i - 1);
      with([&](FlagFields& one) { one.targeting_rules.erase(one.targeting_rules.begin() + at); });
    }
    for (std::size_t i = flag.prerequisites.size(); i > 0; --i) {
      const auto at = static_cast<std::ptrdiff_t>(i - 1);
      with([&](FlagFields& one) { one.prerequisites.erase(one.prerequisites.begin() + at); });
    }
    if (!flag.tenant_overrides.empty()) with([](FlagFields& one) { one.tenant_overrides.clear(); });
    if (flag.expires_at) with([](FlagFields& one) { one.expires_at.reset(); });
    if (flag.tenant_id) with([](FlagFields& one) { one.tenant_id.reset(); });
    if (flag.kill_variation) with([](FlagFields& one) { one.kill_variation.reset(); });
    if (flag.rollout_percentage) with([](FlagFields& one) { one.rollout_percentage.reset(); });
    if (flag.rollout_salt) with([](FlagFields& one) { one.rollout_salt.reset(); });
    if (flag.bucket_by) with([](FlagFields& one) { one.bucket_by.reset(); });
    // Only once: dropping a variation and having both again would go round in circles.
    if (flag.type != model::FlagType::kBoolean) {
      with([](FlagFields& one) {
        one.type = model::FlagType::kBoolean;
        one.variations = {{"on", true}, {"off", false}};
      });
    }
    // A boolean flag without any would get both again.
    if (flag.variations.size() > 1) {
      for (const auto& [name, value] : flag.variations) with([&](FlagFields& one) { one.variations.erase(name); });
    }
    for (std::size_t i = 0; i < flag.targeting_rules.size(); ++i) {
      for (model::Rule& rule : SmallerRules(flag.targeting_rules[i]))
        with([&](FlagFields& one) { one.targeting_rules[i] = std::move(rule); });
    }
    return smaller;
  }

  static std::vector<model::Rule> SmallerRules(const model::Rule& rule) {
    std::vector<model::Rule> smaller;
    const auto with = [&](auto edit) { edit(smaller.emplace_back(rule)); };
    if (rule.starts_at) with([](model::Rule& one) { one.starts_at.reset(); });
    if (rule.ends_at) with([](model::Rule& one) { one.ends_at.reset(); });
    if (const auto* split = std::get_if<model::Split>(&rule.serve)) {
      with([](model::Rule& one) { one.serve = std::string("on"); });
      for (std::size_t i = 0; i < split->size(); ++i) {
        with([&](model::Rule& one) {
          auto& shares = std::get<model::Split>(one.serve);
          shares.erase(shares.begin() + static_cast<std::ptrdiff_t>(i));
        });
      }
    }
    if (!rule.when) return smaller;
    with([](model::Rule& one) {
      one.everyone = true;
      one.when.reset();
    });
    for (ConditionGroup& group : SmallerGroups(*rule.when))
      with([&](model::Rule& one) { one.when = std::move(group); });
    return smaller;
  }

  static std::vector<ConditionGroup> SmallerGroups(const ConditionGroup& group) {
    std::vector<ConditionGroup> smaller;
    for (std::size_t i = 0; i < group.children.size(); ++i) {
      const auto at = static_cast<std::ptrdiff_t>(i);
      ConditionGroup& without = smaller.emplace_back(group);
      without.children.erase(without.children.begin() + at);
      if (const auto* inner = std::get_if<ConditionGroup>(&group.children[i])) {
        smaller.push_back(*inner);
        for (ConditionGroup& one : SmallerGroups(*inner)) smaller.emplace_back(group).children[i] = std::move(one);
        continue;
      }
      const auto& condition = std::get<model::Condition>(group.children[i]);
      for (std::size_t value = 0; value < condition.values.size(); ++value) {
        auto& values = std::get<model::Condition>(smaller.emplace_back(group).children[i]).values;
        values.erase(values.begin() + static_cast<std::ptrdiff_t>(value));
      }
    }
    return smaller;
  }

  static std::vector<model::SegmentFields> SmallerSegments(const model::SegmentFields& segment) {
    std::vector<model::SegmentFields> smaller;
    const auto with = [&](auto edit) { edit(smaller.emplace_back(segment)); };
    for (std::size_t i = 0; i < segment.included.size(); ++i)
      with([i](auto& one) { one.included.erase(one.included.begin() + static_cast<std::ptrdiff_t>(i)); });
    for (std::size_t i = 0; i < segment.excluded.size(); ++i)
      with([i](auto& one) { one.excluded.erase(one.excluded.begin() + static_cast<std::ptrdiff_t>(i)); });
    if (!segment.when) return smaller;
    with([](auto& one) { one.when.reset(); });
    for (ConditionGroup& group : SmallerGroups(*segment.when)) with([&](auto& one) { one.when = std::move(group); });
    return smaller;
  }

  void ShrinkContext() {
    const auto replace = [&](model::Context::Fields fields) {
      auto context = model::Context::Create(std::move(fields));
      return context && Try([&](Case& one) { one.context = *context; });
    };
    model::Context::Fields fields = FieldsOf(best_.question.context);
    if (fields.targeting_key) {
      fields.targeting_key.reset();
      replace(fields);
    }
    fields = FieldsOf(best_.question.context);
    if (fields.tenant_id) {
      fields.tenant_id.reset();
      replace(fields);
    }
    const Object attributes = best_.question.context.attributes();
    for (const auto& [name, value] : attributes) {
      fields = FieldsOf(best_.question.context);
      fields.attributes.Erase(name);
      if (replace(fields)) continue;
      const List* list = value.AsList();
      for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
        fields = FieldsOf(best_.question.context);
        fields.attributes.Set(name, List{(*list)[i]});
        if (list->size() > 1 && replace(fields)) break;
      }
    }
  }

  static model::Context::Fields FieldsOf(const model::Context& context) {
    model::Context::Fields fields;
    if (context.targeting_key() != nullptr) fields.targeting_key = *context.targeting_key();
    if (context.tenant_id() != nullptr) fields.tenant_id = *context.tenant_id();
    fields.attributes = context.attributes();
    return fields;
  }

  Difference best_;
  const Faults& faults_;
  bool progress_ = false;
};

template <class Items, class ToJson>
void SetDocuments(Object& object, std::string_view name, const Items& items, ToJson to_json) {
  List list;
  for (const auto& item : items) {
    Value document = to_json(item);
    // What only says when and by whom would hide what matters.
    for (const char* noise :
         {"createdAt", "updatedAt", "updatedBy", "version", "schema", "environment", "engagedAt", "engagedBy"})
      document.MutableObject()->Erase(noise);
    list.push_back(std::move(document));
  }
  if (!list.empty()) object.Set(name, std::move(list));
}

Value DocumentOf(const eval::Definitions& definitions) {
  Object object;
  object.Set("environment", definitions.environment);
  SetDocuments(object, "flags", definitions.flags, json::FlagToJson);
  SetDocuments(object, "segments", definitions.segments, json::SegmentToJson);
  SetDocuments(object, "overrides", definitions.overrides, json::OverrideToJson);
  SetDocuments(object, "killSwitches", definitions.kill_switches, json::KillSwitchToJson);
  return object;
}

// In the order in which they come to act.
Value DocumentOf(const eval::ChangeSet& changes) {
  Object object;
  List removed;
  for (const std::string& key : changes.removed_flags) removed.emplace_back("flag " + key);
  for (const auto& [flag, tenant] : changes.removed_overrides)
    removed.emplace_back(("override " + flag + " ").append(tenant));
  for (const std::string& key : changes.removed_segments) removed.emplace_back("segment " + key);
  for (const model::KillScope& scope : changes.released_kill_switches) removed.emplace_back("switch " + scope.Text());
  for (const eval::BrokenFlag& one : changes.broken_flags) removed.emplace_back("unreadable flag " + one.flag_key);
  if (!removed.empty()) object.Set("removed", std::move(removed));
  SetDocuments(object, "flags", changes.flags, json::FlagToJson);
  SetDocuments(object, "segments", changes.segments, json::SegmentToJson);
  SetDocuments(object, "overrides", changes.overrides, json::OverrideToJson);
  SetDocuments(object, "killSwitches", changes.kill_switches, json::KillSwitchToJson);
  return object;
}

Value DocumentOf(const model::Context& context) {
  Object object = context.attributes();
  if (context.targeting_key() != nullptr) object.Set("targetingKey", *context.targeting_key());
  if (context.tenant_id() != nullptr) object.Set("tenantId", *context.tenant_id());
  return object;
}

Value DocumentOf(const Answer& answer) {
  Object object;
  if (answer.variation) object.Set("variation", *answer.variation);
  if (answer.value) object.Set("value", *answer.value);
  object.Set("reason", NameOf(answer.reason));
  if (answer.error != model::EvaluationError::kNone) object.Set("errorCode", NameOf(answer.error));
  Object metadata;
  if (!answer.rule_id.empty()) metadata.Set("ruleId", answer.rule_id);
  if (!answer.kill_switch.empty()) metadata.Set("killSwitch", answer.kill_switch);
  if (answer.expired) metadata.Set("expired", true);
  if (answer.stale) metadata.Set("stale", true);
  if (!metadata.empty()) object.Set("metadata", std::move(metadata));
  return object;
}

Value SuiteOf(const Difference& difference) {
  const Case& question = difference.question;
  Object one;
  one.Set("name", "what the twins disagreed about");
  one.Set("flag", question.flag_key);
  one.Set("context", DocumentOf(question.context));
  one.Set("expect", DocumentOf(difference.naive));
  Object suite;
  suite.Set("name", "counter-example");
  suite.Set("now", base::FormatTimestamp(question.now));
  const Value last_good = DocumentOf(question.last_good);
  if (last_good.AsObject()->size() > 1) suite.Set("lastGood", last_good);
  suite.Set("definitions", DocumentOf(question.present));
  suite.Set("cases", List{Value(std::move(one))});
  Object file;
  file.Set("suites", List{Value(std::move(suite))});
  return file;
}

}  // namespace

Difference Shrink(Difference difference, const Faults& faults) { return Shrinker(std::move(difference), faults).Run(); }

std::string ToText(const Difference& difference) {
  std::string text = "twin:   " + Describe(difference.naive) + "\nengine: " + Describe(difference.engine) + " (" +
                     difference.where + ")\n" + json::Write(SuiteOf(difference)) + "\n";
  for (const eval::ChangeSet& one : difference.question.changes)
    text += "then applied: " + json::Write(DocumentOf(one)) + "\n";
  return text;
}

}  // namespace guidon::twin

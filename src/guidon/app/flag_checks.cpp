// SPDX-License-Identifier: Apache-2.0
#include "guidon/app/flag_checks.hpp"

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "guidon/app/change.hpp"
#include "guidon/model/flag_references.hpp"

namespace guidon::app {
namespace {

using base::ErrorCode;

constexpr std::size_t kNamesShownMax = 10;  // of flags that stand in the way of a deletion

const std::optional<std::string>& TenantOf(const store::StoredFlag& flag) {
  if (const auto* readable = std::get_if<model::Flag>(&flag)) return (*readable)->tenant_id;
  return std::get<store::UnreadableFlag>(flag).tenant_id;
}

const std::string& KeyOf(const store::StoredFlag& flag) {
  if (const auto* readable = std::get_if<model::Flag>(&flag)) return (*readable)->flag_key;
  return std::get<store::UnreadableFlag>(flag).flag_key;
}

// What the principal's flags may refer to: its own, and those of everybody.
bool MayReferTo(const Principal& principal, const std::optional<std::string>& tenant_id) {
  return !tenant_id || Sees(principal, tenant_id);
}

std::string PathOf(std::size_t prerequisite) { return "prerequisites[" + std::to_string(prerequisite) + "]"; }

base::Error MissingPrerequisite(std::size_t index, const std::string& key) {
  return {.code = ErrorCode::kInvalidArgument,
          .message = "There is no flag \"" + key + "\" in this environment.",
          .field = PathOf(index) + ".flagKey"};
}

// `found`: the other flag, as far as it can be read.
base::Status CheckVariations(std::size_t index, const model::Prerequisite& prerequisite,
                             const store::StoredFlag& found) {
  const auto* other = std::get_if<model::Flag>(&found);
  if (other == nullptr) return {};
  for (std::size_t i = 0; i < prerequisite.variations.size(); ++i) {
    if ((*other)->variations.contains(prerequisite.variations[i])) continue;
    return base::Fail(
        ErrorCode::kInvalidArgument,
        "The flag \"" + prerequisite.flag_key + "\" has no variation \"" + prerequisite.variations[i] + "\".",
        PathOf(index) + ".variations[" + std::to_string(i) + "]");
  }
  return {};
}

base::Result<std::vector<store::StoredFlag>> Read(const Services& services, const model::Environment& env,
                                                  const model::FlagKey& key) {
  return services.repository.GetFlags(env, std::span(&key, 1));
}

bool Names(const model::ConditionGroup& group, const std::string& segment) {
  return std::ranges::any_of(group.children, [&](const model::ConditionNode& child) {
    if (const auto* below = std::get_if<model::ConditionGroup>(&child)) return Names(*below, segment);
    const auto& condition = std::get<model::Condition>(child);
    return condition.op == model::Operator::kInSegment &&
           std::ranges::find(condition.values, model::Value(segment)) != condition.values.end();
  });
}

base::Error MissingSegment(const model::Flag& flag, const std::string& segment) {
  std::string path = "targetingRules";
  for (std::size_t i = 0; i < flag->targeting_rules.size(); ++i) {
    const auto& rule = flag->targeting_rules[i];
    if (!rule.when || !Names(*rule.when, segment)) continue;
    path += "[" + std::to_string(i) + "].when";
    break;
  }
  return {.code = ErrorCode::kInvalidArgument,
          .message = "There is no segment \"" + segment + "\" in this environment.",
          .field = std::move(path)};
}

// A tenant's administrator learns that there is a cycle, but not through whose flags.
base::Status CheckNoCycle(const Principal& principal, const model::Flag& flag, const eval::Snapshot& snapshot) {
  const auto cycle = eval::FindPrerequisiteCycle(snapshot, flag);
  if (cycle.empty()) return {};
  std::string path;
  if (!principal.tenant_id) {
    for (const auto& key : cycle) path += (path.empty() ? ": " : " → ") + key;
    path += " → " + cycle.front();
  }
  return base::Fail(ErrorCode::kInvalidArgument, "Prerequisites must not lead back to the flag itself" + path + ".",
                    "prerequisites");
}

}  // namespace

base::Result<model::Flag> VisibleFlag(const Services& services, const Principal& principal,
                                      const model::Environment& env, const model::FlagKey& key) {
  GUIDON_TRY(CheckEnvironment(services, env.str()));
  GUIDON_ASSIGN(auto found, Read(services, env, key));
  if (found.empty() || !Sees(principal, TenantOf(found.front()))) return std::unexpected(NotFound("flag", key.str()));
  if (auto* readable = std::get_if<model::Flag>(&found.front())) return std::move(*readable);
  return std::unexpected(std::get<store::UnreadableFlag>(std::move(found.front())).error);
}

base::Status CheckFlagVisible(const Services& services, const Principal& principal, const model::Environment& env,
                              const model::FlagKey& key) {
  GUIDON_ASSIGN(const auto found, Read(services, env, key));
  if (found.empty() || !Sees(principal, TenantOf(found.front()))) return std::unexpected(NotFound("flag", key.str()));
  return {};
}

base::Status CheckPrerequisites(const Services& services, const Principal& principal, const model::Flag& flag) {
  if (flag->prerequisites.empty()) return {};
  GUIDON_ASSIGN(const auto env, model::Environment::Parse(flag->environment));
  std::vector<model::FlagKey> keys;
  for (const auto& prerequisite : flag->prerequisites) {
    GUIDON_ASSIGN(auto key, model::FlagKey::Parse(prerequisite.flag_key));
    keys.push_back(std::move(key));
  }
  GUIDON_ASSIGN(const auto stored, services.repository.GetFlags(env, keys));
  std::map<std::string, const store::StoredFlag*> by_key;
  for (const auto& each : stored) by_key.emplace(KeyOf(each), &each);
  for (std::size_t i = 0; i < flag->prerequisites.size(); ++i) {
    const auto& prerequisite = flag->prerequisites[i];
    const auto found = by_key.find(prerequisite.flag_key);
    if (found == by_key.end() || !MayReferTo(principal, TenantOf(*found->second)))
      return std::unexpected(MissingPrerequisite(i, prerequisite.flag_key));
    GUIDON_TRY(CheckVariations(i, prerequisite, *found->second));
  }
  return {};
}

Guard GuardSave(const Principal& principal, const model::Flag& flag) {
  std::vector<std::string> segments = model::SegmentsOf(flag);
  if (segments.empty() && flag->prerequisites.empty()) return {};
  return [principal, flag, segments = std::move(segments)](const eval::Snapshot& snapshot,
                                                           const References& references) -> base::Status {
    for (const auto& segment : segments) {
      if (!references.HasSegment(segment)) return std::unexpected(MissingSegment(flag, segment));
    }
    for (std::size_t i = 0; i < flag->prerequisites.size(); ++i) {
      const std::string& key = flag->prerequisites[i].flag_key;
      if (snapshot.Find(key) == nullptr || !MayReferTo(principal, references.TenantOf(key)))
        return std::unexpected(MissingPrerequisite(i, key));
    }
    return CheckNoCycle(principal, flag, snapshot);
  };
}

Guard GuardDelete(const Principal& principal, const model::FlagKey& key) {
  return [principal, key](const eval::Snapshot&, const References& references) -> base::Status {
    const auto dependents = references.DependentsOf(key.str());
    if (dependents.empty()) return {};
    std::string names;
    std::size_t shown = 0;
    for (const auto& dependent : dependents) {
      if (shown == kNamesShownMax || !Sees(principal, references.TenantOf(dependent))) continue;
      names += (shown++ == 0 ? ": " : ", ") + dependent;
    }
    return base::Fail(ErrorCode::kConflict, "Other flags have this one as a prerequisite" + names +
                                                (shown > 0 && shown < dependents.size() ? " and more" : "") +
                                                ". Change them first.");
  };
}

}  // namespace guidon::app

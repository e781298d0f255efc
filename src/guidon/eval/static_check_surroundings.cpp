// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>

#include "guidon/eval/compiled_flag.hpp"
#include "guidon/eval/compiled_segment.hpp"
#include "guidon/eval/snapshot_impl.hpp"
#include "guidon/eval/static_check.hpp"

namespace guidon::eval {
namespace {

bool MayKnow(const CompiledFlag& flag, const std::optional<std::string>& tenant_id) {
  return !tenant_id || flag.IsVisibleTo(&*tenant_id);
}

// One tenant's, or those of all.
std::vector<std::string> OverriddenTo(const Snapshot& snapshot, std::string_view flag_key,
                                      const std::optional<std::string>& tenant_id) {
  if (tenant_id) {
    const std::string_view own = snapshot.OverrideOf(flag_key, *tenant_id);
    return own.empty() ? std::vector<std::string>() : std::vector{std::string(own)};
  }
  const CompiledFlag* flag = snapshot.Find(flag_key);
  const OverrideTable* orphans = snapshot.impl().orphans.Find(flag_key);
  if (flag != nullptr) return flag->overrides().UsedNames();
  return orphans == nullptr ? std::vector<std::string>() : orphans->UsedNames();
}

}  // namespace

Surroundings SurroundingsIn(const Snapshot& snapshot, const model::Flag& candidate, base::Timestamp now,
                            const std::optional<std::string>& tenant_id) {
  Surroundings around{.now = now,
                      .overridden_to = OverriddenTo(snapshot, candidate->flag_key, tenant_id),
                      .leads_back = !FindPrerequisiteCycle(snapshot, candidate).empty()};
  around.segment = [&snapshot,
                    is_bound = tenant_id.has_value()](std::string_view key) -> std::optional<Surroundings::Segment> {
    const auto* segment = snapshot.impl().segments.Find(key);
    if (segment == nullptr) return std::nullopt;
    // Who is in a segment is not a tenant's to know, not even whether anybody is.
    return Surroundings::Segment{.has_members =
                                     is_bound || !(*segment)->included.empty() || (*segment)->when.has_value()};
  };
  around.flag = [&snapshot, tenant_id](std::string_view key) -> std::optional<Surroundings::Flag> {
    const CompiledFlag* flag = snapshot.Find(key);
    if (flag == nullptr || !MayKnow(*flag, tenant_id)) return std::nullopt;
    Surroundings::Flag found{.readable = !flag->body().broken, .state = flag->body().state};
    for (const CompiledVariation& variation : *flag->body().variations) found.variations.push_back(variation.name);
    return found;
  };
  return around;
}

}  // namespace guidon::eval

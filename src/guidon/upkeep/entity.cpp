// SPDX-License-Identifier: Apache-2.0
#include "guidon/upkeep/entity.hpp"

#include <algorithm>
#include <array>

#include "guidon/store/keys.hpp"

namespace guidon::upkeep {
namespace {

constexpr std::array<std::string_view, kEntityCount> kNames = {
    "flag",    "override",     "evaluation",   "A/B test",    "A/B assignment",
    "segment", "segment keys", "segment work", "kill switch", "tenant",
    "API key", "audit",        "change",       "change head", "idempotency key",
    "usage",   "last usage",   "node",         "transfer",    "other"};

// One row: where PK and SK begin like this. The first that fits.
struct Shape {
  std::string_view partition;
  std::string_view sort;
  bool whole_sort;
  Entity entity;
};
constexpr std::array<Shape, 19> kShapes = {{{"FLAG#", "METADATA", true, Entity::kFlag},
                                            {"FLAG#", "OVERRIDE#", false, Entity::kOverride},
                                            {"FLAG#", "EVAL#", false, Entity::kEvaluation},
                                            {"ABTEST#", "METADATA", true, Entity::kAbTest},
                                            {"ABTEST#", "ASSIGN#", false, Entity::kAbAssignment},
                                            {"SEGMENT#", "METADATA", true, Entity::kSegment},
                                            {"SEGMENT#", "KEYS#", false, Entity::kSegmentKeys},
                                            {"SEGMENT#", "PARTS#", false, Entity::kSegmentWork},
                                            {"EMERGENCY#", "", false, Entity::kKillSwitch},
                                            {"TENANT#", "METADATA", true, Entity::kTenant},
                                            {"APIKEY#", "METADATA", true, Entity::kApiKey},
                                            {"AUDIT#", "", false, Entity::kAudit},
                                            {"CHANGES#", "HEAD", true, Entity::kChangeHead},
                                            {"CHANGES#", "", false, Entity::kChange},
                                            {"IDEMPOTENCY#", "METADATA", true, Entity::kIdempotency},
                                            {"USAGE#", "HOUR#", false, Entity::kUsage},
                                            {"USAGE#", "LAST", true, Entity::kLastUsage},
                                            {"NODES", "", false, Entity::kNode},
                                            {"TRANSFER", "METADATA", true, Entity::kTransfer}}};

}  // namespace

Entity EntityOf(const store::Key& key) {
  for (const Shape& shape : kShapes) {
    if (!key.pk.starts_with(shape.partition)) continue;
    if (shape.whole_sort ? key.sk == shape.sort : key.sk.starts_with(shape.sort)) return shape.entity;
  }
  return Entity::kOther;
}

std::string_view NameOf(Entity entity) { return kNames[static_cast<std::size_t>(entity)]; }

std::optional<Entity> EntityNamed(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Entity>(found - kNames.begin());
}

store::Key TransferKey() { return {"TRANSFER", std::string(store::kMetadataSort)}; }

}  // namespace guidon::upkeep

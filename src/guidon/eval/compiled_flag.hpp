// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "guidon/base/error.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/bucketing.hpp"
#include "guidon/eval/compiled_condition.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/eval/flagd_program.hpp"
#include "guidon/eval/override_table.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::eval {

using Variations = std::vector<CompiledVariation>;  // by name
inline const std::shared_ptr<const Variations>& NoVariations() {
  static const auto kNone = std::make_shared<const Variations>();
  return kNone;
}

// A weighted choice of variations (spec 3, "Bucketing").
struct CompiledSplit {
  struct Share {
    std::uint64_t end = 0;  // buckets below this and from the end of the share before
    const CompiledVariation* variation = nullptr;
  };
  std::vector<Share> shares;
  std::uint64_t total = 0;
  // Set where one variation has all the weight: every unit gets it, so none is needed.
  const CompiledVariation* only = nullptr;
};

struct CompiledRule {
  std::string id;
  std::optional<CompiledNode> when;  // absent: everyone
  std::optional<base::Timestamp> starts_at;
  std::optional<base::Timestamp> ends_at;
  const CompiledVariation* variation = nullptr;  // nullptr: `split` decides
  CompiledSplit split;
};

struct CompiledPrerequisite {
  std::string flag_key;
  std::vector<std::string> variations;
};

// A flag's definition after compilation. Immutable; shared by all snapshots in which the definition is the same, and
// pinned in memory because its parts point at its variations.
struct FlagBody {
  FlagBody() = default;
  FlagBody(const FlagBody&) = delete;
  FlagBody& operator=(const FlagBody&) = delete;

  const CompiledVariation* FindVariation(std::string_view name) const;
  // What `tenantOverrides` of the flag item says; nullptr where it says nothing.
  const CompiledVariation* FindTenantOverride(std::string_view tenant_id) const;

  // What most evaluations look at lies together.

  // Enabled for everybody, whole, without end and prerequisites: only a kill switch can come before overrides.
  bool ordinary = false;
  bool default_enabled = false;
  // Nothing in the definition depends on the context.
  bool context_free = false;
  bool client_visible = false;
  model::FlagType type = model::FlagType::kBoolean;
  model::FlagState state = model::FlagState::kEnabled;
  std::uint8_t bucket_by_slot = AttributeSlots::kNone;
  UnitHash salt{""};
  // nullptr: none, the caller's code default applies.
  const CompiledVariation* default_variation = nullptr;
  const CompiledVariation* off_variation = nullptr;
  std::optional<CompiledSplit> rollout;
  std::vector<CompiledRule> rules;
  std::unique_ptr<const flagd::Program> targeting;                                 // in place of rules
  std::vector<std::pair<std::string, const CompiledVariation*>> tenant_overrides;  // by tenant
  AttributePath bucket_by;

  std::string key;
  std::uint64_t key_hash = 0;
  std::string owner;
  std::uint64_t owner_hash = 0;
  const CompiledVariation* kill_variation = nullptr;  // the off variation where none was named
  std::vector<CompiledPrerequisite> prerequisites;
  std::optional<base::Timestamp> expires_at;
  std::unique_ptr<const std::string> tenant_id;  // null: no tenant's own
  // Never null. Most flags of an environment share theirs: `on` and `off`.
  std::shared_ptr<const Variations> variations = NoVariations();
  std::unique_ptr<const base::Error> broken;  // then nothing above is set but key, owner and tenant
  std::string annotation;
  std::unique_ptr<const FlagMetadata> metadata;       // null: none
  std::unique_ptr<const std::string> bucket_by_text;  // as it was written; null: the targeting key, by default
  std::uint64_t fingerprint = 0;
};

class CompiledFlag {
 public:
  // `broken_tenant`: with `stale`, the owner that the unreadable definition named.
  CompiledFlag(std::shared_ptr<const FlagBody> body, OverrideTable overrides, bool stale,
               const std::optional<std::string>& broken_tenant);
  CompiledFlag(const CompiledFlag&) = delete;
  CompiledFlag& operator=(const CompiledFlag&) = delete;

  // The answer to everybody, at any time, as long as no kill switch is engaged; nullptr where there is no such answer.
  const Evaluation* answer_to_all() const { return has_answer_to_all_ ? &answer_to_all_ : nullptr; }
  const FlagBody& body() const { return *body_; }
  const std::shared_ptr<const FlagBody>& shared_body() const { return body_; }
  const OverrideTable& overrides() const;
  bool stale() const { return stale_; }
  const std::string* broken_tenant() const { return broken_tenant_.get(); }

  // Spec 3, step 1: a tenant's flag exists for that tenant only.
  bool IsVisibleTo(const std::string* tenant_id) const {
    const auto allows = [tenant_id](const std::string* owner) {
      return owner == nullptr || (tenant_id != nullptr && *tenant_id == *owner);
    };
    return allows(body_->tenant_id.get()) && allows(broken_tenant_.get());
  }

  bool HasOverrides() const { return overrides_ != nullptr || !body_->tenant_overrides.empty(); }
  struct OverrideAnswer {
    bool found = false;
    const CompiledVariation* variation = nullptr;  // nullptr: the override names a variation that the flag lacks
  };
  // An override item wins over the flag's own `tenantOverrides`.
  OverrideAnswer FindOverride(std::string_view tenant_id, std::uint64_t tenant_hash) const;
  std::uint64_t fingerprint() const { return fingerprint_; }

 private:
  // First, beside what tells whether there is one: most evaluations of most products need nothing else.
  bool has_answer_to_all_ = false;
  Evaluation answer_to_all_;
  // Shared with other snapshots whose flag has the same definition and other overrides.
  std::shared_ptr<const FlagBody> body_;
  struct Overrides {
    OverrideTable table;
    std::vector<const CompiledVariation*> targets;  // by number of the table's names
  };
  // Null where there are none, as with most flags.
  std::unique_ptr<const Overrides> overrides_;
  std::unique_ptr<const std::string> broken_tenant_;
  bool stale_;
  std::uint64_t fingerprint_;
};

// The attribute that shares are chosen by, as it was written.
inline std::string_view BucketByOf(const FlagBody& body) {
  return body.bucket_by_text == nullptr ? "targetingKey" : std::string_view(*body.bucket_by_text);
}

// What the evaluator answers to an empty context while no kill switch is engaged.
Evaluation AnswerWithoutContext(const CompiledFlag& flag);

}  // namespace guidon::eval

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/model/condition.hpp"
#include "guidon/model/ids.hpp"
#include "guidon/model/limits.hpp"
#include "guidon/model/value.hpp"

namespace guidon::model {

enum class FlagType : std::uint8_t { kBoolean, kString, kNumber, kObject };
std::string_view NameOf(FlagType type);  // "boolean" …
std::optional<FlagType> FlagTypeFromName(std::string_view name);

enum class FlagState : std::uint8_t { kEnabled, kDisabled, kArchived };
std::string_view NameOf(FlagState state);  // "ENABLED" …
std::optional<FlagState> FlagStateFromName(std::string_view name);

// A share of traffic, 0 % to 100 % in steps of 0.001 %.
class Percentage {
 public:
  // Refuses NaN, values outside 0–100 and more than three decimals. Error: kInvalidArgument naming `field`.
  static base::Result<Percentage> Create(double percent, std::string_view field = "rolloutPercentage");
  std::int64_t thousandths() const { return thousandths_; }  // 0 to 100,000
  double percent() const { return static_cast<double>(thousandths_) / static_cast<double>(kPercentageScale); }
  friend bool operator==(const Percentage&, const Percentage&) = default;

 private:
  explicit Percentage(std::int64_t thousandths) : thousandths_(thousandths) {}
  std::int64_t thousandths_;
};

struct WeightedVariation {
  std::string variation;
  std::int64_t weight = 0;
  friend bool operator==(const WeightedVariation&, const WeightedVariation&) = default;
};
using Split = std::vector<WeightedVariation>;  // total weight 1 to 2^31 - 1

struct Rule {
  std::string id;  // unique in the flag; [a-zA-Z0-9][a-zA-Z0-9._-]{0,63}
  std::string description = {};
  bool everyone = false;  // matches everybody; then `when` is absent
  std::optional<ConditionGroup> when = std::nullopt;
  std::variant<std::string, Split> serve = {};              // one variation, or a split
  std::optional<base::Timestamp> starts_at = std::nullopt;  // inclusive
  std::optional<base::Timestamp> ends_at = std::nullopt;    // exclusive
  friend bool operator==(const Rule&, const Rule&) = default;
};

// The other flag must serve one of `variations` to the same context.
struct Prerequisite {
  std::string flag_key;
  std::vector<std::string> variations;
  friend bool operator==(const Prerequisite&, const Prerequisite&) = default;
};

// Layout version of the flag item (attribute `schema`).
inline constexpr std::int64_t kFlagSchema = 1;

// The attributes of a flag as spec 2 names them. Plain data, maybe invalid: `Flag::Create` turns it into a Flag.
struct FlagFields {
  std::string flag_key;
  std::string environment;
  std::string description = {};
  std::string owner = {};
  std::optional<std::string> tenant_id = std::nullopt;  // only this tenant can evaluate it
  std::vector<std::string> tags = {};
  FlagType type = FlagType::kBoolean;
  FlagState state = FlagState::kEnabled;
  bool client_visible = false;  // browsers' keys may evaluate it
  bool default_enabled = false;
  std::map<std::string, Value> variations = {};  // empty with type boolean: on = true, off = false
  std::string default_variation = {};            // empty with type boolean: "on"
  std::string off_variation = {};                // empty with type boolean: "off"
  // The default and the off variation may be left out: no value is served where one would be, so that the caller's code
  // default applies, as with flagd's flags without a default variant.
  bool code_default = false;
  std::optional<std::string> kill_variation = std::nullopt;
  std::optional<Percentage> rollout_percentage = std::nullopt;
  std::optional<std::string> rollout_salt = std::nullopt;
  std::optional<std::string> bucket_by = std::nullopt;  // attribute path; absent: targetingKey
  std::vector<Rule> targeting_rules = {};
  // A flagd expression (JsonLogic with flagd's operators) in place of rules: an object. Its `$ref` name members of
  // `targeting_evaluators`.
  std::optional<Value> targeting = std::nullopt;
  std::map<std::string, Value> targeting_evaluators = {};
  std::vector<Prerequisite> prerequisites = {};
  std::map<std::string, bool> tenant_overrides = {};  // written by other programs in the flag item; we only honour it
  std::map<std::string, Value> metadata = {};         // strings, numbers and booleans, for people and other programs
  std::optional<base::Timestamp> expires_at = std::nullopt;
  std::uint64_t version = 1;
  base::Timestamp created_at = {};
  base::Timestamp updated_at = {};
  std::string updated_by = {};

  friend bool operator==(const FlagFields&, const FlagFields&) = default;
};

// A flag that keeps every rule of spec 2 and 3: ids and names valid, variations of the flag's type, every variation
// that is named exists, not both rules and a targeting expression, splits sum to 1 … 2^31 - 1, no duplicate rule ids,
// tags or prerequisites, no prerequisite on itself, limits kept. Boolean flags have exactly the variations on = true
// and off = false when none were given. Immutable value.
class Flag {
 public:
  // Error: kInvalidArgument or kTooLarge with the JSON path of the first attribute at fault.
  static base::Result<Flag> Create(FlagFields fields);

  const FlagFields& operator*() const { return fields_; }
  const FlagFields* operator->() const { return &fields_; }
  const FlagFields& fields() const { return fields_; }

  friend bool operator==(const Flag&, const Flag&) = default;

 private:
  explicit Flag(FlagFields fields) : fields_(std::move(fields)) {}
  FlagFields fields_;
};

}  // namespace guidon::model

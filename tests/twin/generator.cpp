// SPDX-License-Identifier: Apache-2.0
#include "generator.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string_view>

#include "guidon/model/entities.hpp"
#include "guidon/model/flag.hpp"

namespace guidon::twin {
namespace {

using model::Condition;
using model::ConditionGroup;
using model::FlagFields;
using model::Operator;
using model::Value;

constexpr int kTenants = 3;
constexpr int kUnits = 20;
constexpr int kFlags = 7;
constexpr int kSegments = 4;
constexpr int kQuestions = 40;
const std::string kEnvironment = "production";
const base::Timestamp kNow = *base::ParseTimestamp("2026-11-22T12:00:00Z");

template <class T>
T Must(base::Result<T> result) {
  if (!result) std::abort();
  return *std::move(result);
}

// What conditions compare with and contexts hold; the second list of a pair is only in contexts, where nothing is
// refused.
const std::vector<std::string> kTexts = {
    "",  "pro",    "free", "Pro",    "enterprise", "eu-west-1",         "eu-",  "us-east",
    "a", "\u00fc", "日本", "日本語", "pro ",       "admin@example.com", "true", "10"};
const std::vector<std::string> kPatterns = {"^eu-", "^pro$",          "[0-9]+", "(?i)^PRO$", "",
                                            "^$",   "example\\.com$", "日",     "^.$",       "e{2,}"};
const std::vector<std::string> kBadPatterns = {"(", "[z-a]", "a**", "(?=x)", "\\1"};
const std::vector<std::string> kVersions = {"1.0.0",
                                            "1.0",
                                            "1",
                                            "v1",
                                            "v1.2",
                                            "1.2.3",
                                            "1.2.3-rc.1",
                                            "1.2.3-rc.2",
                                            "1.2.3-rc.10",
                                            "1.2.3-rc",
                                            "1.2.3-1",
                                            "1.2.3-alpha",
                                            "2.0.0",
                                            "10.0.0",
                                            "0.0.0",
                                            "1.2.3+build.01",
                                            "1.2.3-rc.1+b",
                                            "1.2.4",
                                            "99999999999999999999.0.0",
                                            "1.2.3-99999999999999999999",
                                            "1.2.3--",
                                            "0"};
const std::vector<std::string> kNoVersions = {"01.2.3",   "1.2.3.4", "1..2", "V1",          "1.2.3-",
                                              "1.2.3-01", "1.2.3+",  "x",    "1.2.3-rc..1", "v",
                                              "vv1",      "1.2.",    "",     "1.2.3+a+b",   "1.2.3-\u00fc"};
const std::vector<std::string> kNetworks = {
    "10.0.0.0/8",     "10.1.2.3/32",      "10.1.2.3",        "0.0.0.0/0",
    "192.168.0.0/16", "192.168.128.0/17", "10.1.2.255/25",   "::/0",
    "2001:db8::/32",  "2001:db8::1",      "2001:db8::1/127", "::ffff:10.0.0.0/104",
    "::ffff:0:0/96",  "::ffff:10.1.2.3",  "::/95",           "fe80::/10"};
const std::vector<std::string> kAddresses = {"10.1.2.3",
                                             "10.1.2.128",
                                             "10.255.255.255",
                                             "11.0.0.0",
                                             "192.168.127.255",
                                             "192.168.128.0",
                                             "0.0.0.0",
                                             "255.255.255.255",
                                             "2001:db8::1",
                                             "2001:db8:0:0:0:0:0:0",
                                             "2001:DB8::2",
                                             "2001:db9::",
                                             "::1",
                                             "::",
                                             "::ffff:10.1.2.3",
                                             "::ffff:a01:203",
                                             "fe80::1",
                                             "febf::1.2.3.4",
                                             "1:2:3:4:5:6:7:8",
                                             "1:2:3:4:5:6:7::",
                                             "::2:3:4:5:6:7:8"};
const std::vector<std::string> kNoAddresses = {"10.1.2",
                                               "10.1.2.256",
                                               "010.1.2.3",
                                               "10.1.2.3.4",
                                               "1::2::3",
                                               "fe80::1%eth0",
                                               ":::",
                                               "g::",
                                               "1:2:3:4:5:6:7:8:9",
                                               "::ffff:10.1.2",
                                               "1:2:3:4:5:6:7::8",
                                               " 10.1.2.3",
                                               "10.1.2.3/8",
                                               "12345::",
                                               "1:",
                                               ":1",
                                               "1:2:3:4:5:6:7",
                                               "1.2.3.4::",
                                               "10.1.2."};
const std::vector<std::string> kTimes = {
    "2026-11-22T12:00:00Z",        "2026-11-22T12:00:00.000Z",  "2026-11-22T12:00:00.001Z",
    "2026-11-22T21:00:00+09:00",   "2026-11-22T11:59:59.999Z",  "1970-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999Z",    "2024-02-29T00:00:00Z",      "2024-02-28T23:30:00-00:30",
    "2026-11-22T12:00:00.0009Z",   "2000-01-01T00:00:00-23:59", "2000-03-01T00:00:00+23:59",
    "2026-11-22T12:00:00.1234567Z"};
const std::vector<std::string> kNoTimes = {"2026-11-22",
                                           "2026-02-29T00:00:00Z",
                                           "2026-11-22T24:00:00Z",
                                           "2026-11-22T12:00:60Z",
                                           "2026-11-22 12:00:00Z",
                                           "2026-11-22T12:00:00",
                                           "1969-12-31T23:59:59Z",
                                           "1970-01-01T00:00:00+01:00",
                                           "2026-11-22T12:00:00.Z",
                                           "2026-11-22T12:00:00+9:00",
                                           "2026-13-01T00:00:00Z",
                                           "2026-11-22t12:00:00z",
                                           "9999-12-31T23:59:59-01:00",
                                           "2026-00-10T00:00:00Z",
                                           "2026-11-00T00:00:00Z",
                                           "2026-11-22T12:00:00ZZ",
                                           "1900-02-29T00:00:00Z"};
const std::vector<Value> kNumbers = {0,
                                     1,
                                     -1,
                                     5,
                                     9,
                                     10,
                                     11,
                                     100,
                                     -0.0,
                                     0.5,
                                     1.0,
                                     1.5,
                                     9.5,
                                     5.0,
                                     -1.5,
                                     std::int64_t{9'007'199'254'740'991},
                                     std::int64_t{9'007'199'254'740'992},
                                     std::int64_t{9'007'199'254'740'993},
                                     9007199254740992.0,
                                     9007199254740994.0,
                                     std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<std::int64_t>::max() - 1,
                                     std::numeric_limits<std::int64_t>::min(),
                                     9223372036854775808.0,
                                     9223372036854774784.0,
                                     -9223372036854775808.0,
                                     1e19,
                                     -1e19,
                                     1e100,
                                     1e-100};
const std::vector<Value> kExtremeNumbers = {5e-324, 1.7e308, -1.7e308, 9223372036854775808.0 * 2};

enum class Kind : std::uint8_t { kText, kNumber, kBoolean, kVersion, kAddress, kTime, kUnit, kTenant };

struct Attribute {
  std::string path;
  Kind kind;
};
const std::vector<Attribute> kAttributes = {
    {.path = "plan", .kind = Kind::kText},
    {.path = "mail", .kind = Kind::kText},
    {.path = "seats", .kind = Kind::kNumber},
    {.path = "ratio", .kind = Kind::kNumber},
    {.path = "beta", .kind = Kind::kBoolean},
    {.path = "version", .kind = Kind::kVersion},
    {.path = "ip", .kind = Kind::kAddress},
    {.path = "since", .kind = Kind::kTime},
    {.path = "profile.country", .kind = Kind::kText},
    {.path = "profile.org.size", .kind = Kind::kNumber},
    {.path = "targetingKey", .kind = Kind::kUnit},
    {.path = "tenantId", .kind = Kind::kTenant},
};

class Generator {
 public:
  explicit Generator(Random& random) : random_(random) {}

  Scenario DrawRelated() {
    Scenario scenario;
    scenario.present.environment = scenario.last_good.environment = kEnvironment;
    for (int i = 0; i < kSegments; ++i)
      if (!Chance(4)) scenario.present.segments.push_back(AnySegment("s" + std::to_string(i)));
    const Attribute& attribute = random_.Pick(kAttributes);
    for (int i = 0; i < kFlags; ++i) {
      FlagFields fields = Plain("f" + std::to_string(i));
      for (int rule = 0; rule < 3; ++rule) fields.targeting_rules.push_back(AnyRelatedRule(rule, attribute));
      scenario.flag_keys.push_back(fields.flag_key);
      scenario.present.flags.push_back(Must(model::Flag::Create(std::move(fields))));
    }
    for (int i = 0; i < kQuestions; ++i)
      scenario.questions.emplace_back(ContextAbout(attribute), kNow + std::chrono::milliseconds(Below(3)));
    return scenario;
  }

  Scenario Draw() {
    Scenario scenario;
    scenario.present.environment = scenario.last_good.environment = kEnvironment;
    if (Chance(60)) {
      DrawTower(scenario);
    } else {
      DrawOrdinary(scenario);
    }
    const int questions = scenario.flag_keys.size() > 10 ? 3 : kQuestions;
    for (int i = 0; i < questions; ++i) scenario.questions.emplace_back(AnyContext(), AnyMoment());
    return scenario;
  }

 private:
  bool Chance(int in) { return random_.Chance(in); }
  int Below(int count) { return random_.Below(count); }
  std::string Numbered(std::string name, int count) { return name += std::to_string(Below(count)); }
  std::string AnyFlagKey() { return Numbered("f", kFlags); }
  std::string AnyTenant() { return Numbered("t", kTenants); }
  std::string AnyUnit() { return Numbered("u", kUnits); }
  std::string AnySegmentKey() { return Numbered("s", kSegments); }
  std::string AnyOwner() { return Chance(2) ? "team-a" : "team-b"; }

  // Around now, the very moment included.
  base::Timestamp AnyMoment() {
    using std::chrono::milliseconds;
    constexpr std::array kOffsets = {0, 0, 0, 1, -1, 3'600'000, -3'600'000};
    return kNow + milliseconds(random_.Pick(kOffsets));
  }

  void DrawOrdinary(Scenario& scenario) {
    for (int i = 0; i < kFlags; ++i) {
      const std::string key = "f" + std::to_string(i);
      scenario.flag_keys.push_back(key);
      if (Chance(4)) scenario.last_good.flags.push_back(AnyFlag(key));
      if (Chance(40)) {
        scenario.present.broken_flags.push_back(AnyBrokenFlag(key));
      } else if (!Chance(15)) {
        scenario.present.flags.push_back(AnyFlag(key));
      }
    }
    for (int i = 0; i < kSegments; ++i) {
      const std::string key = "s" + std::to_string(i);
      if (Chance(6)) scenario.last_good.segments.push_back(AnySegment(key));
      if (!Chance(4)) scenario.present.segments.push_back(AnySegment(key));
    }
    for (int count = Below(5); count > 0; --count) scenario.present.overrides.push_back(AnyOverride());
    if (Chance(3)) scenario.present.kill_switches.push_back(AnyKillSwitch());
    if (Chance(2))
      for (int count = Below(6); count > 0; --count) scenario.changes.push_back(AnyChanges());
  }

  // Flags on flags on flags, beyond what the engine follows.
  void DrawTower(Scenario& scenario) {
    const bool deep = Chance(2);
    const int levels = deep ? 36 : 5;
    const int width = deep ? 1 : 5 + Below(2);
    for (int level = 0; level < levels; ++level) {
      for (int i = 0; i < width; ++i) {
        FlagFields fields = Plain(TowerKey(level, i));
        for (int below = 0; below < width && level + 1 < levels; ++below)
          fields.prerequisites.push_back({.flag_key = TowerKey(level + 1, below), .variations = {"on"}});
        if (level + 1 < levels || i == 0) scenario.flag_keys.push_back(fields.flag_key);
        scenario.present.flags.push_back(Must(model::Flag::Create(std::move(fields))));
      }
    }
  }
  static std::string TowerKey(int level, int i) { return "tower." + std::to_string(level) + "." + std::to_string(i); }

  static FlagFields Plain(std::string key) {
    FlagFields fields;
    fields.flag_key = std::move(key);
    fields.environment = kEnvironment;
    fields.owner = "team-a";
    fields.default_enabled = true;
    return fields;
  }

  eval::BrokenFlag AnyBrokenFlag(const std::string& key) {
    eval::BrokenFlag broken{.flag_key = key, .error = {.message = "unreadable"}};
    if (Chance(3)) broken.tenant_id = AnyTenant();
    return broken;
  }

  model::Flag AnyFlag(const std::string& key) {
    FlagFields fields = Plain(key);
    DrawVariations(fields);
    fields.owner = AnyOwner();
    fields.version = static_cast<std::uint64_t>(Below(1000)) + 1;
    fields.default_enabled = !Chance(4);
    fields.client_visible = Chance(2);
    // Most flags keep few features, so that each comes to decide.
    if (Chance(25)) fields.state = Chance(2) ? model::FlagState::kDisabled : model::FlagState::kArchived;
    if (Chance(10)) fields.tenant_id = AnyTenant();
    if (Chance(3)) fields.kill_variation = AnyVariation(fields);
    if (Chance(4)) fields.rollout_percentage = AnyPercentage();
    if (Chance(5)) fields.rollout_salt = Chance(2) ? "salt" : "\u00fc";
    if (Chance(4)) fields.bucket_by = Chance(4) ? "tenantId" : random_.Pick(kAttributes).path;
    if (Chance(10)) fields.expires_at = AnyMoment();
    if (Chance(8)) fields.tenant_overrides = {{AnyTenant(), Chance(2)}, {AnyTenant(), true}};
    if (Chance(5)) DrawPrerequisites(fields);
    if (!Chance(4)) DrawRules(fields);
    return Must(model::Flag::Create(std::move(fields)));
  }

  void DrawVariations(FlagFields& fields) {
    constexpr std::array kTypes = {model::FlagType::kBoolean, model::FlagType::kBoolean, model::FlagType::kString,
                                   model::FlagType::kNumber, model::FlagType::kObject};
    fields.type = random_.Pick(kTypes);
    fields.variations = {{"on", ValueOf(fields.type, 1)}, {"off", ValueOf(fields.type, 0)}};
    if (fields.type != model::FlagType::kBoolean)
      for (int i = Below(4); i > 0; --i)
        fields.variations.emplace("v" + std::to_string(i), ValueOf(fields.type, i + 1));
    fields.default_variation = Chance(5) ? AnyVariation(fields) : "on";
    fields.off_variation = Chance(5) ? AnyVariation(fields) : "off";
  }

  static Value ValueOf(model::FlagType type, int number) {
    switch (type) {
      case model::FlagType::kBoolean: return number == 1;
      case model::FlagType::kString: return std::string("value ") + std::to_string(number);
      case model::FlagType::kNumber: return number % 2 == 0 ? Value(number) : Value(number + 0.5);
      case model::FlagType::kObject: break;
    }
    model::Object object;
    object.Set("number", number);
    return object;
  }

  std::string AnyVariation(const FlagFields& fields) {
    auto at = fields.variations.begin();
    std::advance(at, Below(static_cast<int>(fields.variations.size())));
    return at->first;
  }

  model::Percentage AnyPercentage() {
    constexpr std::array kShares = {0.0, 0.001, 10.0, 33.333, 50.0, 99.999, 100.0};
    return Must(model::Percentage::Create(random_.Pick(kShares)));
  }

  void DrawPrerequisites(FlagFields& fields) {
    std::vector<std::string> keys;
    for (int count = Below(2) + 1; count > 0; --count) {
      std::string key = Chance(20) ? "gone" : AnyFlagKey();
      // Most of them further down, so that not everything is a cycle.
      if (key < fields.flag_key && !Chance(6)) continue;
      if (key == fields.flag_key || (!keys.empty() && keys[0] == key)) continue;
      keys.push_back(key);
      std::vector<std::string> variations = {"on"};
      if (Chance(2)) variations.emplace_back("off");
      if (Chance(3)) variations.emplace_back("v1");
      fields.prerequisites.push_back({.flag_key = std::move(key), .variations = std::move(variations)});
    }
  }

  void DrawRules(FlagFields& fields) {
    const int count = 1 + Below(3);
    for (int i = 0; i < count; ++i) {
      model::Rule rule;
      rule.id = "r" + std::to_string(i);
      rule.everyone = Chance(12);
      if (!rule.everyone) rule.when = AnyGroup(0, true);
      if (Chance(3)) {
        rule.serve = AnySplit(fields);
      } else {
        rule.serve = AnyVariation(fields);
      }
      DrawPeriod(rule);
      fields.targeting_rules.push_back(std::move(rule));
    }
  }

  void DrawPeriod(model::Rule& rule) {
    if (Chance(8)) rule.starts_at = AnyMoment();
    if (Chance(8)) rule.ends_at = AnyMoment();
    if (rule.starts_at && rule.ends_at && *rule.starts_at >= *rule.ends_at) rule.ends_at.reset();
  }

  model::Split AnySplit(const FlagFields& fields) {
    constexpr std::array kWeights = {std::int64_t{0}, std::int64_t{0},       std::int64_t{1},          std::int64_t{1},
                                     std::int64_t{3}, std::int64_t{100'000}, std::int64_t{700'000'000}};
    model::Split split;
    std::int64_t total = 0;
    for (const auto& [name, value] : fields.variations) {
      const std::int64_t weight = random_.Pick(kWeights);
      if (total + weight > model::kSplitWeightTotalMax) break;
      split.push_back({.variation = name, .weight = weight});
      total += weight;
    }
    if (total == 0) split[0].weight = 1;
    return split;
  }

  ConditionGroup AnyGroup(int depth, bool with_segments) {
    ConditionGroup group;
    constexpr std::array kKinds = {model::GroupKind::kAll, model::GroupKind::kAll, model::GroupKind::kAny,
                                   model::GroupKind::kNone};
    group.kind = random_.Pick(kKinds);
    int count = 1 + Below(3);
    if (group.kind != model::GroupKind::kAll && Chance(15)) count = 0;
    for (; count > 0; --count) {
      if (depth < 3 && Chance(5)) {
        group.children.emplace_back(AnyGroup(depth + 1, with_segments));
      } else {
        group.children.emplace_back(AnyCondition(with_segments));
      }
    }
    return group;
  }

  Condition AnyCondition(bool with_segments) {
    if (with_segments && Chance(7)) return AnySegmentCondition();
    const Attribute& attribute = random_.Pick(kAttributes);
    Condition condition{.attribute = attribute.path, .op = AnyOperator(attribute.kind)};
    if (Chance(60)) condition.attribute = "plan.deeper";
    if (condition.op == Operator::kExists) {
      if (Chance(2)) condition.values = {Chance(2)};
      return condition;
    }
    for (int count = Chance(20) ? 0 : 1 + Below(3); count > 0; --count)
      condition.values.push_back(AnyOperand(condition.op, attribute.kind));
    return condition;
  }

  model::Rule AnyRelatedRule(int number, const Attribute& attribute) {
    model::Rule rule;
    rule.id = "r" + std::to_string(number);
    rule.when = AnyRelatedGroup(0, attribute);
    rule.serve = Chance(2) ? "on" : "off";
    DrawPeriod(rule);
    return rule;
  }

  ConditionGroup AnyRelatedGroup(int depth, const Attribute& attribute) {
    ConditionGroup group;
    constexpr std::array kKinds = {model::GroupKind::kAll, model::GroupKind::kAny, model::GroupKind::kNone};
    group.kind = random_.Pick(kKinds);
    for (int count = 1 + Below(2); count > 0; --count) {
      if (depth < 2 && Chance(4)) {
        group.children.emplace_back(AnyRelatedGroup(depth + 1, attribute));
      } else if (Chance(8)) {
        group.children.emplace_back(AnySegmentCondition());
      } else {
        group.children.emplace_back(AnyConditionOn(attribute));
      }
    }
    return group;
  }

  Condition AnyConditionOn(const Attribute& attribute) {
    Condition condition{.attribute = attribute.path, .op = AnyOperator(attribute.kind)};
    if (condition.op == Operator::kExists) {
      if (Chance(2)) condition.values = {Chance(2)};
      return condition;
    }
    for (int count = Chance(30) ? 0 : 1 + Below(2); count > 0; --count)
      condition.values.push_back(condition.op == Operator::kMatches ? Value(random_.Pick(kPatterns))
                                                                    : AnyOperand(condition.op, attribute.kind));
    return condition;
  }

  model::Context ContextAbout(const Attribute& attribute) {
    const model::Context context = AnyContext();
    model::Context::Fields fields;
    if (context.targeting_key() != nullptr) fields.targeting_key = *context.targeting_key();
    if (context.tenant_id() != nullptr) fields.tenant_id = *context.tenant_id();
    if (attribute.kind != Kind::kUnit && attribute.kind != Kind::kTenant && !Chance(10)) {
      model::List list;
      for (int count = Below(4); count > 0; --count) list.push_back(AnyScalar(attribute.kind));
      SetAt(fields.attributes, attribute.path, Chance(3) ? Value(std::move(list)) : AnyScalar(attribute.kind));
    }
    return Must(model::Context::Create(std::move(fields)));
  }

  Condition AnySegmentCondition() {
    Condition condition{.attribute = "", .op = Operator::kInSegment};
    for (int count = Chance(20) ? 0 : 1 + Below(2); count > 0; --count) condition.values.emplace_back(AnySegmentKey());
    return condition;
  }

  Operator AnyOperator(Kind kind) {
    if (Chance(20)) return static_cast<Operator>(Below(static_cast<int>(model::kOperatorCount) - 1));
    constexpr std::array kTextOperators = {Operator::kIn,         Operator::kNotIn,    Operator::kContains,
                                           Operator::kStartsWith, Operator::kEndsWith, Operator::kMatches,
                                           Operator::kExists};
    constexpr std::array kNumberOperators = {Operator::kIn, Operator::kNotIn, Operator::kLt, Operator::kLte,
                                             Operator::kGt, Operator::kGte,   Operator::kEq, Operator::kExists};
    constexpr std::array kVersionOperators = {Operator::kSemverEq, Operator::kSemverLt, Operator::kSemverLte,
                                              Operator::kSemverGt, Operator::kSemverGte};
    switch (kind) {
      case Kind::kNumber: return random_.Pick(kNumberOperators);
      case Kind::kBoolean: return Chance(2) ? Operator::kIn : Operator::kNotIn;
      case Kind::kVersion: return random_.Pick(kVersionOperators);
      case Kind::kAddress: return Operator::kInCidr;
      case Kind::kTime: return Chance(2) ? Operator::kBefore : Operator::kAfter;
      default: return random_.Pick(kTextOperators);
    }
  }

  Value AnyOperand(Operator op, Kind kind) {
    switch (op) {
      case Operator::kIn:
      case Operator::kNotIn: return Chance(8) ? AnyValid(Chance(2) ? Kind::kNumber : Kind::kBoolean) : AnyValid(kind);
      case Operator::kMatches: return random_.Pick(Chance(80) ? kBadPatterns : kPatterns);
      case Operator::kContains:
      case Operator::kStartsWith:
      case Operator::kEndsWith: return AnyPiece(kind);
      case Operator::kLt:
      case Operator::kLte:
      case Operator::kGt:
      case Operator::kGte:
      case Operator::kEq: return random_.Pick(kNumbers);
      case Operator::kBefore:
      case Operator::kAfter: return random_.Pick(kTimes);
      case Operator::kInCidr: return random_.Pick(kNetworks);
      case Operator::kInSegment: return AnySegmentKey();
      default: return random_.Pick(kVersions);
    }
  }

  // A part of a text that contexts hold, cut between characters.
  Value AnyPiece(Kind kind) {
    const Value whole = AnyValid(kind);
    if (whole.AsString() == nullptr) return "1";
    std::string text = *whole.AsString();
    const bool is_ascii = text.find_first_of("\xc3\xe6\xe8") == std::string::npos;
    if (!is_ascii || text.size() < 2 || Chance(3)) return text;
    const auto from = static_cast<std::size_t>(Below(static_cast<int>(text.size())));
    const auto size = static_cast<std::size_t>(Below(4)) + 1;
    return text.substr(from, size);
  }

  // What could be an operand too.
  Value AnyValid(Kind kind) {
    switch (kind) {
      case Kind::kText: return random_.Pick(kTexts);
      case Kind::kNumber: return random_.Pick(kNumbers);
      case Kind::kBoolean: return Chance(2);
      case Kind::kVersion: return random_.Pick(kVersions);
      case Kind::kAddress: return random_.Pick(kAddresses);
      case Kind::kTime: return random_.Pick(kTimes);
      case Kind::kUnit: return AnyUnit();
      case Kind::kTenant: return AnyTenant();
    }
    return {};
  }

  Value AnyScalar(Kind kind) {
    if (Chance(12)) return AnyValid(static_cast<Kind>(Below(7)));
    if (Chance(5)) {
      if (kind == Kind::kVersion) return random_.Pick(kNoVersions);
      if (kind == Kind::kAddress) return random_.Pick(kNoAddresses);
      if (kind == Kind::kTime) return random_.Pick(kNoTimes);
      if (kind == Kind::kNumber) return random_.Pick(kExtremeNumbers);
    }
    return AnyValid(kind);
  }

  Value AnyValue(Kind kind) {
    if (Chance(25)) return {};
    if (!Chance(8)) return AnyScalar(kind);
    if (Chance(4)) return AnyObject(kind);
    model::List list;
    for (int count = Below(4); count > 0; --count)
      list.push_back(Chance(10) ? Value(model::List{AnyScalar(kind)}) : Chance(15) ? Value() : AnyScalar(kind));
    return list;
  }

  Value AnyObject(Kind kind) {
    model::Object object;
    object.Set("deeper", AnyScalar(kind));
    return object;
  }

  // Sets the value at a path that is one name or nested names.
  void SetAt(model::Object& object, std::string_view path, Value value) {
    const std::size_t dot = path.find('.');
    if (dot == std::string_view::npos) return object.Set(path, std::move(value));
    const std::string_view name = path.substr(0, dot);
    const Value* there = object.Find(name);
    model::Object inner = there != nullptr && there->AsObject() != nullptr ? *there->AsObject() : model::Object();
    SetAt(inner, path.substr(dot + 1), std::move(value));
    object.Set(name, std::move(inner));
  }

  model::Context AnyContext() {
    model::Context::Fields fields;
    if (!Chance(8)) fields.targeting_key = Chance(10) ? *AnyTextKey().AsString() : AnyUnit();
    if (!Chance(4)) fields.tenant_id = AnyTenant();
    for (const Attribute& attribute : kAttributes) {
      if (attribute.kind == Kind::kUnit || attribute.kind == Kind::kTenant || Chance(4)) continue;
      SetAt(fields.attributes, attribute.path, AnyValue(attribute.kind));
    }
    if (Chance(15)) fields.attributes.Set("profile.country", "a name with a dot is no path");
    if (Chance(15)) fields.attributes.Set("profile", AnyScalar(Kind::kText));
    return Must(model::Context::Create(std::move(fields)));
  }

  Value AnyTextKey() {
    const std::string& text = random_.Pick(kTexts);
    return text.empty() ? std::string("user") : text;
  }

  model::Override AnyOverride() {
    model::OverrideFields fields{
        .environment = kEnvironment, .flag_key = AnyFlagKey(), .tenant_id = AnyTenant(), .variation = "on"};
    fields.variation = Chance(5) ? "gone" : Chance(2) ? "on" : Chance(3) ? "v1" : "off";
    return Must(model::Override::Create(std::move(fields)));
  }

  model::Segment AnySegment(const std::string& key) {
    model::SegmentFields fields{.segment_key = key, .environment = kEnvironment};
    for (int count = Below(4); count > 0; --count) fields.included.push_back(AnyUnit());
    for (int count = Below(3); count > 0; --count) fields.excluded.push_back(AnyUnit());
    if (Chance(2)) fields.when = AnyGroup(1, false);
    return Must(model::Segment::Create(std::move(fields)));
  }

  model::KillScope AnyScope() {
    switch (Below(12)) {
      case 0: return Must(model::KillScope::Parse("global"));
      case 1:
      case 2: return Must(model::KillScope::Parse("owner:" + AnyOwner()));
      case 3:
      case 4:
      case 5: return Must(model::KillScope::Parse("tenant:" + AnyTenant()));
      default: return Must(model::KillScope::Parse("flag:" + AnyFlagKey()));
    }
  }
  model::KillSwitch AnyKillSwitch() {
    return Must(model::KillSwitch::Create({.environment = kEnvironment, .scope = AnyScope(), .reason = "test"}));
  }

  eval::ChangeSet AnyChanges() {
    eval::ChangeSet changes;
    switch (Below(8)) {
      case 0: changes.flags = {AnyFlag(AnyFlagKey())}; break;
      case 1: changes.flags = {AnyFlag("f0"), AnyFlag("f1"), AnyFlag(AnyFlagKey())}; break;
      case 2: changes.removed_flags = {AnyFlagKey()}; break;
      case 3: changes.removed_overrides = {{AnyFlagKey(), AnyTenant()}, {AnyFlagKey(), AnyTenant()}}; break;
      case 4: changes.segments = {AnySegment(AnySegmentKey())}; break;
      case 5: changes.removed_segments = {AnySegmentKey()}; break;
      case 6: changes.released_kill_switches = {AnyScope()}; break;
      default: changes.broken_flags = {AnyBrokenFlag(AnyFlagKey())}; break;
    }
    if (Chance(3)) changes.overrides.push_back(AnyOverride());
    if (Chance(10)) changes.kill_switches.push_back(AnyKillSwitch());
    return changes;
  }

  Random& random_;
};

}  // namespace

Scenario AnyScenario(Random& random) { return Generator(random).Draw(); }
Scenario AnyRelatedRules(Random& random) { return Generator(random).DrawRelated(); }

}  // namespace guidon::twin

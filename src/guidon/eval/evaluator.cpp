// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/evaluator.hpp"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "guidon/eval/bucketing.hpp"
#include "guidon/eval/condition_matcher.hpp"
#include "guidon/eval/flagd_evaluator.hpp"
#include "guidon/eval/snapshot_impl.hpp"
#include "guidon/eval/string_hash.hpp"
#include "guidon/eval/trace_writer.hpp"

namespace guidon::eval {
namespace {

using model::EvaluationError;
using model::Reason;

// Flags below flags below flags: what people draw on a whiteboard has three levels. Bounds the call stack.
constexpr unsigned kPrerequisiteDepthMax = 32;
// Flags looked at for one answer. Twenty prerequisites on each level would otherwise be 20^32 of them.
constexpr unsigned kPrerequisiteVisitsMax = 1000;

// What the evaluation of one flag shares with that of its prerequisites.
struct Scope {
  Scope(const Snapshot::Impl& of, const model::Context& who, base::Timestamp at)
      : snapshot(of), context(who), now(at), attributes(who) {}

  const Snapshot::Impl& snapshot;
  const model::Context& context;
  const base::Timestamp now;
  ResolvedAttributes attributes;
  SegmentMemo segments_seen;
  unsigned visits_left = kPrerequisiteVisitsMax;
  // Once set, no answer below can be trusted, and every flag above fails its prerequisite.
  bool too_deep = false;
  std::uint64_t tenant_hash = 0;  // 0: not known yet

  std::uint64_t TenantHash() {
    if (tenant_hash == 0) tenant_hash = StringHash{}(*context.tenant_id());
    return tenant_hash;
  }
  // Forgets what concerned the flag before.
  void StartFlag() {
    visits_left = kPrerequisiteVisitsMax;
    too_deep = false;
  }
};

// The way from the flag that was asked for to the one being looked at.
struct Ancestor {
  const CompiledFlag* flag;
  const Ancestor* parent;
  unsigned depth;
};

// One flag, one context: the steps of spec 3 in order. Each step returns true where it decided the answer. Compiled
// twice from the same lines, so that what is not traced does not even ask whether to trace.
template <bool kTraced>
class FlagEvaluation {
 public:
  FlagEvaluation(Scope& scope, const CompiledFlag& flag, const Ancestor* parent, Trace* trace)
      : scope_(scope),
        flag_(flag),
        body_(flag.body()),
        self_{.flag = &flag, .parent = parent, .depth = parent == nullptr ? 0 : parent->depth + 1},
        trace_(trace) {}

  Evaluation Run() {
    answer_.flag = &flag_;
    answer_.stale = flag_.stale();
    if (!(IsHeldBack() || IsOverridden() || MatchesRule() || IsTargeted())) ServeDefault();
    if (answer_.stale && IsOrdinary(answer_.reason)) answer_.reason = Reason::kStale;
    return answer_;
  }

 private:
  // DISABLED, PREREQUISITE_FAILED and ERROR say more than that the definition is an old one.
  static bool IsOrdinary(Reason reason) {
    return reason == Reason::kStatic || reason == Reason::kDefault || reason == Reason::kTargetingMatch ||
           reason == Reason::kSplit;
  }

  bool Decide(const CompiledVariation* variation, Reason reason) {
    answer_.variation = variation;
    answer_.reason = reason;
    return true;
  }
  bool DecideError(EvaluationError error) {
    answer_.error = error;
    return Decide(nullptr, Reason::kError);
  }

  bool IsHeldBack() {
    if (!kTraced && body_.ordinary && flag_.broken_tenant() == nullptr) return IsKilled();
    return IsHidden() || IsKilled() || IsBroken() || IsDisabled() || IsExpired() || LacksPrerequisite();
  }

  bool IsHidden() {
    const bool visible = flag_.IsVisibleTo(scope_.context.tenant_id());
    const bool archived = body_.state == model::FlagState::kArchived;
    if (visible && !archived) {
      if constexpr (kTraced) trace::Found(*trace_, flag_);
      return false;
    }
    if constexpr (kTraced) trace::Missing(*trace_, body_.key, visible && archived);
    answer_.flag = nullptr;
    answer_.stale = false;
    return DecideError(EvaluationError::kFlagNotFound);
  }

  bool IsKilled() {
    const EngagedSwitch* engaged = nullptr;
    if (!scope_.snapshot.kill_switches.empty()) [[unlikely]]
      engaged = FindSwitch();
    if constexpr (kTraced) trace::KillSwitch(*trace_, engaged, body_.kill_variation);
    if (engaged == nullptr) return false;
    answer_.kill_switch = engaged->scope;
    return Decide(body_.kill_variation, Reason::kDisabled);
  }

  const EngagedSwitch* FindSwitch() {
    std::optional<KillSwitches::Id> tenant;
    if (const std::string* tenant_id = scope_.context.tenant_id())
      tenant = KillSwitches::Id{.text = *tenant_id, .hash = scope_.TenantHash()};
    return scope_.snapshot.kill_switches.Find({.text = body_.owner, .hash = body_.owner_hash}, tenant,
                                              {.text = body_.key, .hash = body_.key_hash});
  }

  bool IsBroken() {
    if (!body_.broken) return false;
    if constexpr (kTraced) trace::Broken(*trace_, body_);
    return DecideError(EvaluationError::kParseError);
  }

  bool IsDisabled() {
    if constexpr (kTraced) trace::State(*trace_, body_);
    return body_.state == model::FlagState::kDisabled && Decide(nullptr, Reason::kDisabled);
  }

  bool IsExpired() {
    answer_.expired = body_.expires_at && *body_.expires_at <= scope_.now;
    if constexpr (kTraced) trace::Expiry(*trace_, body_, answer_.expired);
    return answer_.expired && Decide(body_.off_variation, Reason::kDisabled);
  }

  bool LacksPrerequisite() {
    for (const CompiledPrerequisite& prerequisite : body_.prerequisites) {
      const CompiledFlag* flag = FindFlag(prerequisite.flag_key);
      Evaluation answer;
      if (flag != nullptr) answer = EvaluatePrerequisite(*flag);
      const bool passed =
          !scope_.too_deep && answer.variation != nullptr &&
          std::ranges::find(prerequisite.variations, answer.variation->name) != prerequisite.variations.end();
      if constexpr (kTraced)
        trace::Prerequisite(*trace_, prerequisite, answer.flag == nullptr ? nullptr : &answer, passed, scope_.too_deep);
      if (!passed) return Decide(body_.off_variation, Reason::kPrerequisiteFailed);
    }
    return false;
  }

  const CompiledFlag* FindFlag(std::string_view flag_key) const {
    const auto* flag = scope_.snapshot.flags.Find(flag_key);
    return flag == nullptr ? nullptr : flag->get();
  }

  Evaluation EvaluatePrerequisite(const CompiledFlag& flag) {
    bool is_ancestor = false;
    for (const Ancestor* one = &self_; one != nullptr; one = one->parent) is_ancestor |= one->flag == &flag;
    if (is_ancestor || self_.depth >= kPrerequisiteDepthMax || scope_.visits_left == 0) {
      scope_.too_deep = true;
      return {};
    }
    --scope_.visits_left;
    return FlagEvaluation<false>(scope_, flag, &self_, nullptr).Run();
  }

  bool IsOverridden() {
    const std::string* tenant_id = scope_.context.tenant_id();
    CompiledFlag::OverrideAnswer answer;
    if (tenant_id != nullptr && flag_.HasOverrides()) answer = flag_.FindOverride(*tenant_id, scope_.TenantHash());
    if constexpr (kTraced) trace::TenantOverride(*trace_, tenant_id, answer);
    return answer.variation != nullptr && Decide(answer.variation, Reason::kTargetingMatch);
  }

  bool MatchesRule() {
    for (const CompiledRule& rule : body_.rules) {
      const RulePeriod period = PeriodOf(rule);
      if (period == RulePeriod::kNow) {
        if (MatchesRule(rule)) return true;
      } else if constexpr (kTraced) {
        trace::RuleSkipped(*trace_, rule, period);
      }
    }
    return false;
  }

  RulePeriod PeriodOf(const CompiledRule& rule) const {
    if (rule.starts_at && scope_.now < *rule.starts_at) return RulePeriod::kNotYet;
    if (rule.ends_at && scope_.now >= *rule.ends_at) return RulePeriod::kOver;
    return RulePeriod::kNow;
  }

  bool MatchesRule(const CompiledRule& rule) {
    std::conditional_t<kTraced, std::vector<TraceCondition>, std::monostate> conditions;
    Truth truth = Truth::kTrue;
    if (rule.when) {
      std::vector<TraceCondition>* seen = nullptr;
      if constexpr (kTraced) seen = &conditions;
      truth = ConditionMatcher<kTraced>(scope_.attributes, scope_.snapshot.segments, scope_.segments_seen, memo_, seen)
                  .Match(*rule.when);
    }
    if (truth != Truth::kTrue) {
      if constexpr (kTraced) trace::RuleNotMatched(*trace_, rule, std::move(conditions), truth == Truth::kUnknown);
      return false;
    }
    answer_.rule_id = rule.id;
    if (rule.variation != nullptr) {
      if constexpr (kTraced) trace::RuleMatched(*trace_, body_, rule, std::move(conditions), nullptr);
      return Decide(rule.variation, Reason::kTargetingMatch);
    }
    const SplitResult split = Choose(rule.split);
    if constexpr (kTraced) trace::RuleMatched(*trace_, body_, rule, std::move(conditions), &split);
    return ServeSplit(split);
  }

  // flagd's semantics: the result's text names the variation, null is no answer.
  bool IsTargeted() {
    if (body_.targeting == nullptr) return false;
    std::vector<TraceCondition> conditions;
    const flagd::Input input{.context = &scope_.context, .flag_key = body_.key, .now = scope_.now};
    flagd::Run run(input, kTraced ? &conditions : nullptr);
    const std::optional<flagd::JsValue> result = run.Evaluate(body_.targeting->root);
    const CompiledVariation* variation = nullptr;
    std::string made;
    std::string_view name;
    if (result && !result->IsNullish()) {
      if (!result->IsText()) flagd::AppendText(made, *result, model::kTargetingBytesMax);
      name = result->IsText() ? result->Text() : made;
      variation = body_.FindVariation(name);
    }
    if constexpr (kTraced) trace::Targeting(*trace_, run, result, std::string(name), variation, std::move(conditions));
    if (result && result->IsNullish()) return false;
    return variation == nullptr ? DecideError(EvaluationError::kGeneral) : Decide(variation, Reason::kTargetingMatch);
  }

  SplitResult Choose(const CompiledSplit& split) {
    if (split.only != nullptr) return {.variation = split.only};
    SplitResult result{.unit = scope_.attributes.Of(body_.bucket_by, body_.bucket_by_slot).text};
    if (result.unit == nullptr || result.unit->empty()) return {};
    result.hash = body_.salt.Of(*result.unit);
    result.bucket = BucketOf(result.hash, split.total);
    const auto share =
        std::ranges::find_if(split.shares, [&](const CompiledSplit::Share& one) { return result.bucket < one.end; });
    result.variation = share->variation;
    return result;
  }

  bool ServeSplit(const SplitResult& split) {
    if (split.variation == nullptr) return DecideError(EvaluationError::kTargetingKeyMissing);
    return Decide(split.variation, Reason::kSplit);
  }

  void ServeDefault() {
    if (body_.default_enabled && body_.rollout) {
      const SplitResult split = Choose(*body_.rollout);
      if constexpr (kTraced) trace::Default(*trace_, body_, &split, false);
      ServeSplit(split);
      return;
    }
    const CompiledVariation* variation = body_.default_enabled ? body_.default_variation : body_.off_variation;
    // Where the caller's own default applies, DEFAULT says so (flagd's reason too).
    const bool is_static = variation != nullptr && body_.context_free && flag_.overrides().empty() &&
                           !scope_.snapshot.kill_switches.HasTenants();
    if constexpr (kTraced) trace::Default(*trace_, body_, nullptr, is_static);
    Decide(variation, is_static ? Reason::kStatic : Reason::kDefault);
  }

  Scope& scope_;
  const CompiledFlag& flag_;
  const FlagBody& body_;
  const Ancestor self_;
  Trace* trace_;
  Evaluation answer_;
  ConditionMemo memo_;
};

// What the flag answers to everybody; nullptr where there is no such answer.
const Evaluation* KnownAnswer(const Snapshot::Impl& snapshot, const CompiledFlag& flag) {
  return snapshot.kill_switches.empty() ? flag.answer_to_all() : nullptr;
}

}  // namespace

Evaluation Evaluate(const Snapshot& snapshot, std::string_view flag_key, const model::Context& context,
                    base::Timestamp now, Trace* trace) {
  if (const CompiledFlag* flag = snapshot.Find(flag_key)) return Evaluate(snapshot, *flag, context, now, trace);
  if (trace != nullptr) {
    trace->sequence = snapshot.sequence();
    trace::Missing(*trace, flag_key, false);
  }
  return {.reason = Reason::kError, .error = EvaluationError::kFlagNotFound};
}

Evaluation Evaluate(const Snapshot& snapshot, const CompiledFlag& flag, const model::Context& context,
                    base::Timestamp now, Trace* trace) {
  if (trace != nullptr) {
    trace->sequence = snapshot.sequence();
  } else if (const Evaluation* answer = KnownAnswer(snapshot.impl(), flag)) {
    return *answer;
  }
  Scope scope(snapshot.impl(), context, now);
  if (trace != nullptr) return FlagEvaluation<true>(scope, flag, nullptr, trace).Run();
  return FlagEvaluation<false>(scope, flag, nullptr, nullptr).Run();
}

void EvaluateAll(const Snapshot& snapshot, std::span<const CompiledFlag* const> flags, const model::Context& context,
                 base::Timestamp now, std::vector<Evaluation>& answers) {
  answers.clear();
  answers.reserve(flags.size());
  Scope scope(snapshot.impl(), context, now);
  for (const CompiledFlag* flag : flags) {
    if (const Evaluation* answer = KnownAnswer(snapshot.impl(), *flag)) {
      answers.push_back(*answer);
      continue;
    }
    scope.StartFlag();
    answers.push_back(FlagEvaluation<false>(scope, *flag, nullptr, nullptr).Run());
  }
}

Evaluation AnswerWithoutContext(const CompiledFlag& flag) {
  static const Snapshot::Impl kNothing;
  static const model::Context kNobody;
  Scope scope(kNothing, kNobody, base::Timestamp{});
  return FlagEvaluation<false>(scope, flag, nullptr, nullptr).Run();
}

}  // namespace guidon::eval

// SPDX-License-Identifier: Apache-2.0
#include "guidon/eval/evaluator.hpp"

#include <algorithm>
#include <utility>

#include "guidon/eval/bucketing.hpp"
#include "guidon/eval/condition_matcher.hpp"
#include "guidon/eval/snapshot_impl.hpp"
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
  const Snapshot::Impl& snapshot;
  const model::Context& context;
  base::Timestamp now;
  unsigned visits_left = kPrerequisiteVisitsMax;
  // Once set, no answer below can be trusted, and every flag above fails its prerequisite.
  bool too_deep = false;
};

// The way from the flag that was asked for to the one being looked at.
struct Ancestor {
  const CompiledFlag* flag;
  const Ancestor* parent;
  unsigned depth;
};

// One flag, one context: the steps of spec 3 in order. Each step returns true where it decided the answer.
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
    if (!(IsHidden() || IsKilled() || IsBroken() || IsDisabled() || IsExpired() || LacksPrerequisite() ||
          IsOverridden() || MatchesRule()))
      ServeDefault();
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

  bool IsHidden() {
    const bool visible = flag_.IsVisibleTo(scope_.context.tenant_id());
    const bool archived = body_.state == model::FlagState::kArchived;
    if (visible && !archived) {
      if (trace_ != nullptr) trace::Found(*trace_, flag_);
      return false;
    }
    if (trace_ != nullptr) trace::Missing(*trace_, body_.key, visible && archived);
    answer_.flag = nullptr;
    answer_.stale = false;
    return DecideError(EvaluationError::kFlagNotFound);
  }

  bool IsKilled() {
    const EngagedSwitch* engaged =
        scope_.snapshot.kill_switches.Find(body_.owner, scope_.context.tenant_id(), body_.key);
    if (trace_ != nullptr) trace::KillSwitch(*trace_, engaged, body_.kill_variation);
    if (engaged == nullptr) return false;
    answer_.kill_switch = engaged->scope;
    return Decide(body_.kill_variation, Reason::kDisabled);
  }

  bool IsBroken() {
    if (!body_.broken) return false;
    if (trace_ != nullptr) trace::Broken(*trace_, body_);
    return DecideError(EvaluationError::kParseError);
  }

  bool IsDisabled() {
    if (trace_ != nullptr) trace::State(*trace_, body_);
    return body_.state == model::FlagState::kDisabled && Decide(nullptr, Reason::kDisabled);
  }

  bool IsExpired() {
    answer_.expired = body_.expires_at && *body_.expires_at <= scope_.now;
    if (trace_ != nullptr) trace::Expiry(*trace_, body_, answer_.expired);
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
      if (trace_ != nullptr)
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
    return FlagEvaluation(scope_, flag, &self_, nullptr).Run();
  }

  bool IsOverridden() {
    const std::string* tenant_id = scope_.context.tenant_id();
    CompiledFlag::OverrideAnswer answer;
    if (tenant_id != nullptr) answer = flag_.FindOverride(*tenant_id);
    if (trace_ != nullptr) trace::TenantOverride(*trace_, tenant_id, answer);
    return answer.variation != nullptr && Decide(answer.variation, Reason::kTargetingMatch);
  }

  bool MatchesRule() {
    for (const CompiledRule& rule : body_.rules) {
      const RulePeriod period = PeriodOf(rule);
      if (period == RulePeriod::kNow) {
        if (MatchesRule(rule)) return true;
      } else if (trace_ != nullptr) {
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
    std::vector<TraceCondition> conditions;
    Truth truth = Truth::kTrue;
    if (rule.when) {
      const ConditionMatcher matcher(scope_.context, scope_.snapshot.segments);
      truth = matcher.Match(*rule.when, trace_ == nullptr ? nullptr : &conditions);
    }
    if (truth != Truth::kTrue) {
      if (trace_ != nullptr) trace::RuleNotMatched(*trace_, rule, std::move(conditions), truth == Truth::kUnknown);
      return false;
    }
    answer_.rule_id = rule.id;
    if (rule.variation != nullptr) {
      if (trace_ != nullptr) trace::RuleMatched(*trace_, body_, rule, std::move(conditions), nullptr);
      return Decide(rule.variation, Reason::kTargetingMatch);
    }
    const SplitResult split = Choose(rule.split);
    if (trace_ != nullptr) trace::RuleMatched(*trace_, body_, rule, std::move(conditions), &split);
    return ServeSplit(split);
  }

  SplitResult Choose(const CompiledSplit& split) const {
    if (split.only != nullptr) return {.variation = split.only};
    SplitResult result{.unit = body_.bucket_by.Resolve(scope_.context).text};
    if (result.unit == nullptr || result.unit->empty()) return {};
    result.hash = HashUnit(body_.salt, *result.unit);
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
      if (trace_ != nullptr) trace::Default(*trace_, body_, &split, false);
      ServeSplit(split);
      return;
    }
    const bool context_free =
        body_.context_free && flag_.overrides().empty() && !scope_.snapshot.kill_switches.HasTenants();
    if (trace_ != nullptr) trace::Default(*trace_, body_, nullptr, context_free);
    Decide(body_.default_enabled ? body_.default_variation : body_.off_variation,
           context_free ? Reason::kStatic : Reason::kDefault);
  }

  Scope& scope_;
  const CompiledFlag& flag_;
  const FlagBody& body_;
  const Ancestor self_;
  Trace* trace_;
  Evaluation answer_;
};

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
  if (trace != nullptr) trace->sequence = snapshot.sequence();
  Scope scope{.snapshot = snapshot.impl(), .context = context, .now = now};
  return FlagEvaluation(scope, flag, nullptr, trace).Run();
}

}  // namespace guidon::eval

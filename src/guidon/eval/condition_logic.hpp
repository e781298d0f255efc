// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "guidon/model/condition.hpp"

namespace guidon::eval {

// What can be proved about conditions without a context. "true" is a proof that holds for every context; "false" only
// says that there is no proof here. Holds for one set of segments.
class ConditionLogic {
 public:
  // What attributes may hold. A list matches with any of its elements, so `lt 5` and `gt 9` together are possible for a
  // list and impossible for one number.
  enum class Values : std::uint8_t { kAny, kNoLists };

  // One leaf as it must come out in a term. kNotTrue and kNotFalse differ from kFalse and kTrue only for segments,
  // which can be unknown.
  enum class Polarity : std::uint8_t { kTrue, kFalse, kNotTrue, kNotFalse };
  struct Literal {
    const model::Condition* condition;
    Polarity polarity;
  };
  // Literals that hold together.
  using Term = std::vector<Literal>;
  // Alternatives: the disjunctive normal form of a tree. nullopt: too large to reason about.
  using Terms = std::optional<std::vector<Term>>;

  // `nobody_in`: the segment does not exist or has no members.
  explicit ConditionLogic(std::function<bool(std::string_view segment_key)> nobody_in)
      : nobody_in_(std::move(nobody_in)) {}

  // When the tree comes out so. Pointers lead into `node`.
  static Terms Expand(const model::ConditionNode& node, Polarity polarity);
  static Terms Expand(const model::ConditionGroup& group, Polarity polarity);

  // No alternative can hold.
  bool Impossible(const Terms& terms, Values values);
  // Whenever `narrow` holds, `wide_fails` does not: `wide_fails` is the expansion of the wider tree with kNotTrue.
  bool Implies(const Terms& narrow, const Terms& wide_fails);
  // The attribute of two conditions that cannot hold together for one value, in some term; empty where there is none.
  std::string_view ClashingAttribute(const Terms& terms);

 private:
  bool Contradicts(const Term& term, Values values);
  bool Clash(const Literal& a, const Literal& b, Values values);
  bool NeverTrue(const model::Condition& condition);
  // Whenever the first is true, so is the second.
  bool LeafImplies(const model::Condition& a, const model::Condition& b);
  // No single value makes both true. For the same attribute.
  bool LeavesExclude(const model::Condition& a, const model::Condition& b);
  bool Spend(std::size_t steps);

  std::function<bool(std::string_view)> nobody_in_;
  // Comparisons of operands that are left: what a flag with thousands of them can cost whoever saves it.
  std::size_t steps_left_ = 400'000;
};

}  // namespace guidon::eval

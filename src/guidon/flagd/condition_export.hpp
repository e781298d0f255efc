// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "guidon/base/result.hpp"
#include "guidon/flagd/flagd.hpp"
#include "guidon/model/condition.hpp"
#include "guidon/model/entities.hpp"

namespace guidon::flagd {

// Writes condition trees as JsonLogic, and keeps the evaluators that they refer to.
//
// An attribute may be a list, of which any element may match, and may be of any type: JsonLogic's operators fail on
// some of those, which would fail the flag. So conditions go through the elements of `merge`, which makes a list of
// everything, and look at the type first.
class ConditionExport {
 public:
  explicit ConditionExport(const std::vector<model::Segment>& segments);

  // True for whom the group holds. Error: kUnsupported, what cannot be expressed.
  base::Result<model::Value> Group(const model::ConditionGroup& group);
  // Of all conditions so far.
  const std::map<std::string, model::Value>& evaluators() const { return evaluators_; }
  // What flagd does differently, since the last call.
  std::set<std::string> TakeNotes() { return std::exchange(notes_, {}); }

 private:
  base::Result<model::Value> Node(const model::ConditionNode& node);
  base::Result<model::Value> Condition(const model::Condition& condition);
  base::Result<model::Value> Segments(const model::Condition& condition);
  base::Result<model::Value> Segment(const std::string& key);
  base::Result<model::Value> SegmentBody(const model::Segment& segment);
  base::Result<model::Value> Element(const model::Condition& condition);
  model::Value Versions(const model::Condition& condition);
  model::Value TextElement();
  model::Value NumberElement();
  model::Value Evaluator(const std::string& name, model::Value body);

  std::map<std::string, const model::Segment*> segments_;
  std::map<std::string, model::Value> evaluators_;
  std::set<std::string> notes_;
  // Inside an evaluator everything is written out: implementations differ in the order in which they replace
  // references, so references in evaluators may be left standing.
  bool in_segment_ = false;
};

}  // namespace guidon::flagd

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "guidon/eval/bucketing.hpp"
#include "guidon/eval/flagd_arguments.hpp"
#include "guidon/eval/flagd_evaluator.hpp"
#include "guidon/eval/flagd_semver.hpp"
#include "guidon/model/limits.hpp"

// flagd's own operators. Wrong arguments make them null, which flagd takes for "no answer".
namespace guidon::eval::flagd {
namespace {

using Kind = JsValue::Kind;

struct Share {
  JsValue variant;
  double weight = 0;
};

// The shares of one `fractional`. As many as people write need no allocation.
class Shares {
 public:
  void Add(const Share& share) {
    total_ += share.weight;
    if (count_ < inline_.size()) {
      inline_[count_] = share;
    } else {
      more_.push_back(share);
    }
    ++count_;
  }
  void Refuse() { valid_ = false; }
  bool valid() const { return valid_ && total_ <= static_cast<double>(model::kSplitWeightTotalMax); }
  std::uint64_t total() const { return static_cast<std::uint64_t>(total_); }

  JsValue Find(std::uint64_t bucket) const {
    std::uint64_t end = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const Share& share = i < inline_.size() ? inline_[i] : more_[i - inline_.size()];
      end += static_cast<std::uint64_t>(share.weight);
      if (bucket < end) return share.variant;
    }
    return JsValue::Null();  // no weight at all
  }

 private:
  std::array<Share, 8> inline_;
  std::vector<Share> more_;
  std::size_t count_ = 0;
  double total_ = 0;
  bool valid_ = true;
};

// [variant, weight]; without weight it is 1, below 0 it is 0.
void AddShare(Shares& shares, const JsValue& variant, const JsValue* weight) {
  if (variant.IsObject()) return shares.Refuse();
  if (weight != nullptr &&
      (!weight->IsNumber() || std::trunc(weight->number) != weight->number || std::isinf(weight->number)))
    return shares.Refuse();
  shares.Add({.variant = variant.IsNullish() ? JsValue::Null() : variant,
              .weight = weight == nullptr ? 1 : std::max(0.0, weight->number)});
}

void AddShare(Shares& shares, const JsValue& entry) {
  if (!entry.IsList() || entry.ListSize() < 1 || entry.ListSize() > 2) return shares.Refuse();
  if (entry.ListSize() == 1) return AddShare(shares, entry.ListItem(0), nullptr);
  const JsValue weight = entry.ListItem(1);
  AddShare(shares, entry.ListItem(0), &weight);
}

}  // namespace

bool Run::SeesContext(const Frame& frame) {
  if (frame.scope.kind == Kind::kContext) return true;
  Fail("flagd's operators work on the context only, not on the items of a list");
  return false;
}

JsValue Run::StartsOrEndsWith(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed() || !SeesContext(frame)) return {};
  if (arguments.items().size() != 2) return JsValue::Null();
  const JsValue text = arguments.At(0);
  const JsValue part = arguments.At(1);
  if (!text.IsText() || !part.IsText()) return JsValue::Null();
  return JsValue::Of(node.op == Op::kStartsWith ? text.Text().starts_with(part.Text())
                                                : text.Text().ends_with(part.Text()));
}

JsValue Run::SemVer(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed() || !SeesContext(frame)) return {};
  if (arguments.items().size() != 3) return JsValue::Null();
  std::array<std::string, 3> storage;
  const auto left = TextOf(arguments.At(0), storage[0]);
  const auto name = TextOf(arguments.At(1), storage[1]);
  const auto right = TextOf(arguments.At(2), storage[2]);
  if (!left || !name || !right) return {};
  const auto versions = CompareVersions(*left, *right);
  if (!versions) return JsValue::Null();
  if (*name == "=") return JsValue::Of(versions->order == 0);
  if (*name == "!=") return JsValue::Of(versions->order != 0);
  if (*name == "<") return JsValue::Of(versions->order < 0);
  if (*name == "<=") return JsValue::Of(versions->order <= 0);
  if (*name == ">") return JsValue::Of(versions->order > 0);
  if (*name == ">=") return JsValue::Of(versions->order >= 0);
  if (*name == "^") return JsValue::Of(versions->same_major);
  if (*name == "~") return JsValue::Of(versions->same_minor);
  return JsValue::Null();
}

JsValue Run::Fractional(const Node& node, Frame& frame) {
  Shares shares;
  JsValue unit;
  bool empty = true;
  const auto take = [&](const JsValue& value) {
    if (std::exchange(empty, false) && value.IsText()) {
      unit = value;
    } else {
      AddShare(shares, value);
    }
  };
  if (node.operands == Operands::kSpread) {
    const Arguments arguments(*this, node, frame);
    for (const JsValue& value : arguments.items()) take(value);
  } else {
    for (const Node& argument : node.arguments) {
      // A share that is computed needs no list of its own.
      if (argument.op == Op::kList && argument.arguments.size() <= 2) {
        const JsValue variant = Eval(argument.arguments.front(), frame);
        JsValue weight;
        if (!failed() && argument.arguments.size() == 2) weight = Eval(argument.arguments.back(), frame);
        empty = false;
        if (!failed()) AddShare(shares, variant, argument.arguments.size() == 2 ? &weight : nullptr);
      } else {
        const JsValue value = Eval(argument, frame);
        if (!failed()) take(value);
      }
      if (failed()) return {};
    }
  }
  if (failed() || !SeesContext(frame)) return {};
  const std::string* targeting_key = input_.context->targeting_key();
  if (empty || (!unit.IsText() && targeting_key == nullptr) || !shares.valid()) return JsValue::Null();
  const std::uint32_t hash = unit.IsText() ? HashUnit("", unit.Text()) : HashUnit(input_.flag_key, *targeting_key);
  const std::uint64_t bucket = BucketOf(hash, shares.total());
  if (trace_ != nullptr) {
    fractional_ = FractionalTrace{
        .unit = unit.IsText() ? std::string(unit.Text()) : std::string(input_.flag_key) + *targeting_key,
        .hash = hash,
        .bucket = bucket};
  }
  return shares.Find(bucket);
}

}  // namespace guidon::eval::flagd

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

bool IsWhole(const JsValue& value) {
  return value.IsNumber() && std::trunc(value.number) == value.number && !std::isinf(value.number);
}

}  // namespace

void Shares::Add(const JsValue& variant, const JsValue* weight) {
  if (variant.IsObject() || (weight != nullptr && !IsWhole(*weight))) {
    valid = false;
    return;
  }
  // Beyond the limit it is all the same how far.
  constexpr double kMax = static_cast<double>(model::kSplitWeightTotalMax) + 1;
  total += static_cast<std::uint64_t>(weight == nullptr ? 1 : std::clamp(weight->number, 0.0, kMax));
  valid = valid && total <= std::uint64_t{model::kSplitWeightTotalMax};
  shares.push_back({.end = total, .variant = variant.IsNullish() ? JsValue::Null() : variant});
}

void Shares::Add(const JsValue& entry) {
  if (!entry.IsList() || entry.ListSize() < 1 || entry.ListSize() > 2) {
    valid = false;
    return;
  }
  const JsValue weight = entry.ListSize() == 2 ? entry.ListItem(1) : JsValue();
  Add(entry.ListItem(0), entry.ListSize() == 2 ? &weight : nullptr);
}

JsValue Shares::Find(std::uint64_t bucket) const {
  for (const Share& share : shares)
    if (bucket < share.end) return share.variant;
  return JsValue::Null();
}

const Shares* Program::KeepShares(const Node& fractional) {
  if (fractional.operands != Operands::kListed || fractional.arguments.empty()) return nullptr;
  const Node& first = fractional.arguments.front();
  const bool has_unit = first.op != Op::kList && !first.constant.IsList();
  Shares kept;
  for (const Node& argument : fractional.arguments) {
    if (has_unit && &argument == &first) continue;
    if (argument.op != Op::kConstant) return nullptr;
    kept.Add(argument.constant);
  }
  return &shares.emplace_back(std::move(kept));
}

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
  if (node.shares != nullptr) {
    const JsValue unit = Eval(node.arguments.front(), frame);
    if (failed()) return {};
    if (unit.IsText() || node.arguments.front().constant.IsList()) return Bucket(*node.shares, unit, frame);
    return FractionalOfComputed(node, frame, &unit);
  }
  return FractionalOfComputed(node, frame, nullptr);
}

// `known`: the value of the first argument, if it was evaluated already.
JsValue Run::FractionalOfComputed(const Node& node, Frame& frame, const JsValue* known) {
  Shares shares;
  JsValue unit;
  bool first = true;
  const auto take = [&](const JsValue& value) {
    if (std::exchange(first, false) && value.IsText()) {
      unit = value;
    } else {
      shares.Add(value);
    }
  };
  if (node.operands == Operands::kSpread) {
    const Arguments arguments(*this, node, frame);
    for (const JsValue& value : arguments.items()) take(value);
  } else {
    for (const Node& argument : node.arguments) {
      const JsValue value = known != nullptr && first ? *known : Eval(argument, frame);
      if (failed()) return {};
      take(value);
    }
  }
  if (failed()) return {};
  if (first) shares.valid = false;
  return Bucket(shares, unit, frame);
}

// Without a `unit` the flag's key and the targeting key are hashed.
JsValue Run::Bucket(const Shares& shares, const JsValue& unit, const Frame& frame) {
  if (!SeesContext(frame)) return {};
  const std::string* targeting_key = input_.context->targeting_key();
  if ((!unit.IsText() && targeting_key == nullptr) || !shares.valid) return JsValue::Null();
  const std::uint32_t hash = unit.IsText() ? HashUnit("", unit.Text()) : HashUnit(input_.flag_key, *targeting_key);
  const std::uint64_t bucket = BucketOf(hash, shares.total);
  if (trace_ != nullptr) {
    fractional_ = FractionalTrace{
        .unit = unit.IsText() ? std::string(unit.Text()) : std::string(input_.flag_key) + *targeting_key,
        .hash = hash,
        .bucket = bucket};
  }
  return shares.Find(bucket);
}

}  // namespace guidon::eval::flagd

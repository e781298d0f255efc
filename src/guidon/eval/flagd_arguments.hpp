// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/eval/flagd_evaluator.hpp"

namespace guidon::eval::flagd {

// The operands of one operator, evaluated. Few of them need no allocation. Check for failure after making one.
class Run::Arguments {
 public:
  Arguments(Run& run, const Node& node, Frame& frame) {
    if (node.operands != Operands::kSpread) {
      const std::size_t count = node.arguments.size();
      JsValue* out = Room(run, count);
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = run.Eval(node.arguments[i], frame);
        if (run.failed()) return;
      }
      return;
    }
    const JsValue value = run.Eval(node.arguments.front(), frame);
    if (run.failed()) return;
    if (value.IsList()) {
      TakeItems(run, value);
    } else {
      Room(run, 1)[0] = value;
    }
  }
  // The items of a list.
  Arguments(Run& run, const JsValue& list) { TakeItems(run, list); }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  std::span<const JsValue> items() const { return items_; }
  // Undefined where there are fewer.
  JsValue At(std::size_t index) const { return index < items_.size() ? items_[index] : JsValue(); }

 private:
  static constexpr std::size_t kInlineMax = 4;

  JsValue* Room(Run& run, std::size_t count) {
    JsValue* out = inline_.data();
    if (count > kInlineMax) {
      JsList& list = run.NewList();
      list.resize(count);
      out = list.data();
    }
    items_ = std::span(out, count);
    return out;
  }
  void TakeItems(Run& run, const JsValue& list) {
    if (!run.Spend(list.ListSize())) return;
    if (list.kind == JsValue::Kind::kList) {
      items_ = *list.list;
      return;
    }
    JsValue* out = Room(run, list.ListSize());
    for (std::size_t i = 0; i < list.ListSize(); ++i) out[i] = list.ListItem(i);
  }

  std::array<JsValue, kInlineMax> inline_;
  std::span<const JsValue> items_;
};

}  // namespace guidon::eval::flagd

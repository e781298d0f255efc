// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "guidon/model/value.hpp"

// Short ways to write JsonLogic. Not for other modules.
namespace guidon::flagd::logic {

inline model::Value Call(std::string_view name, model::Value data) {
  model::Object object;
  object.Set(name, std::move(data));
  return object;
}
inline model::Value Call(std::string_view name, model::Value first, model::Value second) {
  return Call(name, model::List{std::move(first), std::move(second)});
}
// A path of ours: dots part names, and nothing else is special.
inline model::Value Var(std::string_view path) {
  std::string escaped;
  for (const char c : path) {
    if (c == '\\') escaped += '\\';
    escaped += c;
  }
  return Call("var", model::Value(std::move(escaped)));
}
inline model::Value Reference(std::string_view name) { return Call("$ref", model::Value(name)); }
inline model::Value Not(model::Value value) { return Call("!", model::List{std::move(value)}); }
// Always with an else, so that no implementation has to choose one.
inline model::Value If(model::Value condition, model::Value then, model::Value otherwise) {
  return Call("if", model::List{std::move(condition), std::move(then), std::move(otherwise)});
}
// `and` or `or`; one operand stands for itself.
inline model::Value Joined(std::string_view name, model::List operands) {
  return operands.size() == 1 ? std::move(operands.front()) : Call(name, model::Value(std::move(operands)));
}
inline model::Value IsText(const model::Value& value) { return Call("===", Call("cat", model::List{value}), value); }

}  // namespace guidon::flagd::logic

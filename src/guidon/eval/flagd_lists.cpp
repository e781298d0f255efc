// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "guidon/eval/flagd_arguments.hpp"
#include "guidon/eval/flagd_evaluator.hpp"
#include "guidon/eval/string_hash.hpp"

// The operators on texts and lists.
namespace guidon::eval::flagd {
namespace {

using Kind = JsValue::Kind;

constexpr std::size_t kTextBytesMax = 64UL * 1024;
constexpr const char* kNoList = "a value is no list";
constexpr const char* kNoText = "a value is no text";
constexpr const char* kTooLong = "a text is too long";

// As the language takes a number for a position: NaN is 0, fractions are cut.
double Position(double number) { return std::isnan(number) ? 0 : std::trunc(number); }

// The language's `substr`. Without `count` to the end.
std::string_view Part(std::string_view text, double from, std::optional<double> count) {
  const auto size = static_cast<double>(Utf16Length(text));
  const double start = from < 0 ? std::max(size + from, 0.0) : std::min(from, size);
  const double length = std::clamp(count.value_or(size), 0.0, size - start);
  return Utf16Substring(text, static_cast<std::size_t>(start), static_cast<std::size_t>(length));
}

bool IsTrueObject(const JsValue& value) { return value.IsObject(); }

}  // namespace

JsValue Run::In(const Node& node, Frame& frame) {
  JsValue item;
  JsValue all;
  if (node.style == Style::kGenerated && node.operands == Operands::kListed) {
    if (node.arguments.size() > 1) all = Eval(node.arguments[1], frame);
    if (!failed() && !node.arguments.empty()) item = Eval(node.arguments[0], frame);
  } else {
    const Arguments arguments(*this, node, frame);
    item = arguments.At(0);
    all = arguments.At(1);
  }
  if (failed()) return {};
  if (!IsTruthyInLanguage(all)) return JsValue::Of(false);
  if (all.IsText()) {
    std::string storage;
    const auto text = TextOf(item, storage);
    return text ? JsValue::Of(all.Text().contains(*text)) : JsValue();
  }
  if (!all.IsList()) return Fail(kNoList);
  const std::size_t size = all.ListSize();
  if (!Spend(size / 8)) return {};
  const auto is_item = [&](const JsValue& one) {
    return item.IsText() ? one.IsText() && SameText(one.Text(), item.Text()) : SameValueZero(one, item);
  };
  if (all.kind == JsValue::Kind::kList) return JsValue::Of(std::ranges::any_of(*all.list, is_item));
  for (std::size_t i = 0; i < size; ++i)
    if (is_item(all.ListItem(i))) return JsValue::Of(true);
  return JsValue::Of(false);
}

JsValue Run::Cat(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed()) return {};
  std::string text;
  if (node.operands == Operands::kAlone && !arguments.At(0).IsList()) {
    const JsValue only = arguments.At(0);
    if (only.IsText()) return only;
    if (only.IsNullish()) return Fail("null has no text");
    return AppendText(text, only, kTextBytesMax) ? KeepText(std::move(text)) : Fail(kTooLong);
  }
  const JsValue list = node.operands == Operands::kAlone ? arguments.At(0) : JsValue();
  const std::size_t count = list.IsList() ? list.ListSize() : arguments.items().size();
  // Generated code joins with `+`, to which null is a word.
  const bool skips_null = list.IsList() || node.style == Style::kInterpreted;
  if (!Spend(count)) return {};
  for (std::size_t i = 0; i < count; ++i) {
    const JsValue item = list.IsList() ? list.ListItem(i) : arguments.items()[i];
    if (skips_null && item.IsNullish()) continue;
    if (!AppendText(text, item, kTextBytesMax)) return Fail(kTooLong);
  }
  return KeepText(std::move(text));
}

JsValue Run::Substr(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed()) return {};
  const JsValue text = arguments.At(0);
  const JsValue end = arguments.At(2);
  if (!text.IsText()) return Fail(kNoText);
  if (!Spend(text.size / 8)) return {};
  const double from = Position(ToNumber(arguments.At(1)));
  const double last = ToNumber(end);
  if (!(last < 0)) {
    if (end.kind == Kind::kUndefined) return JsValue::Of(Part(text.Text(), from, std::nullopt));
    return JsValue::Of(Part(text.Text(), from, Position(last)));
  }
  const std::string_view rest = Part(text.Text(), from, std::nullopt);
  double length = static_cast<double>(Utf16Length(rest)) + last;
  if (!end.IsNumber()) {
    // A sum with a text joins both.
    std::string joined = std::to_string(Utf16Length(rest));
    if (!AppendText(joined, end, kTextBytesMax)) return Fail(kTooLong);
    length = ToNumber(joined);
  }
  return JsValue::Of(Part(rest, 0, Position(length)));
}

JsValue Run::Merge(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed()) return {};
  JsList merged;
  for (const JsValue& item : arguments.items()) {
    if (!item.IsList()) {
      merged.push_back(item);
      continue;
    }
    if (!Spend(item.ListSize())) return {};
    for (std::size_t i = 0; i < item.ListSize(); ++i) merged.push_back(item.ListItem(i));
  }
  JsList& kept = NewList();
  kept = std::move(merged);
  return JsValue::Of(&kept);
}

JsValue Run::Iterate(const Node& node, Frame& frame) {
  const JsValue list = Eval(node.arguments[0], frame);
  if (failed()) return {};
  if (IsTruthyInLanguage(list) && !list.IsList()) return Fail(kNoList);
  const std::size_t size = list.IsList() ? list.ListSize() : 0;
  if (!Spend(size)) return {};
  JsList items;
  for (std::size_t i = 0; i < size; ++i) {
    const JsValue item = list.ListItem(i);
    Frame inner{.scope = item};
    const JsValue result = Eval(node.arguments[1], inner);
    if (failed()) return {};
    if (node.op == Op::kMap) {
      items.push_back(result);
    } else if (IsTruthy(result)) {
      items.push_back(item);
    }
  }
  JsList& kept = NewList();
  kept = std::move(items);
  return JsValue::Of(&kept);
}

JsValue Run::Quantify(const Node& node, Frame& frame) {
  const bool generated = node.style == Style::kGenerated;
  const bool is_all = node.op == Op::kAll;
  const JsValue list = Eval(node.arguments[0], frame);
  if (failed()) return {};
  if (generated && is_all) frame.previous = list;
  const bool present = IsTruthyInLanguage(list);
  // Everything holds of nothing, but not of an empty list; what is missing counts as one when interpreted.
  if (is_all && ((list.IsList() && list.ListSize() == 0) || (!present && !generated))) return JsValue::Of(false);
  if (present && !list.IsList() && generated) return Fail(kNoList);
  const std::size_t size = list.IsList() ? list.ListSize() : present && list.IsText() ? Utf16Length(list.Text()) : 0;
  if (!Spend(size)) return {};
  bool found = false;
  for (std::size_t i = 0; i < size && !found; ++i) {
    Frame inner{.scope = list.IsList() ? list.ListItem(i) : JsValue::Of(Utf16Substring(list.Text(), i, 1))};
    const JsValue result = Eval(node.arguments[1], inner);
    if (failed()) return {};
    found = IsTruthy(result) != is_all;
  }
  return JsValue::Of(node.op == Op::kSome ? found : !found);
}

// Results of `reduce` may hold scalars only, so that they cannot grow without bound.
bool Run::IsShallow(const JsValue& value) {
  bool shallow = true;
  if (value.IsList()) {
    if (!Spend(value.ListSize())) return false;
    for (std::size_t i = 0; i < value.ListSize() && shallow; ++i) shallow = !IsTrueObject(value.ListItem(i));
  } else if (value.kind == Kind::kObject) {
    for (const auto& [name, member] : *value.object) shallow = shallow && !IsTrueObject(JsValue::Of(member));
  } else if (value.kind == Kind::kReduce) {
    shallow = !IsTrueObject(value.reduce->accumulator) && !IsTrueObject(value.reduce->current);
  } else if (value.kind == Kind::kContext) {
    shallow = false;
  }
  if (!shallow) Fail("reduce made a list or an object that holds others");
  return shallow;
}

JsValue Run::Reduce(const Node& node, Frame& frame) {
  const JsValue list = Eval(node.arguments[0], frame);
  if (failed()) return {};
  const JsValue start = node.arguments.size() > 2 ? Eval(node.arguments[2], frame) : JsValue();
  if (failed() || !IsShallow(start)) return {};
  if (IsTruthyInLanguage(list) && !list.IsList()) return Fail(kNoList);
  const std::size_t size = list.IsList() ? list.ListSize() : 0;
  const bool has_start = start.kind != Kind::kUndefined;
  if (size == 0 && !has_start) return Fail("reduce of an empty list without a start");
  if (!Spend(size)) return {};
  JsValue accumulator = has_start ? start : list.ListItem(0);
  for (std::size_t i = has_start ? 0 : 1; i < size; ++i) {
    const ReduceScope scope{.accumulator = accumulator, .current = list.ListItem(i)};
    Frame inner;
    inner.scope.kind = Kind::kReduce;
    inner.scope.reduce = &scope;
    accumulator = Eval(node.arguments[1], inner);
    if (failed() || !IsShallow(accumulator)) return {};
    if (accumulator.kind == Kind::kReduce && accumulator.reduce == &scope)
      accumulator.reduce = &scopes_.emplace_front(scope);
  }
  return accumulator;
}

bool Run::IsMissing(const JsValue& key, const JsValue& scope) {
  std::string storage;
  const auto text = TextOf(key, storage);
  if (!text || !Spend(text->size() / 8)) return true;
  JsValue value = scope;
  for (const std::string& name : SplitPath(*text)) {
    if (!IsTruthyInLanguage(value)) return true;
    value = Member(value, name);
    if (value.kind == Kind::kUndefined) return true;
  }
  return false;
}

JsValue Run::FindMissing(const JsValue& wanted, const JsValue& scope) {
  if (!Spend(wanted.ListSize())) return {};
  JsList missing;
  for (std::size_t i = 0; i < wanted.ListSize(); ++i) {
    const JsValue key = wanted.ListItem(i);
    if (IsMissing(key, scope)) missing.push_back(key);
    if (failed()) return {};
  }
  JsList& kept = NewList();
  kept = std::move(missing);
  return JsValue::Of(&kept);
}

JsValue Run::Missing(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed()) return {};
  JsList& wanted = NewList();
  wanted.assign(arguments.items().begin(), arguments.items().end());
  return FindMissing(JsValue::Of(&wanted), frame.scope);
}

JsValue Run::MissingSome(const Node& node, Frame& frame) {
  const Arguments arguments(*this, node, frame);
  if (failed()) return {};
  const JsValue needed = arguments.At(0);
  JsValue wanted = arguments.At(1);
  if (wanted.IsNullish()) return Fail(kNoList);
  if (wanted.IsText()) {
    JsList& letters = NewList();
    for (std::size_t i = 0; i < Utf16Length(wanted.Text()); ++i)
      letters.push_back(JsValue::Of(Utf16Substring(wanted.Text(), i, 1)));
    wanted = JsValue::Of(&letters);
  }
  const bool is_list = wanted.IsList();
  const JsValue missing = is_list ? FindMissing(wanted, frame.scope) : JsValue::Of(&NewList());
  if (failed()) return {};
  const bool by_code = node.style == Style::kGenerated && node.arguments.size() > 1 &&
                       node.arguments[1].op == Op::kConstant && node.arguments[1].constant.IsList();
  if (by_code) frame.previous = missing;
  const double found =
      is_list ? static_cast<double>(wanted.ListSize() - missing.ListSize()) : std::numeric_limits<double>::quiet_NaN();
  const std::optional<int> order = Compare(JsValue::Of(found), needed);
  const bool enough = by_code ? !(order && *order < 0) : order && *order >= 0;
  return enough ? JsValue::Of(&NewList()) : missing;
}

}  // namespace guidon::eval::flagd

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/model/value.hpp"

// Values of flagd expressions and the coercions of the language that JsonLogic grew up in (ECMAScript, "Type
// Conversion" and "Testing and Comparison Operations"). Not for other modules.
namespace guidon::eval::flagd {

struct JsValue;
using JsList = std::vector<JsValue>;
struct ReduceScope;

// A value during evaluation: scalars by value, everything else by reference into the context, the program or the
// evaluation's scratch memory, whichever lives longer than the value.
struct JsValue {
  enum class Kind : std::uint8_t {
    kUndefined,
    kNull,
    kBool,
    kNumber,
    kText,       // UTF-8
    kList,       // made by an expression
    kModelList,  // of the context
    kObject,     // of the context or the expression
    kContext,    // the whole context
    kFlagd,      // "$flagd"
    kReduce      // {"accumulator", "current"}
  };

  Kind kind = Kind::kUndefined;
  bool boolean = false;
  union {
    double number = 0;
    const char* text;
    const JsList* list;
    const model::List* model_list;
    const model::Object* object;
    const ReduceScope* reduce;
  };
  std::size_t size = 0;  // of `text`

  static JsValue Null();
  static JsValue Of(bool value);
  static JsValue Of(double value);
  static JsValue Of(std::string_view value);
  static JsValue Of(const JsList* value);
  // Numbers become doubles, as everywhere in that language.
  static JsValue Of(const model::Value& value);

  std::string_view Text() const { return {text, size}; }
  bool IsText() const { return kind == Kind::kText; }
  bool IsNumber() const { return kind == Kind::kNumber; }
  bool IsNull() const { return kind == Kind::kNull; }
  bool IsNullish() const { return kind <= Kind::kNull; }
  bool IsList() const { return kind == Kind::kList || kind == Kind::kModelList; }
  bool IsObject() const { return kind >= Kind::kList; }  // lists are objects too
  std::size_t ListSize() const { return kind == Kind::kList ? list->size() : model_list->size(); }
  JsValue ListItem(std::size_t index) const;
};

// Made and looked at for every operator, so inline.

inline JsValue JsValue::Null() {
  JsValue value;
  value.kind = Kind::kNull;
  return value;
}

inline JsValue JsValue::Of(bool boolean) {
  JsValue value;
  value.kind = Kind::kBool;
  value.boolean = boolean;
  return value;
}

inline JsValue JsValue::Of(double number) {
  JsValue value;
  value.kind = Kind::kNumber;
  value.number = number;
  return value;
}

inline JsValue JsValue::Of(std::string_view text) {
  JsValue value;
  value.kind = Kind::kText;
  value.text = text.data();
  value.size = text.size();
  return value;
}

inline JsValue JsValue::Of(const JsList* list) {
  JsValue value;
  value.kind = Kind::kList;
  value.list = list;
  return value;
}

inline JsValue JsValue::Of(const model::Value& source) {
  if (const std::string* text = source.AsString()) return Of(std::string_view(*text));
  if (const std::int64_t* integer = source.AsInteger()) return Of(static_cast<double>(*integer));
  if (const double* number = source.AsDouble()) return Of(*number);
  if (const bool* flag = source.AsBool()) return Of(*flag);
  JsValue value;
  if (const model::List* list = source.AsList()) {
    value.kind = Kind::kModelList;
    value.model_list = list;
  } else if (const model::Object* object = source.AsObject()) {
    value.kind = Kind::kObject;
    value.object = object;
  } else {
    value.kind = Kind::kNull;
  }
  return value;
}

inline JsValue JsValue::ListItem(std::size_t index) const {
  return kind == Kind::kList ? (*list)[index] : Of((*model_list)[index]);
}

// What the function of `reduce` sees.
struct ReduceScope {
  JsValue accumulator;
  JsValue current;
};

// The language's idea: not null, 0, NaN, "" or false. Lists and objects always are.
inline bool IsTruthyInLanguage(const JsValue& value) {
  using Kind = JsValue::Kind;
  switch (value.kind) {
    case Kind::kUndefined:
    case Kind::kNull: return false;
    case Kind::kBool: return value.boolean;
    case Kind::kNumber: return value.number != 0 && !std::isnan(value.number);
    case Kind::kText: return value.size != 0;
    default: return true;
  }
}
// JsonLogic's idea: empty lists and objects are not.
inline bool IsTruthy(const JsValue& value) {
  if (value.IsList()) return value.ListSize() != 0;
  if (value.kind == JsValue::Kind::kObject) return !value.object->empty();
  return IsTruthyInLanguage(value);
}

double ToNumber(std::string_view text);
double ToNumber(const JsValue& value);
// The shortest decimal that reads back equal, as the language writes it ("1e+21", "-0" is "0").
void AppendNumber(std::string& out, double number);
// False where the text is over `bytes_max`; then `out` holds a part of it.
bool AppendText(std::string& out, const JsValue& value, std::size_t bytes_max);

bool StrictlyEqual(const JsValue& a, const JsValue& b);
bool LooselyEqual(const JsValue& a, const JsValue& b);
bool SameValueZero(const JsValue& a, const JsValue& b);
// Both numbers, texts (by UTF-16 units) or coerced to numbers. Nothing where one is NaN.
std::optional<int> Compare(const JsValue& a, const JsValue& b);

// Strings count in UTF-16 units there.
std::size_t Utf16Length(std::string_view text);
// `count` units from unit `start`. Half of a surrogate pair is left out.
std::string_view Utf16Substring(std::string_view text, std::size_t start, std::size_t count);

// "0", "17": what names an item of a list. Nothing for "01", "-1", "x".
std::optional<std::size_t> IndexOf(std::string_view name);

}  // namespace guidon::eval::flagd

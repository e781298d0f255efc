// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "guidon/json/json.hpp"

// Reading conformance/eval/*.json, of which everything may be missing until a test has looked.
namespace guidon::conformance {

// Relative to the source folder, in which ctest starts the programs.
inline constexpr std::string_view kEvalFolder = "conformance/eval";

// null where there is none.
inline const model::Value& Member(const model::Value& object, std::string_view name) {
  static const model::Value kNull;
  const model::Object* members = object.AsObject();
  const model::Value* member = members == nullptr ? nullptr : members->Find(name);
  return member == nullptr ? kNull : *member;
}

inline std::string Text(const model::Value& object, std::string_view name) {
  const std::string* text = Member(object, name).AsString();
  return text == nullptr ? "" : *text;
}

inline model::List Items(const model::Value& object, std::string_view name) {
  const model::List* items = Member(object, name).AsList();
  return items == nullptr ? model::List() : *items;
}

// Documents of a suite belong to its environment unless they say otherwise.
inline model::Value InEnvironment(model::Value document, const std::string& environment) {
  model::Object* members = document.MutableObject();
  if (members != nullptr && members->Find("environment") == nullptr) members->Set("environment", environment);
  return document;
}

// visit(suite) for each suite of each file.
template <class Visitor>
void ForEachSuite(Visitor visit) {
  for (const auto& entry : std::filesystem::directory_iterator(kEvalFolder)) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path().filename().string());
    std::ifstream stream(entry.path(), std::ios::binary);
    const auto file =
        json::Parse(std::string{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()});
    ASSERT_TRUE(file) << file.error().field << " " << file.error().message;
    for (const model::Value& suite : Items(*file, "suites")) visit(suite);
  }
}

}  // namespace guidon::conformance

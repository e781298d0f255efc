// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "guidon/json/dom.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/model/field_path.hpp"

namespace guidon::json {
namespace {

using base::ErrorCode;
using base::Fail;
using base::Result;
using base::Status;

Result<std::vector<std::string>> TextsOf(simdjson::dom::element value, std::string_view name) {
  simdjson::dom::array array;
  if (value.get_array().get(array) != simdjson::SUCCESS)
    return Fail(ErrorCode::kInvalidArgument, "must be a list of strings", std::string(name));
  std::vector<std::string> texts;
  texts.reserve(array.size());
  for (const simdjson::dom::element item : array) {
    std::string_view text;
    if (item.get_string().get(text) != simdjson::SUCCESS)
      return Fail(ErrorCode::kInvalidArgument, "must be a string",
                  std::string(name) + "[" + std::to_string(texts.size()) + "]");
    texts.emplace_back(text);
  }
  return texts;
}

}  // namespace

Result<SegmentKeyLists> SegmentKeysFromJson(std::string_view text, std::size_t bytes_max) {
  SegmentKeyLists lists;
  GUIDON_TRY(WithDocument(text, {.bytes_max = bytes_max}, [&](simdjson::dom::element root) -> Status {
    simdjson::dom::object object;
    if (root.get_object().get(object) != simdjson::SUCCESS)
      return Fail(ErrorCode::kInvalidArgument, "the body must be a JSON object");
    const SortedMembers members(object);
    GUIDON_TRY(members.CheckUnique());
    for (const auto& [name, value] : members) {
      auto* list = name == "included" ? &lists.included : name == "excluded" ? &lists.excluded : nullptr;
      if (list == nullptr) return Fail(ErrorCode::kInvalidArgument, "is not known here", model::PathName(name));
      GUIDON_ASSIGN(*list, TextsOf(value, name));
    }
    return {};
  }));
  return lists;
}

}  // namespace guidon::json

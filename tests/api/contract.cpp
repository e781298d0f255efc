// SPDX-License-Identifier: Apache-2.0
#include "contract.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <regex>
#include <set>

#include "guidon/api_http/openapi_document.hpp"
#include "guidon/json/json.hpp"

namespace guidon::api_test {
namespace {

using model::Object;
using model::Value;

// Keywords that say nothing about validity.
const std::set<std::string_view> kAnnotations = {"description", "examples", "example", "default", "format"};

bool HasType(const Value& value, std::string_view type) {
  if (type == "object") return value.AsObject() != nullptr;
  if (type == "array") return value.AsList() != nullptr;
  if (type == "string") return value.AsString() != nullptr;
  if (type == "boolean") return value.AsBool() != nullptr;
  if (type == "integer") return value.AsInteger() != nullptr;
  if (type == "number") return value.IsNumber();
  return type == "null" && value.IsNull();
}

double NumberOf(const Value& value) {
  return value.AsInteger() != nullptr ? static_cast<double>(*value.AsInteger()) : *value.AsDouble();
}

std::size_t CharactersOf(const std::string& text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

const Contract& Contract::Get() {
  static const Contract kContract;
  return kContract;
}

Contract::Contract() {
  auto parsed = json::Parse(api_http::OpenApiDocument());
  if (!parsed) {
    std::cerr << "openapi.json: " << parsed.error().message << '\n';
    std::abort();
  }
  document_ = *std::move(parsed);
}

const Object& Contract::Resolve(const Value& value) const {
  const Object* object = value.AsObject();
  const Value* reference = object->Find("$ref");
  if (reference == nullptr) return *object;
  const Value* at = &document_;
  std::string_view rest = std::string_view(*reference->AsString()).substr(2);  // "#/"
  while (!rest.empty()) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    at = at->AsObject()->Find(name);
    if (at == nullptr) {
      std::cerr << "no " << *reference->AsString() << '\n';
      std::abort();
    }
  }
  return Resolve(*at);
}

const Object* Contract::Operation(std::string_view path, std::string_view method) const {
  const Value* item = document_.AsObject()->Find("paths")->AsObject()->Find(path);
  const Value* operation = item == nullptr ? nullptr : item->AsObject()->Find(method);
  return operation == nullptr ? nullptr : operation->AsObject();
}

std::vector<std::string> Contract::Check(const Object& operation, int status, std::string_view content_type,
                                         std::string_view body) const {
  std::vector<std::string> problems;
  const Object& responses = *operation.Find("responses")->AsObject();
  const Value* response = responses.Find(std::to_string(status));
  if (response == nullptr) response = responses.Find("default");
  if (response == nullptr) return {"the status " + std::to_string(status) + " is not in the contract"};
  if (status < 400 && responses.Find(std::to_string(status)) == nullptr)
    return {"the success " + std::to_string(status) + " is not in the contract"};
  const Value* content = Resolve(*response).Find("content");
  if (content == nullptr) {
    if (!body.empty()) problems.push_back("there is a body where the contract has none");
    return problems;
  }
  const std::string type(content_type.substr(0, content_type.find(';')));
  const Value* media = content->AsObject()->Find(type);
  if (media == nullptr) return {"the type \"" + type + "\" is not in the contract"};
  if (!type.ends_with("json") || type == "application/connect+json") return problems;  // frames are no document
  const auto value = json::Parse(body);
  if (!value) return {"the body is no JSON: " + value.error().message};
  Validate(*media->AsObject()->Find("schema"), *value, "body", problems);
  return problems;
}

void Contract::Validate(const Value& schema_value, const Value& value, const std::string& path,
                        std::vector<std::string>& problems) const {
  const Object& schema = Resolve(schema_value);
  const auto complain = [&](const std::string& what) { problems.push_back(path + " " + what); };
  const Object* object = value.AsObject();
  const model::List* list = value.AsList();
  const std::string* text = value.AsString();
  for (const auto& [keyword, rule] : schema) {
    if (kAnnotations.contains(keyword)) continue;
    if (keyword == "type") {
      const bool fits = rule.AsString() != nullptr ? HasType(value, *rule.AsString())
                                                   : std::ranges::any_of(*rule.AsList(), [&](const Value& type) {
                                                       return HasType(value, *type.AsString());
                                                     });
      if (!fits) complain("is a " + std::string(value.TypeName()));
    } else if (keyword == "enum") {
      if (std::ranges::find(*rule.AsList(), value) == rule.AsList()->end()) complain("is not one of the enum");
    } else if (keyword == "pattern") {
      if (text != nullptr && !std::regex_search(*text, std::regex(*rule.AsString())))
        complain("\"" + *text + "\" does not match " + *rule.AsString());
    } else if (keyword == "minLength") {
      if (text != nullptr && CharactersOf(*text) < static_cast<std::size_t>(*rule.AsInteger()))
        complain("is too short");
    } else if (keyword == "maxLength") {
      if (text != nullptr && CharactersOf(*text) > static_cast<std::size_t>(*rule.AsInteger())) complain("is too long");
    } else if (keyword == "minimum") {
      if (value.IsNumber() && NumberOf(value) < NumberOf(rule)) complain("is too small");
    } else if (keyword == "maximum") {
      if (value.IsNumber() && NumberOf(value) > NumberOf(rule)) complain("is too large");
    } else if (keyword == "required") {
      for (const Value& name : *rule.AsList()) {
        if (object != nullptr && object->Find(*name.AsString()) == nullptr) complain("has no " + *name.AsString());
      }
    } else if (keyword == "properties") {
      if (object == nullptr) continue;
      for (const auto& [name, property] : *rule.AsObject()) {
        if (const Value* member = object->Find(name)) Validate(property, *member, path + "." + name, problems);
      }
    } else if (keyword == "additionalProperties") {
      if (object == nullptr) continue;
      const Value* properties = schema.Find("properties");
      for (const auto& [name, member] : *object) {
        if (properties != nullptr && properties->AsObject()->Find(name) != nullptr) continue;
        if (rule.AsBool() == nullptr) {
          Validate(rule, member, path + "." + name, problems);
        } else if (!*rule.AsBool()) {
          complain("has " + name);
        }
      }
    } else if (keyword == "propertyNames") {
      if (object == nullptr) continue;
      for (const auto& [name, member] : *object) Validate(rule, Value(name), path + " name", problems);
    } else if (keyword == "minProperties") {
      if (object != nullptr && object->size() < static_cast<std::size_t>(*rule.AsInteger())) complain("has too little");
    } else if (keyword == "maxProperties") {
      if (object != nullptr && object->size() > static_cast<std::size_t>(*rule.AsInteger())) complain("has too much");
    } else if (keyword == "items") {
      if (list == nullptr) continue;
      for (std::size_t i = 0; i < list->size(); ++i)
        Validate(rule, (*list)[i], path + "[" + std::to_string(i) + "]", problems);
    } else if (keyword == "minItems") {
      if (list != nullptr && list->size() < static_cast<std::size_t>(*rule.AsInteger())) complain("has too few items");
    } else if (keyword == "maxItems") {
      if (list != nullptr && list->size() > static_cast<std::size_t>(*rule.AsInteger())) complain("has too many items");
    } else if (keyword == "uniqueItems") {
      if (list == nullptr) continue;
      for (std::size_t i = 0; i < list->size(); ++i) {
        if (std::find(list->begin(), list->begin() + static_cast<std::ptrdiff_t>(i), (*list)[i]) !=
            list->begin() + static_cast<std::ptrdiff_t>(i))
          complain("has an item twice");
      }
    } else if (keyword == "anyOf") {
      const bool fits = std::ranges::any_of(*rule.AsList(), [&](const Value& choice) {
        std::vector<std::string> inner;
        Validate(choice, value, path, inner);
        return inner.empty();
      });
      if (!fits) complain("fits none of anyOf");
    } else {
      complain("cannot be checked: the keyword " + keyword + " is not known to this test");
    }
  }
}

}  // namespace guidon::api_test

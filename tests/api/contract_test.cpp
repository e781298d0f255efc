// SPDX-License-Identifier: Apache-2.0
#include "contract.hpp"

#include <algorithm>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "guidon/api_http/openapi_document.hpp"
#include "guidon/api_http/route.hpp"
#include "harness.hpp"

namespace guidon::api_test {
namespace {

using model::Object;
using model::Value;

const std::set<std::string_view> kMethods = {"get", "put", "post", "patch", "delete"};

std::string LowerName(api_http::Method method) {
  std::string name(api_http::NameOf(method));
  std::ranges::transform(name, name.begin(), [](char c) { return static_cast<char>(c - 'A' + 'a'); });
  return name;
}

// Parameters of a path and of one of its operations, of one place ("query").
std::set<std::string> Parameters(std::string_view path, const Object& operation, std::string_view place) {
  const Contract& contract = Contract::Get();
  std::set<std::string> names;
  const Object& item = *contract.document().AsObject()->Find("paths")->AsObject()->Find(path)->AsObject();
  for (const Object* holder : {&item, &operation}) {
    const Value* parameters = holder->Find("parameters");
    if (parameters == nullptr) continue;
    for (const Value& parameter : *parameters->AsList()) {
      const Object& resolved = contract.Resolve(parameter);
      if (*resolved.Find("in")->AsString() == place) names.insert(*resolved.Find("name")->AsString());
    }
  }
  return names;
}

TEST(Contract, HasExactlyTheRoutesOfTheServer) {
  std::set<std::string> in_contract;
  for (const auto& [path, item] : *Contract::Get().document().AsObject()->Find("paths")->AsObject()) {
    for (const auto& [method, operation] : *item.AsObject()) {
      if (kMethods.contains(method)) in_contract.insert(method + " " + path);
    }
  }
  std::set<std::string> in_server;
  for (const api_http::Route& route : api_http::Routes())
    EXPECT_TRUE(in_server.insert(LowerName(route.method) + " " + std::string(route.path)).second) << route.path;
  EXPECT_EQ(in_contract, in_server);
  EXPECT_GE(in_server.size(), 40U);
}

TEST(Contract, SaysWhatEachRouteNeeds) {
  for (const api_http::Route& route : api_http::Routes()) {
    SCOPED_TRACE(LowerName(route.method) + " " + std::string(route.path));
    const Object* operation = Contract::Get().Operation(route.path, LowerName(route.method));
    ASSERT_NE(operation, nullptr);
    EXPECT_EQ(*operation->Find("x-permission")->AsString(), app::NameOf(route.permission));
    std::set<std::string> query(route.query.begin(), route.query.end());
    EXPECT_EQ(Parameters(route.path, *operation, "query"), query);
    std::set<std::string> placeholders;
    for (std::size_t at = 0; (at = route.path.find('{', at)) != std::string_view::npos; ++at)
      placeholders.insert(std::string(route.path.substr(at + 1, route.path.find('}', at) - at - 1)));
    EXPECT_EQ(Parameters(route.path, *operation, "path"), placeholders);
    EXPECT_EQ(operation->Find("requestBody") != nullptr, route.body != api_http::BodyRule::kNone);
    const bool open = operation->Find("security") != nullptr;
    EXPECT_EQ(open, route.permission == app::Permission::kPublic);
    EXPECT_EQ((route.handler != nullptr) + (route.direct != nullptr), 1);
  }
}

// The examples in the contract keep its own schemas.
void CheckExamples(const Value& node, const std::string& path) {
  const Contract& contract = Contract::Get();
  if (const auto* list = node.AsList()) {
    for (std::size_t i = 0; i < list->size(); ++i) CheckExamples((*list)[i], path + "/" + std::to_string(i));
  }
  const Object* object = node.AsObject();
  if (object == nullptr) return;
  if (object->Find("$ref") != nullptr) contract.Resolve(node);
  if (const Value* schema = object->Find("schema"); schema != nullptr && schema->AsObject() != nullptr) {
    std::vector<std::string> problems;
    if (const Value* example = object->Find("example")) contract.Validate(*schema, *example, path, problems);
    if (const Value* examples = object->Find("examples"); examples != nullptr && examples->AsObject() != nullptr) {
      for (const auto& [name, example] : *examples->AsObject())
        contract.Validate(*schema, *example.AsObject()->Find("value"), path + "/" + name, problems);
    }
    for (const std::string& problem : problems) ADD_FAILURE() << problem;
  }
  for (const auto& [name, child] : *object) CheckExamples(child, path + "/" + name);
}

TEST(Contract, ExamplesAreValidAndReferencesLeadSomewhere) { CheckExamples(Contract::Get().document(), "#"); }

TEST(Contract, IsServed) {
  Harness harness;
  const Reply reply = harness.Send("GET", "/openapi.json");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("Content-Type"), "application/json");
  EXPECT_EQ(reply.body, api_http::OpenApiDocument());
  EXPECT_EQ(reply.At({"openapi"}), "3.1.0");
}

TEST(Contract, TheCheckFindsWhatIsWrong) {
  const Object& operation = *Contract::Get().Operation("/healthz", "get");
  EXPECT_TRUE(Contract::Get().Check(operation, 200, "application/json", R"({"status":"ok","version":"1"})").empty());
  EXPECT_FALSE(Contract::Get().Check(operation, 200, "application/json", R"({"status":"bad","version":"1"})").empty());
  EXPECT_FALSE(Contract::Get().Check(operation, 200, "application/json", R"({"status":"ok"})").empty());
  EXPECT_FALSE(
      Contract::Get().Check(operation, 200, "application/json", R"({"status":"ok","version":"1","x":1})").empty());
  EXPECT_FALSE(Contract::Get().Check(operation, 201, "application/json", R"({"status":"ok","version":"1"})").empty());
  EXPECT_FALSE(Contract::Get().Check(operation, 200, "text/plain", "ok").empty());
}

}  // namespace
}  // namespace guidon::api_test

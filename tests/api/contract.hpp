// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "guidon/model/value.hpp"

namespace guidon::api_test {

// The contract that the program serves, and what of JSON Schema and OpenAPI 3.1 it uses.
class Contract {
 public:
  static const Contract& Get();

  const model::Value& document() const { return document_; }
  // The operation of `method` ("get") at a path template; nullptr where there is none.
  const model::Object* Operation(std::string_view path, std::string_view method) const;
  // What is wrong with an answer, one sentence each; empty where it keeps the contract. `body` is checked where the
  // contract has a JSON schema for its type.
  std::vector<std::string> Check(const model::Object& operation, int status, std::string_view content_type,
                                 std::string_view body) const;
  // Follows "$ref" of an object; the object itself where it has none.
  const model::Object& Resolve(const model::Value& value) const;
  // What is wrong with `value` by `schema`.
  void Validate(const model::Value& schema, const model::Value& value, const std::string& path,
                std::vector<std::string>& problems) const;

 private:
  Contract();
  model::Value document_;
};

}  // namespace guidon::api_test

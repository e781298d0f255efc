// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/table.hpp"

// DynamoDB's expressions as the fake understands them: conditions with AND, OR, NOT, comparisons, BETWEEN, IN and the
// functions attribute_exists, attribute_not_exists, attribute_type, begins_with, contains; updates with SET
// and REMOVE of whole attributes. Written from the Developer Guide, apart from what builds expressions in src/.
namespace guidon::dynamodb_test {

// ExpressionAttributeNames and ExpressionAttributeValues of a request.
class Placeholders {
 public:
  static base::Result<Placeholders> From(const model::Object& request);
  // Error: kInvalidArgument where a placeholder is not defined.
  base::Result<std::string> Name(std::string_view token) const;
  base::Result<store::AttributeValue> Value(std::string_view token) const;

 private:
  std::map<std::string, std::string, std::less<>> names_;
  std::map<std::string, store::AttributeValue, std::less<>> values_;
};

// Whether the condition holds for the item; nullptr: there is none. Error: kInvalidArgument for what is no condition.
base::Result<bool> HoldsFor(std::string_view condition, const Placeholders& placeholders, const store::Item* item);

// The item with the update applied. Error: kInvalidArgument.
base::Status ApplyUpdate(std::string_view update, const Placeholders& placeholders, store::Item& item);

// -1, 0, 1 for two values of one type that has an order (S, N, B); nothing otherwise.
std::optional<int> Compare(const store::AttributeValue& a, const store::AttributeValue& b);

}  // namespace guidon::dynamodb_test

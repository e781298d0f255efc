// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/requests.hpp"

#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "guidon/json/json.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/store_dynamodb/wire.hpp"

namespace guidon::store_dynamodb {
namespace {

using store::AttributeValue;
using store::Condition;
using store::TransactionOperation;

constexpr std::string_view kKeyAttribute = "PK";
constexpr std::string_view kExpiryAttribute = "ttl";
// Removing it changes nothing: an update in a transaction must say something.
constexpr std::string_view kNoAttribute = "~";

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

void AppendMember(std::string& out, std::string_view name) {
  if (out.size() > 1 && out.back() != '{') out += ',';
  json::AppendQuoted(out, name);
  out += ':';
}

void AppendText(std::string& out, std::string_view name, std::string_view text) {
  AppendMember(out, name);
  json::AppendQuoted(out, text);
}

std::string Begin(std::string_view table) {
  std::string out = "{";
  AppendText(out, "TableName", table);
  return out;
}

// Placeholders of one request for names and values.
class Expressions {
 public:
  std::string Name(std::string_view name) {
    const auto [entry, added] = names_.try_emplace(std::string(name), fmt::format("#n{}", names_.size()));
    return entry->second;
  }
  std::string Value(AttributeValue value) {
    values_.push_back(std::move(value));
    return fmt::format(":v{}", values_.size() - 1);
  }
  // One placeholder for all uses.
  std::string Now(std::int64_t now_s) {
    if (now_.empty()) now_ = Value(store::Number::From(now_s));
    return now_;
  }

  void AppendTo(std::string& out) const {
    if (!names_.empty()) {
      AppendMember(out, "ExpressionAttributeNames");
      out += '{';
      for (const auto& [name, placeholder] : names_) AppendText(out, placeholder, name);
      out += '}';
    }
    if (values_.empty()) return;
    AppendMember(out, "ExpressionAttributeValues");
    out += '{';
    for (std::size_t i = 0; i < values_.size(); ++i) {
      AppendMember(out, fmt::format(":v{}", i));
      AppendValue(out, values_[i]);
    }
    out += '}';
  }

 private:
  std::map<std::string, std::string> names_;
  std::vector<AttributeValue> values_;
  std::string now_;
};

void AppendClause(std::string& expression, const std::string& clause) {
  expression += (expression.empty() ? "" : " AND ") + clause;
}

// What must hold, where an expired item counts as none. "" = nothing.
std::string ConditionText(const Condition& condition, bool unless_expired, Expressions& expressions,
                          std::int64_t now_s) {
  const auto expired = [&] {
    return fmt::format("{} < {}", expressions.Name(kExpiryAttribute), expressions.Now(now_s));
  };
  std::string out;
  if (condition.existence == Condition::Existence::kAbsent)
    AppendClause(out, fmt::format("(attribute_not_exists({}) OR {})", expressions.Name(kKeyAttribute), expired()));
  if (condition.existence == Condition::Existence::kPresent)
    AppendClause(out, fmt::format("attribute_exists({})", expressions.Name(kKeyAttribute)));
  for (const auto& [name, value] : condition.equals)
    AppendClause(out, fmt::format("{} = {}", expressions.Name(name), expressions.Value(value)));
  for (const auto& name : condition.absent_attributes)
    AppendClause(out, fmt::format("(attribute_not_exists({}) OR {})", expressions.Name(name), expired()));
  const bool needs_item = condition.existence == Condition::Existence::kPresent || !condition.equals.empty();
  if (needs_item || unless_expired) AppendClause(out, fmt::format("(NOT {})", expired()));
  return out;
}

std::string UpdateText(const store::Update& update, Expressions& expressions) {
  std::string set;
  for (const auto& [name, value] : update.set)
    set += fmt::format("{}{} = {}", set.empty() ? "SET " : ", ", expressions.Name(name), expressions.Value(value));
  std::string remove;
  for (const auto& name : update.remove)
    remove += fmt::format("{}{}", remove.empty() ? "REMOVE " : ", ", expressions.Name(name));
  if (set.empty() && remove.empty()) return "REMOVE " + expressions.Name(kNoAttribute);
  return set + (set.empty() || remove.empty() ? "" : " ") + remove;
}

// The members of one write, up to but without the closing brace.
std::string WriteMembers(std::string_view table, const TransactionOperation& operation, std::int64_t now_s) {
  std::string out = Begin(table);
  Expressions expressions;
  if (const auto* put = std::get_if<store::Put>(&operation)) {
    AppendMember(out, "Item");
    AppendItem(out, put->item);
  } else {
    AppendMember(out, "Key");
    AppendKey(out, store::KeyOf(operation));
  }
  const auto* update = std::get_if<store::Update>(&operation);
  if (update != nullptr) AppendText(out, "UpdateExpression", UpdateText(*update, expressions));
  const Condition& condition = std::visit([](const auto& op) -> const Condition& { return op.condition; }, operation);
  // An update begins with what is there, so it must not meet an item that has expired.
  std::string text = ConditionText(condition, update != nullptr, expressions, now_s);
  if (text.empty() && std::holds_alternative<store::ConditionCheck>(operation))
    text = fmt::format("attribute_exists({0}) OR attribute_not_exists({0})", expressions.Name(kKeyAttribute));
  if (!text.empty()) {
    AppendText(out, "ConditionExpression", text);
    AppendText(out, "ReturnValuesOnConditionCheckFailure", "ALL_OLD");
  }
  expressions.AppendTo(out);
  return out;
}

std::string_view MemberNameOf(const TransactionOperation& operation) {
  return std::visit(Overloaded{[](const store::Put&) { return "Put"; }, [](const store::Update&) { return "Update"; },
                               [](const store::Delete&) { return "Delete"; },
                               [](const store::ConditionCheck&) { return "ConditionCheck"; }},
                    operation);
}

std::string SortText(const store::SortKeyCondition& sort, std::string_view attribute, Expressions& expressions) {
  const auto name = [&] { return expressions.Name(attribute); };
  const auto value = [&](const std::string& text) { return expressions.Value(text); };
  return std::visit(Overloaded{[](const store::SortKeyAny&) { return std::string(); },
                               [&](const store::SortKeyEquals& equals) {
                                 return fmt::format(" AND {} = {}", name(), value(equals.value));
                               },
                               [&](const store::SortKeyBeginsWith& begins) {
                                 return fmt::format(" AND begins_with({}, {})", name(), value(begins.prefix));
                               },
                               [&](const store::SortKeyBetween& between) {
                                 const std::string low = value(between.low);
                                 return fmt::format(" AND {} BETWEEN {} AND {}", name(), low, value(between.high));
                               },
                               [&](const store::SortKeyGreater& greater) {
                                 return fmt::format(" AND {} > {}", name(), value(greater.value));
                               }},
                    sort);
}

void AppendStart(std::string& out, const store::Query& query) {
  const store::Position& start = *query.start_after;
  store::Item key{{"PK", start.key.pk}, {"SK", start.key.sk}};
  if (query.index != store::Index::kTable) {
    const store::IndexAttributes names = store::AttributesOf(query.index);
    key.Set(names.partition, start.index_partition);
    key.Set(names.sort, start.index_sort);
  }
  AppendMember(out, "ExclusiveStartKey");
  AppendItem(out, key);
}

}  // namespace

std::string_view OperationNameOf(const TransactionOperation& operation) {
  return std::visit(
      Overloaded{[](const store::Put&) { return "PutItem"; }, [](const store::Update&) { return "UpdateItem"; },
                 [](const store::Delete&) { return "DeleteItem"; }, [](const store::ConditionCheck&) { return ""; }},
      operation);
}

std::string GetBody(std::string_view table, const store::Key& key, store::Consistency consistency) {
  std::string out = Begin(table);
  AppendMember(out, "Key");
  AppendKey(out, key);
  if (consistency == store::Consistency::kStrong) out += R"(,"ConsistentRead":true)";
  return out + R"(,"ReturnConsumedCapacity":"TOTAL"})";
}

std::string WriteBody(std::string_view table, const TransactionOperation& operation, std::int64_t now_s) {
  return WriteMembers(table, operation, now_s) + R"(,"ReturnConsumedCapacity":"TOTAL"})";
}

std::string TransactionBody(std::string_view table, std::span<const TransactionOperation> operations,
                            std::string_view token, std::int64_t now_s) {
  std::string out = R"({"ReturnConsumedCapacity":"TOTAL")";
  AppendText(out, "ClientRequestToken", token);
  AppendMember(out, "TransactItems");
  out += '[';
  for (const TransactionOperation& operation : operations) {
    if (&operation != &operations.front()) out += ',';
    out += fmt::format("{{\"{}\":{}}}}}", MemberNameOf(operation), WriteMembers(table, operation, now_s));
  }
  return out + "]}";
}

std::string QueryBody(std::string_view table, const store::Query& query) {
  std::string out = Begin(table);
  const store::IndexAttributes names = store::AttributesOf(query.index);
  Expressions expressions;
  if (query.index != store::Index::kTable) AppendText(out, "IndexName", store::NameOf(query.index));
  const std::string partition = expressions.Name(names.partition);
  const std::string value = expressions.Value(query.partition);
  AppendText(out, "KeyConditionExpression",
             fmt::format("{} = {}{}", partition, value, SortText(query.sort, names.sort, expressions)));
  expressions.AppendTo(out);
  out += fmt::format(R"(,"Limit":{},"ScanIndexForward":{})", query.limit, query.forward);
  if (store::ConsistencyOf(query) == store::Consistency::kStrong) out += R"(,"ConsistentRead":true)";
  if (query.start_after) AppendStart(out, query);
  return out + R"(,"ReturnConsumedCapacity":"TOTAL"})";
}

std::string ScanBody(std::string_view table, const store::Scan& scan) {
  std::string out = Begin(table);
  out += fmt::format(R"(,"Limit":{},"Segment":{},"TotalSegments":{})", scan.limit, scan.segment, scan.segments);
  if (scan.consistency == store::Consistency::kStrong) out += R"(,"ConsistentRead":true)";
  if (scan.start_after) {
    AppendMember(out, "ExclusiveStartKey");
    AppendKey(out, *scan.start_after);
  }
  return out + R"(,"ReturnConsumedCapacity":"TOTAL"})";
}

std::string BatchGetBody(std::string_view table, std::span<const store::Key> keys, store::Consistency consistency) {
  std::string out = R"({"RequestItems":{)";
  AppendMember(out, table);
  out += R"({"Keys":[)";
  for (const store::Key& key : keys) {
    if (&key != &keys.front()) out += ',';
    AppendKey(out, key);
  }
  out += ']';
  if (consistency == store::Consistency::kStrong) out += R"(,"ConsistentRead":true)";
  return out + R"(}},"ReturnConsumedCapacity":"TOTAL"})";
}

std::string BatchWriteBody(std::string_view table, std::span<const store::BatchWriteOperation> operations) {
  std::string out = R"({"RequestItems":{)";
  AppendMember(out, table);
  out += '[';
  for (const store::BatchWriteOperation& operation : operations) {
    if (&operation != &operations.front()) out += ',';
    if (const auto* item = std::get_if<store::Item>(&operation.put_or_delete)) {
      out += R"({"PutRequest":{"Item":)";
      AppendItem(out, *item);
    } else {
      out += R"({"DeleteRequest":{"Key":)";
      AppendKey(out, std::get<store::Key>(operation.put_or_delete));
    }
    out += "}}";
  }
  return out + R"(]},"ReturnConsumedCapacity":"TOTAL"})";
}

}  // namespace guidon::store_dynamodb

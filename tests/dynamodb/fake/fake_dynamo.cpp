// SPDX-License-Identifier: Apache-2.0
#include "tests/dynamodb/fake/fake_dynamo.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "guidon/aws/digest.hpp"
#include "guidon/aws/signer.hpp"
#include "guidon/json/json.hpp"
#include "guidon/store/attribute.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/store_dynamodb/wire.hpp"
#include "tests/dynamodb/fake/expression.hpp"

namespace guidon::dynamodb_test {
namespace {

using aws::HttpRequest;
using aws::HttpResponse;
using aws::TransportError;
using model::List;
using model::Object;
using model::Value;
using store::AttributeValue;
using store::Item;
using store::Key;

constexpr std::string_view kTableArn = "arn:aws:dynamodb:us-east-1:000000000000:table/fake";
constexpr std::size_t kPageBytesMax = 1024UL * 1024;

std::string TextAt(const Object& object, std::string_view name) {
  const Value* value = object.Find(name);
  const std::string* text = value != nullptr ? value->AsString() : nullptr;
  return text != nullptr ? *text : std::string();
}

bool BoolAt(const Object& object, std::string_view name, bool otherwise) {
  const Value* value = object.Find(name);
  const bool* flag = value != nullptr ? value->AsBool() : nullptr;
  return flag != nullptr ? *flag : otherwise;
}

std::string TextOf(const Item& item, std::string_view name) {
  const AttributeValue* value = item.Find(name);
  return value != nullptr && value->AsString() != nullptr ? *value->AsString() : std::string();
}

Key KeyIn(const Item& item) { return {TextOf(item, "PK"), TextOf(item, "SK")}; }

std::string JsonOf(const Item& item) {
  std::string out;
  store_dynamodb::AppendItem(out, item);
  return out;
}

std::string OperationOf(const HttpRequest& request) {
  for (const auto& [name, value] : request.headers) {
    if (name == "x-amz-target") return value.substr(value.find('.') + 1);
  }
  return {};
}

HttpResponse Respond(int status, std::string body, const base::Clock& clock) {
  HttpResponse response{.status = status, .body = std::move(body)};
  response.headers["x-amzn-requestid"] = "FAKE";
  response.headers["content-type"] = "application/x-amz-json-1.0";
  response.headers["x-amz-crc32"] = std::to_string(aws::Crc32(response.body));
  const auto now = std::chrono::floor<std::chrono::seconds>(clock.Now());
  const auto day = std::chrono::floor<std::chrono::days>(now);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{now - day};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  response.headers["date"] =
      fmt::format("Sun, {:02} {} {:04} {:02}:{:02}:{:02} GMT", static_cast<unsigned>(date.day()),
                  kMonths[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()), time.hours().count(),
                  time.minutes().count(), time.seconds().count());
  return response;
}

std::string ErrorBody(std::string_view type, std::string_view message, std::string_view more) {
  return fmt::format(R"({{"__type":"com.amazonaws.dynamodb.v20120810#{}","message":"{}"{}}})", type, message, more);
}

std::string_view ReasonOf(Fault fault) {
  return fault == Fault::kThrottledHotKey ? "TableWriteKeyRangeThroughputExceeded"
                                          : "TableWriteProvisionedThroughputExceeded";
}

HttpResponse Refuse(Fault fault, std::string_view operation, const HttpRequest& request, const base::Clock& clock) {
  const auto refuse = [&](int status, std::string_view type, std::string_view more = "") {
    return Respond(status, ErrorBody(type, "refused by the script", more), clock);
  };
  const std::string reasons =
      fmt::format(R"(,"ThrottlingReasons":[{{"reason":"{}","resource":"{}"}}])", ReasonOf(fault), kTableArn);
  switch (fault) {
    case Fault::kThrottledHotKey: return refuse(400, "ProvisionedThroughputExceededException", reasons);
    case Fault::kThrottledLimit: return refuse(400, "ThrottlingException", reasons);
    case Fault::kThrottledAccount: return refuse(400, "RequestLimitExceeded");
    case Fault::kExpiredCredentials: return refuse(400, "ExpiredTokenException");
    case Fault::kTableGone: return refuse(400, "ResourceNotFoundException");
    case Fault::kConflict:
    case Fault::kShortOfCapacity: break;
    default: return refuse(500, "InternalServerError");
  }
  const bool conflict = fault == Fault::kConflict;
  if (operation != "TransactWriteItems")
    return conflict ? refuse(400, "TransactionConflictException") : refuse(400, "ThrottlingException");
  const auto body = json::Parse(request.body);
  const std::size_t count = body->AsObject()->Find("TransactItems")->AsList()->size();
  std::string list = fmt::format(R"({{"Code":"{}","Message":"busy"}})",
                                 conflict ? "TransactionConflict" : "ProvisionedThroughputExceeded");
  for (std::size_t i = 1; i < count; ++i) list += R"(,{"Code":"None"})";
  return refuse(400, "TransactionCanceledException", R"(,"CancellationReasons":[)" + list + "]");
}

std::unexpected<TransportError> Break(TransportError::Kind kind, bool maybe_received) {
  return std::unexpected(
      TransportError{.kind = kind, .maybe_received = maybe_received, .message = "broken by the script"});
}

double UnitsOf(std::size_t bytes, std::size_t step) {
  return static_cast<double>(std::max<std::size_t>(1, (bytes + step - 1) / step));
}

std::string Consumed(double units) { return fmt::format(R"("ConsumedCapacity":{{"CapacityUnits":{}}})", units); }

}  // namespace

// A write whose condition has been looked at.
struct FakeDynamo::Prepared {
  Key key;
  bool condition_holds = true;
  bool changes = true;
  std::optional<Item> after = {};
  std::optional<Item> existing = {};  // where the request asks for it
  bool too_large = false;
};

std::string_view NameOf(Fault fault) {
  constexpr std::array<std::string_view, kFaultCount> kNames = {
      "none",          "hot key",   "limit",        "account",     "unprocessed",
      "500 before",    "500 after", "reset before", "reset after", "30 s",
      "late",          "checksum",  "conflict",     "capacity",    "expired credentials",
      "no connection", "table gone"};
  return kNames[static_cast<std::size_t>(fault)];
}

const Item* FakeDynamo::Find(const Key& key) const {
  const auto found = items_.find(key);
  return found != items_.end() ? &found->second : nullptr;
}

FakeDynamo::Outcome FakeDynamo::GetItem(const Object& request) const {
  const auto key = store_dynamodb::ItemFrom(*request.Find("Key"));
  if (!key || KeyIn(*key).pk.empty()) return std::unexpected(Refusal{400, "ValidationException", "no key"});
  const Item* item = Find(KeyIn(*key));
  const double units = UnitsOf(item != nullptr ? store::ItemSize(*item) : 0, 4096) *
                       (BoolAt(request, "ConsistentRead", false) ? 1 : 0.5);
  return fmt::format("{{{}{}{}}}", item != nullptr ? "\"Item\":" : "", item != nullptr ? JsonOf(*item) + "," : "",
                     Consumed(units));
}

std::expected<FakeDynamo::Prepared, FakeDynamo::Refusal> FakeDynamo::Prepare(std::string_view operation,
                                                                             const Object& request) const {
  const auto invalid = [](std::string message) {
    return std::unexpected(Refusal{400, "ValidationException", std::move(message)});
  };
  const auto placeholders = Placeholders::From(request);
  if (!placeholders) return invalid(placeholders.error().message);
  const bool put = operation == "Put";
  const Value* source = request.Find(put ? "Item" : "Key");
  if (source == nullptr) return invalid("neither Item nor Key");
  const auto given = store_dynamodb::ItemFrom(*source);
  if (!given) return invalid(given.error().message);
  Prepared prepared{.key = KeyIn(*given)};
  const Item* existing = Find(prepared.key);
  if (const std::string condition = TextAt(request, "ConditionExpression"); !condition.empty()) {
    const auto holds = HoldsFor(condition, *placeholders, existing);
    if (!holds) return invalid(holds.error().message);
    prepared.condition_holds = *holds;
  }
  if (existing != nullptr && TextAt(request, "ReturnValuesOnConditionCheckFailure") == "ALL_OLD")
    prepared.existing = *existing;
  if (put) {
    prepared.after = *given;
  } else if (operation == "Update") {
    prepared.after = existing != nullptr ? *existing : *given;
    if (const std::string update = TextAt(request, "UpdateExpression"); !update.empty()) {
      const auto applied = ApplyUpdate(update, *placeholders, *prepared.after);
      if (!applied) return invalid(applied.error().message);
    }
  }
  prepared.changes = operation != "ConditionCheck";
  prepared.too_large = prepared.after && store::ItemSize(*prepared.after) > store::kItemBytesMax;
  return prepared;
}

void FakeDynamo::CommitWrite(const Prepared& prepared) {
  if (!prepared.changes) return;
  commits_.push_back({.key = prepared.key, .item = prepared.after});
  items_.erase(prepared.key);
  if (prepared.after) items_.emplace(prepared.key, *prepared.after);
}

FakeDynamo::Outcome FakeDynamo::SingleWrite(std::string_view operation, const Object& request) {
  auto prepared = Prepare(operation.substr(0, operation.size() - 4), request);
  if (!prepared) return std::unexpected(std::move(prepared.error()));
  if (!prepared->condition_holds)
    return std::unexpected(Refusal{400, "ConditionalCheckFailedException", "The conditional request failed",
                                   prepared->existing ? ",\"Item\":" + JsonOf(*prepared->existing) : ""});
  if (prepared->too_large)
    return std::unexpected(
        Refusal{400, "ValidationException", "Item size to update has exceeded the maximum allowed size"});
  CommitWrite(*prepared);
  return "{" + Consumed(UnitsOf(prepared->after ? store::ItemSize(*prepared->after) : 0, 1024)) + "}";
}

FakeDynamo::Outcome FakeDynamo::Query(const Object& request) const {
  const auto placeholders = Placeholders::From(request);
  if (!placeholders) return std::unexpected(Refusal{400, "ValidationException", placeholders.error().message});
  store::Index index = store::Index::kTable;
  for (const store::Index candidate : store::kSecondaryIndexes) {
    if (TextAt(request, "IndexName") == store::NameOf(candidate)) index = candidate;
  }
  const store::IndexAttributes names = store::AttributesOf(index);
  // The order of the port: sort key, then the item's own keys.
  using Place = std::array<std::string, 3>;
  const auto place_of = [&](const Item& item) {
    return Place{TextOf(item, names.sort), TextOf(item, "PK"), TextOf(item, "SK")};
  };
  std::map<Place, const Item*> found;
  for (const auto& [key, item] : items_) {
    if (index != store::Index::kTable && !store::IndexKeyOf(item, index)) continue;
    const auto matches = HoldsFor(TextAt(request, "KeyConditionExpression"), *placeholders, &item);
    if (!matches) return std::unexpected(Refusal{400, "ValidationException", matches.error().message});
    if (*matches) found.emplace(place_of(item), &item);
  }
  std::vector<const Item*> ordered;
  for (const auto& [place, item] : found) ordered.push_back(item);
  const bool forward = BoolAt(request, "ScanIndexForward", true);
  if (!forward) std::ranges::reverse(ordered);
  if (const Value* start = request.Find("ExclusiveStartKey")) {
    const Place after = place_of(*store_dynamodb::ItemFrom(*start));
    std::erase_if(ordered,
                  [&](const Item* item) { return forward ? place_of(*item) <= after : place_of(*item) >= after; });
  }
  const Value* limit = request.Find("Limit");
  const std::size_t count_max = limit != nullptr ? static_cast<std::size_t>(*limit->AsInteger()) : ordered.size();
  std::string list;
  std::size_t bytes = 0;
  std::size_t count = 0;
  for (; count < ordered.size() && count < count_max && bytes < kPageBytesMax; ++count) {
    list += (count > 0 ? "," : "") + JsonOf(*ordered[count]);
    bytes += store::ItemSize(*ordered[count]);
  }
  std::string last;
  // As DynamoDB: a page that is full has a last key even where nothing follows.
  if (count > 0 && (count < ordered.size() || count == count_max)) {
    const Item& item = *ordered[count - 1];
    Item key{{"PK", TextOf(item, "PK")}, {"SK", TextOf(item, "SK")}};
    key.Set(names.partition, TextOf(item, names.partition));
    key.Set(names.sort, TextOf(item, names.sort));
    last = ",\"LastEvaluatedKey\":" + JsonOf(key);
  }
  const double units = UnitsOf(bytes, 4096) * (BoolAt(request, "ConsistentRead", false) ? 1 : 0.5);
  return fmt::format(R"({{"Items":[{}],"Count":{},"ScannedCount":{}{},{}}})", list, count, count, last,
                     Consumed(units));
}

FakeDynamo::Outcome FakeDynamo::Scan(const Object& request) const {
  const auto number_at = [&](std::string_view name, std::int64_t otherwise) {
    const Value* value = request.Find(name);
    return static_cast<std::size_t>(value != nullptr ? *value->AsInteger() : otherwise);
  };
  const std::size_t segments = number_at("TotalSegments", 1);
  const Value* start = request.Find("ExclusiveStartKey");
  std::string list;
  std::size_t bytes = 0;
  std::size_t count = 0;
  std::string last;
  for (auto it = start != nullptr ? items_.upper_bound(KeyIn(*store_dynamodb::ItemFrom(*start))) : items_.begin();
       it != items_.end(); ++it) {
    if (std::hash<std::string>{}(it->first.pk) % segments != number_at("Segment", 0)) continue;
    list += (count > 0 ? "," : "") + JsonOf(it->second);
    bytes += store::ItemSize(it->second);
    ++count;
    if (count < number_at("Limit", std::numeric_limits<std::int64_t>::max()) && bytes < kPageBytesMax) continue;
    last = ",\"LastEvaluatedKey\":" + JsonOf(Item{{"PK", it->first.pk}, {"SK", it->first.sk}});
    break;
  }
  const double units = UnitsOf(bytes, 4096) * (BoolAt(request, "ConsistentRead", false) ? 1 : 0.5);
  return fmt::format(R"({{"Items":[{}],"Count":{},"ScannedCount":{}{},{}}})", list, count, count, last,
                     Consumed(units));
}

FakeDynamo::Outcome FakeDynamo::BatchGet(const Object& request, bool unprocessed) const {
  const auto& [table, asked] = *request.Find("RequestItems")->AsObject()->begin();
  std::string items;
  std::string left;
  std::size_t count = 0;
  for (const Value& value : *asked.AsObject()->Find("Keys")->AsList()) {
    const auto key = store_dynamodb::ItemFrom(value);
    if (unprocessed && count++ % 2 == 1) {
      left += (left.empty() ? "" : ",") + JsonOf(*key);
      continue;
    }
    if (const Item* item = Find(KeyIn(*key))) items += (items.empty() ? "" : ",") + JsonOf(*item);
  }
  const std::string open = left.empty() ? "" : fmt::format(R"("{}":{{"Keys":[{}]}})", table, left);
  return fmt::format(R"({{"Responses":{{"{}":[{}]}},"UnprocessedKeys":{{{}}}}})", table, items, open);
}

FakeDynamo::Outcome FakeDynamo::BatchWrite(const Object& request, bool unprocessed) {
  const auto& [table, asked] = *request.Find("RequestItems")->AsObject()->begin();
  List left;
  std::size_t count = 0;
  double units = 0;
  for (const Value& value : *asked.AsList()) {
    if (unprocessed && count++ % 2 == 1) {
      left.push_back(value);
      continue;
    }
    const auto& [kind, inner] = *value.AsObject()->begin();
    auto prepared = Prepare(kind == "PutRequest" ? "Put" : "Delete", *inner.AsObject());
    if (!prepared) return std::unexpected(std::move(prepared.error()));
    units += UnitsOf(prepared->after ? store::ItemSize(*prepared->after) : 0, 1024);
    CommitWrite(*prepared);
  }
  Object open;
  if (!left.empty()) open.Set(table, std::move(left));
  return fmt::format(R"({{"UnprocessedItems":{},"ConsumedCapacity":[{{"CapacityUnits":{}}}]}})",
                     json::Write(Value(std::move(open))), units);
}

FakeDynamo::Outcome FakeDynamo::Transact(const Object& request) {
  const std::string token = TextAt(request, "ClientRequestToken");
  const std::string text = json::Write(*request.Find("TransactItems"));
  if (const auto known = tokens_.find(token); !token.empty() && known != tokens_.end()) {
    if (known->second == text) return std::string("{}");
    return std::unexpected(Refusal{400, "IdempotentParameterMismatchException", "the token was used already"});
  }
  std::vector<Prepared> writes;
  std::string reasons;
  bool cancelled = false;
  for (const Value& value : *request.Find("TransactItems")->AsList()) {
    const auto& [kind, inner] = *value.AsObject()->begin();
    auto prepared = Prepare(kind, *inner.AsObject());
    if (!prepared) return std::unexpected(std::move(prepared.error()));
    std::string reason = R"({"Code":"None"})";
    if (!prepared->condition_holds) {
      reason = fmt::format(R"({{"Code":"ConditionalCheckFailed","Message":"failed"{}}})",
                           prepared->existing ? ",\"Item\":" + JsonOf(*prepared->existing) : "");
    } else if (prepared->too_large) {
      reason = R"({"Code":"ValidationError","Message":"Item size to update has exceeded the maximum allowed size"})";
    }
    cancelled = cancelled || !prepared->condition_holds || prepared->too_large;
    reasons += (reasons.empty() ? "" : ",") + reason;
    writes.push_back(*std::move(prepared));
  }
  if (cancelled)
    return std::unexpected(Refusal{400, "TransactionCanceledException", "Transaction cancelled",
                                   R"(,"CancellationReasons":[)" + reasons + "]"});
  for (const Prepared& write : writes) CommitWrite(write);
  if (!token.empty()) tokens_.emplace(token, text);
  return fmt::format(R"({{"ConsumedCapacity":[{{"CapacityUnits":{0},"WriteCapacityUnits":{0}}}]}})", 2 * writes.size());
}

FakeDynamo::Outcome FakeDynamo::Describe(const Object& request) const {
  std::string indexes;
  const auto schema = [](const store::IndexAttributes& names) {
    return fmt::format(R"([{{"AttributeName":"{}","KeyType":"HASH"}},{{"AttributeName":"{}","KeyType":"RANGE"}}])",
                       names.partition, names.sort);
  };
  for (const store::Index index : store::kSecondaryIndexes)
    indexes += fmt::format(
        R"({}{{"IndexName":"{}","IndexStatus":"ACTIVE","KeySchema":{},"Projection":{{"ProjectionType":"ALL"}}}})",
        indexes.empty() ? "" : ",", store::NameOf(index), schema(store::AttributesOf(index)));
  return fmt::format(
      R"({{"Table":{{"TableName":"{}","TableStatus":"ACTIVE","KeySchema":{},"ItemCount":{},"GlobalSecondaryIndexes":[{}]}}}})",
      TextAt(request, "TableName"), schema(store::AttributesOf(store::Index::kTable)), items_.size(), indexes);
}

FakeDynamo::Outcome FakeDynamo::Dispatch(std::string_view operation, const Object& request, bool unprocessed) {
  if (operation == "GetItem") return GetItem(request);
  if (operation == "PutItem" || operation == "UpdateItem" || operation == "DeleteItem")
    return SingleWrite(operation, request);
  if (operation == "Query") return Query(request);
  if (operation == "Scan") return Scan(request);
  if (operation == "BatchGetItem") return BatchGet(request, unprocessed);
  if (operation == "BatchWriteItem") return BatchWrite(request, unprocessed);
  if (operation == "TransactWriteItems") return Transact(request);
  if (operation == "DescribeTable") return Describe(request);
  return std::unexpected(Refusal{400, "UnknownOperationException", ""});
}

std::optional<FakeDynamo::Refusal> FakeDynamo::CheckDate(const HttpRequest& request) const {
  if (!clock_tolerance) return std::nullopt;
  for (const auto& [name, value] : request.headers) {
    if (name != "x-amz-date") continue;
    const std::string early = aws::AmzDate(clock_.Now() - *clock_tolerance);
    const std::string late = aws::AmzDate(clock_.Now() + *clock_tolerance);
    if (value >= early && value <= late) return std::nullopt;
  }
  return Refusal{400, "InvalidSignatureException", "Signature not yet current or expired"};
}

HttpResponse FakeDynamo::Carry(const HttpRequest& request, std::string_view operation, bool unprocessed) {
  const std::lock_guard lock(mutex_);
  if (const auto refusal = CheckDate(request))
    return Respond(refusal->status, ErrorBody(refusal->type, refusal->message, ""), clock_);
  const auto body = json::Parse(request.body, {.bytes_max = 64UL * 1024 * 1024, .depth_max = 96});
  if (!body || body->AsObject() == nullptr)
    return Respond(400, ErrorBody("SerializationException", "no JSON object", ""), clock_);
  const Outcome outcome = Dispatch(operation, *body->AsObject(), unprocessed);
  if (outcome) return Respond(200, *outcome, clock_);
  const Refusal& refusal = outcome.error();
  return Respond(refusal.status, ErrorBody(refusal.type, refusal.message, refusal.more), clock_);
}

HttpResponse FakeDynamo::Answer(const HttpRequest& request) { return Carry(request, OperationOf(request), false); }

void FakeDynamo::DeliverDue(std::uint64_t now) {
  std::vector<HttpRequest> due;
  {
    const std::lock_guard lock(mutex_);
    for (Late& late : late_) {
      if (late.due <= now) due.push_back(std::move(late.request));
    }
    std::erase_if(late_, [&](const Late& late) { return late.due <= now; });
  }
  for (const HttpRequest& request : due) Answer(request);
}

std::expected<HttpResponse, TransportError> FakeDynamo::Send(const HttpRequest& request, std::stop_token /*stop*/) {
  using Kind = TransportError::Kind;
  const std::string operation = OperationOf(request);
  std::uint64_t number = 0;
  {
    const std::lock_guard lock(mutex_);
    number = ++requests_;
  }
  DeliverDue(number);
  const Fault fault = script ? script(operation) : Fault::kNone;
  switch (fault) {
    case Fault::kNone: return Answer(request);
    case Fault::kUnprocessed: return Carry(request, operation, true);
    case Fault::kResetBefore: return Break(Kind::kBroken, true);
    case Fault::kNotConnected: return Break(Kind::kNotConnected, false);
    case Fault::kResetAfter: Answer(request); return Break(Kind::kBroken, true);
    case Fault::kTimeoutAfter:
      Answer(request);
      if (pass_) pass_(request.timeout);
      return Break(Kind::kTimeout, true);
    case Fault::kLate: {
      if (pass_) pass_(request.timeout);
      const std::lock_guard lock(mutex_);
      late_.push_back({.request = request, .due = number + 1 + number % 3});
      return Break(Kind::kTimeout, true);
    }
    case Fault::kWrongChecksum: {
      HttpResponse response = Answer(request);
      response.body.back() = ' ';
      return response;
    }
    case Fault::kErrorAfter: Answer(request); return Refuse(fault, operation, request, clock_);
    default: return Refuse(fault, operation, request, clock_);
  }
}

std::vector<FakeDynamo::Commit> FakeDynamo::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

std::map<Key, Item> FakeDynamo::items() const {
  const std::lock_guard lock(mutex_);
  return items_;
}

std::uint64_t FakeDynamo::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeDynamo::WriteBehind(const Item& item) {
  const std::lock_guard lock(mutex_);
  CommitWrite({.key = KeyIn(item), .after = item});
}

}  // namespace guidon::dynamodb_test

// SPDX-License-Identifier: Apache-2.0
#include "guidon/store_dynamodb/table_admin.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "guidon/json/json.hpp"
#include "guidon/store/table_rules.hpp"
#include "guidon/store_dynamodb/wire.hpp"

namespace guidon::store_dynamodb {
namespace {

using base::ErrorCode;
using base::Result;
using base::Status;
using model::List;
using model::Object;
using model::Value;

constexpr std::string_view kTtlAttribute = "ttl";
constexpr std::chrono::milliseconds kPollFirst{100};
constexpr std::chrono::milliseconds kPollMax{5000};

Object ObjectOf(std::vector<Object::Entry> entries) {
  Object object;
  for (auto& [name, value] : entries) object.Set(name, std::move(value));
  return object;
}

const Value* At(const Object& object, std::string_view name) { return object.Find(name); }

const Object* ObjectAt(const Object& object, std::string_view name) {
  const Value* value = At(object, name);
  return value != nullptr ? value->AsObject() : nullptr;
}

std::string TextAt(const Object& object, std::string_view name) {
  const Value* value = At(object, name);
  const std::string* text = value != nullptr ? value->AsString() : nullptr;
  return text != nullptr ? *text : std::string();
}

std::int64_t IntegerAt(const Object& object, std::string_view name) {
  const Value* value = At(object, name);
  const std::int64_t* number = value != nullptr ? value->AsInteger() : nullptr;
  return number != nullptr ? *number : 0;
}

bool BoolAt(const Object& object, std::string_view name) {
  const Value* value = At(object, name);
  const bool* flag = value != nullptr ? value->AsBool() : nullptr;
  return flag != nullptr && *flag;
}

const List& ListAt(const Object& object, std::string_view name) {
  static const List kNone;
  const Value* value = At(object, name);
  return value != nullptr && value->AsList() != nullptr ? *value->AsList() : kNone;
}

base::Error Explain(const aws::ServiceError& error, std::string_view operation, const std::string& name) {
  base::Error out = aws::ToError(error);
  out.message = fmt::format("{} of table {}: {}", operation, name, out.message);
  // In use: it exists when it should be made, and is protected or changing when it should go.
  if (error.type == "ResourceInUseException")
    out.code = operation == "CreateTable" ? ErrorCode::kAlreadyExists : ErrorCode::kConflict;
  if (error.type == "ValidationException" &&
      (error.message.contains("protected") || error.message.contains("DeletionProtection")))
    out.code = ErrorCode::kConflict;
  return out;
}

// An emulator's way of saying that it does not have an operation.
bool IsUnknownOperation(const aws::ServiceError& error) {
  return error.type == "UnknownOperationException" || error.status == 501;
}

Result<Object> Call(aws::Client& client, std::string_view operation, const std::string& name, const Object& request) {
  const auto answer = client.Call(operation, json::Write(Value(request)));
  if (!answer) return std::unexpected(Explain(answer.error(), operation, name));
  return ParseAnswer(answer->body);
}

Value KeySchema(std::string_view partition, std::string_view sort) {
  return List{Value(ObjectOf({{"AttributeName", partition}, {"KeyType", "HASH"}})),
              Value(ObjectOf({{"AttributeName", sort}, {"KeyType", "RANGE"}}))};
}

Value Throughput(const TableSettings& settings) {
  return ObjectOf({{"ReadCapacityUnits", settings.read_units}, {"WriteCapacityUnits", settings.write_units}});
}

Object CreateRequest(const std::string& name, const TableSettings& settings) {
  const bool provisioned = settings.billing == Billing::kProvisioned;
  List attributes;
  List indexes;
  const auto attribute = [&](std::string_view key) {
    attributes.emplace_back(ObjectOf({{"AttributeName", key}, {"AttributeType", "S"}}));
  };
  attribute("PK");
  attribute("SK");
  for (const store::Index index : store::kSecondaryIndexes) {
    const store::IndexAttributes keys = store::AttributesOf(index);
    attribute(keys.partition);
    attribute(keys.sort);
    Object entry = ObjectOf({{"IndexName", store::NameOf(index)},
                             {"KeySchema", KeySchema(keys.partition, keys.sort)},
                             {"Projection", ObjectOf({{"ProjectionType", "ALL"}})}});
    if (provisioned) entry.Set("ProvisionedThroughput", Throughput(settings));
    indexes.emplace_back(std::move(entry));
  }
  Object request = ObjectOf({{"TableName", name},
                             {"AttributeDefinitions", std::move(attributes)},
                             {"KeySchema", KeySchema("PK", "SK")},
                             {"GlobalSecondaryIndexes", std::move(indexes)},
                             {"BillingMode", provisioned ? "PROVISIONED" : "PAY_PER_REQUEST"}});
  if (provisioned) request.Set("ProvisionedThroughput", Throughput(settings));
  if (!settings.kms_key.empty())
    request.Set("SSESpecification",
                ObjectOf({{"Enabled", true}, {"SSEType", "KMS"}, {"KMSMasterKeyId", settings.kms_key}}));
  if (settings.deletion_protection) request.Set("DeletionProtectionEnabled", true);
  if (settings.stream)
    request.Set("StreamSpecification", ObjectOf({{"StreamEnabled", true}, {"StreamViewType", "NEW_AND_OLD_IMAGES"}}));
  List tags;
  for (const auto& [key, value] : settings.tags) tags.emplace_back(ObjectOf({{"Key", key}, {"Value", value}}));
  if (!tags.empty()) request.Set("Tags", std::move(tags));
  return request;
}

struct KeyNames {
  std::string partition;
  std::string sort;
};

KeyNames KeysIn(const Object& described) {
  KeyNames names;
  for (const Value& element : ListAt(described, "KeySchema")) {
    if (element.AsObject() == nullptr) continue;
    (TextAt(*element.AsObject(), "KeyType") == "HASH" ? names.partition : names.sort) =
        TextAt(*element.AsObject(), "AttributeName");
  }
  return names;
}

IndexDescription IndexFrom(const Object& described) {
  const KeyNames keys = KeysIn(described);
  const Object* projection = ObjectAt(described, "Projection");
  return {.name = TextAt(described, "IndexName"),
          .status = TextAt(described, "IndexStatus"),
          .partition_key = keys.partition,
          .sort_key = keys.sort,
          .projection = projection != nullptr ? TextAt(*projection, "ProjectionType") : "",
          .items = IntegerAt(described, "ItemCount"),
          .bytes = IntegerAt(described, "IndexSizeBytes")};
}

TableDescription TableFrom(const Object& described) {
  const KeyNames keys = KeysIn(described);
  TableDescription table{.name = TextAt(described, "TableName"),
                         .arn = TextAt(described, "TableArn"),
                         .status = TextAt(described, "TableStatus"),
                         .partition_key = keys.partition,
                         .sort_key = keys.sort,
                         .billing = "PROVISIONED",
                         .items = IntegerAt(described, "ItemCount"),
                         .bytes = IntegerAt(described, "TableSizeBytes")};
  if (const Object* billing = ObjectAt(described, "BillingModeSummary"))
    table.billing = TextAt(*billing, "BillingMode");
  if (const Object* units = ObjectAt(described, "ProvisionedThroughput")) {
    table.read_units = IntegerAt(*units, "ReadCapacityUnits");
    table.write_units = IntegerAt(*units, "WriteCapacityUnits");
  }
  if (const Object* encryption = ObjectAt(described, "SSEDescription"))
    table.encryption = fmt::format("{} {}", TextAt(*encryption, "Status"), TextAt(*encryption, "KMSMasterKeyArn"));
  if (const Object* stream = ObjectAt(described, "StreamSpecification"); stream != nullptr)
    table.stream = BoolAt(*stream, "StreamEnabled") ? TextAt(*stream, "StreamViewType") : "";
  table.deletion_protection = BoolAt(described, "DeletionProtectionEnabled");
  for (const Value& index : ListAt(described, "GlobalSecondaryIndexes")) {
    if (index.AsObject() != nullptr) table.indexes.push_back(IndexFrom(*index.AsObject()));
  }
  return table;
}

void CheckKeys(TableDescription& table) {
  if (table.partition_key != "PK" || table.sort_key != "SK")
    table.problems.push_back(fmt::format("the table's keys are '{}' and '{}' where PK and SK are needed",
                                         table.partition_key, table.sort_key));
  for (const store::Index index : store::kSecondaryIndexes) {
    const std::string_view name = store::NameOf(index);
    const store::IndexAttributes keys = store::AttributesOf(index);
    const auto found = std::ranges::find(table.indexes, name, &IndexDescription::name);
    if (found == table.indexes.end()) {
      table.problems.push_back(fmt::format("the index {} is missing", name));
      continue;
    }
    if (found->partition_key != keys.partition || found->sort_key != keys.sort)
      table.problems.push_back(fmt::format("the index {} is on '{}' and '{}' where {} and {} are needed", name,
                                           found->partition_key, found->sort_key, keys.partition, keys.sort));
    if (found->projection != "ALL")
      table.problems.push_back(fmt::format("the index {} projects {} where ALL is needed", name, found->projection));
  }
}

// Settings that have requests of their own. What the endpoint does not know becomes a note.
class Details {
 public:
  Details(aws::Client& client, TableDescription& table) : client_(client), table_(table) {}

  void ReadTimeToLive() {
    const auto answer = Ask("DescribeTimeToLive", ObjectOf({{"TableName", table_.name}}), "time to live");
    const Object* ttl = answer ? ObjectAt(*answer, "TimeToLiveDescription") : nullptr;
    if (ttl == nullptr) return;
    if (TextAt(*ttl, "TimeToLiveStatus").starts_with("ENABL")) table_.ttl_attribute = TextAt(*ttl, "AttributeName");
    if (table_.ttl_attribute != kTtlAttribute)
      table_.problems.push_back("time to live is not on for the attribute `ttl`: expired items are never deleted");
  }

  void ReadBackups() {
    const auto answer = Ask("DescribeContinuousBackups", ObjectOf({{"TableName", table_.name}}), "backups");
    const Object* backups = answer ? ObjectAt(*answer, "ContinuousBackupsDescription") : nullptr;
    const Object* recovery = backups != nullptr ? ObjectAt(*backups, "PointInTimeRecoveryDescription") : nullptr;
    if (recovery != nullptr) table_.point_in_time_recovery = TextAt(*recovery, "PointInTimeRecoveryStatus");
  }

  void ReadTags() {
    if (table_.arn.empty()) return;
    const auto answer = Ask("ListTagsOfResource", ObjectOf({{"ResourceArn", table_.arn}}), "tags");
    if (!answer) return;
    for (const Value& tag : ListAt(*answer, "Tags")) {
      if (tag.AsObject() != nullptr) table_.tags[TextAt(*tag.AsObject(), "Key")] = TextAt(*tag.AsObject(), "Value");
    }
  }

 private:
  std::optional<Object> Ask(std::string_view operation, const Object& request, std::string_view what) {
    const auto answer = client_.Call(operation, json::Write(Value(request)));
    if (!answer) {
      table_.notes.push_back(
          fmt::format("{}: {}", what,
                      IsUnknownOperation(answer.error()) ? "this endpoint does not have it" : answer.error().message));
      return std::nullopt;
    }
    auto object = ParseAnswer(answer->body);
    if (!object) return std::nullopt;
    return *std::move(object);
  }

  aws::Client& client_;
  TableDescription& table_;
};

Result<TableDescription> DescribeKeys(aws::Client& client, const std::string& name) {
  GUIDON_ASSIGN(const Object answer, Call(client, "DescribeTable", name, ObjectOf({{"TableName", name}})));
  const Object* described = ObjectAt(answer, "Table");
  if (described == nullptr) return base::Fail(ErrorCode::kUnavailable, "the answer describes no table");
  return TableFrom(*described);
}

// Calls `arrived` with growing pauses until it gives an answer.
template <class Arrived>
Status WaitUntil(aws::Client& client, std::string_view what, const Arrived& arrived) {
  const aws::WaitClock::Time deadline = client.wait_clock().Now() + kTableWaitMax;
  for (auto pause = kPollFirst;; pause = std::min(pause * 2, kPollMax)) {
    GUIDON_ASSIGN(const bool done, arrived());
    if (done) return {};
    if (client.wait_clock().Now() + pause > deadline)
      return base::Fail(ErrorCode::kUnavailable, fmt::format("{} takes longer than ten minutes", what));
    client.wait_clock().Pause(pause, {});
  }
}

// What can only be set on an active table. What the endpoint does not know becomes a note.
Status SetAfterwards(aws::Client& client, const std::string& name, const TableSettings& settings,
                     std::vector<std::string>& notes) {
  const auto set = [&](std::string_view operation, const Object& request, std::string_view what) -> Status {
    const auto answer = client.Call(operation, json::Write(Value(request)));
    if (answer) return {};
    if (!IsUnknownOperation(answer.error())) return std::unexpected(Explain(answer.error(), operation, name));
    notes.push_back(fmt::format("{} is not set: this endpoint does not have it", what));
    return {};
  };
  GUIDON_TRY(
      set("UpdateTimeToLive",
          ObjectOf({{"TableName", name},
                    {"TimeToLiveSpecification", ObjectOf({{"Enabled", true}, {"AttributeName", kTtlAttribute}})}}),
          "time to live"));
  if (!settings.point_in_time_recovery) return {};
  return set("UpdateContinuousBackups",
             ObjectOf({{"TableName", name},
                       {"PointInTimeRecoverySpecification", ObjectOf({{"PointInTimeRecoveryEnabled", true}})}}),
             "point-in-time recovery");
}

}  // namespace

Result<TableDescription> CreateTable(aws::Client& client, const std::string& name, const TableSettings& settings) {
  GUIDON_TRY(Call(client, "CreateTable", name, CreateRequest(name, settings)));
  GUIDON_TRY(WaitUntil(client, "making the table", [&]() -> Result<bool> {
    GUIDON_ASSIGN(const TableDescription table, DescribeKeys(client, name));
    return table.status == "ACTIVE" && std::ranges::all_of(table.indexes, [](const IndexDescription& index) {
             return index.status.empty() || index.status == "ACTIVE";
           });
  }));
  std::vector<std::string> notes;
  GUIDON_TRY(SetAfterwards(client, name, settings, notes));
  GUIDON_ASSIGN(TableDescription table, DescribeTable(client, name));
  table.notes.insert(table.notes.begin(), notes.begin(), notes.end());
  return table;
}

Result<TableDescription> DescribeTable(aws::Client& client, const std::string& name) {
  GUIDON_ASSIGN(TableDescription table, DescribeKeys(client, name));
  CheckKeys(table);
  Details details(client, table);
  details.ReadTimeToLive();
  details.ReadBackups();
  details.ReadTags();
  return table;
}

Status EnableTimeToLive(aws::Client& client, const std::string& name) {
  std::vector<std::string> notes;
  GUIDON_TRY(SetAfterwards(client, name, {}, notes));
  if (notes.empty()) return {};
  return base::Fail(ErrorCode::kUnsupported, notes.front());
}

Status DeleteTable(aws::Client& client, const std::string& name) {
  GUIDON_TRY(Call(client, "DeleteTable", name, ObjectOf({{"TableName", name}})));
  return WaitUntil(client, "deleting the table", [&]() -> Result<bool> {
    const auto table = DescribeKeys(client, name);
    if (table) return false;
    if (table.error().code == ErrorCode::kNotFound) return true;
    return std::unexpected(table.error());
  });
}

}  // namespace guidon::store_dynamodb

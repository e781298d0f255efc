// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "guidon/aws/client.hpp"
#include "guidon/base/result.hpp"

// Making, describing and deleting the table of spec 2: PK and SK, three global secondary indexes that project
// everything, `ttl` as time to live.
namespace guidon::store_dynamodb {

enum class Billing : std::uint8_t { kOnDemand, kProvisioned };

struct TableSettings {
  Billing billing = Billing::kOnDemand;
  std::int64_t read_units = 5;  // provisioned, of the table and of each index
  std::int64_t write_units = 5;
  std::string kms_key = {};  // key id, ARN or alias for encryption at rest; "" = DynamoDB's own key
  bool point_in_time_recovery = false;
  bool deletion_protection = false;
  bool stream = false;  // of old and new images
  std::map<std::string, std::string> tags = {};
};

struct IndexDescription {
  std::string name;
  std::string status;
  std::string partition_key;
  std::string sort_key;
  std::string projection;
  std::int64_t items = 0;
  std::int64_t bytes = 0;
};

struct TableDescription {
  std::string name;
  std::string arn;
  std::string status;  // "CREATING", "ACTIVE", …
  std::string partition_key;
  std::string sort_key;
  std::string billing;  // "PAY_PER_REQUEST" or "PROVISIONED"
  std::int64_t read_units = 0;
  std::int64_t write_units = 0;
  std::int64_t items = 0;  // as of DynamoDB's last count, some six hours old
  std::int64_t bytes = 0;
  std::string ttl_attribute = {};                  // "" = off or unknown
  std::string point_in_time_recovery = "unknown";  // "ENABLED", "DISABLED"
  std::string encryption = "DynamoDB's own key";
  bool deletion_protection = false;
  std::string stream = {};  // "" = off
  std::map<std::string, std::string> tags = {};
  std::vector<IndexDescription> indexes = {};
  // What differs from what Guidon needs, each a sentence; empty: all is well.
  std::vector<std::string> problems = {};
  // What the endpoint would not say or do.
  std::vector<std::string> notes = {};
};

inline constexpr std::chrono::minutes kTableWaitMax{10};

// Makes the table, waits until it is active, then sets what can only be set on an active one. Errors: kAlreadyExists,
// kPermissionDenied, kUnavailable, kInvalidArgument (what DynamoDB refuses). Settings that the endpoint does not know
// (emulators) become notes.
base::Result<TableDescription> CreateTable(aws::Client& client, const std::string& name, const TableSettings& settings);

// Errors: kNotFound, kPermissionDenied, kUnavailable.
base::Result<TableDescription> DescribeTable(aws::Client& client, const std::string& name);

// Turns time to live on for the attribute `ttl`. Errors: kInvalidArgument (it is on for another one), kNotFound,
// kPermissionDenied, kUnavailable.
base::Status EnableTimeToLive(aws::Client& client, const std::string& name);

// Waits until it is gone. Errors: kNotFound, kConflict (deletion protection, or it is being made), kPermissionDenied,
// kUnavailable.
base::Status DeleteTable(aws::Client& client, const std::string& name);

}  // namespace guidon::store_dynamodb

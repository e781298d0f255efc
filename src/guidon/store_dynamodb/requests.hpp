// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "guidon/store/scan.hpp"
#include "guidon/store/table.hpp"

// Bodies of the requests of DynamoDB's API, version 2012-08-10. Every attribute goes through an expression attribute
// name, so that no reserved word is in the way. Pure functions.
//
// `now_s` (epoch seconds) makes conditions see an item whose `ttl` is past as absent (store::Table): DynamoDB deletes
// expired items hours later.
namespace guidon::store_dynamodb {

// "PutItem", "UpdateItem", "DeleteItem"; a condition check has no operation of its own.
std::string_view OperationNameOf(const store::TransactionOperation& operation);

std::string GetBody(std::string_view table, const store::Key& key, store::Consistency consistency);
std::string WriteBody(std::string_view table, const store::TransactionOperation& operation, std::int64_t now_s);
std::string TransactionBody(std::string_view table, std::span<const store::TransactionOperation> operations,
                            std::string_view token, std::int64_t now_s);
std::string QueryBody(std::string_view table, const store::Query& query);
std::string ScanBody(std::string_view table, const store::Scan& scan);
std::string BatchGetBody(std::string_view table, std::span<const store::Key> keys, store::Consistency consistency);
std::string BatchWriteBody(std::string_view table, std::span<const store::BatchWriteOperation> operations);

}  // namespace guidon::store_dynamodb

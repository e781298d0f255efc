// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "guidon/store_dynamodb/dynamo_table.hpp"

namespace guidon::store_dynamodb {

// One transaction on its way. Lives for one call.
class DynamoTable::Transaction {
 public:
  Transaction(DynamoTable& table, std::span<const store::TransactionOperation> operations, std::string_view token);

  base::Result<store::TransactionResult> Run();

 private:
  // Nothing: to be sent again.
  using Decision = std::optional<base::Result<store::TransactionResult>>;
  void Build();
  Decision SendOnce();
  Decision AfterCancellation(const aws::ServiceError& error);
  Decision AfterUnknown(const aws::ServiceError& error);
  bool ReplaceExpired(const std::vector<store::CancellationReason>& reasons);
  bool AllIsThere();

  DynamoTable& table_;
  const std::span<const store::TransactionOperation> wanted_;
  const aws::WaitClock::Time deadline_;
  std::string token_;
  // What is sent: `wanted_`, with updates that met an expired item as puts of a new one.
  std::vector<store::TransactionOperation> sent_;
  // Its text. A token stands for one text: the same token with another is refused.
  std::string body_;
  bool throttled_ = false;
  bool answers_lost_ = false;  // of any attempt
};

}  // namespace guidon::store_dynamodb

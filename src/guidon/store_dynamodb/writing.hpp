// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guidon/store_dynamodb/dynamo_table.hpp"

namespace guidon::store_dynamodb {

// One single-item write on its way. Lives for one call.
class DynamoTable::Writing {
 public:
  Writing(DynamoTable& table, const store::TransactionOperation& operation)
      : table_(table), wanted_(operation), deadline_(table.client_.DeadlineFromNow()) {}

  base::Result<store::WriteResult> Run();

 private:
  // Nothing: to be sent (again).
  using Decision = std::optional<base::Result<store::WriteResult>>;
  Decision SendOnce();
  Decision AfterRefusal(const aws::ServiceError& error);
  Decision AfterLostAnswer(const aws::ServiceError& error);
  Decision AfterLateArrival(const store::Item* existing);
  Decision Refused(std::optional<store::Item> existing) const;
  Decision MeetsExpired();
  base::Error ErrorOf(aws::ServiceError error) const;

  DynamoTable& table_;
  const store::TransactionOperation& wanted_;
  const aws::WaitClock::Time deadline_;
  // An update that meets an expired item is sent as the put of a new one.
  std::optional<store::TransactionOperation> instead_;
  bool answers_lost_ = false;
};

}  // namespace guidon::store_dynamodb

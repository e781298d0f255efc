// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "apps/guidon/configuration.hpp"
#include "guidon/aws/client.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/store_dynamodb/dynamo_table.hpp"

namespace guidon::cli {

// A client of DynamoDB with all that it needs: machine, transport, credentials. Thread-safe as the client is.
class DynamoConnection {
 public:
  // Nothing is sent. Errors: kUsage (region, endpoint, AWS files), kUnavailable (libcurl is not installed). `clock`
  // must outlive it.
  static Outcome<std::unique_ptr<DynamoConnection>> Open(const DynamoConfiguration& configuration,
                                                         const base::Clock& clock);
  ~DynamoConnection();
  DynamoConnection(const DynamoConnection&) = delete;
  DynamoConnection& operator=(const DynamoConnection&) = delete;

  aws::Client& client();
  // On the configured table; must not outlive the connection.
  std::unique_ptr<store_dynamodb::DynamoTable> MakeTable();
  // "table feature-flags-prod in ap-northeast-1", with the endpoint where it is not the region's own.
  std::string Describe() const;

 private:
  struct Impl;
  explicit DynamoConnection(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace guidon::cli

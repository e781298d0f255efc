// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "guidon/api_http/more_metrics.hpp"
#include "guidon/aws/client.hpp"
#include "guidon/store_dynamodb/dynamo_table.hpp"

namespace guidon::cli {

// What the client of DynamoDB counts, as metrics "guidon_dynamodb_…".
std::vector<api_http::MetricGroup> DynamoMetrics(const aws::ClientFigures& client,
                                                 const store_dynamodb::DynamoFigures& table);

}  // namespace guidon::cli

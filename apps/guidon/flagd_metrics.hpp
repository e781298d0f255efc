// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "guidon/api_grpc/figures.hpp"
#include "guidon/api_http/more_metrics.hpp"

namespace guidon::cli {

// What the flagd interfaces count, as metrics "guidon_flagd_…".
std::vector<api_http::MetricGroup> FlagdMetrics(const api_grpc::Figures& figures);

}  // namespace guidon::cli

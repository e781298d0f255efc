// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace guidon::api_http {

// Figures of parts that this module does not know (a client of a cloud's store), to be shown at /metrics.
struct MetricSample {
  std::vector<std::pair<std::string, std::string>> labels = {};
  double value = 0;
};
struct MetricGroup {
  std::string name;  // "guidon_…"; counters end in "_total"
  std::string help;
  bool counter = true;  // else a gauge
  std::vector<MetricSample> samples = {};
  // A histogram instead: upper bounds, counts (one more than bounds), sum.
  std::vector<double> bounds = {};
  std::vector<std::uint64_t> counts = {};
  double sum = 0;
};
// Called for each scrape, from any thread.
using MoreMetrics = std::function<std::vector<MetricGroup>()>;

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/flagd_metrics.hpp"

#include <string>
#include <utility>

namespace guidon::cli {
namespace {

api_http::MetricGroup Group(std::string name, std::string help, bool counter, std::uint64_t value) {
  return {.name = std::move(name),
          .help = std::move(help),
          .counter = counter,
          .samples = {{.value = static_cast<double>(value)}}};
}

}  // namespace

std::vector<api_http::MetricGroup> FlagdMetrics(const api_grpc::Figures& figures) {
  return {Group("guidon_flagd_streams", "Open streams of flagd's providers.", false, figures.streams.load()),
          Group("guidon_flagd_sync_serialisations_total",
                "Definitions written down for sync, once for all streams of a selector.", true,
                figures.sync_serialisations.load()),
          Group("guidon_flagd_sync_messages_total", "Definitions sent to sync streams.", true,
                figures.sync_messages.load()),
          Group("guidon_flagd_flags_left_out", "Flags that sync leaves out since flagd's format cannot say them.",
                false, figures.flags_left_out.load())};
}

}  // namespace guidon::cli

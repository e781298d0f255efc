// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "guidon/app/change_feed.hpp"
#include "guidon/app/propagation.hpp"

// The bytes of events (text/event-stream, HTML standard section 9.2).
namespace guidon::api_http {

inline constexpr std::string_view kKeepAliveComment = ":\n\n";

// OFREP 0.3.0: {"type":"refetchEvaluation","etag","lastModified"}.
std::string RefetchEvent(std::string_view id, base::Timestamp at);

// What a management stream is about: everything of an environment, or what one tenant's administrator may know of it.
struct ManagementView {
  std::string_view environment;
  std::string_view tenant = {};  // "" = everything
};
// "change" events, one for each change of the entry that the view has, or "resync"; empty where it has none. Only views
// of everything show sequences: they count others' changes, too.
std::string ChangeEvents(const ManagementView& view, std::string_view id, const app::FeedEntry& entry);
// "resync": what came between is not known any more, so everything is to be read anew.
std::string ResyncEvent(const ManagementView& view, std::string_view id, std::uint64_t sequence);
// "node": which node speaks, and whether it goes on ("serving") or ends ("draining").
std::string NodeEvent(const ManagementView& view, std::string_view id, std::string_view node, std::string_view state,
                      std::uint64_t sequence);

// "propagation": how many clients of the node that speaks have the latest change. Only for views of everything.
std::string ProgressEvent(const ManagementView& view, std::string_view node, const app::ChangeProgress& progress);

}  // namespace guidon::api_http

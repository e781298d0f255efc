// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "guidon/base/time.hpp"

namespace guidon::app {

// What the URL of an event stream allows: to hear that something changed for one sort of context. It shows no value and
// evaluates nothing.
struct StreamGrant {
  std::string environment;
  // Of the contexts; "" = without a tenant, or one that cannot have anything of its own; kEveryTenant = of any.
  std::string tenant = {};
  std::string key_id = {};  // that it was given to; "" = nobody's (the local profile without a key)
  base::Timestamp expires_at = {};
  std::uint64_t since = 0;  // what the holder was told up to, by the change log
  friend bool operator==(const StreamGrant&, const StreamGrant&) = default;
};

// A URL works for half a window at least and one and a half at most: browsers open it again and again by themselves.
inline constexpr std::chrono::hours kStreamGrantWindow{12};
// Number of the window that `now` lies in; what is given out changes with it.
std::int64_t StreamWindow(base::Timestamp now);
base::Timestamp StreamGrantExpiry(base::Timestamp now);

// Texts that only nodes of this table can make and read (docs/adr/0016): authenticated and encrypted with keys derived
// from the secret, so that they show neither how many changes there were nor whose. The same content always gives the
// same text, on every node. Immutable and thread-safe.
class StreamTokens {
 public:
  explicit StreamTokens(std::string_view secret);

  std::string Issue(const StreamGrant& grant) const;
  // Nothing where it was not issued here; whoever asks looks at the expiry.
  std::optional<StreamGrant> Read(std::string_view token) const;

  // The id of an event of a scope, which is its entity tag, too: what the change log was at. `scope` keeps one scope's
  // ids from meaning anything in another.
  std::string EventId(std::string_view scope, std::uint64_t sequence) const;
  std::optional<std::uint64_t> SequenceOf(std::string_view scope, std::string_view event_id) const;

 private:
  std::string Seal(std::string_view purpose, std::string_view plain) const;
  std::optional<std::string> Open(std::string_view purpose, std::string_view sealed) const;
  std::string IvOf(std::string_view purpose, std::string_view plain) const;

  std::string mac_key_;
  std::string cipher_key_;
};

}  // namespace guidon::app

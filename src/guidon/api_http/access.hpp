// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/api_http/http.hpp"
#include "guidon/api_http/problem.hpp"
#include "guidon/api_http/route.hpp"
#include "guidon/api_http/server.hpp"
#include "guidon/app/application.hpp"

namespace guidon::api_http {

// Who sends a request, and which environment it is about.
struct Access {
  const app::Principal* principal = nullptr;  // never nullptr once admitted
  std::string environment = {};               // "" where the request is about none
  std::string tenant = {};                    // of flagd's calls: the only one whose answers they get; "" = any
};

// What one connection's last credential turned out to be, so that the hash is computed once for a connection. Valid
// while the key ring is the same; expiry is looked at for each request.
struct CredentialCache {
  std::string text;
  app::Principal principal;
  std::uint64_t ring_generation = 0;
  std::optional<base::Timestamp> expires_at;
  base::Timestamp noted_at = {};
  std::string host;  // the last Host that passed the local profile's check
};

// The key ring as one I/O context sees it.
class RingReader {
 public:
  explicit RingReader(const base::Published<app::KeyRing>& source) : reader_(source) {}
  const app::KeyRing& Current() {
    const app::KeyRing& ring = reader_.Current();
    // The reader held the last one until now, so another ring cannot have its address.
    if (&ring != last_) {
      last_ = &ring;
      ++generation_;
    }
    return ring;
  }
  // Of what Current() returned last.
  std::uint64_t generation() const { return generation_; }

 private:
  base::Published<app::KeyRing>::Reader reader_;
  const app::KeyRing* last_ = nullptr;
  std::uint64_t generation_ = 0;
};

// The one place where requests are authenticated, authorised and bound to an environment (spec 4 "Keys", spec 6):
// denied by default, and the answer does not depend on whether the thing exists. Thread-safe; a cache and a ring
// reader belong to one thread.
class Gate {
 public:
  Gate(app::Application& app, const ServerOptions& options);

  // Host and Origin of the local profile: another web site must not reach it by DNS rebinding.
  std::optional<Problem> CheckSite(CredentialCache& cache, const RequestHead& head) const;
  // Why the request may not be carried out, or nothing and `access`. `path_environment`: {env} of the path, "" where
  // the route has none; it need not exist.
  std::optional<Problem> Admit(CredentialCache& cache, RingReader& ring, const RequestHead& head, const Route& route,
                               std::string_view path_environment, std::string_view peer, std::string_view request_id,
                               Access& access) const;
  // What the token of a stream's URL allows; nothing where it does not hold (any more).
  std::optional<app::StreamGrant> AdmitStream(RingReader& ring, std::string_view token) const;
  // The same rules for another environment that a request turns out to be about.
  std::optional<Problem> AdmitEnvironment(const app::RequestInfo& request, app::Permission permission,
                                          std::string_view environment) const;
  // The tenant of an evaluation: the credential's where it has one. Refuses (and records) another tenant.
  std::optional<Problem> CheckTenant(const app::RequestInfo& request, std::string_view environment,
                                     std::string_view tenant) const;
  // Records a request that named another tenant than its credential or selector.
  void RecordTenant(const app::RequestInfo& request, std::string_view environment) const;
  // The origin where its pages may read answers of this route; empty otherwise.
  std::string_view AllowedOrigin(const RequestHead& head, bool evaluation) const;
  // Whether requests from this machine need no key.
  bool local_profile() const { return local_profile_; }

 private:
  const app::Principal& PrincipalOf(CredentialCache& cache, RingReader& ring, const RequestHead& head,
                                    std::string_view peer) const;
  std::optional<Problem> ResolveEnvironment(const RequestHead& head, const Route& route,
                                            std::string_view path_environment, Access& access) const;
  std::optional<Problem> ResolveSelector(const RequestHead& head, Access& access) const;
  bool IsLocalHost(std::string_view host) const;
  void Record(const app::RequestInfo& request, std::string_view environment, std::string_view resource,
              std::string_view detail) const;

  app::Application& app_;
  const bool local_profile_;
  const std::string default_environment_;
  const std::vector<std::string> allowed_hosts_;
  const std::vector<std::string> allowed_origins_;
  const app::Principal anonymous_;
  const app::Principal local_;
};

// Who asks, for use cases and the audit log.
app::RequestInfo RequestInfoOf(const app::Principal& principal, const RequestHead& head, std::string_view peer,
                               std::string_view request_id);

}  // namespace guidon::api_http

// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_http/access.hpp"

#include <algorithm>
#include <utility>

#include "guidon/api_http/text.hpp"
#include "guidon/flagd_service/scope.hpp"
#include "guidon/store/keys.hpp"

namespace guidon::api_http {
namespace {

using app::Principal;
using app::PrincipalKind;

constexpr std::size_t kUserAgentBytesMax = 256;
constexpr std::size_t kCredentialBytesMax = 256;     // longer than any key
constexpr std::chrono::minutes kNoteUseInterval{1};  // last use is kept for days, not for seconds

bool IsLoopbackAddress(std::string_view peer) {
  return peer.starts_with("127.") || peer == "::1" || peer.starts_with("::ffff:127.");
}

// "host:port" without the port; brackets of IPv6 stay.
std::string_view WithoutPort(std::string_view host) {
  const std::size_t colon = host.rfind(':');
  const std::size_t bracket = host.rfind(']');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

// "https://host:port" without the scheme; empty for "null" and everything that is no web origin.
std::string_view OriginHost(std::string_view origin) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (origin.starts_with(scheme)) return origin.substr(scheme.size());
  }
  return {};
}

struct Credential {
  bool present = false;
  std::string_view token = {};  // empty: present, and not usable
};

Credential CredentialOf(const RequestHead& head) {
  const std::size_t bearers = head.Count(Header::kAuthorization);
  const std::size_t keys = head.Count(Header::kApiKey);
  if (bearers + keys == 0) return {};
  Credential credential{.present = true};
  if (bearers + keys > 1) return credential;  // which of them is meant, nobody knows
  std::string_view text = head.Get(bearers == 1 ? Header::kAuthorization : Header::kApiKey);
  if (bearers == 1) {
    constexpr std::string_view kScheme = "Bearer ";
    if (text.size() <= kScheme.size() || !EqualsIgnoringCase(text.substr(0, kScheme.size()), kScheme))
      return credential;
    text.remove_prefix(kScheme.size());
  }
  if (text.size() <= kCredentialBytesMax) credential.token = text;
  return credential;
}

std::string_view ResourceOf(const RequestHead& head) {
  const std::string_view target = head.Target();
  return target.substr(0, target.find('?'));
}

Problem TwiceThere(std::string_view header) {
  return {.status = 400,
          .code = base::Name(base::ErrorCode::kInvalidArgument),
          .detail = "must be there only once",
          .field = std::string(header)};
}

bool IsEvaluation(const Route& route) { return route.permission == app::Permission::kEvaluate; }

}  // namespace

app::RequestInfo RequestInfoOf(const Principal& principal, const RequestHead& head, std::string_view peer,
                               std::string_view request_id) {
  return {.principal = principal,
          .request_id = std::string(request_id),
          .address = std::string(peer),
          .user_agent = PrintableAscii(head.Get(Header::kUserAgent), kUserAgentBytesMax)};
}

Gate::Gate(app::Application& app, const ServerOptions& options)
    : app_(app),
      local_profile_(options.local_profile),
      default_environment_(options.default_environment),
      allowed_hosts_(options.allowed_hosts),
      allowed_origins_(options.allowed_origins),
      local_({.kind = PrincipalKind::kLocal, .id = "local"}) {}

bool Gate::IsLocalHost(std::string_view host) const {
  const std::string_view name = WithoutPort(host);
  for (const std::string_view known : {"localhost", "127.0.0.1", "[::1]"}) {
    if (EqualsIgnoringCase(name, known)) return true;
  }
  return std::ranges::any_of(allowed_hosts_, [&](const std::string& allowed) {
    return EqualsIgnoringCase(name, allowed) || EqualsIgnoringCase(host, allowed);
  });
}

std::optional<Problem> Gate::CheckSite(CredentialCache& cache, const RequestHead& head) const {
  if (!local_profile_) return std::nullopt;
  const std::string_view host = head.Get(Header::kHost);
  if (host.empty() || host != cache.host) {
    if (!IsLocalHost(host))
      return Problem{.status = 421,
                     .code = "MISDIRECTED_REQUEST",
                     .detail = "The local profile answers only to loopback names and the configured hosts.",
                     .field = "Host"};
    cache.host = host;
  }
  if (!head.Has(Header::kOrigin)) return std::nullopt;
  const std::string_view origin = head.Get(Header::kOrigin);
  const bool same = head.Count(Header::kOrigin) == 1 && EqualsIgnoringCase(OriginHost(origin), host);
  if (same || std::ranges::find(allowed_origins_, origin) != allowed_origins_.end()) return std::nullopt;
  return Problem{.status = 403,
                 .code = base::Name(base::ErrorCode::kPermissionDenied),
                 .detail = "Pages of other sites may not use the local profile.",
                 .field = "Origin"};
}

const Principal& Gate::PrincipalOf(CredentialCache& cache, RingReader& ring, const RequestHead& head,
                                   std::string_view peer) const {
  const Credential credential = CredentialOf(head);
  if (!credential.present) return local_profile_ && IsLoopbackAddress(peer) ? local_ : anonymous_;
  if (credential.token.empty()) return anonymous_;
  const app::KeyRing& keys = ring.Current();
  const base::Timestamp now = app_.clock().Now();
  if (cache.ring_generation != ring.generation() || cache.text != credential.token) {
    cache.text = credential.token;
    cache.principal = app_.keys().Authenticate(keys, credential.token);
    cache.ring_generation = ring.generation();
    const model::ApiKey* key = keys.Find(cache.principal.id);
    cache.expires_at = key == nullptr ? std::nullopt : (*key)->expires_at;
    cache.noted_at = {};
  }
  if (cache.principal.kind == PrincipalKind::kAnonymous) return anonymous_;
  if (cache.expires_at && *cache.expires_at <= now) return anonymous_;
  if (now - cache.noted_at >= kNoteUseInterval) {
    app_.keys().NoteUse(cache.principal.id);
    cache.noted_at = now;
  }
  return cache.principal;
}

std::optional<Problem> Gate::ResolveEnvironment(const RequestHead& head, const Route& route,
                                                std::string_view path_environment, Access& access) const {
  access.environment = path_environment;
  access.tenant.clear();
  if (!IsEvaluation(route)) return std::nullopt;
  if (head.Count(Header::kEnvironment) > 1) return TwiceThere("Guidon-Environment");
  if (IsConnect(route.protocol)) return ResolveSelector(head, access);
  const std::string_view asked = head.Get(Header::kEnvironment);
  const auto& own = access.principal->environment;
  access.environment = !asked.empty() ? asked : own ? *own : default_environment_;
  return std::nullopt;
}

std::optional<Problem> Gate::ResolveSelector(const RequestHead& head, Access& access) const {
  if (head.Count(Header::kFlagdSelector) > 1) return TwiceThere(flagd_service::kSelectorHeader);
  auto selector = flagd_service::ParseSelector(head.Get(Header::kFlagdSelector));
  if (!selector) return ProblemOf(selector.error());
  if (selector->environment.empty()) selector->environment = head.Get(Header::kEnvironment);
  flagd_service::Scope scope = flagd_service::ScopeOf(*selector, *access.principal, default_environment_);
  access.environment = std::move(scope.environment);
  access.tenant = std::move(scope.tenant);
  return std::nullopt;
}

std::optional<Problem> Gate::Admit(CredentialCache& cache, RingReader& ring, const RequestHead& head,
                                   const Route& route, std::string_view path_environment, std::string_view peer,
                                   std::string_view request_id, Access& access) const {
  const Principal& principal = PrincipalOf(cache, ring, head, peer);
  access.principal = &principal;
  if (auto problem = ResolveEnvironment(head, route, path_environment, access)) return problem;
  const auto allowed =
      IsConnect(route.protocol)
          ? flagd_service::AuthorizeEvaluation(principal, {.environment = access.environment, .tenant = access.tenant})
          : app::Authorize(principal, route.permission, access.environment);
  if (!allowed) {
    if (principal.kind != PrincipalKind::kAnonymous || CredentialOf(head).present)
      Record(RequestInfoOf(principal, head, peer, request_id), access.environment, ResourceOf(head),
             app::NameOf(route.permission));
    return ProblemOf(allowed.error());
  }
  if (access.environment.empty() || app_.snapshots().Find(access.environment) != nullptr) return std::nullopt;
  // From the path it is a thing that is not there; from a header it is a wrong argument.
  return Problem{
      .status = path_environment.empty() ? 400 : 404,
      .code = base::Name(path_environment.empty() ? base::ErrorCode::kInvalidArgument : base::ErrorCode::kNotFound),
      .detail = "There is no such environment; environments are set in the server's configuration.",
      .field = !path_environment.empty()   ? "environment"
               : IsConnect(route.protocol) ? std::string(flagd_service::kSelectorHeader)
                                           : "Guidon-Environment"};
}

std::optional<app::StreamGrant> Gate::AdmitStream(RingReader& ring, std::string_view token) const {
  auto grant = app_.stream_tokens().Read(token);
  const base::Timestamp now = app_.clock().Now();
  if (!grant || grant->expires_at <= now || app_.snapshots().Find(grant->environment) == nullptr) return std::nullopt;
  // Without a key there is only the local profile, and it may have ended since.
  const bool holds = grant->key_id.empty() ? local_profile_ : ring.Current().Holds(grant->key_id, now);
  if (!holds) return std::nullopt;
  return grant;
}

std::optional<Problem> Gate::AdmitEnvironment(const app::RequestInfo& request, app::Permission permission,
                                              std::string_view environment) const {
  if (auto allowed = app::Authorize(request.principal, permission, environment); !allowed) {
    Record(request, environment, "environment", app::NameOf(permission));
    return ProblemOf(allowed.error());
  }
  if (app_.snapshots().Find(environment) != nullptr) return std::nullopt;
  return Problem{.status = 400,
                 .code = base::Name(base::ErrorCode::kInvalidArgument),
                 .detail = "There is no such environment; environments are set in the server's configuration.",
                 .field = "environment"};
}

std::optional<Problem> Gate::CheckTenant(const app::RequestInfo& request, std::string_view environment,
                                         std::string_view tenant) const {
  const auto& bound = request.principal.tenant_id;
  if (!bound || tenant.empty() || tenant == *bound) return std::nullopt;
  RecordTenant(request, environment);
  return Problem{.status = 403,
                 .code = base::Name(base::ErrorCode::kPermissionDenied),
                 .detail = "This key is bound to one tenant, and the request names another.",
                 .field = "tenantId"};
}

void Gate::RecordTenant(const app::RequestInfo& request, std::string_view environment) const {
  Record(request, environment, "context", "tenant");
}

std::string_view Gate::AllowedOrigin(const RequestHead& head, bool evaluation) const {
  if (!evaluation || !head.Has(Header::kOrigin)) return {};
  const auto found = std::ranges::find(allowed_origins_, head.Get(Header::kOrigin));
  return found == allowed_origins_.end() ? std::string_view() : std::string_view(*found);
}

void Gate::Record(const app::RequestInfo& request, std::string_view environment, std::string_view resource,
                  std::string_view detail) const {
  const bool known = !environment.empty() && app_.snapshots().Find(environment) != nullptr;
  app_.audit().RecordRefusal(request, std::string(known ? environment : store::kSystemScope),
                             "path:" + PrintableAscii(resource, 200), std::string(detail));
}

}  // namespace guidon::api_http

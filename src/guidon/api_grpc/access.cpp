// SPDX-License-Identifier: Apache-2.0
#include "guidon/api_grpc/access.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "guidon/store/keys.hpp"

namespace guidon::api_grpc {
namespace {

using app::Principal;
using app::PrincipalKind;
using base::ErrorCode;
using base::Fail;

constexpr std::size_t kCredentialBytesMax = 256;  // longer than any key
constexpr std::size_t kUserAgentBytesMax = 256;
constexpr std::string_view kSelectorHeader = "flagd-selector";

// "ipv4:127.0.0.1:5000", "ipv6:%5B::1%5D:5000", "unix:…": who reaches a socket file is a matter of its permissions.
bool IsLocalPeer(std::string_view peer) {
  return peer.starts_with("ipv4:127.") || peer.starts_with("ipv6:%5B::1%5D:") || peer.starts_with("ipv6:[::1]:") ||
         peer.starts_with("unix:");
}

std::optional<std::string> HeaderOf(const grpc::CallbackServerContext& context, std::string_view name) {
  const auto& headers = context.client_metadata();
  const auto [first, last] = headers.equal_range(grpc::string_ref(name.data(), name.size()));
  if (first == last) return std::nullopt;
  if (std::next(first) != last) return "";  // which of them is meant, nobody knows
  return std::string(first->second.data(), first->second.size());
}

// The token that was sent; "" where something was sent that cannot be one; nothing where nothing was.
std::optional<std::string> TokenOf(const grpc::CallbackServerContext& context) {
  const auto bearer = HeaderOf(context, "authorization");
  const auto key = HeaderOf(context, "x-api-key");
  if (!bearer && !key) return std::nullopt;
  if (bearer && key) return "";
  std::string token = bearer.value_or(key.value_or(""));
  if (bearer) {
    constexpr std::string_view kScheme = "bearer ";
    const bool is_bearer = token.size() > kScheme.size() &&
                           std::ranges::equal(token.substr(0, kScheme.size()), kScheme, [](char sent, char wanted) {
                             return (sent >= 'A' && sent <= 'Z' ? sent - 'A' + 'a' : sent) == wanted;
                           });
    if (!is_bearer) return "";
    token.erase(0, kScheme.size());
  }
  if (token.size() > kCredentialBytesMax) token.clear();
  return token;
}

std::string UserAgentOf(const grpc::CallbackServerContext& context) {
  std::string agent = HeaderOf(context, "user-agent").value_or("").substr(0, kUserAgentBytesMax);
  std::ranges::replace_if(agent, [](char c) { return c < ' ' || c > '~'; }, '?');
  return agent;
}

}  // namespace

app::ClientIdentity IdentityOf(const Caller& caller) {
  // "ipv4:127.0.0.1:54321", "ipv6:%5B::1%5D:54321", "unix:…"
  std::string_view address = caller.info.address;
  if (address.starts_with("ipv")) {
    address.remove_prefix(address.find(':') + 1);
    address = address.substr(0, address.rfind(':'));
  }
  const bool keyless = caller.info.principal.kind == PrincipalKind::kLocal;
  return {.kind = app::ClientKind::kFlagd,
          .tenant = caller.tenant,
          .key_id = keyless ? std::string_view() : caller.info.principal.id,
          .address = address};
}

Gate::Gate(app::Application& app, bool local_profile, std::string default_environment)
    : app_(app), local_profile_(local_profile), default_environment_(std::move(default_environment)) {}

Principal Gate::PrincipalOf(const grpc::CallbackServerContext& context, bool& presented) const {
  const auto token = TokenOf(context);
  presented = token.has_value();
  if (!token) {
    if (local_profile_ && IsLocalPeer(context.peer())) return {.kind = PrincipalKind::kLocal, .id = "local"};
    return {};
  }
  if (token->empty()) return {};
  Principal principal = app_.keys().Authenticate(*app_.keys().ring().Get(), *token);
  if (principal.kind != PrincipalKind::kAnonymous) app_.keys().NoteUse(principal.id);
  return principal;
}

base::Result<Caller> Gate::Admit(const grpc::CallbackServerContext& context, Purpose purpose,
                                 std::string_view selector) const {
  bool presented = false;
  Caller caller;
  caller.info.principal = PrincipalOf(context, presented);
  caller.info.address = context.peer();
  caller.info.user_agent = UserAgentOf(context);
  const Principal& principal = caller.info.principal;
  const std::string header = HeaderOf(context, kSelectorHeader).value_or("");
  GUIDON_ASSIGN(const auto wanted, flagd_service::ParseSelector(header.empty() ? selector : header));
  flagd_service::Scope scope = flagd_service::ScopeOf(wanted, principal, default_environment_);
  auto allowed = flagd_service::AuthorizeEvaluation(principal, scope);
  caller.environment = std::move(scope.environment);
  caller.tenant = std::move(scope.tenant);
  if (allowed && purpose == Purpose::kDefinitions && principal.kind == PrincipalKind::kClient)
    allowed = Fail(ErrorCode::kPermissionDenied,
                   "A client key evaluates; definitions are for server and admin keys. Use one of those.");
  if (!allowed) {
    if (presented) Record(caller, purpose == Purpose::kEvaluate ? "evaluate" : "definitions");
    return std::unexpected(std::move(allowed).error());
  }
  if (app_.snapshots().Find(caller.environment) == nullptr)
    return Fail(ErrorCode::kInvalidArgument,
                "There is no such environment; environments are set in the server's configuration.", "Flagd-Selector");
  return caller;
}

bool Gate::Holds(const Caller& caller) const {
  return caller.info.principal.kind == PrincipalKind::kLocal ||
         app_.keys().ring().Get()->Holds(caller.info.principal.id, app_.clock().Now());
}

void Gate::Record(const Caller& caller, std::string_view detail) const {
  const bool known = app_.snapshots().Find(caller.environment) != nullptr;
  app_.audit().RecordRefusal(caller.info, std::string(known ? caller.environment : std::string(store::kSystemScope)),
                             "grpc:flagd", std::string(detail));
}

}  // namespace guidon::api_grpc

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <grpcpp/server_context.h>

#include "guidon/app/application.hpp"
#include "guidon/base/result.hpp"
#include "guidon/flagd_service/changes.hpp"

namespace guidon::api_grpc {

// What a call is about and who makes it.
struct Caller {
  app::RequestInfo info;
  std::string environment;
  std::string tenant;  // the only one whose answers it gets; "" = any

  flagd_service::Listener listener() const {
    return {.scope = {.environment = environment, .tenant = tenant}, .client = flagd_service::IsClient(info.principal)};
  }
};

// Whom receipts wait for: the connection's address, without its port.
app::ClientIdentity IdentityOf(const Caller& caller);

enum class Purpose : std::uint8_t {
  kEvaluate,     // any key
  kDefinitions,  // whole definitions: not for keys that programs of users carry
};

// The one place where calls are authenticated, authorised and bound to environment and tenant (spec 4, spec 6): denied
// by default, and the answer does not depend on whether the thing exists. Thread-safe.
class Gate {
 public:
  Gate(app::Application& app, bool local_profile, std::string default_environment);

  // `selector`: of the request, for those that have one; the header wins. Errors: kUnauthenticated, kPermissionDenied,
  // kInvalidArgument (selector).
  base::Result<Caller> Admit(const grpc::CallbackServerContext& context, Purpose purpose,
                             std::string_view selector = {}) const;
  // Whether what was opened with the credential may go on.
  bool Holds(const Caller& caller) const;
  // Records a call that was refused for what it said.
  void Record(const Caller& caller, std::string_view detail) const;

 private:
  app::Principal PrincipalOf(const grpc::CallbackServerContext& context, bool& presented) const;

  app::Application& app_;
  const bool local_profile_;
  const std::string default_environment_;
};

}  // namespace guidon::api_grpc

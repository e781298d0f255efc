// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "guidon/aws/credentials.hpp"
#include "guidon/aws/http.hpp"
#include "guidon/aws/machine.hpp"
#include "guidon/aws/profile.hpp"
#include "guidon/base/clock.hpp"

namespace guidon::aws {

// What sources of credentials work with. All must outlive them.
struct CredentialWorld {
  const Machine& machine;
  HttpTransport& transport;
  const base::Clock& clock;
};

// The first of these that is configured, in this order: the environment; the chosen profile (keys, source_profile or
// credential_source with role_arn, web identity, credential_process); web identity from the environment; the container
// endpoint; the instance metadata service, version 2. A place that is configured and fails ends the search: going on
// would act as somebody else. Thread-safe.
class CredentialChain final : public CredentialSource {
 public:
  // `local_endpoint`: the service runs on this machine (an emulator) and takes any key, so where neither environment
  // nor profile has one, a made-up one will do.
  CredentialChain(CredentialWorld world, std::string region, bool local_endpoint = false)
      : world_(world), region_(std::move(region)), local_endpoint_(local_endpoint) {}

  base::Result<std::optional<Credentials>> Fetch() override;

 private:
  CredentialWorld world_;
  const std::string region_;
  const bool local_endpoint_;
};

// Each place by itself, for the chain and for tests. Nothing where it is not configured.
base::Result<std::optional<Credentials>> FromEnvironment(const Machine& machine);
base::Result<std::optional<Credentials>> FromProfile(const CredentialWorld& world, const ProfileFiles& files,
                                                     std::string_view region);
base::Result<std::optional<Credentials>> FromWebIdentity(const CredentialWorld& world, const ProfileFiles& files,
                                                         std::string_view region);
base::Result<std::optional<Credentials>> FromContainer(const CredentialWorld& world);
base::Result<std::optional<Credentials>> FromInstanceMetadata(const CredentialWorld& world);

}  // namespace guidon::aws

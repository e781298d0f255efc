// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "guidon/aws/machine.hpp"
#include "guidon/aws/profile.hpp"
#include "guidon/base/result.hpp"

namespace guidon::aws {

// `configured`, else AWS_REGION, AWS_DEFAULT_REGION, the profile's `region`. Error: kInvalidArgument where none says
// one, or it is no region's name (it becomes part of a host name).
base::Result<std::string> ResolveRegion(std::string_view configured, const Machine& machine,
                                        const ProfileFiles& profiles);

// URL of a service ("dynamodb", "sts"): `configured`, else AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's
// `services` section, its `endpoint_url`, else the public one of the region. Without a slash at its end. Error:
// kInvalidArgument where what is said is no http or https URL.
base::Result<std::string> ResolveEndpoint(std::string_view configured, std::string_view service,
                                          std::string_view region, const Machine& machine,
                                          const ProfileFiles& profiles);

}  // namespace guidon::aws

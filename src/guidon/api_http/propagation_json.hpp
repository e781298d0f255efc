// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "guidon/app/propagation_service.hpp"
#include "guidon/model/value.hpp"

namespace guidon::api_http {

model::Value ConvergenceToJson(const app::Convergence& clients);
model::Value PropagationToJson(const app::PropagationStatus& status);

}  // namespace guidon::api_http

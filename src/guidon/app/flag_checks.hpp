// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "guidon/app/references.hpp"
#include "guidon/app/services.hpp"
#include "guidon/base/result.hpp"
#include "guidon/eval/snapshot.hpp"
#include "guidon/model/flag.hpp"

// What must hold between a flag and everything around it. Not for other modules.
namespace guidon::app {

using Guard = std::function<base::Status(const eval::Snapshot&, const References&)>;

// The flag, read from the store, if the principal may see it. Errors: kNotFound, the same for a flag of somebody else;
// kCorrupt or kUnsupported for an item that cannot be read.
base::Result<model::Flag> VisibleFlag(const Services& services, const Principal& principal,
                                      const model::Environment& env, const model::FlagKey& key);
// Whether there is such a flag that the principal may see, readable or not. Error: kNotFound; those of the store.
base::Status CheckFlagVisible(const Services& services, const Principal& principal, const model::Environment& env,
                              const model::FlagKey& key);

// Prerequisites exist, are visible to the principal and have the variations that are asked for.
// Error: kInvalidArgument with the JSON path.
base::Status CheckPrerequisites(const Services& services, const Principal& principal, const model::Flag& flag);

// For saving the flag: prerequisites and segments are still there, and no chain of prerequisites leads back to it.
// Empty where the flag refers to nothing.
Guard GuardSave(const Principal& principal, const model::Flag& flag);
// For deleting: nobody has it as a prerequisite.
Guard GuardDelete(const Principal& principal, const model::FlagKey& key);

}  // namespace guidon::app

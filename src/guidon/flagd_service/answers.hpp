// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "guidon/app/principal.hpp"
#include "guidon/base/result.hpp"
#include "guidon/base/time.hpp"
#include "guidon/eval/evaluator.hpp"
#include "guidon/model/context.hpp"
#include "guidon/model/value.hpp"

namespace guidon::flagd_service {

// An evaluation context from its fields. `tenant`: what tenantId is where the context names none; naming another is
// refused; "" = any. Errors: kInvalidArgument, kTooLarge naming the attribute; kPermissionDenied (another tenant).
base::Result<model::Context> ContextOf(model::Object fields, std::string_view tenant);

// The tenant whose usage an evaluation counts for; "" = none.
std::string_view TenantOf(const model::Context& context);

// Client keys see only what is marked for clients.
bool MaySee(const app::Principal& principal, const eval::CompiledFlag& flag);

// What the call's flag serves; FLAG_NOT_FOUND where the principal may not see it.
eval::Evaluation Resolve(const eval::Snapshot& snapshot, std::string_view flag_key, const model::Context& context,
                         const app::Principal& principal, base::Timestamp now);

// The calls for one flag, by the type that they answer with.
enum class Kind : std::uint8_t { kBoolean, kString, kFloat, kInt, kObject };
// Whether the value can answer such a call. Every number is a float; an integer is what IntegerOf can say.
bool Fits(Kind kind, const model::Value& value);
// Preconditions: IsNumber().
double NumberOf(const model::Value& value);
// As flagd the fraction is cut off; nothing where 64 bits cannot hold it.
std::optional<std::int64_t> IntegerOf(const model::Value& value);

enum class Version : std::uint8_t { kV1, kV2 };
// Whether ResolveAll leaves it out: flags that fail, and in version 1, whose answers cannot be without a value, those
// for which the program's own default applies. flagd does the same with disabled flags.
bool IsLeftOut(const eval::Evaluation& evaluation, Version version);

// What an answer says besides value, variant and reason; empty where there is nothing.
model::Object MetadataOf(const eval::Evaluation& evaluation);

}  // namespace guidon::flagd_service

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "guidon/base/strong_id.hpp"

namespace guidon::model {

// Ids become parts of table keys, so '#' can appear in none of them (spec 6).

struct FlagKeyRule {
  static constexpr std::string_view kField = "flagKey";
  static base::Status Check(std::string_view text, std::string_view field);  // [a-zA-Z0-9][a-zA-Z0-9._-]{0,127}
};
using FlagKey = base::StrongId<FlagKeyRule>;

struct SegmentKeyRule {
  static constexpr std::string_view kField = "segmentKey";
  static base::Status Check(std::string_view text, std::string_view field);  // as flag keys
};
using SegmentKey = base::StrongId<SegmentKeyRule>;

struct TenantIdRule {
  static constexpr std::string_view kField = "tenantId";
  static base::Status Check(std::string_view text, std::string_view field);  // [a-zA-Z0-9][a-zA-Z0-9._-]{0,63}
};
using TenantId = base::StrongId<TenantIdRule>;

struct EnvironmentRule {
  static constexpr std::string_view kField = "environment";
  static base::Status Check(std::string_view text, std::string_view field);  // [a-z0-9][a-z0-9-]{0,31}
};
using Environment = base::StrongId<EnvironmentRule>;

// A person or team: up to 128 bytes of UTF-8 without '#', control characters, or white space at either end.
struct OwnerRule {
  static constexpr std::string_view kField = "owner";
  static base::Status Check(std::string_view text, std::string_view field);
};
using Owner = base::StrongId<OwnerRule>;

// [a-zA-Z0-9][a-zA-Z0-9._-]{0,63}
struct VariationNameRule {
  static constexpr std::string_view kField = "variation";
  static base::Status Check(std::string_view text, std::string_view field);
};
using VariationName = base::StrongId<VariationNameRule>;

// [0-9a-z]{8,32}: the public part of an API key.
struct KeyIdRule {
  static constexpr std::string_view kField = "keyId";
  static base::Status Check(std::string_view text, std::string_view field);
};
using KeyId = base::StrongId<KeyIdRule>;

}  // namespace guidon::model

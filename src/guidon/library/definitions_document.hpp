// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "guidon/base/result.hpp"
#include "guidon/eval/snapshot.hpp"

namespace guidon::library {

// Of the text of a definitions document: a hundred thousand flags, or segments of a million keys.
inline constexpr std::size_t kDocumentBytesMax = 256UL * 1024 * 1024;

// Everything of one environment in one JSON document:
//
//   {"environment": "production", "sequence": 7,
//    "flags": […], "segments": […],                       as in the management API; `environment` may be left out
//    "overrides": [{"flagKey", "tenantId", "variation"}],  or "enabled": true | false in place of the variation
//    "killSwitches": [{"scope", "reason"}]}                scope "global", "flag:KEY", "tenant:ID" or "owner:NAME"
//
// GET /api/v1/environments/{env}/definitions answers with one, which also holds `complete`: true, `tenantId` and
// `eventStreams` (not looked at here), and what the server cannot read: `brokenFlags` [{"flagKey","tenantId"}] and
// `brokenSegments`
// [{"segmentKey"}]. Changes (`complete`: false) are refused.
//
// All but `environment` may be left out. The whole document is refused where a part of it is wrong, so that a program
// never runs on half of its definitions. Errors: kMalformed (no JSON), kTooLarge, kInvalidArgument or kUnsupported with
// the JSON path ("flags[3].targetingRules[0].when.all[1].operator").
base::Result<eval::Definitions> ParseDefinitions(std::string_view text);

}  // namespace guidon::library

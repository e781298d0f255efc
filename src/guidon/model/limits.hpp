// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

// Named limits of the domain. A DynamoDB item holds 400 KB, so lists are bounded such that a sensible flag fits; the
// item codec refuses what does not fit all the same.
namespace guidon::model {

inline constexpr std::size_t kFlagKeyBytesMax = 128;     // spec 6
inline constexpr std::size_t kTenantIdBytesMax = 64;     // spec 6
inline constexpr std::size_t kSegmentKeyBytesMax = 128;  // like flag keys
inline constexpr std::size_t kEnvironmentBytesMax = 32;  // part of every partition key
inline constexpr std::size_t kOwnerBytesMax = 128;       // a team's name or mail address
inline constexpr std::size_t kVariationNameBytesMax = 64;
inline constexpr std::size_t kRuleIdBytesMax = 64;
inline constexpr std::size_t kAttributeNameBytesMax = 128;  // with nested path
inline constexpr std::size_t kDescriptionBytesMax = 4096;
inline constexpr std::size_t kReasonBytesMax = 1024;  // why a kill switch was engaged
inline constexpr std::size_t kNameBytesMax = 128;     // of a tenant or an API key, for people
inline constexpr std::size_t kPlanBytesMax = 64;      // a tenant's plan, for people
inline constexpr std::size_t kActorBytesMax = 256;    // who did it: a key id, a person's mail address
inline constexpr std::size_t kTagBytesMax = 64;
inline constexpr std::size_t kTagsMax = 50;
inline constexpr std::size_t kVariationsMax = 100;
inline constexpr std::size_t kVariationValueBytesMax = 64UL * 1024;  // strings and serialised objects
inline constexpr std::size_t kVariationValueDepthMax = 20;           // DynamoDB nests 32 levels; the item uses some
inline constexpr std::size_t kRulesMax = 200;
inline constexpr std::size_t kConditionDepthMax = 8;
inline constexpr std::size_t kConditionsPerRuleMax = 200;
inline constexpr std::size_t kConditionValuesMax = 1000;
inline constexpr std::size_t kConditionValueBytesMax = 1024;
// A flagd expression and the evaluators it refers to, each: the largest of flagd's own examples have some 2 KB.
inline constexpr std::size_t kTargetingBytesMax = 64UL * 1024;
inline constexpr std::size_t kTargetingDepthMax = 64;      // an operator is two levels; bounds the stack of evaluation
inline constexpr std::size_t kTargetingNodesMax = 20'000;  // with every $ref followed
inline constexpr std::size_t kTargetingEvaluatorsMax = 100;
inline constexpr std::size_t kEvaluatorNameBytesMax = 128;
inline constexpr std::size_t kMetadataMax = 50;         // entries of a flag's metadata
inline constexpr std::size_t kMetadataBytesMax = 4096;  // names and values together
inline constexpr std::size_t kPrerequisitesMax = 20;
inline constexpr std::size_t kSaltBytesMax = 128;
inline constexpr std::size_t kSegmentKeysMax = 1'000'000;  // explicit keys of a segment, each list (spec 3)
// Both lists together, each key with one byte more: what a node holds of a segment in memory, and what the index of its
// parts can name within one item however long the keys are.
inline constexpr std::size_t kSegmentKeyTextBytesMax = 64UL * 1024 * 1024;
// Up to here a segment's keys are part of it, in its item and in every answer that shows it; more are kept apart.
inline constexpr std::size_t kSegmentKeyTextBytesTogetherMax = 64UL * 1024;
inline constexpr std::size_t kTargetingKeyBytesMax = 1024;
inline constexpr std::size_t kContextAttributesMax = 200;
inline constexpr std::size_t kContextValuesMax = 4096;  // with all nested ones: evaluation walks lists
inline constexpr std::size_t kContextDepthMax = 8;
inline constexpr std::size_t kContextStringBytesMax = 8UL * 1024;
inline constexpr std::int64_t kSplitWeightTotalMax = 2'147'483'647;  // spec 3: 2^31 - 1
inline constexpr std::int64_t kPercentageScale = 1000;               // three decimals kept (spec 2)
inline constexpr std::int64_t kPercentageMax = 100 * kPercentageScale;

}  // namespace guidon::model

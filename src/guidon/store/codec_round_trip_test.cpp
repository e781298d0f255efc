// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <string>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "guidon/json/json.hpp"
#include "guidon/model/testing/generators.hpp"
#include "guidon/store/codec.hpp"

// DecodeX(EncodeX(x)) is x, for whatever the domain allows, and what is encoded can be stored.
namespace guidon::store {
namespace {

namespace gen = model::testing;

bool KeepsNames(const model::Value& value) {
  if (const auto* list = value.AsList()) return std::ranges::all_of(*list, KeepsNames);
  const auto* object = value.AsObject();
  return object == nullptr || std::ranges::all_of(*object, [](const auto& entry) {
           return !entry.first.empty() && KeepsNames(entry.second);
         });
}

// An item cannot have an empty attribute name, which JSON allows: the table refuses such a variation.
bool CanBeStored(const model::Flag& flag) {
  return std::ranges::all_of(flag->variations, [](const auto& entry) { return KeepsNames(entry.second); });
}

template <class T, class Encode, class Decode>
void ExpectRoundTrip(const T& entity, Encode encode, Decode decode) {
  const Item item = encode(entity);
  const auto back = decode(item);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == entity);
  RC_ASSERT(encode(*back) == item);
}

RC_GTEST_PROP(CodecRoundTripTest, Values, ()) {
  const model::Value value = *gen::AnyValue();
  const auto back = ValueOf(AttributeOf(value), "value");
  if (back) RC_LOG() << json::Write(value) << " became " << json::Write(*back);
  RC_ASSERT(back.has_value());
  RC_ASSERT(*back == value);
}

RC_GTEST_PROP(CodecRoundTripTest, Flags, ()) {
  const model::Flag flag = *gen::AnyFlag();
  ExpectRoundTrip(flag, EncodeFlag, DecodeFlag);
  RC_ASSERT(ValidateItem(EncodeFlag(flag)).has_value() == CanBeStored(flag));
}

RC_GTEST_PROP(CodecRoundTripTest, Segments, ()) {
  const model::Segment segment = *gen::AnySegment();
  ExpectRoundTrip(segment, EncodeSegment, DecodeSegment);
  RC_ASSERT(ValidateItem(EncodeSegment(segment)).has_value());
}

RC_GTEST_PROP(CodecRoundTripTest, Overrides, ()) {
  const model::Override override = *gen::AnyOverride();
  const base::Timestamp created = gen::DrawTime();
  const auto back = DecodeOverride(EncodeOverride(override, created));
  RC_ASSERT(back.has_value());
  RC_ASSERT(back->override == override);
  RC_ASSERT(back->flag_created_at == created);
}

RC_GTEST_PROP(CodecRoundTripTest, KillSwitches, ()) {
  ExpectRoundTrip(*gen::AnyKillSwitch(), EncodeKillSwitch, DecodeKillSwitch);
}

RC_GTEST_PROP(CodecRoundTripTest, Tenants, ()) { ExpectRoundTrip(*gen::AnyTenant(), EncodeTenant, DecodeTenant); }

RC_GTEST_PROP(CodecRoundTripTest, ApiKeys, ()) { ExpectRoundTrip(*gen::AnyApiKey(), EncodeApiKey, DecodeApiKey); }

RC_GTEST_PROP(CodecRoundTripTest, AuditRecords, ()) {
  AuditRecord record{.at = gen::DrawTime(),
                     .request_id = gen::DrawId(),
                     .actor_id = gen::DrawLine(),
                     .actor_kind = "admin",
                     .actor_tenant = gen::Maybe([] { return gen::DrawId(); }),
                     .address = gen::DrawLine(),
                     .user_agent = gen::DrawLine(),
                     .action = "flag.create",
                     .scope = gen::DrawEnvironment(),
                     .resource = gen::DrawLine(),
                     .tenant_id = gen::Maybe([] { return gen::DrawId(); }),
                     .sequence = gen::AnySize(0, 1000),
                     .before = gen::DrawText(),
                     .after = gen::DrawText()};
  ExpectRoundTrip(record, EncodeAudit, DecodeAudit);
}

RC_GTEST_PROP(CodecRoundTripTest, ChangeRecords, ()) {
  ChangeRecord record{.scope = gen::DrawEnvironment(),
                      .sequence = gen::AnySize(0, 1'000'000),
                      .at = gen::DrawTime(),
                      .action = "flag.create",
                      .kind = gen::Flip() ? ChangeKind::kPut : ChangeKind::kRemove,
                      .entity = "override",
                      .resource = gen::DrawLine(),
                      .tenants = gen::Several(0, 3, [] { return gen::DrawId(); }),
                      .version = gen::AnySize(0, 1000),
                      .request_id = gen::DrawId()};
  ExpectRoundTrip(record, EncodeChange, DecodeChange);
}

RC_GTEST_PROP(CodecRoundTripTest, IdempotencyRecords, ()) {
  IdempotencyRecord record{.owner = gen::DrawId(),
                           .key = gen::DrawText(),
                           .fingerprint = gen::DrawId(),
                           .result = gen::DrawText(),
                           .sequence = gen::AnySize(0, 1000),
                           .at = gen::DrawTime()};
  ExpectRoundTrip(record, EncodeIdempotency, DecodeIdempotency);
}

}  // namespace
}  // namespace guidon::store

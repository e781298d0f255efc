// SPDX-License-Identifier: Apache-2.0
#include <set>

#include <gmock/gmock.h>

#include "support.hpp"

namespace guidon::app::testing {
namespace {

using base::ErrorCode;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

model::KeyId IdOf(const model::ApiKey& key) { return Must(model::KeyId::Parse(key->key_id)); }

class Keys : public ::testing::Test {
 protected:
  World world;
  KeyService& keys = world.app->keys();

  static model::ApiKeyFields Server() {
    return {.key_id = {}, .kind = model::KeyKind::kServer, .name = "backend", .environment = "development"};
  }
  IssuedKey Create(model::ApiKeyFields fields) { return Must(keys.Create(world.Admin(), std::move(fields))).entity; }
  Principal Who(std::string_view token) const { return keys.Authenticate(*keys.ring().Get(), token); }
  bool Works(const IssuedKey& key) const { return Who(*key.token).kind != PrincipalKind::kAnonymous; }
};

TEST_F(Keys, TokensHaveOneForm) {
  const std::string secret(43, 'A');
  const auto parsed = ParseKeyToken("gdn_server_0123456789abcdef_" + secret);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->kind, model::KeyKind::kServer);
  EXPECT_EQ(parsed->key_id, "0123456789abcdef");
  EXPECT_TRUE(ParseKeyToken("gdn_client_0123456789abcdef_" + std::string(20, '_') + std::string(22, '-') + "A"));
  for (const std::string& bad :
       {std::string(), std::string("gdn_"), std::string("gdn_server"), std::string("gdn_server_"),
        "xyz_server_0123456789abcdef_" + secret, "gdn_robot_0123456789abcdef_" + secret,
        "gdn_server_UPPER678_" + secret, "gdn_server_short_" + secret, "gdn_server_0123456789abcdef_" + secret + "A",
        "gdn_server_0123456789abcdef_" + secret.substr(1), "gdn_server_0123456789abcdef_" + secret.substr(1) + "*",
        std::string(100'000, 'g')})
    EXPECT_FALSE(ParseKeyToken(bad).has_value()) << bad.substr(0, 80);
}

TEST_F(Keys, ANewKeyWorksAtOnceAndSaysWhoItIs) {
  auto fields = Server();
  fields.tenant_id = "acme";
  const IssuedKey issued = Create(fields);
  ASSERT_TRUE(issued.token.has_value());
  EXPECT_TRUE(ParseKeyToken(*issued.token).has_value());
  const Principal who = Who(*issued.token);
  EXPECT_EQ(who.kind, PrincipalKind::kServer);
  EXPECT_EQ(who.id, issued.key->key_id);
  EXPECT_EQ(who.environment, "development");
  EXPECT_EQ(who.tenant_id, "acme");
  world.Restart();
  EXPECT_EQ(world.app->keys().Authenticate(*world.app->keys().ring().Get(), *issued.token).id, who.id);
}

TEST_F(Keys, NeitherTokenNorHashIsInStoreAnswerOrAudit) {
  const IssuedKey issued = Create(Server());
  const auto item = Must(world.memory.Get(store::ApiKeyItemKey(IdOf(issued.key)), store::Consistency::kStrong)).item;
  ASSERT_TRUE(item.has_value());
  const std::string secret = issued.token->substr(issued.token->size() - 43);
  for (const auto& [name, value] : *item) {
    if (value.AsString() != nullptr) EXPECT_THAT(*value.AsString(), Not(HasSubstr(secret))) << name;
  }
  const auto audit = world.Audit("key:" + issued.key->key_id, "_system");
  ASSERT_THAT(audit, SizeIs(1));
  EXPECT_THAT(audit[0].after, Not(HasSubstr(secret)));
  EXPECT_THAT(audit[0].after, Not(HasSubstr(issued.key->secret_hash)));
  EXPECT_THAT(audit[0].after, HasSubstr("backend"));
}

TEST_F(Keys, NothingButTheWholeTokenWorks) {
  const IssuedKey issued = Create(Server());
  const std::string& token = *issued.token;
  EXPECT_EQ(Who("").kind, PrincipalKind::kAnonymous);
  EXPECT_EQ(Who(issued.key->key_id).kind, PrincipalKind::kAnonymous);
  EXPECT_EQ(Who(token.substr(0, token.size() - 1)).kind, PrincipalKind::kAnonymous);
  EXPECT_EQ(Who(token + "A").kind, PrincipalKind::kAnonymous);
  std::string other_secret = token;
  other_secret[token.size() - 5] = other_secret[token.size() - 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Who(other_secret).kind, PrincipalKind::kAnonymous);
  std::string as_admin = token;
  as_admin.replace(4, 6, "admin");
  EXPECT_EQ(Who(as_admin).kind, PrincipalKind::kAnonymous);
  EXPECT_EQ(Who(std::string(1'000'000, 'x')).kind, PrincipalKind::kAnonymous);
  // Another secret for hashing, another installation: the same token means nothing there.
  store::Repository repository(world.memory);
  KeyService elsewhere({.repository = repository,
                        .snapshots = world.app->snapshots(),
                        .committer = world.app->committer(),
                        .clock = world.clock},
                       std::string(32, 's'));
  EXPECT_EQ(elsewhere.Authenticate(*keys.ring().Get(), token).kind, PrincipalKind::kAnonymous);
}

TEST_F(Keys, ExpireByTheClock) {
  auto fields = Server();
  fields.expires_at = world.clock.Now() + hours{1};
  const IssuedKey issued = Create(fields);
  world.clock.Advance(hours{1} - milliseconds{1});
  EXPECT_TRUE(Works(issued));
  world.clock.Advance(milliseconds{1});
  EXPECT_FALSE(Works(issued));

  fields.expires_at = world.clock.Now();
  EXPECT_EQ(MustFail(keys.Create(world.Admin(), fields)).field, "expiresAt");
}

TEST_F(Keys, RotationOverlapsAndThenOnlyTheNewOneWorks) {
  const IssuedKey old = Create(Server());
  const auto rotated = Must(keys.Rotate(world.Admin(), IdOf(old.key), {.overlap = hours{2}}));
  const IssuedKey& fresh = rotated.entity;
  EXPECT_NE(fresh.key->key_id, old.key->key_id);
  EXPECT_EQ(fresh.key->kind, old.key->kind);
  EXPECT_EQ(fresh.key->environment, old.key->environment);
  EXPECT_EQ(fresh.key->name, "backend");
  EXPECT_EQ(fresh.key->expires_at, std::nullopt);
  EXPECT_EQ(world.table.transactions(), 2) << "both keys change in one transaction";
  EXPECT_TRUE(Works(old));
  EXPECT_TRUE(Works(fresh));
  const auto replaced = Must(keys.Get(world.Admin(), IdOf(old.key)));
  EXPECT_EQ(replaced->replaced_by, fresh.key->key_id);
  EXPECT_EQ(replaced->expires_at, world.clock.Now() + hours{2});
  world.clock.Advance(hours{2});
  EXPECT_FALSE(Works(old));
  EXPECT_TRUE(Works(fresh));
}

TEST_F(Keys, RotationKeepsALifeAsLongAndNeverProlongsTheOldKey) {
  auto fields = Server();
  fields.expires_at = world.clock.Now() + hours{10};
  const IssuedKey old = Create(fields);
  world.clock.Advance(hours{9});
  const auto rotated = Must(keys.Rotate(world.Admin(), IdOf(old.key), {.overlap = hours{24}}));
  EXPECT_EQ(rotated.entity.key->expires_at, world.clock.Now() + hours{10});
  EXPECT_EQ(Must(keys.Get(world.Admin(), IdOf(old.key)))->expires_at, fields.expires_at);
}

TEST_F(Keys, WithoutOverlapTheOldKeyStopsAtOnce) {
  const IssuedKey old = Create(Server());
  Must(keys.Rotate(world.Admin(), IdOf(old.key), {.overlap = seconds{0}}));
  EXPECT_FALSE(Works(old));
}

TEST_F(Keys, WhatIsGoneCannotBeRotated) {
  const IssuedKey old = Create(Server());
  EXPECT_EQ(MustFail(keys.Rotate(world.Admin(), IdOf(old.key), {.overlap = seconds{-1}})).field, "overlapSeconds");
  EXPECT_EQ(MustFail(keys.Rotate(world.Admin(), IdOf(old.key), {.overlap = hours{24 * 30 + 1}})).field,
            "overlapSeconds");
  Must(keys.Rotate(world.Admin(), IdOf(old.key), {.overlap = hours{1}}));
  EXPECT_EQ(MustFail(keys.Rotate(world.Admin(), IdOf(old.key), {})).code, ErrorCode::kConflict);
  const IssuedKey revoked = Create(Server());
  Must(keys.Revoke(world.Admin(), IdOf(revoked.key)));
  EXPECT_THAT(MustFail(keys.Rotate(world.Admin(), IdOf(revoked.key), {})).message, HasSubstr("revoked"));
  EXPECT_EQ(MustFail(keys.Rotate(world.Admin(), Must(model::KeyId::Parse("unknown0")), {})).code, ErrorCode::kNotFound);
}

TEST_F(Keys, RevocationWorksAtOnceAndTwiceIsFine) {
  const IssuedKey issued = Create(Server());
  const auto revoked = Must(keys.Revoke(world.Admin(), IdOf(issued.key)));
  EXPECT_EQ(revoked.entity->revoked_at, world.clock.Now());
  EXPECT_FALSE(Works(issued));
  world.clock.Advance(seconds{1});
  const auto again = Must(keys.Revoke(world.Admin(), IdOf(issued.key)));
  EXPECT_EQ(again.entity, revoked.entity);
  EXPECT_EQ(again.sequence, revoked.sequence);
  EXPECT_THAT(world.Changes("_system"), SizeIs(2));
  world.Restart();
  EXPECT_EQ(world.app->keys().Authenticate(*world.app->keys().ring().Get(), *issued.token).kind,
            PrincipalKind::kAnonymous);
}

TEST_F(Keys, ServerAndClientKeysNeedAnEnvironmentThatExists) {
  auto fields = Server();
  fields.environment.reset();
  EXPECT_EQ(MustFail(keys.Create(world.Admin(), fields)).field, "environment");
  fields.environment = "nowhere";
  EXPECT_EQ(MustFail(keys.Create(world.Admin(), fields)).field, "environment");
  fields.kind = model::KeyKind::kAdmin;
  fields.environment.reset();
  EXPECT_EQ(Who(*Create(fields).token).kind, PrincipalKind::kAdmin);
}

TEST_F(Keys, ABoundPrincipalMakesKeysOnlyWithinItsBounds) {
  RequestInfo request = world.AdminOf("acme");
  auto fields = Server();
  EXPECT_EQ(Must(keys.Create(request, fields)).entity.key->tenant_id, "acme");
  fields.tenant_id = "globex";
  EXPECT_EQ(MustFail(keys.Create(request, fields)).code, ErrorCode::kPermissionDenied);

  request = world.Admin();
  request.principal.environment = "production";
  fields = Server();
  EXPECT_EQ(MustFail(keys.Create(request, fields)).code, ErrorCode::kPermissionDenied);
  fields.environment.reset();
  EXPECT_EQ(Must(keys.Create(request, fields)).entity.key->environment, "production");
}

TEST_F(Keys, AnIdempotentReplayHasNoToken) {
  const RequestInfo request = world.WithKey("once", "{}");
  const auto first = Must(keys.Create(request, Server()));
  const auto second = Must(keys.Create(request, Server()));
  EXPECT_FALSE(first.replayed);
  EXPECT_TRUE(second.replayed);
  EXPECT_EQ(second.entity.key, first.entity.key);
  EXPECT_EQ(second.entity.token, std::nullopt);
  EXPECT_EQ(second.sequence, first.sequence);
  EXPECT_THAT(Must(keys.List(world.Admin(), {})).items, SizeIs(1));

  const RequestInfo rotation = world.WithKey("turn", "{}");
  const auto rotated = Must(keys.Rotate(rotation, IdOf(first.entity.key), {}));
  const auto replayed = Must(keys.Rotate(rotation, IdOf(first.entity.key), {}));
  EXPECT_EQ(replayed.entity.key->key_id, rotated.entity.key->key_id);
  EXPECT_TRUE(replayed.replayed);
  EXPECT_EQ(replayed.entity.token, std::nullopt);
}

TEST_F(Keys, LastUseIsWrittenAtMostOnceAnHour) {
  const IssuedKey issued = Create(Server());
  const auto last_used = [&] { return Must(keys.Get(world.Admin(), IdOf(issued.key)))->last_used_at; };
  const base::Timestamp first = world.clock.Now();
  keys.NoteUse(issued.key->key_id);
  EXPECT_EQ(last_used(), std::nullopt);
  Must(world.app->FlushBackgroundWrites());
  EXPECT_EQ(last_used(), first);
  world.clock.Advance(std::chrono::minutes{59});
  keys.NoteUse(issued.key->key_id);
  Must(keys.FlushUsage());
  EXPECT_EQ(last_used(), first);
  world.clock.Advance(std::chrono::minutes{1});
  keys.NoteUse(issued.key->key_id);
  Must(keys.FlushUsage());
  EXPECT_EQ(last_used(), world.clock.Now());
  EXPECT_EQ(Must(keys.Get(world.Admin(), IdOf(issued.key)))->version, 1U);

  // A new process knows from the store when it was written last.
  world.Restart();
  world.clock.Advance(std::chrono::minutes{1});
  world.app->keys().NoteUse(issued.key->key_id);
  Must(world.app->keys().FlushUsage());
  EXPECT_EQ(Must(world.app->keys().Get(world.Admin(), IdOf(issued.key)))->last_used_at,
            world.clock.Now() - std::chrono::minutes{1});
}

TEST_F(Keys, UseOfAKeyThatIsNotThereLeavesNothingBehind) {
  keys.NoteUse("0123456789abcdef");
  Must(keys.FlushUsage());
  EXPECT_EQ(Must(world.memory.Get(store::ApiKeyItemKey(Must(model::KeyId::Parse("0123456789abcdef"))),
                                  store::Consistency::kStrong))
                .item,
            std::nullopt);
}

TEST_F(Keys, AReloadDoesNotForgetWhatWasChangedMeanwhile) {
  const IssuedKey old = Create(Server());
  const auto before = Must(world.memory.RunQuery(
      {.index = store::Index::kGsi1Flags, .partition = std::string(store::kApiKeysIndexPartition)}));
  ASSERT_THAT(before.items, SizeIs(1));
  std::optional<IssuedKey> fresh;
  bool once = true;
  world.table.AfterRead([&](store::QueryPage& page) {
    if (!std::exchange(once, false)) return;
    // The reload has read, and publishes only after these two changes: what it has read is old by then.
    fresh = Create(Server());
    Must(keys.Revoke(world.Admin(), IdOf(old.key)));
    ASSERT_EQ(page.items, before.items);
  });
  Must(keys.Reload());
  ASSERT_TRUE(fresh.has_value());
  EXPECT_TRUE(Works(*fresh));
  EXPECT_FALSE(Works(old));
}

TEST_F(Keys, ListShowsWhatThePrincipalMaySee) {
  auto fields = Server();
  fields.tenant_id = "acme";
  const auto mine = Create(fields);
  fields.tenant_id = "globex";
  const auto theirs = Create(fields);
  const auto shared = Create(Server());
  const auto ids = [&](const RequestInfo& request) {
    std::set<std::string> found;
    for (const auto& key : Must(keys.List(request, {})).items) found.insert(key->key_id);
    return found;
  };
  EXPECT_THAT(ids(world.Admin()), UnorderedElementsAre(mine.key->key_id, theirs.key->key_id, shared.key->key_id));
  EXPECT_THAT(ids(world.AdminOf("acme")), UnorderedElementsAre(mine.key->key_id));
}

}  // namespace
}  // namespace guidon::app::testing

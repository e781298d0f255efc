// SPDX-License-Identifier: Apache-2.0
// Definitions for those who evaluate in their own process: what is in them for whom, what changed, and what is not
// shown.
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "guidon/eval/evaluator.hpp"
#include "guidon/library/definitions_document.hpp"
#include "harness.hpp"

namespace guidon::api_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const std::string kEnvironment = "/api/v1/environments/development";

std::string Gunzip(const std::string& bytes) {
  constexpr int kGzipWindow = 15 + 16;
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, kGzipWindow), Z_OK);
  std::string in = bytes;
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);  // checksum and length included
  EXPECT_EQ(stream.avail_in, 0U);
  out.resize(out.size() - stream.avail_out);
  inflateEnd(&stream);
  return out;
}

// Values of `name` in the objects of a list of the document.
std::vector<std::string> Names(const Reply& reply, std::string_view list, std::string_view name) {
  std::vector<std::string> names;
  const model::Value document = reply.Json();
  const model::Value* items = document.AsObject()->Find(list);
  if (items == nullptr) return {"no such list"};
  for (const model::Value& item : *items->AsList()) {
    names.push_back(item.AsString() != nullptr ? *item.AsString() : *item.AsObject()->Find(name)->AsString());
  }
  return names;
}
std::vector<std::string> Flags(const Reply& reply) { return Names(reply, "flags", "flagKey"); }

std::vector<std::string> Removed(const Reply& reply, std::string_view list) {
  std::vector<std::string> names;
  const model::Value document = reply.Json();
  for (const model::Value& item : *document.AsObject()->Find("removed")->AsObject()->Find(list)->AsList())
    names.push_back(item.AsString() != nullptr ? *item.AsString() : json::Write(item));
  return names;
}

std::string Quoted(const std::string& tag) {
  std::string out;
  for (const char c : tag) out += c == '"' ? std::string("%22") : std::string(1, c);
  return out;
}

class DefinitionsTest : public ::testing::Test {
 protected:
  DefinitionsTest() : harness(false) {
    harness.credential = harness.MakeKey(model::KeyKind::kAdmin);
    Ok("POST", "/segments", R"({"segmentKey":"staff","included":["u1"]})", 201);
    Ok("POST", "/segments", R"({"segmentKey":"unused"})", 201);
    Ok("POST", "/flags", R"({"flagKey":"base","owner":"o","defaultEnabled":true,"description":"for people"})", 201);
    Ok("POST", "/flags",
       R"({"flagKey":"shared","owner":"o","prerequisites":[{"flagKey":"base","variations":["on"]}],
           "targetingRules":[{"id":"r","when":{"all":[{"operator":"inSegment",
           "values":["staff"]}]},"variation":"on"}]})",
       201);
    Ok("POST", "/flags", R"({"flagKey":"acmes","owner":"a-team","tenantId":"acme","defaultEnabled":true})", 201);
    Ok("POST", "/flags", R"({"flagKey":"globexs","owner":"g-team","tenantId":"globex","defaultEnabled":true})", 201);
    Ok("PUT", "/flags/shared/overrides/acme", R"({"enabled":true})", 200);
    Ok("PUT", "/flags/shared/overrides/globex", R"({"enabled":false})", 200);
    all = harness.MakeKey(model::KeyKind::kServer, "development");
    acme = harness.MakeKey(model::KeyKind::kServer, "development", "acme");
  }

  void Ok(std::string_view method, const std::string& path, std::string_view body, int status) {
    Headers headers;
    if (method == "PATCH" || path.ends_with("/keys")) headers.emplace_back("If-Match", "*");
    const Reply reply = harness.Send(method, kEnvironment + path, body, headers);
    ASSERT_EQ(reply.status, status) << path << ' ' << reply.body;
  }
  Reply Get(const std::string& key, const std::string& query = "", Headers headers = {}) {
    headers.emplace_back("Authorization", "Bearer " + key);
    return harness.Send("GET", kEnvironment + "/definitions" + query, "", headers);
  }
  Reply Since(const std::string& key, const Reply& earlier, const std::string& more = "") {
    return Get(key, "?since=" + Quoted(earlier.Header("ETag")) + more);
  }

  Harness harness;
  std::string all;
  std::string acme;
};

TEST_F(DefinitionsTest, AreADocumentThatTheLibraryEvaluatesAsTheServerDoes) {
  Ok("PUT", "/kill-switches/flag:acmes", R"({"reason":"broken"})", 200);
  const Reply reply = Get(all);
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(reply.At({"complete"}), "true");
  EXPECT_THAT(reply.body, Not(HasSubstr("for people")));
  auto definitions = library::ParseDefinitions(reply.body);
  ASSERT_TRUE(definitions.has_value()) << definitions.error().field << ' ' << definitions.error().message;
  const auto snapshot = eval::Snapshot::Build(*std::move(definitions));
  ASSERT_EQ(snapshot->flag_count(), 4U);
  for (const char* flag : {"base", "shared", "acmes", "globexs", "nothing"}) {
    for (const char* tenant : {"acme", "globex", "other"}) {
      for (const char* user : {"u1", "u2"}) {
        SCOPED_TRACE(std::string(flag) + ' ' + tenant + ' ' + user);
        const auto context = *model::Context::Create({.targeting_key = user, .tenant_id = tenant});
        const auto here = eval::Evaluate(*snapshot, flag, context, harness.clock.Now());
        const Reply there =
            harness.Send("POST", std::string("/ofrep/v1/evaluate/flags/") + flag,
                         std::string(R"({"context":{"targetingKey":")") + user + R"(","tenantId":")" + tenant + "\"}}");
        EXPECT_EQ(there.At({"variant"}), here.variation == nullptr ? "" : here.variation->name) << there.body;
        if (there.status == 200) {
          EXPECT_EQ(there.At({"reason"}), model::NameOf(here.reason));
        } else {
          EXPECT_EQ(there.At({"errorCode"}), model::NameOf(here.error));
        }
      }
    }
  }
}

TEST_F(DefinitionsTest, SayWhatChangedSinceAnEntityTag) {
  const Reply first = Get(all);
  EXPECT_EQ(Get(all, "", {{"If-None-Match", first.Header("ETag")}}).status, 304);
  const Reply none = Since(all, first);
  EXPECT_EQ(none.At({"complete"}), "false");
  EXPECT_THAT(Flags(none), IsEmpty());
  EXPECT_EQ(none.Header("ETag"), first.Header("ETag"));

  Ok("PATCH", "/flags/base", R"({"defaultEnabled":false})", 200);
  Ok("DELETE", "/flags/globexs", "", 204);
  Ok("DELETE", "/flags/shared/overrides/globex", "", 204);
  Ok("DELETE", "/segments/unused", "", 204);
  Ok("PUT", "/kill-switches/global", R"({"reason":"all off"})", 200);
  const Reply second = Since(all, first);
  EXPECT_EQ(second.At({"complete"}), "false") << second.body;
  EXPECT_NE(second.Header("ETag"), first.Header("ETag"));
  EXPECT_THAT(Flags(second), ElementsAre("base"));
  EXPECT_THAT(Names(second, "overrides", "flagKey"), IsEmpty());
  EXPECT_THAT(Names(second, "killSwitches", "scope"), ElementsAre("global"));
  EXPECT_THAT(Removed(second, "flags"), ElementsAre("globexs"));
  EXPECT_THAT(Removed(second, "segments"), ElementsAre("unused"));
  EXPECT_THAT(Removed(second, "overrides"), ElementsAre(R"({"flagKey":"shared","tenantId":"globex"})"));
  EXPECT_FALSE(library::ParseDefinitions(second.body).has_value());

  Ok("DELETE", "/kill-switches/global", "", 204);
  const Reply third = Since(all, second);
  EXPECT_THAT(Flags(third), IsEmpty());
  EXPECT_THAT(Names(third, "killSwitches", "scope"), IsEmpty());
  EXPECT_THAT(Flags(Since(all, first)), ElementsAre("base"));
}

TEST_F(DefinitionsTest, AreWholeWhereNobodyKnowsWhatChanged) {
  const Reply first = Get(all);
  for (const std::string& since : {std::string("%22nonsense%22"), std::string("x"), Quoted(Get(acme).Header("ETag"))}) {
    const Reply reply = Get(all, "?since=" + since);
    EXPECT_EQ(reply.At({"complete"}), "true") << since;
    EXPECT_THAT(Flags(reply), UnorderedElementsAre("acmes", "base", "globexs", "shared"));
  }
  EXPECT_EQ(Get(acme, "?since=" + Quoted(first.Header("ETag"))).At({"complete"}), "true");
}

TEST_F(DefinitionsTest, AnEditPastTheChangeLogIsAnotherState) {
  const Reply first = Get(all);
  const auto flag = harness.app->flags().Get(harness.Administrator(), *model::Environment::Parse("development"),
                                             *model::FlagKey::Parse("base"));
  model::FlagFields fields = **flag;
  fields.default_enabled = false;
  ASSERT_TRUE(harness.memory.PutItem(store::PutFlag(*model::Flag::Create(fields), fields.version)).has_value());
  ASSERT_EQ(harness.Send("POST", "/api/v1/refresh", "{}").status, 200);
  const Reply second = Since(all, first);
  EXPECT_EQ(second.At({"complete"}), "true");
  EXPECT_NE(second.Header("ETag"), first.Header("ETag"));
  EXPECT_EQ(Get(all, "", {{"If-None-Match", first.Header("ETag")}}).status, 200);
  EXPECT_EQ(Get(all, "", {{"If-None-Match", second.Header("ETag")}}).status, 304);
  EXPECT_EQ(Since(all, second).At({"complete"}), "false");
  Ok("PATCH", "/flags/base", R"({"defaultEnabled":true})", 200);
  EXPECT_EQ(Since(all, first).At({"complete"}), "true");
}

TEST_F(DefinitionsTest, OfSomeFlagsComeWithWhatTheyDependOn) {
  const Reply reply = Get(all, "?flags=shared,missing");
  EXPECT_THAT(Flags(reply), UnorderedElementsAre("base", "shared"));
  EXPECT_THAT(Names(reply, "segments", "segmentKey"), ElementsAre("staff"));
  EXPECT_THAT(Flags(Get(all, "?flags=base")), ElementsAre("base"));
  EXPECT_THAT(Names(Get(all, "?flags=base"), "segments", "segmentKey"), IsEmpty());
  EXPECT_EQ(Get(all, "?flags=a,,b").status, 400);

  // What a changed flag refers to now is told, though it did not change.
  const Reply acmes = Get(all, "?flags=acmes");
  EXPECT_THAT(Flags(acmes), ElementsAre("acmes"));
  Ok("PATCH", "/flags/acmes", R"({"prerequisites":[{"flagKey":"shared","variations":["on"]}]})", 200);
  const Reply changed = Since(all, acmes, "&flags=acmes");
  EXPECT_EQ(changed.At({"complete"}), "false");
  EXPECT_THAT(Flags(changed), UnorderedElementsAre("acmes", "base", "shared"));
  EXPECT_THAT(Names(changed, "segments", "segmentKey"), ElementsAre("staff"));
  EXPECT_THAT(Names(changed, "overrides", "tenantId"), UnorderedElementsAre("acme", "globex"));
}

TEST_F(DefinitionsTest, ShowATenantNothingOfAnother) {
  Ok("PUT", "/kill-switches/tenant:globex", R"({"reason":"globex only"})", 200);
  Ok("PUT", "/kill-switches/owner:g-team", R"({"reason":"g only"})", 200);
  Ok("PUT", "/kill-switches/flag:globexs", R"({"reason":"globex only"})", 200);
  Ok("PUT", "/kill-switches/owner:a-team", R"({"reason":"ours"})", 200);
  const Reply first = Get(acme);
  EXPECT_THAT(Flags(first), UnorderedElementsAre("acmes", "base", "shared"));
  EXPECT_THAT(Names(first, "segments", "segmentKey"), ElementsAre("staff"));
  EXPECT_THAT(Names(first, "overrides", "tenantId"), ElementsAre("acme"));
  EXPECT_THAT(Names(first, "killSwitches", "scope"), ElementsAre("owner:a-team"));
  EXPECT_EQ(first.At({"tenantId"}), "acme");
  EXPECT_TRUE(library::ParseDefinitions(first.body).has_value());
  EXPECT_THAT(first.body, Not(HasSubstr("globex")));
  EXPECT_THAT(first.body, Not(HasSubstr("g-team")));

  // Neither content nor entity tag moves with what is another's.
  const Reply again = Get(acme);
  Ok("PATCH", "/flags/globexs", R"({"defaultEnabled":false})", 200);
  Ok("PUT", "/flags/shared/overrides/globex", R"({"enabled":true})", 200);
  const Reply later = Get(acme);
  EXPECT_EQ(later.Header("ETag"), again.Header("ETag"));
  EXPECT_EQ(later.body, again.body);
  EXPECT_EQ(Get(acme, "", {{"If-None-Match", again.Header("ETag")}}).status, 304);
  const Reply delta = Since(acme, again);
  EXPECT_EQ(delta.At({"complete"}), "false");
  EXPECT_THAT(Flags(delta), IsEmpty());
  EXPECT_THAT(delta.body, Not(HasSubstr("globex")));

  Ok("PATCH", "/flags/acmes", R"({"defaultEnabled":false})", 200);
  const Reply own = Since(acme, again);
  EXPECT_EQ(own.At({"complete"}), "false");
  EXPECT_THAT(Flags(own), ElementsAre("acmes"));
  EXPECT_NE(own.Header("ETag"), again.Header("ETag"));
  Ok("DELETE", "/flags/globexs", "", 204);
  EXPECT_THAT(Get(acme, "?since=" + Quoted(again.Header("ETag"))).body, Not(HasSubstr("globex")));
  EXPECT_EQ(Get(acme, "?flags=globexs").body, Get(acme, "?flags=nothing-at-all").body);
}

TEST_F(DefinitionsTest, WhatBecameAnothersIsGoneForATenant) {
  const Reply first = Get(acme);
  Ok("PATCH", "/flags/base", R"({"tenantId":"globex"})", 200);
  const Reply second = Since(acme, first);
  EXPECT_EQ(second.At({"complete"}), "false");
  EXPECT_THAT(Removed(second, "flags"), ElementsAre("base"));
  EXPECT_THAT(second.body, Not(HasSubstr("globex")));
}

TEST_F(DefinitionsTest, NameTheStreamThatTellsOfEveryChange) {
  const Reply reply = Get(all);
  const std::string uri = json::Write(*reply.Json().AsObject()->Find("eventStreams"));
  const std::size_t begin = uri.find("token=") + 6;
  const auto grant = harness.app->stream_tokens().Read(uri.substr(begin, uri.find('"', begin) - begin));
  ASSERT_TRUE(grant.has_value()) << uri;
  EXPECT_EQ(grant->environment, "development");
  EXPECT_EQ(grant->tenant, app::kEveryTenant);
  EXPECT_EQ(grant->key_id, harness.KeyIdOf(all));
  const app::ChangeFeed& feed = *harness.app->snapshots().FeedOf("development");
  EXPECT_EQ(grant->since, feed.LastConcerning(app::kEveryTenant));
  Ok("PATCH", "/flags/globexs", R"({"defaultEnabled":false})", 200);
  EXPECT_GT(feed.LastConcerning(app::kEveryTenant), grant->since);

  const std::string own = json::Write(*Get(acme).Json().AsObject()->Find("eventStreams"));
  const std::size_t at = own.find("token=") + 6;
  EXPECT_EQ(harness.app->stream_tokens().Read(own.substr(at, own.find('"', at) - at))->tenant, "acme");
}

TEST_F(DefinitionsTest, AreCompressedForWhoTakesIt) {
  const Reply plain = Get(all);
  const std::string target = kEnvironment + "/definitions";
  const std::string bytes =
      harness.Talk(RequestText("GET", target, "", {{"Authorization", "Bearer " + all}, {"Accept-Encoding", "gzip"}}));
  const Reply compressed = ParseReplies(bytes).at(0);
  EXPECT_EQ(compressed.Header("Content-Encoding"), "gzip");
  EXPECT_EQ(compressed.Header("ETag"), plain.Header("ETag"));
  EXPECT_EQ(Gunzip(compressed.body), plain.body);
  EXPECT_EQ(plain.Header("Content-Encoding"), "");
}

TEST_F(DefinitionsTest, OfLargeSegmentsHoldAllKeys) {
  std::string keys;
  for (int i = 0; i < 20'000; ++i) keys += (i == 0 ? "\"user-" : ",\"user-") + std::to_string(i) + '"';
  Ok("PUT", "/segments/staff/keys", "{\"included\":[" + keys + "]}", 200);
  auto definitions = library::ParseDefinitions(Get(acme).body);
  ASSERT_TRUE(definitions.has_value()) << definitions.error().message;
  ASSERT_EQ(definitions->segments.size(), 1U);
  EXPECT_EQ(definitions->segments[0]->included.size(), 20'000U);
}

TEST_F(DefinitionsTest, WhatCannotBeReadIsNamed) {
  const auto flag = harness.app->flags().Get(harness.Administrator(), *model::Environment::Parse("development"),
                                             *model::FlagKey::Parse("base"));
  store::Put put = store::PutFlag(*flag, (*flag)->version);
  put.item.Set("type", store::AttributeValue(std::string("teapot")));
  ASSERT_TRUE(harness.memory.PutItem(put).has_value());
  ASSERT_EQ(harness.Send("POST", "/api/v1/refresh", "{}").status, 200);
  const Reply reply = Get(all);
  EXPECT_THAT(Names(reply, "brokenFlags", "flagKey"), ElementsAre("base"));
  auto definitions = library::ParseDefinitions(reply.body);
  ASSERT_TRUE(definitions.has_value());
  const auto snapshot = eval::Snapshot::Build(*std::move(definitions));
  const auto context = *model::Context::Create({});
  EXPECT_EQ(eval::Evaluate(*snapshot, "base", context, {}).error, model::EvaluationError::kParseError);
}

TEST_F(DefinitionsTest, AreNotForBrowsersAndTenantsAdministrators) {
  EXPECT_EQ(Get(harness.MakeKey(model::KeyKind::kClient, "development")).status, 403);
  EXPECT_EQ(Get(harness.MakeKey(model::KeyKind::kAdmin, std::nullopt, "acme")).status, 403);
  EXPECT_EQ(Get(harness.MakeKey(model::KeyKind::kServer, "staging")).status, 403);
  EXPECT_EQ(Get(harness.MakeKey(model::KeyKind::kAdmin, "development")).status, 200);
}

}  // namespace
}  // namespace guidon::api_test

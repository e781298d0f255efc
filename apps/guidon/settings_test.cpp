// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/settings.hpp"

#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "apps/guidon/configuration.hpp"

namespace guidon::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string WhatOf(const SettingSources& sources) {
  const auto settings = Settings::Load(sources);
  return settings ? "" : settings.error().what;
}

std::string InterpretedWhat(const SettingSources& sources) {
  const auto settings = Settings::Load(sources);
  if (!settings) return settings.error().what;
  const auto configuration = Interpret(*settings);
  return configuration ? "" : configuration.error().what;
}

TEST(Settings, NamesFollowFromTheKey) {
  const SettingSpec& spec = *FindSetting("log.level");
  EXPECT_EQ(FlagOf(spec), "--log-level");
  EXPECT_EQ(VariableOf(spec), "GUIDON_LOG_LEVEL");
  std::set<std::string> flags;
  for (const auto& each : AllSettings()) EXPECT_TRUE(flags.insert(FlagOf(each)).second) << each.key;
}

TEST(Settings, EveryDefaultIsValid) {
  for (const auto* profile : {"local", "dev", "prod"}) EXPECT_EQ(WhatOf({.flags = {{"profile", profile}}}), "");
}

TEST(Settings, ProfilesHaveTheirDefaults) {
  const auto value = [](const char* profile, std::string_view key) {
    return Settings::Load({.flags = {{"profile", profile}}})->Text(key);
  };
  EXPECT_EQ(value("local", "store"), "rocksdb");
  EXPECT_EQ(value("dev", "store"), "dynamodb");
  EXPECT_EQ(value("prod", "store"), "dynamodb");
  EXPECT_EQ(value("local", "cache.ttl"), "60s");
  EXPECT_EQ(value("dev", "cache.ttl"), "300s");
  EXPECT_EQ(value("prod", "cache.ttl"), "600s");
  EXPECT_EQ(value("prod", "data"), "data/prod");
  EXPECT_EQ(value("local", "demo"), "true");
  EXPECT_EQ(value("prod", "demo"), "false");
}

TEST(Settings, FlagWinsOverEnvironmentWinsOverProfile) {
  const auto settings = Settings::Load(
      {.flags = {{"log.level", "error"}},
       .environment = {{"GUIDON_LOG_LEVEL", "debug"}, {"GUIDON_LISTEN", "127.0.0.1:1"}, {"GUIDON_DATA", ""}}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->Text("log.level"), "error");
  EXPECT_EQ(settings->Get("log.level").Where(), "flag --log-level");
  EXPECT_EQ(settings->Get("listen").Where(), "environment GUIDON_LISTEN");
  EXPECT_EQ(settings->Text("data"), "data/local");  // an empty variable is absent
  EXPECT_EQ(settings->Get("data").Where(), "profile local");
  EXPECT_EQ(settings->Get("threads.worker").Where(), "default");
}

TEST(Settings, ReadsSizesAndTimes) {
  const auto settings = Settings::Load({.flags = {{"limits.body_bytes", "2MiB"}, {"cache.ttl", "5m"}}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->Number("limits.body_bytes"), 2 * 1024 * 1024);
  EXPECT_EQ(settings->Number("cache.ttl"), 300);
  EXPECT_EQ(ParseSeconds("1d"), 86400);
  EXPECT_EQ(ParseSeconds("5x"), std::nullopt);
  EXPECT_EQ(ParseSeconds("-5s"), std::nullopt);
  EXPECT_EQ(ParseSeconds("9223372036854775807d"), std::nullopt);
  EXPECT_EQ(ParseSeconds(""), std::nullopt);
}

TEST(Settings, RefusesValuesByName) {
  EXPECT_EQ(WhatOf({.flags = {{"profile", "test"}}}), "Setting 'profile' is 'test' (flag --profile)");
  EXPECT_EQ(WhatOf({.environment = {{"GUIDON_THREADS_WORKER", "0"}}}),
            "Setting 'threads.worker' is '0' (environment GUIDON_THREADS_WORKER)");
  EXPECT_EQ(WhatOf({.flags = {{"limits.body_bytes", "1GB"}}}),
            "Setting 'limits.body_bytes' is '1GB' (flag --limits-body-bytes)");
  EXPECT_EQ(WhatOf({.environment = {{"GUIDON_DEMO", "maybe"}}}), "Setting 'demo' is 'maybe' (environment GUIDON_DEMO)");
  EXPECT_THAT(WhatOf({.file = "no-such-file.toml"}), HasSubstr("no-such-file.toml cannot be read"));
}

TEST(Settings, SecretsAreMasked) {
  const std::string secret(40, 's');
  const auto settings = Settings::Load({.environment = {{"GUIDON_KEY_HASH_SECRET", secret}}});
  ASSERT_TRUE(settings);
  EXPECT_EQ(settings->Get("key_hash_secret").Shown(), "********");
  EXPECT_EQ(Interpret(*settings)->key_hash_secret, secret);
  EXPECT_EQ(InterpretedWhat({.environment = {{"GUIDON_KEY_HASH_SECRET", "short"}}}),
            "Setting 'key_hash_secret' is '********' (environment GUIDON_KEY_HASH_SECRET)");
}

TEST(CheckEnvironment, RefusesUnknownVariablesAndKnowsTheOthers) {
  EXPECT_TRUE(CheckEnvironment({{"GUIDON_URL", "x"}, {"GUIDON_DATA", "x"}, {"GUIDON_TEST_X", "x"}, {"HOME", "x"}}));
  EXPECT_TRUE(CheckEnvironment({{"GUIDON_NONSENSE", ""}}));
  const auto wrong = CheckEnvironment({{"GUIDON_LISEN", "x"}});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().exit, ExitCode::kUsage);
  EXPECT_EQ(wrong.error().what, "Unknown environment variable GUIDON_LISEN");
  EXPECT_EQ(wrong.error().next, "did you mean GUIDON_LISTEN?");
}

TEST(Interpret, ReadsAddresses) {
  const auto configuration = [](const char* listen) {
    return Interpret(*Settings::Load({.flags = {{"listen", listen}}}));
  };
  EXPECT_EQ(configuration("127.0.0.1:0")->port, 0);
  EXPECT_TRUE(configuration("127.9.9.9:80")->loopback);
  EXPECT_EQ(configuration("[::1]:3001")->address, "::1");
  EXPECT_TRUE(configuration("[::1]:3001")->loopback);
  EXPECT_TRUE(configuration("localhost:3001")->KeylessAllowed());
  EXPECT_FALSE(configuration("0.0.0.0:3001")->KeylessAllowed());
  EXPECT_FALSE(configuration("[::]:3001")->KeylessAllowed());
  for (const char* wrong : {"3001", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "example.com:1", ":3001", "1.2.3:4"})
    EXPECT_FALSE(configuration(wrong)) << wrong;
}

TEST(Interpret, KeylessOnlyInTheLocalProfile) {
  const auto configuration = Interpret(*Settings::Load({.flags = {{"profile", "dev"}, {"store", "rocksdb"}}}));
  ASSERT_TRUE(configuration);
  EXPECT_TRUE(configuration->loopback);
  EXPECT_FALSE(configuration->KeylessAllowed());
}

TEST(Interpret, TheTableComesFromTheProfileUnlessItIsNamed) {
  const auto table = [](const SettingSources& sources) { return Interpret(*Settings::Load(sources))->dynamo; };
  EXPECT_EQ(table({}).table, "feature-flags-local");
  EXPECT_EQ(table({.flags = {{"profile", "dev"}}}).table, "feature-flags-dev");
  const auto prod = table({.flags = {{"profile", "prod"}, {"dynamodb_endpoint", "http://127.0.0.1:8000"}},
                           .environment = {{"GUIDON_TABLE", "mine"}, {"GUIDON_REGION", "eu-west-1"}}});
  EXPECT_EQ(prod.table, "mine");
  EXPECT_EQ(prod.region, "eu-west-1");
  EXPECT_EQ(prod.region_otherwise, "ap-northeast-1");
  EXPECT_EQ(prod.endpoint, "http://127.0.0.1:8000");
  EXPECT_EQ(Interpret(*Settings::Load({.flags = {{"profile", "prod"}}}))->store, StoreKind::kDynamoDb);
  EXPECT_EQ(InterpretedWhat({.environment = {{"GUIDON_TABLE", "no"}}}),
            "Setting 'table' is 'no' (environment GUIDON_TABLE)");
}

TEST(Interpret, ChecksEnvironments) {
  EXPECT_EQ(InterpretedWhat({.flags = {{"environments", "a,b"}, {"default_environment", "c"}}}),
            "Setting 'default_environment' is 'c' (flag --default-environment)");
  EXPECT_EQ(InterpretedWhat({.flags = {{"environments", "a,A"}}}),
            "Setting 'environments' is 'a,A' (flag --environments)");
  EXPECT_EQ(InterpretedWhat({.flags = {{"environments", "a,a"}}}),
            "Setting 'environments' is 'a,a' (flag --environments)");
  EXPECT_EQ(InterpretedWhat({.flags = {{"environments", ","}}}), "Setting 'environments' is ',' (flag --environments)");
  EXPECT_EQ(Interpret(*Settings::Load({.flags = {{"allowed_origins", "https://a.example, http://localhost:5173"}}}))
                ->allowed_origins,
            (std::vector<std::string>{"https://a.example", "http://localhost:5173"}));
  // A browser sends neither a path nor a slash, so nobody would be allowed.
  for (const std::string origin :
       {"https://a.example/", "a.example", "*", "https://", "https://a.example/x", "https://A.example"})
    EXPECT_EQ(InterpretedWhat({.flags = {{"allowed_origins", origin}}}),
              "Setting 'allowed_origins' is '" + origin + "' (flag --allowed-origins)");
  EXPECT_EQ(Interpret(*Settings::Load({.flags = {{"environments", "x, y"}}}))->default_environment, "x");
}

TEST(SplitList, DropsEmptyPartsAndSpaces) { EXPECT_THAT(SplitList(" a, b,,c "), ElementsAre("a", "b", "c")); }

}  // namespace
}  // namespace guidon::cli

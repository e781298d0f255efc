// SPDX-License-Identifier: Apache-2.0
#include <latch>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "guidon/aws/credential_cache.hpp"
#include "guidon/aws/credential_chain.hpp"
#include "guidon/aws/endpoint.hpp"
#include "guidon/aws/testing/fakes.hpp"

namespace guidon::aws {
namespace {

using base::ErrorCode;
using testing::HasSubstr;

const base::Timestamp kNow = *base::ParseTimestamp("2026-11-22T04:23:00Z");

constexpr std::string_view kStsAnswer =
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>sts-secret"
    "</SecretAccessKey><SessionToken>sts-token</SessionToken><Expiration>2026-11-22T05:23:00Z</Expiration>"
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>";

class CredentialsTest : public testing::Test {
 protected:
  CredentialsTest() {
    machine_.variables["HOME"] = "/h";
    // Nobody there: what a machine without any of the services looks like.
    transport_.answer = [](const HttpRequest&) -> FakeTransport::Answer {
      return std::unexpected(TransportError{.maybe_received = false, .message = "connection refused"});
    };
  }

  base::Result<std::optional<Credentials>> Fetch(bool local = false) {
    return CredentialChain({machine_, transport_, clock_}, "eu-west-1", local).Fetch();
  }
  std::string IdOf(bool local = false) {
    const auto found = Fetch(local);
    if (!found) return "error: " + found.error().message;
    return *found ? (*found)->access_key_id : "none";
  }

  base::ManualClock clock_{kNow};
  FakeMachine machine_;
  FakeTransport transport_;
};

TEST_F(CredentialsTest, TheEnvironmentComesFirst) {
  machine_.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  machine_.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  machine_.variables["AWS_SESSION_TOKEN"] = "t";
  machine_.files["/h/.aws/credentials"] = "[default]\naws_access_key_id=FILE\naws_secret_access_key=f\n";
  const auto found = Fetch();
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(**found, (Credentials{.access_key_id = "ENV", .secret_access_key = "s", .session_token = "t"}));
  machine_.variables.erase("AWS_SECRET_ACCESS_KEY");
  EXPECT_EQ(Fetch().error().code, ErrorCode::kUnauthenticated);
  machine_.variables.erase("AWS_ACCESS_KEY_ID");
  EXPECT_EQ(IdOf(), "FILE");
}

TEST_F(CredentialsTest, ProfilesAreChosenByNameAndJoinedFromBothFiles) {
  machine_.files["/h/.aws/config"] =
      "# a comment\n[default]\nregion = eu-central-1\n[profile dev]\nregion=us-west-2  # where it is\ns3 =\n  "
      "max_queue_size = 7\naws_access_key_id = CONFIG\naws_secret_access_key = c\n[sso-session x]\nregion = no\n";
  machine_.files["/h/.aws/credentials"] = "[dev]\naws_access_key_id = SHARED\naws_secret_access_key = s\n";
  EXPECT_EQ(IdOf(), "none");  // the default profile has no keys
  machine_.variables["AWS_PROFILE"] = "dev";
  EXPECT_EQ(IdOf(), "SHARED");
  const auto files = LoadProfiles(machine_);
  ASSERT_TRUE(files.has_value());
  EXPECT_EQ(files->Get("region"), "us-west-2");
  EXPECT_EQ(files->Get("s3.max_queue_size"), "7");
  machine_.variables["AWS_PROFILE"] = "missing";
  EXPECT_THAT(IdOf(), HasSubstr("no profile 'missing'"));
}

TEST_F(CredentialsTest, ABrokenFileIsNamedWithItsLine) {
  machine_.files["/h/.aws/config"] = "[default]\nregion eu-central-1\n";
  const auto files = LoadProfiles(machine_);
  ASSERT_FALSE(files.has_value());
  EXPECT_EQ(files.error().code, ErrorCode::kMalformed);
  EXPECT_THAT(files.error().message, HasSubstr("/h/.aws/config:2"));
}

TEST_F(CredentialsTest, ARoleIsAssumedWithTheSourceProfilesKeys) {
  machine_.files["/h/.aws/config"] =
      "[profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = base\nexternal_id = ext\n"
      "role_session_name = me\n[profile base]\naws_access_key_id = BASE\naws_secret_access_key = b\n";
  machine_.variables["AWS_PROFILE"] = "role";
  transport_.answer = [](const HttpRequest&) { return HttpResponse{.status = 200, .body = std::string(kStsAnswer)}; };
  const auto found = Fetch();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ(**found, (Credentials{.access_key_id = "ASIA",
                                  .secret_access_key = "sts-secret",
                                  .session_token = "sts-token",
                                  .expires_at = *base::ParseTimestamp("2026-11-22T05:23:00Z")}));
  ASSERT_EQ(transport_.requests.size(), 1U);
  const HttpRequest& request = transport_.requests[0];
  EXPECT_EQ(request.url, "https://sts.eu-west-1.amazonaws.com/");
  EXPECT_EQ(request.body,
            "Version=2011-06-15&Action=AssumeRole&ExternalId=ext&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
            "RoleSessionName=me");
  EXPECT_THAT(HeaderOf(request, "authorization"), HasSubstr("Credential=BASE/20261122/eu-west-1/sts/aws4_request"));
}

TEST_F(CredentialsTest, ProfilesThatNameEachOtherAreRefused) {
  machine_.files["/h/.aws/config"] =
      "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\n";
  machine_.variables["AWS_PROFILE"] = "a";
  EXPECT_THAT(IdOf(), HasSubstr("its own source_profile"));
}

TEST_F(CredentialsTest, AProgramGivesCredentials) {
  machine_.files["/h/.aws/config"] = "[default]\ncredential_process = vault --json\n";
  machine_.programs["vault --json"] =
      R"({"Version":1,"AccessKeyId":"PROC","SecretAccessKey":"p","SessionToken":"t","Expiration":"2026-11-22T06:00:00Z"})";
  const auto found = Fetch();
  ASSERT_TRUE(found.has_value()) << found.error().message;
  EXPECT_EQ((*found)->access_key_id, "PROC");
  EXPECT_EQ((*found)->expires_at, *base::ParseTimestamp("2026-11-22T06:00:00Z"));
  machine_.programs.clear();
  EXPECT_THAT(IdOf(), HasSubstr("credential_process of profile 'default'"));
  machine_.programs["vault --json"] = "secret-that-must-not-show";
  EXPECT_THAT(IdOf(), testing::Not(HasSubstr("secret-that")));
}

TEST_F(CredentialsTest, AWebIdentityIsExchangedUnsigned) {
  machine_.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] = "/token";
  machine_.variables["AWS_ROLE_ARN"] = "arn:role";
  machine_.variables["AWS_ROLE_SESSION_NAME"] = "pod";
  machine_.files["/token"] = "jwt\n";
  transport_.answer = [](const HttpRequest&) { return HttpResponse{.status = 200, .body = std::string(kStsAnswer)}; };
  EXPECT_EQ(IdOf(), "ASIA");
  ASSERT_EQ(transport_.requests.size(), 1U);
  EXPECT_EQ(HeaderOf(transport_.requests[0], "authorization"), "");
  EXPECT_THAT(transport_.requests[0].body, HasSubstr("&WebIdentityToken=jwt"));
  transport_.answer = [](const HttpRequest&) {
    return HttpResponse{.status = 400,
                        .body =
                            "<E><Error><Code>ExpiredTokenException</Code><Message>old</Message></Error>"
                            "<RequestId>r-1</RequestId></E>"};
  };
  EXPECT_THAT(IdOf(), HasSubstr("ExpiredTokenException old (request id r-1)"));
}

TEST_F(CredentialsTest, TheContainerEndpointGetsItsToken) {
  machine_.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://169.254.170.23/v1/credentials";
  machine_.variables["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = "/eks";
  machine_.files["/eks"] = "bearer\n";
  transport_.answer = [](const HttpRequest& request) -> FakeTransport::Answer {
    EXPECT_EQ(HeaderOf(request, "authorization"), "bearer");
    EXPECT_TRUE(request.direct);
    return HttpResponse{.status = 200,
                        .body = R"({"AccessKeyId":"POD","SecretAccessKey":"p","Token":"t",)"
                                R"("Expiration":"2026-11-22T06:00:00Z"})"};
  };
  EXPECT_EQ(IdOf(), "POD");
  machine_.variables["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://example.com/steal";
  EXPECT_THAT(IdOf(), HasSubstr("error"));
  machine_.variables["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/x";
  EXPECT_EQ(IdOf(), "POD");
  EXPECT_EQ(transport_.requests.back().url, "http://169.254.170.2/v2/x");
}

TEST_F(CredentialsTest, TheMetadataServiceIsAskedWithAToken) {
  transport_.answer = [](const HttpRequest& request) -> FakeTransport::Answer {
    if (request.method == "PUT") {
      EXPECT_EQ(HeaderOf(request, "x-aws-ec2-metadata-token-ttl-seconds"), "21600");
      return HttpResponse{.status = 200, .body = "session"};
    }
    EXPECT_EQ(HeaderOf(request, "x-aws-ec2-metadata-token"), "session");
    if (request.url.ends_with("/security-credentials/")) return HttpResponse{.status = 200, .body = "node-role"};
    EXPECT_TRUE(request.url.ends_with("/security-credentials/node-role"));
    return HttpResponse{.status = 200, .body = R"({"Code":"Success","AccessKeyId":"EC2","SecretAccessKey":"e"})"};
  };
  EXPECT_EQ(IdOf(), "EC2");
  machine_.variables["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(IdOf(), "none");
}

TEST_F(CredentialsTest, AnEmulatorTakesAMadeUpKeyButARealOneFirst) {
  EXPECT_EQ(IdOf(true), "local");
  EXPECT_TRUE(transport_.requests.empty());
  EXPECT_EQ(IdOf(false), "none");
  machine_.variables["AWS_ACCESS_KEY_ID"] = "ENV";
  machine_.variables["AWS_SECRET_ACCESS_KEY"] = "s";
  EXPECT_EQ(IdOf(true), "ENV");
}

// --- region and endpoint ---

TEST_F(CredentialsTest, RegionAndEndpointHaveTheirOrder) {
  const auto endpoint = [&](std::string_view configured) {
    const auto files = LoadProfiles(machine_);
    const auto url = ResolveEndpoint(configured, "dynamodb", "eu-west-1", machine_, *files);
    return url ? *url : "error: " + url.error().message;
  };
  EXPECT_EQ(endpoint(""), "https://dynamodb.eu-west-1.amazonaws.com");
  machine_.files["/h/.aws/config"] =
      "[default]\nregion = us-east-2\nendpoint_url = http://profile\nservices = local\n[services local]\ndynamodb =\n  "
      "endpoint_url = http://service:8000/\n";
  EXPECT_EQ(endpoint(""), "http://service:8000");
  machine_.variables["AWS_ENDPOINT_URL"] = "http://all";
  EXPECT_EQ(endpoint(""), "http://all");
  machine_.variables["AWS_ENDPOINT_URL_DYNAMODB"] = "http://special";
  EXPECT_EQ(endpoint(""), "http://special");
  EXPECT_EQ(endpoint("http://given/"), "http://given");
  machine_.variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(endpoint(""), "https://dynamodb.eu-west-1.amazonaws.com");
  EXPECT_THAT(endpoint("localhost:8000"), HasSubstr("is not the URL"));

  const auto region = [&](std::string_view configured) {
    const auto found = ResolveRegion(configured, machine_, *LoadProfiles(machine_));
    return found ? *found : "error in " + found.error().field;
  };
  EXPECT_EQ(region(""), "us-east-2");
  machine_.variables["AWS_DEFAULT_REGION"] = "r-default";
  EXPECT_EQ(region(""), "r-default");
  machine_.variables["AWS_REGION"] = "r-1";
  EXPECT_EQ(region(""), "r-1");
  EXPECT_EQ(region("given-1"), "given-1");
  EXPECT_EQ(region("evil.example.com/"), "error in region");
}

// --- the cache ---

class CredentialCacheTest : public testing::Test {
 protected:
  static Credentials Until(const std::string& id, base::Timestamp end) {
    return {.access_key_id = id, .secret_access_key = "s", .expires_at = end};
  }
  void Give(const std::string& id, std::chrono::minutes life) {
    source_.fetch = [this, id, life] { return std::optional(Until(id, clock_.Now() + life)); };
  }
  void Break() {
    source_.fetch = []() -> base::Result<std::optional<Credentials>> {
      return base::Fail(ErrorCode::kUnavailable, "broken");
    };
  }
  std::string IdOf() {
    const auto found = cache_.Get();
    return found ? found->access_key_id : "error: " + found.error().message;
  }

  base::ManualClock clock_{kNow};
  FakeWaitClock wait_clock_;
  FakeSource source_;
  CredentialCache cache_{source_, clock_, wait_clock_};
};

TEST_F(CredentialCacheTest, FetchesOnceAndAgainBeforeTheyExpire) {
  Give("one", std::chrono::minutes{60});
  EXPECT_EQ(IdOf(), "one");
  Give("two", std::chrono::minutes{60});
  clock_.Advance(std::chrono::minutes{54});
  EXPECT_EQ(IdOf(), "one");
  clock_.Advance(std::chrono::minutes{1});
  EXPECT_EQ(IdOf(), "two");
  EXPECT_EQ(source_.fetches.load(), 2);
}

TEST_F(CredentialCacheTest, OldOnesAreKeptWhileTheyAreValid) {
  Give("one", std::chrono::minutes{60});
  EXPECT_EQ(IdOf(), "one");
  Break();
  clock_.Advance(std::chrono::minutes{58});
  EXPECT_EQ(IdOf(), "one");
  EXPECT_EQ(IdOf(), "one");  // within the pause nobody is asked
  EXPECT_EQ(source_.fetches.load(), 2);
  wait_clock_.Advance(std::chrono::seconds{2});
  EXPECT_EQ(IdOf(), "one");
  EXPECT_EQ(source_.fetches.load(), 3);
  clock_.Advance(std::chrono::minutes{3});
  EXPECT_EQ(IdOf(), "error: broken");
  Give("two", std::chrono::minutes{60});
  wait_clock_.Advance(std::chrono::seconds{2});
  EXPECT_EQ(IdOf(), "two");
}

TEST_F(CredentialCacheTest, RefusedOnesAreNotUsedAgain) {
  Give("one", std::chrono::minutes{60});
  const auto one = cache_.Get();
  ASSERT_TRUE(one.has_value());
  Give("two", std::chrono::minutes{60});
  cache_.Refuse(*one);
  EXPECT_EQ(IdOf(), "two");
  cache_.Refuse(*one);  // somebody was late
  EXPECT_EQ(IdOf(), "two");
  EXPECT_EQ(source_.fetches.load(), 2);
}

TEST_F(CredentialCacheTest, NoneAtAllSaysWhereItLooked) {
  source_.fetch = [] { return std::optional<Credentials>{}; };
  const auto found = cache_.Get();
  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, ErrorCode::kUnauthenticated);
  EXPECT_THAT(found.error().message, HasSubstr("AWS_ACCESS_KEY_ID"));
}

TEST_F(CredentialCacheTest, OneThreadFetchesForAll) {
  constexpr int kThreads = 8;
  std::latch begun(1);
  source_.fetch = [&]() -> base::Result<std::optional<Credentials>> {
    begun.wait();
    return std::optional(Until("one", clock_.Now() + std::chrono::minutes{60}));
  };
  std::atomic<int> right{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < kThreads; ++i) threads.emplace_back([&] { right += cache_.Get()->access_key_id == "one"; });
  begun.count_down();
  threads.clear();
  EXPECT_EQ(right.load(), kThreads);
  EXPECT_EQ(source_.fetches.load(), 1);
}

}  // namespace
}  // namespace guidon::aws

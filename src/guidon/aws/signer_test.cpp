// SPDX-License-Identifier: Apache-2.0
#include "guidon/aws/signer.hpp"

#include <gtest/gtest.h>

#include "guidon/aws/digest.hpp"
#include "guidon/base/text.hpp"

namespace guidon::aws {
namespace {

// The published test suite for Signature Version 4: one key, scope and moment, and for each request its signature.
struct Vector {
  std::string name;
  std::string method;
  std::string target;
  HttpHeaders headers;  // besides Host and X-Amz-Date
  std::string body;
  std::string signed_headers;
  std::string signature;
};

const Credentials kCredentials{.access_key_id = "AKIDEXAMPLE",
                               .secret_access_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"};
const SigningScope kScope{.region = "us-east-1", .service = "service"};
constexpr std::string_view kDate = "20150830T123600Z";
constexpr std::string_view kPlain = "host;x-amz-date";
const std::string kAllUnreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const std::string kSessionToken =
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthA"
    "x7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY"
    "9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

std::vector<Vector> Vectors() {
  const std::string vanilla = "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31";
  const std::string post = "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
  const std::string plain(kPlain);
  const std::string one = "host;my-header1;x-amz-date";
  return {
      {"get-vanilla", "GET", "/", {}, "", plain, vanilla},
      {"get-vanilla-query", "GET", "/", {}, "", plain, vanilla},
      {"get-slash", "GET", "//", {}, "", plain, vanilla},
      {"get-slash-dot-slash", "GET", "/./", {}, "", plain, vanilla},
      {"get-relative", "GET", "/example/..", {}, "", plain, vanilla},
      {"get-relative-relative", "GET", "/example1/example2/../..", {}, "", plain, vanilla},
      {"get-slash-pointless-dot",
       "GET",
       "/./example",
       {},
       "",
       plain,
       "ef75d96142cf21edca26f06005da7988e4f8dc83a165a80865db7089db637ec5"},
      {"get-slashes",
       "GET",
       "//example//",
       {},
       "",
       plain,
       "9a624bd73a37c9a373b5312afbebe7a714a789de108f0bdfe846570885f57e84"},
      {"get-space",
       "GET",
       "/example space/",
       {},
       "",
       plain,
       "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
      {"get-unreserved",
       "GET",
       "/" + kAllUnreserved,
       {},
       "",
       plain,
       "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
      {"get-utf8", "GET", "/\u1234", {}, "", plain, "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
      {"get-vanilla-empty-query-key",
       "GET",
       "/?Param1=value1",
       {},
       "",
       plain,
       "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
      {"get-vanilla-query-order-key",
       "GET",
       "/?Param1=value2&Param1=Value1",
       {},
       "",
       plain,
       "eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1"},
      {"get-vanilla-query-order-key-case",
       "GET",
       "/?Param2=value2&Param1=value1",
       {},
       "",
       plain,
       "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
      {"get-vanilla-query-order-value",
       "GET",
       "/?Param1=value2&Param1=value1",
       {},
       "",
       plain,
       "5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694"},
      {"get-vanilla-query-unreserved",
       "GET",
       "/?" + kAllUnreserved + "=" + kAllUnreserved,
       {},
       "",
       plain,
       "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
      {"get-vanilla-utf8-query",
       "GET",
       "/?\u1234=bar",
       {},
       "",
       plain,
       "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
      {"get-header-key-duplicate",
       "GET",
       "/",
       {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
       "",
       one,
       "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
      {"get-header-value-order",
       "GET",
       "/",
       {{"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"}, {"My-Header1", "value2"}},
       "",
       one,
       "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
      {"get-header-value-trim",
       "GET",
       "/",
       {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
       "",
       "host;my-header1;my-header2;x-amz-date",
       "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
      {"post-vanilla", "POST", "/", {}, "", plain, post},
      {"post-header-key-case", "POST", "/", {}, "", plain, post},
      {"post-header-key-sort",
       "POST",
       "/",
       {{"My-Header1", "value1"}},
       "",
       one,
       "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
      {"post-header-value-case",
       "POST",
       "/",
       {{"My-Header1", "VALUE1"}},
       "",
       one,
       "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
      {"post-sts-header-before",
       "POST",
       "/",
       {{"X-Amz-Security-Token", kSessionToken}},
       "",
       "host;x-amz-date;x-amz-security-token",
       "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"},
      {"post-vanilla-query",
       "POST",
       "/?Param1=value1",
       {},
       "",
       plain,
       "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
      {"post-x-www-form-urlencoded",
       "POST",
       "/",
       {{"Content-Type", "application/x-www-form-urlencoded"}},
       "Param1=value1",
       "content-type;host;x-amz-date",
       "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"},
      {"post-x-www-form-urlencoded-parameters",
       "POST",
       "/",
       {{"Content-Type", "application/x-www-form-urlencoded; charset=utf8"}},
       "Param1=value1",
       "content-type;host;x-amz-date",
       "1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe"},
  };
}

TEST(Signer, SignsThePublishedTestSuite) {
  for (const Vector& vector : Vectors()) {
    SCOPED_TRACE(vector.name);
    HttpHeaders headers = vector.headers;
    headers.emplace_back("Host", "example.amazonaws.com");
    headers.emplace_back("X-Amz-Date", kDate);
    const CanonicalRequest canonical = Canonicalize(vector.method, vector.target, headers, vector.body);
    EXPECT_EQ(canonical.signed_headers, vector.signed_headers);
    EXPECT_EQ(Authorization(canonical, kCredentials, kScope, kDate),
              "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=" +
                  vector.signed_headers + ", Signature=" + vector.signature);
  }
}

TEST(Signer, CanonicalRequestHasTheDocumentedForm) {
  const CanonicalRequest canonical =
      Canonicalize("GET", "/?Param2=b&Param1=a", {{"My-Header", " x   y "}, {"Host", "h"}}, "");
  EXPECT_EQ(canonical.text,
            "GET\n/\nParam1=a&Param2=b\nhost:h\nmy-header:x y\n\nhost;my-header\n"
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Signer, AddsHostDateTokenAndAuthorization) {
  Credentials credentials = kCredentials;
  credentials.session_token = "token";
  HttpRequest request{.url = "http://127.0.0.1:8000/", .body = "{}"};
  Sign(request, credentials, {.region = "ap-northeast-1", .service = "dynamodb"},
       *base::ParseTimestamp("2026-11-22T04:23:00.900Z"));
  ASSERT_EQ(request.headers.size(), 4U);
  EXPECT_EQ(request.headers[0], (std::pair<std::string, std::string>("host", "127.0.0.1:8000")));
  EXPECT_EQ(request.headers[1], (std::pair<std::string, std::string>("x-amz-date", "20261122T042300Z")));
  EXPECT_EQ(request.headers[2], (std::pair<std::string, std::string>("x-amz-security-token", "token")));
  EXPECT_TRUE(request.headers[3].second.starts_with(
      "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/ap-northeast-1/dynamodb/aws4_request, "
      "SignedHeaders=host;x-amz-date;x-amz-security-token, Signature="))
      << request.headers[3].second;
}

TEST(Digest, KnowsPublishedValues) {
  EXPECT_EQ(base::ToHex(Sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, test case 2.
  EXPECT_EQ(base::ToHex(HmacSha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(Crc32(""), 0U);
  EXPECT_EQ(Crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(Crc32("The quick brown fox jumps over the lazy dog"), 0x414FA339U);
  EXPECT_EQ(Crc32("{}"), 2745614147U);  // the answer of many DynamoDB writes
}

TEST(Url, IsSplit) {
  const UrlParts parts = SplitUrl("https://[::1]:8000/a?b=c");
  EXPECT_EQ(parts.scheme, "https");
  EXPECT_EQ(parts.host, "[::1]");
  EXPECT_EQ(parts.authority, "[::1]:8000");
  EXPECT_EQ(parts.target, "/a?b=c");
  EXPECT_EQ(SplitUrl("http://host").target, "/");
  for (const char* bad : {"host", "ftp://host/", "http://", "http://user:secret@host/"})
    EXPECT_EQ(SplitUrl(bad).scheme, "") << bad;
}

}  // namespace
}  // namespace guidon::aws

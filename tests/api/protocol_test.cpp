// SPDX-License-Identifier: Apache-2.0
// The protocol without sockets: what arrives in pieces, together, broken, or meant to be read in two ways.
#include <string>

#include <gtest/gtest.h>

#include "harness.hpp"

namespace guidon::api_test {
namespace {

constexpr std::string_view kHost = "Host: localhost\r\n";

class ProtocolTest : public ::testing::Test {
 protected:
  // One request that must be refused and end the connection.
  void ExpectRefused(const std::string& bytes, int status) {
    bool closes = false;
    const auto replies = ParseReplies(harness.Talk(bytes, &closes));
    ASSERT_EQ(replies.size(), 1U) << bytes;
    EXPECT_EQ(replies[0].status, status) << bytes << replies[0].body;
    EXPECT_TRUE(closes) << bytes;
    EXPECT_EQ(replies[0].Header("Connection"), "close");
    EXPECT_EQ(replies[0].Header("Content-Type"), "application/problem+json");
    EXPECT_NE(replies[0].At({"detail"}), "");
  }
  static std::string Get(std::string_view headers) {
    return "GET /healthz HTTP/1.1\r\n" + std::string(headers) + "\r\n";
  }
  static std::string Post(std::string_view headers, std::string_view body) {
    return "POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
           std::string(headers) + "\r\n" + std::string(body);
  }
  Harness harness;
};

TEST_F(ProtocolTest, RequestsMayComeByteByByte) {
  const std::string two = Get(kHost) + Post("Content-Length: 2\r\n", "{}");
  bool closes = true;
  const auto replies = ParseReplies(harness.Talk(two, &closes, 1));
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].status, 200);
  EXPECT_EQ(replies[1].status, 200);
  EXPECT_FALSE(closes);
}

TEST_F(ProtocolTest, PipelinedRequestsAreAnsweredInOrder) {
  std::string bytes;
  for (int i = 0; i < 200; ++i) bytes += Get(std::string(kHost) + "X-Request-Id: r" + std::to_string(i) + "\r\n");
  bytes += "GET /api/v1/tenants HTTP/1.1\r\nHost: localhost\r\n\r\n" + Get(kHost);
  const auto replies = ParseReplies(harness.Talk(bytes));
  ASSERT_EQ(replies.size(), 202U);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(replies[i].Header("X-Request-Id"), "r" + std::to_string(i));
  EXPECT_EQ(replies[200].body, R"({"items":[]})");
}

TEST_F(ProtocolTest, WhatCouldBeReadInTwoWaysIsRefused) {
  const std::string host(kHost);
  ExpectRefused(Post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", "{}"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n", "{}"), 400);
  ExpectRefused(Post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"), 400);
  ExpectRefused(Post("Content-Length: 2\r\nContent-Length: 3\r\n", "{}"), 400);
  ExpectRefused(Post("Content-Length: 2, 2\r\n", "{}"), 400);
  for (const char* length : {"+2", "-1", "0x2", "2 ", "", "99999999999999999999", "1e1", "2\x0b"})
    if (std::string_view(length) != "2 ")
      ExpectRefused(Post("Content-Length: " + std::string(length) + "\r\n", "{}"), 400);
  for (const char* coding :
       {"identity", "chunked, identity", "gzip, chunked", "xchunked", "chunked,chunked", "\"chunked\"", ""})
    ExpectRefused(Post("Transfer-Encoding: " + std::string(coding) + "\r\n", "2\r\n{}\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400);
  ExpectRefused(Get(host + "X: a\rTransfer-Encoding: chunked\r\n"), 400);  // bare CR
  ExpectRefused(Get(host + "X: a\nTransfer-Encoding: chunked\r\n"), 400);  // bare LF
  ExpectRefused("GET /healthz HTTP/1.1\nHost: localhost\n\n", 400);
  ExpectRefused(Get(host + "X: a\r\n b\r\n"), 400);  // folded
  ExpectRefused(Get(host + "X: a\r\n\tb\r\n"), 400);
  ExpectRefused(Get("Host : localhost\r\n"), 400);
  ExpectRefused(Get(host + "Content-Length : 2\r\n"), 400);
  ExpectRefused(Get(host + ": empty\r\n"), 400);
  ExpectRefused(Get(host + "Bad Name: x\r\n"), 400);
  ExpectRefused(Get(host + "Bad\x01: x\r\n"), 400);
  ExpectRefused(Get(host + std::string("X: a\0b\r\n", 8)), 400);
  ExpectRefused(Get(host + "NoColon\r\n"), 400);
  ExpectRefused(Get(""), 400);
  ExpectRefused(Get(host + host), 400);
  ExpectRefused("GET http://localhost/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  ExpectRefused("GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  ExpectRefused("GET * HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  ExpectRefused("GET /a#b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  ExpectRefused("GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n", 505);
  ExpectRefused("GET  /a HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  ExpectRefused("\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400);
  ExpectRefused("GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n", 505);
  ExpectRefused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505);
  ExpectRefused("\x16\x03\x01\x02\x01\r\n\r\n", 400);  // a TLS client
}

// What follows a refused request is not taken for a request.
TEST_F(ProtocolTest, NothingIsReadAfterARefusal) {
  const std::string smuggled = "GET /api/v1/tenants HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto replies =
      ParseReplies(harness.Talk(Post("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n" + smuggled)));
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].status, 400);
}

TEST_F(ProtocolTest, ChunkedBodiesAreRead) {
  const std::string body = "1;name=value\r\n{\r\n0a\r\n\"context\":\r\n3\r\n{}}\r\n0\r\nTrailer: x\r\n\r\n";
  for (const std::size_t piece : {0UL, 1UL, 3UL}) {
    bool closes = true;
    const auto replies =
        ParseReplies(harness.Talk(Post("Transfer-Encoding: chunked\r\n", body) + Get(kHost), &closes, piece));
    ASSERT_EQ(replies.size(), 2U) << piece;
    EXPECT_EQ(replies[0].status, 200) << replies[0].body;
    EXPECT_EQ(replies[1].status, 200);
    EXPECT_FALSE(closes);
  }
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "zz\r\n{}\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "2\r\n{}x\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "0\r\n{}\r\n0\r\n\r\n"), 400);  // a trailer that is none
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "2\n{}\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "0x2\r\n{}\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "2 \r\n{}\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "-2\r\n{}\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "2;a\rb\r\n{}\r\n0\r\n\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n"), 400);
  ExpectRefused(Post("Transfer-Encoding: chunked\r\n", "2;" + std::string(9000, 'x')), 400);
}

TEST_F(ProtocolTest, SizesAreLimited) {
  const auto refused = [&](const std::string& bytes) {
    const auto replies = ParseReplies(harness.Talk(bytes));
    EXPECT_EQ(replies.size(), 1U);
    return replies.empty() ? 0 : replies[0].status;
  };
  EXPECT_EQ(refused("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n"), 414);
  EXPECT_EQ(refused("GET /" + std::string(9000, 'a')), 414);
  EXPECT_EQ(refused(Get(std::string(kHost) + "X: " + std::string(17'000, 'a') + "\r\n")), 431);
  EXPECT_EQ(refused("GET /healthz HTTP/1.1\r\nX: " + std::string(17'000, 'a')), 431);
  std::string many;
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  EXPECT_EQ(refused(Get(std::string(kHost) + many)), 431);
  EXPECT_EQ(refused(Post("Content-Length: 65537\r\n", "")), 413);
  EXPECT_EQ(refused(Post("Content-Length: 999999999999999999\r\n", "")), 413);
  std::string chunks;
  for (int i = 0; i < 70; ++i) chunks += "400\r\n" + std::string(1024, ' ') + "\r\n";
  EXPECT_EQ(refused(Post("Transfer-Encoding: chunked\r\n", chunks)), 413);
}

TEST_F(ProtocolTest, TruncatedRequestsWait) {
  for (const std::string& bytes :
       {std::string("GET /heal"), Get(kHost).substr(0, 40), Post("Content-Length: 5\r\n", "{}"),
        Post("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n")})
    EXPECT_EQ(harness.Talk(bytes), "") << bytes;
}

TEST_F(ProtocolTest, KeepAliveFollowsTheVersion) {
  const auto closes = [&](const std::string& bytes, std::string_view connection) {
    bool out = false;
    const auto replies = ParseReplies(harness.Talk(bytes, &out));
    EXPECT_EQ(replies.at(0).status, 200);
    EXPECT_EQ(replies.at(0).Header("Connection"), connection);
    return out;
  };
  EXPECT_FALSE(closes("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", ""));
  EXPECT_TRUE(closes("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "close"));
  EXPECT_TRUE(closes("GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n", "close"));
  EXPECT_FALSE(closes("GET /healthz HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n", "keep-alive"));
  ExpectRefused("POST /ofrep/v1/evaluate/flags HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
}

TEST_F(ProtocolTest, AConnectionServesABoundedNumberOfRequests) {
  Harness few(true, {.limits = {.requests_per_connection_max = 3}});
  bool closes = false;
  const auto replies = ParseReplies(few.Talk(Get(kHost) + Get(kHost) + Get(kHost) + Get(kHost), &closes));
  ASSERT_EQ(replies.size(), 3U);
  EXPECT_EQ(replies[1].Header("Connection"), "");
  EXPECT_EQ(replies[2].Header("Connection"), "close");
  EXPECT_TRUE(closes);
}

TEST_F(ProtocolTest, ContinueIsAnsweredBeforeTheBody) {
  api_http::Session session(*harness.api, *harness.io, "127.0.0.1");
  const std::string head = Post("Expect: 100-continue\r\nContent-Length: 2\r\n", "");
  EXPECT_EQ(Harness::Drive(session, head), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(ParseReplies(Harness::Drive(session, "{}")).at(0).status, 200);
  // Nobody asks for a body that will not be taken.
  api_http::Session large(*harness.api, *harness.io, "127.0.0.1");
  EXPECT_EQ(
      ParseReplies(Harness::Drive(large, Post("Expect: 100-continue\r\nContent-Length: 70000\r\n", ""))).at(0).status,
      413);
  api_http::Session refused(*harness.api, *harness.io, "10.0.0.1");
  EXPECT_EQ(ParseReplies(Harness::Drive(refused, head)).at(0).status, 401);
  EXPECT_TRUE(refused.closes());
  ExpectRefused(Get(std::string(kHost) + "Expect: more\r\n"), 417);
}

TEST_F(ProtocolTest, RequestIdsAreTakenOrReplaced) {
  const auto id = [&](const std::string& given) {
    return ParseReplies(harness.Talk(Get(std::string(kHost) + "X-Request-Id: " + given + "\r\n")))
        .at(0)
        .Header("X-Request-Id");
  };
  EXPECT_EQ(id("abc.DEF_1-2"), "abc.DEF_1-2");
  for (const std::string& bad : {std::string("a b"), std::string("a<b"), std::string(65, 'x'), std::string("")}) {
    EXPECT_NE(id(bad), bad);
    EXPECT_EQ(id(bad).size(), 16U);
  }
  EXPECT_NE(id(""), id(""));
}

TEST_F(ProtocolTest, SecurityHeadersAreOnEveryAnswer) {
  for (const char* path : {"/", "/healthz", "/api/v1/tenants", "/nothing"}) {
    const Reply reply = harness.Send("GET", path);
    EXPECT_EQ(reply.Header("X-Content-Type-Options"), "nosniff") << path;
    EXPECT_EQ(reply.Header("Cache-Control"), "no-store") << path;
    EXPECT_NE(reply.Header("Content-Security-Policy").find("frame-ancestors 'none'"), std::string::npos) << path;
    EXPECT_EQ(reply.Header("Date"), "Sun, 22 Nov 2026 04:23:00 GMT");
    std::size_t policies = 0;
    for (const auto& [name, value] : reply.headers) policies += name == "Content-Security-Policy" ? 1 : 0;
    EXPECT_EQ(policies, 1U);
  }
}

TEST_F(ProtocolTest, TimeOutsAndOverloadAreAnswered) {
  api_http::Session slow(*harness.api, *harness.io, "127.0.0.1");
  EXPECT_EQ(Harness::Drive(slow, "GET /heal"), "");
  slow.TimeOut();
  EXPECT_EQ(ParseReplies(slow.output()).at(0).status, 408);
  EXPECT_TRUE(slow.closes());

  api_http::Session busy(*harness.api, *harness.io, "127.0.0.1");
  const std::string request = RequestText("GET", "/api/v1/tenants");
  const auto room = busy.Prepare();
  std::copy(request.begin(), request.end(), room.begin());
  busy.Commit(request.size());
  ASSERT_EQ(busy.Advance(), api_http::Session::Step::kWork);
  busy.RefuseWork();
  const Reply reply = ParseReplies(busy.output()).at(0);
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.Header("Retry-After"), "1");
  EXPECT_FALSE(busy.closes());
}

TEST_F(ProtocolTest, DrainingFinishesWhatBeganAndRefusesTheRest) {
  api_http::Session session(*harness.api, *harness.io, "127.0.0.1");
  EXPECT_EQ(Harness::Drive(session, "GET /healthz HT"), "");
  session.Drain();
  const Reply begun = ParseReplies(Harness::Drive(session, "TP/1.1\r\nHost: localhost\r\n\r\n")).at(0);
  EXPECT_EQ(begun.status, 200);
  EXPECT_EQ(begun.Header("Connection"), "close");
  api_http::Session idle(*harness.api, *harness.io, "127.0.0.1");
  idle.Drain();
  const Reply refused = ParseReplies(Harness::Drive(idle, Get(kHost))).at(0);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("Connection"), "close");
}

}  // namespace
}  // namespace guidon::api_test

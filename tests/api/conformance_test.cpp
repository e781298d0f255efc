// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "case_file.hpp"
#include "guidon/json/model_json.hpp"
#include "guidon/store/repositories.hpp"
#include "harness.hpp"

// Replays conformance/eval/*.json over HTTP: definitions go in through the management interface and are stored, answers
// come out of OFREP. What the interface refuses (broken definitions, things that are not there) another program has
// written into the table.
namespace guidon::api_test {
namespace {

using conformance::InEnvironment;
using conformance::Items;
using conformance::Member;
using conformance::Text;
using model::Object;
using model::Value;

// Fewer means that something is refused that was not before, or that files were not found.
constexpr std::size_t kCasesMin = 590;

// The document without members that the path says.
std::string BodyOf(const Value& document, std::initializer_list<std::string_view> in_path) {
  Object body = *document.AsObject();
  for (const std::string_view name : in_path) body.Erase(name);
  return json::Write(Value(std::move(body)));
}

// OFREP's bodies of errors have no metadata.
Value Expected(const Value& one) {
  Value expected = Member(one, "expect");
  if (Text(expected, "reason") == "ERROR") expected.MutableObject()->Erase("metadata");
  return expected;
}

// One suite and a server of its own.
class Suite {
 public:
  explicit Suite(const Value& suite) : suite_(suite), environment_(Text(Member(suite, "definitions"), "environment")) {
    harness_.clock.Set(*base::ParseTimestamp(Text(suite, "now")));
  }

  void Store() {
    if (!Member(suite_, "lastGood").IsNull()) Store(Member(suite_, "lastGood"));
    Store(Member(suite_, "definitions"));
  }
  // Things that the interface refuses, written into the table as another program would.
  std::size_t written_behind() const { return written_behind_; }

  // The answer in the words of `expect`.
  Value Ask(const Value& one) {
    Object body;
    body.Set("context", Member(one, "context"));
    const Reply reply = harness_.Send("POST", "/ofrep/v1/evaluate/flags/" + Text(one, "flag"),
                                      json::Write(Value(std::move(body))), {{"Guidon-Environment", environment_}});
    const Value document = reply.Json();
    Object answer;
    if (reply.status == 200) {
      if (const std::string variant = Text(document, "variant"); !variant.empty()) answer.Set("variation", variant);
      const Value* value = document.AsObject()->Find("value");
      if (value != nullptr) answer.Set("value", *value);
      answer.Set("reason", Text(document, "reason"));
    } else {
      answer.Set("reason", "ERROR");
      answer.Set("errorCode", Text(document, "errorCode"));
    }
    Object metadata;
    for (const std::string_view name : {"ruleId", "killSwitch", "expired", "stale"}) {
      const Value& member = Member(Member(document, "metadata"), name);
      if (!member.IsNull()) metadata.Set(name, member);
    }
    if (!metadata.empty()) answer.Set("metadata", std::move(metadata));
    return Value(std::move(answer));
  }

 private:
  std::string Base() const { return "/api/v1/environments/" + environment_; }

  void Store(const Value& definitions) {
    for (const Value& one : Items(definitions, "segments"))
      Keep(Post("/segments", one), one, [&](const Value& document) {
        return store::PutSegment(Entity<model::Segment>(Read(json::SegmentFromJson(document, {}))), std::nullopt);
      });
    for (const Value& one : Items(definitions, "flags"))
      Keep(Post("/flags", one), one, [&](const Value& document) {
        model::FlagFields fields = Read(json::FlagFromJson(document, {}));
        fields.version = std::max<std::uint64_t>(fields.version, 1);
        fields.created_at = harness_.clock.Now();
        return store::PutFlag(Entity<model::Flag>(std::move(fields)), std::nullopt);
      });
    for (const Value& one : Items(definitions, "overrides")) {
      const std::string path = "/flags/" + Text(one, "flagKey") + "/overrides/" + Text(one, "tenantId");
      Keep(Put(path, BodyOf(one, {"environment", "flagKey", "tenantId"})), one, [&](const Value& document) {
        return store::PutOverrideAnyway(Entity<model::Override>(Read(json::OverrideFromJson(document))),
                                        harness_.clock.Now());
      });
    }
    for (const Value& one : Items(definitions, "killSwitches")) {
      const Reply reply = Put("/kill-switches/" + Text(one, "scope"), BodyOf(one, {"environment", "scope"}));
      EXPECT_LT(reply.status, 300) << reply.body;
    }
    if (written_behind_ == 0) return;
    EXPECT_LT(harness_.Send("POST", "/api/v1/refresh").status, 300);
  }

  Reply Post(std::string_view path, const Value& document) {
    return harness_.Send("POST", Base() + std::string(path), BodyOf(document, {"environment"}));
  }
  Reply Put(std::string_view path, const std::string& body) {
    return harness_.Send("PUT", Base() + std::string(path), body);
  }

  template <class T>
  static T Read(base::Result<T> result) {
    if (!result) ADD_FAILURE() << result.error().field << ": " << result.error().message;
    return result ? *std::move(result) : T{};
  }
  template <class T, class Fields>
  static T Entity(Fields fields) {
    auto entity = T::Create(std::move(fields));
    if (!entity) std::fprintf(stderr, "%s: %s\n", entity.error().field.c_str(), entity.error().message.c_str());
    return entity.value();  // stops the program where the data of a case is wrong
  }

  template <class Encode>
  void Keep(const Reply& reply, const Value& one, Encode encode) {
    if (reply.status < 300) return;
    const auto written = harness_.table.PutItem({.item = encode(InEnvironment(one, environment_)).item});
    EXPECT_TRUE(written) << (written ? "" : written.error().message);
    ++written_behind_;
  }

  Harness harness_;
  const Value& suite_;
  const std::string environment_;
  std::size_t written_behind_ = 0;
};

struct Count {
  std::size_t cases = 0;
  std::size_t written_behind = 0;
};

void Replay(const Value& suite, Count& count) {
  SCOPED_TRACE(Text(suite, "name"));
  Suite server(suite);
  server.Store();
  count.written_behind += server.written_behind();
  for (const Value& one : Items(suite, "cases")) {
    SCOPED_TRACE(Text(one, "name"));
    // No path of a request has an empty name.
    if (Text(one, "flag").empty()) continue;
    const Value answer = server.Ask(one);
    EXPECT_TRUE(answer == Expected(one)) << "expected " << json::Write(Expected(one)) << "\nbut is   "
                                         << json::Write(answer);
    ++count.cases;
  }
}

TEST(EvalConformanceOverHttp, EveryCaseIsAnsweredAsWritten) {
  Count count;
  conformance::ForEachSuite([&](const Value& suite) { Replay(suite, count); });
  std::printf("%zu cases over HTTP; %zu definitions that the interface refuses were written into the table\n",
              count.cases, count.written_behind);
  EXPECT_GE(count.cases, kCasesMin);
}

}  // namespace
}  // namespace guidon::api_test

// SPDX-License-Identifier: Apache-2.0
// The client without a server: options, files, forks. With one: tests/client.
#include "guidon/client/client.hpp"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guidon/base/random.hpp"
#include "guidon/client/disk_snapshot.hpp"

namespace guidon::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::string_view kDefinitions = R"({"environment":"dev","flags":[
  {"flagKey":"yes","owner":"o","defaultEnabled":true},
  {"flagKey":"text","owner":"o","defaultEnabled":true,"type":"string","variations":{"a":"alpha","b":"beta"},
   "defaultVariation":"a","offVariation":"b"},
  {"flagKey":"number","owner":"o","defaultEnabled":true,"type":"number","variations":{"a":7,"b":0.5},
   "defaultVariation":"a","offVariation":"b"},
  {"flagKey":"object","owner":"o","defaultEnabled":true,"type":"object","variations":{"a":{"x":1},"b":{}},
   "defaultVariation":"a","offVariation":"b"},
  {"flagKey":"ruled","owner":"o","targetingRules":[{"id":"eu","everyone":true,"variation":"on"}]}]})";

class ClientTest : public ::testing::Test {
 protected:
  ClientTest() {
    std::filesystem::create_directory(folder_);
    std::ofstream(Bootstrap()) << kDefinitions;
  }
  ~ClientTest() override { std::filesystem::remove_all(folder_); }
  std::string Bootstrap() const { return folder_ / "definitions.json"; }
  std::string Snapshot() const { return folder_ / "snapshot"; }
  Options FromFile() const { return {.url = "", .environment = "dev", .bootstrap_path = Bootstrap()}; }

  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / ("guidon-client-" + base::RandomId());
  const model::Context nobody_ = *model::Context::Create({});
};

TEST_F(ClientTest, EvaluatesFromAFile) {
  auto client = *Client::Start(FromFile());
  EXPECT_TRUE(client->WaitUntilReady(seconds(5)));
  EXPECT_TRUE(client->Bool("yes", false, nobody_));
  EXPECT_EQ(client->String("text", "x", nobody_), "alpha");
  EXPECT_EQ(client->Number("number", 0, nobody_), 7);
  EXPECT_EQ(*client->Object("object", {}, nobody_).AsObject()->Find("x")->AsInteger(), 1);
  const auto details = client->BoolDetails("ruled", false, nobody_);
  EXPECT_TRUE(details.value);
  EXPECT_EQ(details.variant, "on");
  EXPECT_EQ(details.reason, model::Reason::kTargetingMatch);
  EXPECT_EQ(details.rule_id, "eu");
  EXPECT_EQ(client->status().state, State::kReady);
  EXPECT_EQ(client->status().flags, 5U);
}

TEST_F(ClientTest, TakesTheDefaultWhereTheFlagHasNoSuchValue) {
  auto client = *Client::Start(FromFile());
  EXPECT_TRUE(client->Bool("missing", true, nobody_));
  EXPECT_EQ(client->BoolDetails("missing", true, nobody_).error, model::EvaluationError::kFlagNotFound);
  EXPECT_EQ(client->Number("text", 3, nobody_), 3);
  const auto details = client->StringDetails("yes", "fallback", nobody_);
  EXPECT_EQ(details.value, "fallback");
  EXPECT_EQ(details.error, model::EvaluationError::kTypeMismatch);
  EXPECT_EQ(details.reason, model::Reason::kError);
  EXPECT_EQ(details.variant, "");
  EXPECT_NE(details.error_message, "");
}

TEST_F(ClientTest, RefusesOptionsThatCannotWork) {
  const auto field = [](Options options) {
    auto client = Client::Start(std::move(options));
    return client ? "started" : client.error().field;
  };
  EXPECT_EQ(field({.url = "", .environment = "dev"}), "url");
  EXPECT_EQ(field({.url = "ftp://x", .environment = "dev"}), "url");
  EXPECT_EQ(field({.url = "http://x", .environment = "a b"}), "environment");
  EXPECT_EQ(field({.url = "http://x", .environment = "dev", .api_key = "a\r\nb: c"}), "api_key");
  EXPECT_EQ(field({.url = "http://x", .environment = "dev", .flags = {"#"}}), "flags");
  EXPECT_EQ(field({.url = "http://x", .environment = "dev", .poll_interval = milliseconds(0)}), "poll_interval");
}

TEST_F(ClientTest, WithoutServerAndFileGivesDefaultsAndSaysWhy) {
  // Nobody listens on the port of a discard service; the answer comes at once.
  auto client = *Client::Start({.url = "http://127.0.0.1:9", .environment = "dev"});
  EXPECT_TRUE(client->Bool("yes", true, nobody_));
  EXPECT_FALSE(client->Bool("yes", false, nobody_));
  EXPECT_EQ(client->BoolDetails("yes", false, nobody_).error, model::EvaluationError::kGeneral);
  EXPECT_FALSE(client->WaitUntilReady(seconds(20)));
  const Status status = client->status();
  EXPECT_EQ(status.state, State::kError);
  EXPECT_NE(status.detail.find("cannot be reached"), std::string::npos) << status.detail;
  EXPECT_FALSE(status.age.has_value());
}

TEST_F(ClientTest, StartsFromItsSnapshotAndSaysHowOldItIs) {
  {
    Options options = FromFile();
    options.snapshot_path = Snapshot();
    auto client = *Client::Start(options);
    EXPECT_TRUE(client->Bool("yes", false, nobody_));
  }  // writes the snapshot
  auto file = *DecodeDiskSnapshot(*ReadFileWhole(Snapshot()));
  file.confirmed_at -= std::chrono::hours(3);
  ASSERT_TRUE(WriteFileWhole(Snapshot(), EncodeDiskSnapshot(file)).has_value());

  auto client = *Client::Start({.url = "http://127.0.0.1:9", .environment = "dev", .snapshot_path = Snapshot()});
  EXPECT_TRUE(client->Bool("yes", false, nobody_));  // at once, whether or not everything is compiled
  EXPECT_EQ(client->String("text", "x", nobody_), "alpha");
  EXPECT_TRUE(client->WaitUntilReady(seconds(5)));
  const Status status = client->status();
  EXPECT_EQ(status.state, State::kStale);
  ASSERT_TRUE(status.age.has_value());
  EXPECT_GE(*status.age, std::chrono::hours(3));
}

TEST_F(ClientTest, TakesNoDamagedOrForeignSnapshot) {
  std::ofstream(Snapshot()) << "GDNSNAP\nrubbish";
  Options options = FromFile();
  options.snapshot_path = Snapshot();
  {
    auto client = *Client::Start(options);
    EXPECT_TRUE(client->Bool("yes", false, nobody_));  // from the bootstrap file
    EXPECT_TRUE(client->WaitUntilReady(seconds(5)));
  }
  ASSERT_TRUE(DecodeDiskSnapshot(*ReadFileWhole(Snapshot())).has_value());  // written anew
  auto client = *Client::Start(
      {.url = "http://127.0.0.1:9", .environment = "other", .snapshot_path = Snapshot(), .send_usage = false});
  EXPECT_FALSE(client->Bool("yes", false, nobody_));
}

TEST_F(ClientTest, SaysWhatIsWrongWithItsFiles) {
  std::ofstream(Snapshot()) << "GDNSNAP\nrubbish";
  auto client = *Client::Start({.url = "", .environment = "dev", .snapshot_path = Snapshot()});
  EXPECT_FALSE(client->WaitUntilReady(seconds(5)));
  EXPECT_EQ(client->status().state, State::kError);
  EXPECT_NE(client->status().detail.find("no snapshot of a client"), std::string::npos) << client->status().detail;
}

TEST_F(ClientTest, ReportsChangesAndStates) {
  std::atomic<int> changes{0};
  std::promise<State> told;
  {
    Options options = FromFile();
    options.snapshot_path = Snapshot();
    auto client = *Client::Start(options);
  }
  std::this_thread::sleep_for(milliseconds(2));  // older than what is stale below
  Options options{.url = "http://127.0.0.1:9", .environment = "dev", .snapshot_path = Snapshot()};
  options.on_change = [&](const Change& change) { changes += change.everything ? 1 : 0; };
  options.on_state = [&, first = true](const Status& status) mutable {
    if (std::exchange(first, false)) told.set_value(status.state);
  };
  options.stale_after = milliseconds(1);
  auto client = *Client::Start(options);
  EXPECT_EQ(told.get_future().get(), State::kStale);
  EXPECT_EQ(changes.load(), 1);  // what came from disk is all there
}

// ThreadSanitizer lets no child of a program with threads have threads.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GUIDON_SKIP_FORKS() GTEST_SKIP() << "ThreadSanitizer does not follow forks"
#endif
#endif
#ifndef GUIDON_SKIP_FORKS
#define GUIDON_SKIP_FORKS() static_cast<void>(0)
#endif

// Exit code of a child that runs `body`.
template <class Body>
int InChild(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(ClientTest, GoesOnInAForkedChild) {
  GUIDON_SKIP_FORKS();
  auto client = *Client::Start(FromFile());
  ASSERT_TRUE(client->WaitUntilReady(seconds(5)));
  const auto evaluates = [&] {
    const bool answer = client->Bool("yes", false, nobody_);
    const bool ready = client->WaitUntilReady(seconds(5));
    const bool state = client->status().state == State::kReady;
    client.reset();  // ends the child's thread
    return answer && ready && state;
  };
  EXPECT_EQ(InChild(evaluates), 0);
  // A child that never used it does not wait for a thread that it does not have.
  EXPECT_EQ(InChild([&] {
              client.reset();
              return true;
            }),
            0);
  EXPECT_EQ(InChild([&] { return InChild(evaluates) == 0; }), 0);  // a grandchild
  EXPECT_TRUE(client->Bool("yes", false, nobody_));
}

// Other threads evaluate, count and hold whatever they hold at the moment of the fork.
TEST_F(ClientTest, ForksAtAnyMoment) {
  GUIDON_SKIP_FORKS();
  auto client = *Client::Start(FromFile());
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      while (!stop.load()) {
        (void)client->Bool("yes", false, nobody_);
        (void)client->status();
      }
    });
  }
  for (int i = 0; i < 30; ++i) {
    EXPECT_EQ(InChild([&] {
                alarm(20);  // a lock that nobody gives back would else stand here for ever
                return client->Bool("yes", false, nobody_) && client->status().state != State::kError;
              }),
              0);
  }
  stop.store(true);
  for (std::thread& thread : threads) thread.join();
}

TEST_F(ClientTest, AnyNumberOfThreadsEvaluate) {
  auto client = *Client::Start(FromFile());
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 20'000; ++n) {
        if (!client->Bool("yes", false, nobody_)) ++wrong;
        if (client->Number("number", 0, nobody_) != 7) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong.load(), 0);
}

}  // namespace
}  // namespace guidon::client

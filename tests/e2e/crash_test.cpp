// SPDX-License-Identifier: Apache-2.0
// Starts the real server, writes from several connections, kills it with SIGKILL at a random moment, and looks at what
// is on disk: every acknowledged write is there, nothing is half there. Then starts it again on the same data.
//
// GUIDON_BINARY is the server; GUIDON_TEST_CRASH_ROUNDS (100) and GUIDON_TEST_CRASH_SEED (printed) control the run.

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <curl/curl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guidon/base/clock.hpp"
#include "guidon/json/json.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store_rocksdb/rocks_table.hpp"

namespace guidon {
namespace {

using namespace std::chrono_literals;

constexpr int kWriters = 6;
constexpr int kFlagsPerWriter = 4;
constexpr int kTenants = 3;
constexpr std::string_view kEnvironment = "development";

std::string FromEnvironment(const char* name, std::string otherwise) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::move(otherwise) : value;
}

struct Answer {
  long status = 0;  // 0: no answer
  std::string body;
};

std::size_t Collect(char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

// One kept-alive connection.
class Connection {
 public:
  explicit Connection(int port) : base_(fmt::format("http://127.0.0.1:{}", port)), handle_(curl_easy_init()) {}
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { curl_easy_cleanup(handle_); }

  Answer Call(const std::string& method, const std::string& path, const std::string& body = {},
              const std::vector<std::string>& headers = {}) {
    Answer answer;
    curl_slist* list = curl_slist_append(nullptr, "Content-Type: application/json");
    for (const std::string& header : headers) list = curl_slist_append(list, header.c_str());
    const std::string url = base_ + path;
    curl_easy_setopt(handle_, CURLOPT_URL, url.c_str());
    curl_easy_setopt(handle_, CURLOPT_CUSTOMREQUEST, method.c_str());
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(handle_, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(handle_, CURLOPT_COPYPOSTFIELDS, body.c_str());
    if (method == "GET") curl_easy_setopt(handle_, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(handle_, CURLOPT_WRITEFUNCTION, Collect);
    curl_easy_setopt(handle_, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, 20'000L);
    curl_easy_setopt(handle_, CURLOPT_NOSIGNAL, 1L);
    if (curl_easy_perform(handle_) == CURLE_OK) curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &answer.status);
    curl_slist_free_all(list);
    return answer;
  }

 private:
  std::string base_;
  CURL* handle_;
};

int FreePort() {
  const int socket_fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(::bind(socket_fd, generic, size), 0);
  EXPECT_EQ(::getsockname(socket_fd, generic, &size), 0);
  ::close(socket_fd);
  return ntohs(address.sin_port);
}

class Server {
 public:
  Server(const std::string& binary, const std::filesystem::path& data) : port_(FreePort()) {
    const std::string listen = fmt::format("127.0.0.1:{}", port_);
    const std::string log = (data.parent_path() / "server.log").string();
    pid_ = ::fork();
    if (pid_ == 0) {
      if (std::freopen(log.c_str(), "a", stderr) == nullptr || std::freopen(log.c_str(), "a", stdout) == nullptr)
        ::_exit(126);
      ::execl(binary.c_str(), binary.c_str(), "serve", "--profile", "local", "--store", "rocksdb", "--data",
              data.c_str(), "--listen", listen.c_str(), "--no-demo", static_cast<char*>(nullptr));
      ::_exit(127);
    }
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() { Kill(); }

  int port() const { return port_; }

  bool UntilReady() const {
    Connection connection(port_);
    const auto deadline = std::chrono::steady_clock::now() + 30s;
    while (std::chrono::steady_clock::now() < deadline) {
      if (connection.Call("GET", "/readyz").status == 200) return true;
      if (::waitpid(pid_, nullptr, WNOHANG) != 0) return false;
      std::this_thread::sleep_for(5ms);
    }
    return false;
  }

  void Kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  int port_;
  pid_t pid_ = 0;
};

// What one flag or override should look like: its marker, or nothing. After a write without an answer both the old and
// the new state are right.
struct Expected {
  std::optional<std::string> acknowledged;
  bool uncertain = false;
  std::optional<std::string> attempted = std::nullopt;

  bool Allows(const std::optional<std::string>& found) const {
    return found == acknowledged || (uncertain && found == attempted);
  }
};

using Expectations = std::map<std::string, Expected>;  // "flagKey" or "flagKey/tenant"

std::string Show(const std::optional<std::string>& state) { return state ? "'" + *state + "'" : "nothing"; }

// Writes until the server is gone; only this writer touches its flags.
class Writer {
 public:
  Writer(int number, unsigned seed) : number_(number), random_(seed) {}

  void Run(int port, const std::atomic<bool>& stop) {
    Connection connection(port);
    while (!stop.load() && Step(connection)) {
    }
  }

  Expectations& expected() { return expected_; }
  std::uint64_t acknowledged_writes() const { return acknowledged_writes_; }

 private:
  bool Step(Connection& connection) {
    const std::string flag = fmt::format("crash-{}-{}", number_, Pick(kFlagsPerWriter));
    Expected& of_flag = expected_[flag];
    const std::string marker = fmt::format("w{}-{}", number_, ++counter_);
    if (!of_flag.acknowledged) {
      return Write(
          connection, {flag}, marker, "POST", "/flags",
          fmt::format(R"({{"flagKey":"{}","owner":"crash","description":"{}","defaultEnabled":true}})", flag, marker),
          {201});
    }
    switch (Pick(6)) {
      case 0: {
        std::vector<std::string> gone{flag};
        for (int tenant = 0; tenant < kTenants; ++tenant) gone.push_back(fmt::format("{}/t{}", flag, tenant));
        return Write(connection, gone, std::nullopt, "DELETE", "/flags/" + flag, "", {204});
      }
      case 1:
      case 2: {
        const std::string tenant = fmt::format("t{}", Pick(kTenants));
        const std::string variation = Pick(2) == 0 ? "on" : "off";
        return Write(connection, {flag + "/" + tenant}, variation, "PUT", "/flags/" + flag + "/overrides/" + tenant,
                     fmt::format(R"({{"variation":"{}"}})", variation), {200});
      }
      default:
        return Write(connection, {flag}, marker, "PATCH", "/flags/" + flag,
                     fmt::format(R"({{"description":"{}"}})", marker), {200});
    }
  }

  // False when the server no longer answers.
  bool Write(Connection& connection, const std::vector<std::string>& touched, const std::optional<std::string>& state,
             const std::string& method, const std::string& path, const std::string& body, const std::set<long>& good) {
    std::vector<std::string> headers{fmt::format("Idempotency-Key: crash-{}-{}-{}", number_, counter_, random_())};
    if (method == "PATCH") headers.emplace_back("If-Match: *");
    const Answer answer =
        connection.Call(method, fmt::format("/api/v1/environments/{}{}", kEnvironment, path), body, headers);
    if (good.contains(answer.status)) {
      for (const std::string& key : touched) expected_[key] = Expected{.acknowledged = state};
      ++acknowledged_writes_;
      return true;
    }
    EXPECT_TRUE(answer.status == 0 || answer.status == 503)
        << method << " " << path << ": " << answer.status << " " << answer.body;
    for (const std::string& key : touched) {
      expected_[key].uncertain = true;
      expected_[key].attempted = state;
    }
    return false;
  }

  int Pick(int below) { return std::uniform_int_distribution<int>(0, below - 1)(random_); }

  int number_;
  std::mt19937 random_;
  std::uint64_t counter_ = 0;
  std::uint64_t acknowledged_writes_ = 0;
  Expectations expected_;
};

std::string Text(const store::Item& item, std::string_view name) {
  const store::AttributeValue* value = item.Find(name);
  if (value == nullptr) return {};
  if (const auto* text = value->AsString()) return *text;
  if (const auto* number = value->AsNumber()) return number->text;
  return {};
}

// All of the table, as a reader of items sees it.
struct Disk {
  std::map<std::string, std::string> flags;      // key → description
  std::map<std::string, std::string> overrides;  // flag/tenant → variation
  std::map<std::string, std::string> flag_created;
  std::map<std::string, std::string> override_flag_created;
  std::set<std::uint64_t> changes;
  std::set<std::uint64_t> audited;
  std::uint64_t head = 0;
  std::uint64_t idempotency_records = 0;
};

void Note(const store::Item& item, Disk& disk) {
  const std::string pk = Text(item, "PK");
  const std::string sk = Text(item, "SK");
  const std::string flag_prefix = fmt::format("FLAG#{}#", kEnvironment);
  if (pk.starts_with(flag_prefix)) {
    const std::string flag = pk.substr(flag_prefix.size());
    if (sk == "METADATA") {
      disk.flags[flag] = Text(item, "description");
      disk.flag_created[flag] = Text(item, "createdAt");
    } else if (sk.starts_with("OVERRIDE#")) {
      const std::string key = flag + "/" + sk.substr(9);
      disk.overrides[key] = Text(item, "variation");
      disk.override_flag_created[key] = Text(item, "flagCreatedAt");
    }
  } else if (pk == fmt::format("CHANGES#{}", kEnvironment)) {
    if (sk == "HEAD") {
      disk.head = std::stoull(Text(item, "sequence"));
    } else {
      disk.changes.insert(std::stoull(sk));
    }
  } else if (pk.starts_with("AUDIT#")) {
    if (const std::string sequence = Text(item, "sequence"); !sequence.empty())
      disk.audited.insert(std::stoull(sequence));
  } else if (pk.starts_with("IDEMPOTENCY#")) {
    ++disk.idempotency_records;
  }
}

Disk ReadDisk(const std::filesystem::path& data) {
  Disk disk;
  const base::SystemClock clock;
  // The server keeps its table in a folder of the data directory.
  std::filesystem::path path = data;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(data))
    if (entry.path().filename() == "CURRENT") path = entry.path().parent_path();
  auto table = store_rocksdb::RocksTable::Open({.path = path.string(), .clock = &clock});
  EXPECT_TRUE(table) << (table ? "" : table.error().message);
  if (!table) return disk;
  const auto report = (*table)->VerifyIndexes();
  EXPECT_TRUE(report);
  if (report) {
    EXPECT_TRUE(report->Ok()) << (report->problems.empty() ? "" : report->problems.front());
  }
  EXPECT_TRUE((*table)->ForEachItem([&](const store::Item& item) -> base::Status {
    Note(item, disk);
    return {};
  }));
  // An override of a former flag of the same key is left-over rubbish that nobody sees.
  std::erase_if(disk.overrides, [&](const auto& entry) {
    const std::string flag = entry.first.substr(0, entry.first.find('/'));
    const auto created = disk.flag_created.find(flag);
    return created == disk.flag_created.end() || created->second != disk.override_flag_created[entry.first];
  });
  return disk;
}

std::optional<std::string> Find(const std::map<std::string, std::string>& map, const std::string& key) {
  const auto found = map.find(key);
  return found == map.end() ? std::nullopt : std::optional(found->second);
}

void CheckNothingHalfDone(const Disk& disk) {
  EXPECT_EQ(disk.changes.size(), disk.head) << "the change log has gaps or more than its head says";
  if (!disk.changes.empty()) {
    EXPECT_EQ(*disk.changes.begin(), 1U);
    EXPECT_EQ(*disk.changes.rbegin(), disk.head);
  }
  EXPECT_EQ(disk.audited, disk.changes) << "changes and audit entries differ";
  EXPECT_EQ(disk.idempotency_records, disk.head) << "each change of this test carried an idempotency key";
}

// Settles what was uncertain to what is on disk, so that the next round starts from facts.
void CheckAndSettle(Expectations& expected, const Disk& disk) {
  for (auto& [key, state] : expected) {
    const bool is_override = key.find('/') != std::string::npos;
    const auto found = Find(is_override ? disk.overrides : disk.flags, key);
    EXPECT_TRUE(state.Allows(found)) << key << ": acknowledged " << Show(state.acknowledged) << ", on disk "
                                     << Show(found);
    state = Expected{.acknowledged = found};
  }
}

// The restarted server answers what is on disk.
void CheckServed(Connection& connection, const Disk& disk) {
  for (const auto& [flag, description] : disk.flags) {
    const Answer answer = connection.Call("GET", fmt::format("/api/v1/environments/{}/flags/{}", kEnvironment, flag));
    ASSERT_EQ(answer.status, 200) << flag << answer.body;
    const auto document = json::Parse(answer.body);
    ASSERT_TRUE(document);
    EXPECT_EQ(*document->AsObject()->Find("description"), model::Value(description)) << flag;
  }
  for (const auto& [key, variation] : disk.overrides) {
    const std::size_t slash = key.find('/');
    const Answer answer =
        connection.Call("POST", "/ofrep/v1/evaluate/flags/" + key.substr(0, slash),
                        fmt::format(R"({{"context":{{"targetingKey":"u","tenantId":"{}"}}}})", key.substr(slash + 1)));
    ASSERT_EQ(answer.status, 200) << key << answer.body;
    const auto document = json::Parse(answer.body);
    ASSERT_TRUE(document);
    EXPECT_EQ(*document->AsObject()->Find("variant"), model::Value(variation)) << key;
  }
}

class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "guidon-crash-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TEST(Crash, NothingAcknowledgedIsLostAndNothingIsHalfThere) {
  const std::string binary = FromEnvironment("GUIDON_BINARY", "build/ci/bin/guidon");
  const int rounds = std::stoi(FromEnvironment("GUIDON_TEST_CRASH_ROUNDS", "100"));
  const auto seed = static_cast<unsigned>(std::stoul(FromEnvironment("GUIDON_TEST_CRASH_SEED", "20261123")));
  std::cout << "rounds " << rounds << ", seed " << seed << std::endl;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  std::mt19937 random(seed);
  const Folder folder;
  const std::filesystem::path data = folder.path() / "data";

  std::vector<std::unique_ptr<Writer>> writers;
  for (int i = 0; i < kWriters; ++i) writers.push_back(std::make_unique<Writer>(i, seed + static_cast<unsigned>(i)));

  Disk disk;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    SCOPED_TRACE(fmt::format("round {}", round));
    Server server(binary, data);
    ASSERT_TRUE(server.UntilReady()) << "the server does not start on what the last crash left";
    Connection connection(server.port());
    CheckServed(connection, disk);

    std::atomic<bool> stop{false};
    std::vector<std::jthread> threads;
    for (auto& writer : writers) threads.emplace_back([&] { writer->Run(server.port(), stop); });
    std::this_thread::sleep_for(std::chrono::milliseconds(std::uniform_int_distribution<int>(20, 250)(random)));
    server.Kill();
    stop = true;
    threads.clear();

    disk = ReadDisk(data);
    CheckNothingHalfDone(disk);
    for (auto& writer : writers) CheckAndSettle(writer->expected(), disk);
  }

  std::uint64_t acknowledged = 0;
  for (const auto& writer : writers) acknowledged += writer->acknowledged_writes();
  std::cout << "acknowledged writes " << acknowledged << ", change log head " << disk.head << std::endl;
  EXPECT_GE(acknowledged, static_cast<std::uint64_t>(rounds) * kWriters) << "too few writes to show anything";
  EXPECT_GE(disk.head, acknowledged);
}

}  // namespace
}  // namespace guidon

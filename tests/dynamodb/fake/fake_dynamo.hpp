// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "guidon/aws/http.hpp"
#include "guidon/aws/wait_clock.hpp"
#include "guidon/base/clock.hpp"
#include "guidon/base/result.hpp"
#include "guidon/model/value.hpp"
#include "guidon/store/table.hpp"

namespace guidon::dynamodb_test {

// What goes wrong with one request.
enum class Fault : std::uint8_t {
  kNone,
  kThrottledHotKey,     // ProvisionedThroughputExceededException with its ThrottlingReasons
  kThrottledLimit,      // ThrottlingException: provisioned capacity
  kThrottledAccount,    // RequestLimitExceeded
  kUnprocessed,         // batches: half is left undone
  kErrorBefore,         // status 500, nothing carried out
  kErrorAfter,          // status 500 although it was carried out
  kResetBefore,         // the connection breaks, nothing carried out
  kResetAfter,          // the connection breaks although it was carried out
  kTimeoutAfter,        // carried out, and the answer takes longer than anybody waits
  kLate,                // no answer; carried out when one of the next three requests comes
  kWrongChecksum,       // carried out, and the answer is damaged on its way
  kConflict,            // another transaction is under way
  kShortOfCapacity,     // transactions: cancelled for lack of capacity; else ThrottlingException
  kExpiredCredentials,  // refused
  kNotConnected,        // never sent
  kTableGone,           // ResourceNotFoundException
};
inline constexpr std::size_t kFaultCount = 17;
std::string_view NameOf(Fault fault);

// DynamoDB in memory, with faults by script: the API that Guidon uses, by DynamoDB's documentation, for one table with
// the keys and indexes of spec 2. Written apart from the adapter. As an aws::HttpTransport it needs no network; a
// program serves it over HTTP (serve.cpp) so that the official SDK for JavaScript can check it. Thread-safe.
class FakeDynamo final : public aws::HttpTransport {
 public:
  // `pass` is called for time that a timeout takes.
  explicit FakeDynamo(const base::Clock& clock, std::function<void(std::chrono::milliseconds)> pass = {})
      : clock_(clock), pass_(std::move(pass)) {}

  std::expected<aws::HttpResponse, aws::TransportError> Send(const aws::HttpRequest& request,
                                                             std::stop_token stop) override;
  // Without faults.
  aws::HttpResponse Answer(const aws::HttpRequest& request);

  // Decides what happens to the next request of an operation ("PutItem" …). Called outside of any lock of the fake.
  std::function<Fault(std::string_view operation)> script;
  // Requests whose x-amz-date is further from the fake's clock than this are refused as DynamoDB does.
  std::optional<std::chrono::minutes> clock_tolerance;

  // Every committed version of an item, in order. A deletion has no item.
  struct Commit {
    store::Key key;
    std::optional<store::Item> item;
  };
  std::vector<Commit> commits() const;
  std::map<store::Key, store::Item> items() const;
  std::uint64_t requests() const;
  // A write by somebody else.
  void WriteBehind(const store::Item& item);
  // Carries out what is still on its way.
  void DeliverLate() { DeliverDue(~std::uint64_t{0}); }

 private:
  struct Refusal {
    int status = 400;
    std::string type;
    std::string message;
    std::string more = {};  // further members of the body, ",\"Item\":…"
  };
  using Outcome = std::expected<std::string, Refusal>;
  struct Prepared;

  aws::HttpResponse Carry(const aws::HttpRequest& request, std::string_view operation, bool unprocessed);
  Outcome Dispatch(std::string_view operation, const model::Object& request, bool unprocessed);
  Outcome GetItem(const model::Object& request) const;
  Outcome SingleWrite(std::string_view operation, const model::Object& request);
  Outcome Query(const model::Object& request) const;
  Outcome Scan(const model::Object& request) const;
  Outcome BatchGet(const model::Object& request, bool unprocessed) const;
  Outcome BatchWrite(const model::Object& request, bool unprocessed);
  Outcome Transact(const model::Object& request);
  Outcome Describe(const model::Object& request) const;
  std::expected<Prepared, Refusal> Prepare(std::string_view operation, const model::Object& request) const;
  void CommitWrite(const Prepared& prepared);
  std::optional<Refusal> CheckDate(const aws::HttpRequest& request) const;
  const store::Item* Find(const store::Key& key) const;

  const base::Clock& clock_;
  const std::function<void(std::chrono::milliseconds)> pass_;
  mutable std::mutex mutex_;
  std::map<store::Key, store::Item> items_;
  std::vector<Commit> commits_;
  std::map<std::string, std::string> tokens_;  // of committed transactions → their text
  struct Late {
    aws::HttpRequest request;
    std::uint64_t due = 0;  // with the request of this number
  };
  void DeliverDue(std::uint64_t now);
  std::vector<Late> late_;
  std::uint64_t requests_ = 0;
};

}  // namespace guidon::dynamodb_test

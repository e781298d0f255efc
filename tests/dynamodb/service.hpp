// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "guidon/aws/client.hpp"
#include "guidon/aws/credential_cache.hpp"
#include "guidon/aws/curl_transport.hpp"
#include "guidon/aws/testing/fakes.hpp"

namespace guidon::dynamodb_test {

// A client of the service at an endpoint of this machine, with everything that it needs.
class Service {
 public:
  explicit Service(const std::string& endpoint, aws::RetryOptions retry = {})
      : transport_(*aws::CurlTransport::Create()),
        client_({.region = "us-east-1", .endpoint = endpoint, .retry = retry},
                {*transport_, credentials_, clock_, wait_clock_, {}}) {}
  aws::Client& client() { return client_; }

 private:
  base::SystemClock clock_;
  aws::SystemWaitClock wait_clock_;
  aws::FakeSource source_;
  aws::CredentialCache credentials_{source_, clock_, wait_clock_};
  std::unique_ptr<aws::CurlTransport> transport_;
  aws::Client client_;
};

}  // namespace guidon::dynamodb_test

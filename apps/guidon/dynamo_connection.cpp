// SPDX-License-Identifier: Apache-2.0
#include "apps/guidon/dynamo_connection.hpp"

#include <utility>

#include <fmt/format.h>

#include "guidon/aws/credential_cache.hpp"
#include "guidon/aws/credential_chain.hpp"
#include "guidon/aws/curl_transport.hpp"
#include "guidon/aws/endpoint.hpp"
#include "guidon/store_dynamodb/dynamo_table.hpp"

namespace guidon::cli {
namespace {

struct Place {
  std::string region;
  std::string endpoint;
  bool is_local = false;
};

base::Result<Place> Find(const DynamoConfiguration& configuration, const aws::Machine& machine) {
  GUIDON_ASSIGN(const aws::ProfileFiles files, aws::LoadProfiles(machine));
  Place place;
  // What somebody configured for AWS programs is stronger than a default of ours.
  auto region = aws::ResolveRegion(configuration.region, machine, files);
  if (!region && !configuration.region.empty()) return std::unexpected(region.error());
  place.region = region ? *std::move(region) : configuration.region_otherwise;
  GUIDON_ASSIGN(place.endpoint, aws::ResolveEndpoint(configuration.endpoint, "dynamodb", place.region, machine, files));
  place.is_local = aws::IsLoopbackHost(aws::SplitUrl(place.endpoint).host);
  return place;
}

}  // namespace

struct DynamoConnection::Impl {
  Impl(const DynamoConfiguration& configuration, const Place& where, std::unique_ptr<aws::CurlTransport> carrier,
       const base::Clock& time)
      : table(configuration.table),
        place(where),
        clock(time),
        transport(std::move(carrier)),
        chain({machine, *transport, clock}, place.region, place.is_local),
        credentials(chain, clock, wait_clock),
        client({.region = place.region, .endpoint = place.endpoint}, {*transport, credentials, clock, wait_clock, {}}) {
  }

  const std::string table;
  const Place place;
  const base::Clock& clock;
  aws::SystemMachine machine;
  aws::SystemWaitClock wait_clock;
  std::unique_ptr<aws::CurlTransport> transport;
  aws::CredentialChain chain;
  aws::CredentialCache credentials;
  aws::Client client;
};

DynamoConnection::DynamoConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

DynamoConnection::~DynamoConnection() = default;

Outcome<std::unique_ptr<DynamoConnection>> DynamoConnection::Open(const DynamoConfiguration& configuration,
                                                                  const base::Clock& clock) {
  const aws::SystemMachine machine;
  constexpr const char* kWhat = "DynamoDB cannot be reached as it is configured";
  GUIDON_ASSIGN(const Place place, Lift(Find(configuration, machine), kWhat));
  GUIDON_ASSIGN(auto transport,
                Lift(aws::CurlTransport::Create({.user_agent = "guidon/" GUIDON_VERSION,
                                                 .ca_bundle = machine.Variable("AWS_CA_BUNDLE").value_or("")}),
                     kWhat));
  return std::unique_ptr<DynamoConnection>(
      new DynamoConnection(std::make_unique<Impl>(configuration, place, std::move(transport), clock)));
}

aws::Client& DynamoConnection::client() { return impl_->client; }

std::unique_ptr<store_dynamodb::DynamoTable> DynamoConnection::MakeTable() {
  return std::make_unique<store_dynamodb::DynamoTable>(impl_->client, impl_->table, impl_->clock);
}

std::string DynamoConnection::Describe() const {
  std::string text = fmt::format("table {} in {}", impl_->table, impl_->place.region);
  if (!impl_->place.endpoint.contains(".amazonaws.com")) text += " at " + impl_->place.endpoint;
  return text;
}

}  // namespace guidon::cli

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <grpcpp/support/byte_buffer.h>

#include "guidon/api_grpc/figures.hpp"
#include "guidon/app/application.hpp"
#include "guidon/flagd/flagd.hpp"

namespace guidon::api_grpc {

// Definitions as flagd knows them, ready to be sent: made once, shared by all streams of a selector.
struct SyncPayload {
  std::string json;
  grpc::ByteBuffer message;  // a SyncFlagsResponse; copies share its bytes
};

// What sync clients get, by environment and tenant. Holds an environment's definitions while somebody asks for them,
// and reads again only what the feed says has changed. Not thread-safe: the hub's thread only.
class SyncSource {
 public:
  // Both outlive it.
  SyncSource(app::Application& app, Figures& figures) : app_(app), figures_(figures) {}

  // What is published now. A change that concerns nobody of the selector gives the same payload as before. Errors:
  // those of the store.
  base::Result<std::shared_ptr<const SyncPayload>> Current(const std::string& environment, const std::string& tenant);
  // What the definitions of the last successful Current of the environment go up to, by the change log.
  std::uint64_t SequenceOf(const std::string& environment) { return environments_[environment].served; }
  // Forgets what nobody has asked for since the last call.
  void DropUnused();

 private:
  struct Environment {
    flagd::Definitions definitions;
    std::uint64_t number = 0;  // of the feed: all up to it is in the definitions
    std::uint64_t served = 0;  // the same by the change log
    bool loaded = false;
    bool used = false;
    std::set<std::pair<std::string, std::string>> reported;  // notes that the log has already
    std::uint64_t left_out = 0;                              // flags that the last document lacks
  };
  struct Selected {
    std::shared_ptr<const SyncPayload> payload;
    std::uint64_t number = 0;
    bool used = false;
  };

  base::Status BringUp(const std::string& name, Environment& environment);
  base::Status Load(const model::Environment& name, Environment& environment) const;
  base::Status ReadFlag(const model::Environment& name, const std::string& key, flagd::Definitions& definitions) const;
  base::Status ReadSegment(const model::Environment& name, const std::string& key,
                           flagd::Definitions& definitions) const;
  static void Report(const std::string& name, Environment& environment, const std::vector<flagd::Note>& notes);
  void CountLeftOut(Environment& environment, const flagd::Export& out);
  void StoreLeftOut() const;

  app::Application& app_;
  Figures& figures_;
  std::map<std::string, Environment> environments_;
  std::map<std::pair<std::string, std::string>, Selected> selected_;
};

}  // namespace guidon::api_grpc

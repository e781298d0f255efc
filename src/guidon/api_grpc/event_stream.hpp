// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include <grpcpp/support/server_callback.h>

#include "guidon/api_grpc/access.hpp"
#include "guidon/api_grpc/status.hpp"
#include "guidon/api_grpc/stream_hub.hpp"
#include "guidon/api_grpc/values.hpp"

namespace guidon::api_grpc {

// What a server-side stream of gRPC needs whatever it sends: one write at a time, one end, and a life that lasts until
// the library and the hub have let go. Nothing is queued: what comes while a write is under way is looked up
// afterwards, so a slow client costs one message and gets the latest.
template <class Message>
class WritingStream : public grpc::ServerWriteReactor<Message>, public Stream {
 public:
  // From now on the client is waited for with each change that concerns it; it has everything up to `known`.
  WritingStream(StreamHub& hub, const Caller& caller, std::uint64_t known)
      : hub_(hub), client_(hub.app().receipts().Open(caller.environment, IdentityOf(caller), known)), known_(known) {}
  WritingStream(const WritingStream&) = delete;
  WritingStream& operator=(const WritingStream&) = delete;
  ~WritingStream() override { hub_.app().receipts().Close(client_, known_); }

  // Gives it to the hub; it lives until the call is over.
  static void Begin(const std::shared_ptr<WritingStream>& stream) {
    stream->self_ = stream;
    if (!stream->hub_.Add(stream))
      stream->End(
          {grpc::StatusCode::RESOURCE_EXHAUSTED, "There are too many streams here; try again or another node."});
  }
  // A stream that was refused before it began.
  static grpc::ServerWriteReactor<Message>* Refuse(const grpc::Status& status) {
    class Refused : public grpc::ServerWriteReactor<Message> {
     public:
      explicit Refused(const grpc::Status& why) { this->Finish(why); }
      void OnDone() override { delete this; }
    };
    return new Refused(status);
  }

  void Stop() override { End({grpc::StatusCode::UNAVAILABLE, "The server is stopping; connect again."}); }

 protected:
  // Whether something may be written now.
  bool idle() {
    const std::lock_guard lock(mutex_);
    return !writing_ && !ended_;
  }
  // Precondition: idle(), and the hub's thread, which alone begins writes.
  void Send(const Message* message) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      writing_ = true;
    }
    this->StartWrite(message);
  }
  void End(const grpc::Status& status) {
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return;
      ended_ = true;
      end_ = status;
      if (writing_) return;  // OnWriteDone finishes
    }
    this->Finish(status);
  }
  // Everything up to `sequence` that concerns the client is sent. The hub's thread only.
  void Sent(std::uint64_t sequence) {
    if (client_ == nullptr || sequence <= known_) return;
    hub_.Received({.client = client_, .known = std::exchange(known_, sequence), .sequence = sequence});
  }
  StreamHub& hub() { return hub_; }

 private:
  void OnWriteDone(bool ok) override {
    bool finish = false;
    {
      const std::lock_guard lock(mutex_);
      writing_ = false;
      if (!ok && !ended_) {
        ended_ = true;
        end_ = grpc::Status::CANCELLED;
      }
      finish = ended_;
    }
    if (finish) {
      this->Finish(end_);
    } else {
      hub_.Wake();
    }
  }
  void OnCancel() override { End(grpc::Status::CANCELLED); }
  void OnDone() override {
    hub_.Remove(this);
    self_.reset();
  }

  StreamHub& hub_;
  app::Propagation::Client* const client_;
  std::uint64_t known_;
  std::shared_ptr<WritingStream> self_;
  std::mutex mutex_;
  bool writing_ = false;
  bool ended_ = false;
  grpc::Status end_;
};

// Which flags a client has to look at again. Reads the feed of one environment from where it was last.
class FlagChanges {
 public:
  FlagChanges(app::Application& app, const Caller& caller);
  // Keys of flags that the caller may see, or that are gone, since the last call; empty: nothing that concerns it.
  std::set<std::string> Next();
  // What everything that Next has told of goes up to, by the change log.
  std::uint64_t sequence() const { return sequence_; }

 private:
  void AddAll(std::set<std::string>& keys) const;
  void AddOf(const app::FeedChange& change, std::set<std::string>& keys) const;

  app::Application& app_;
  const app::ChangeFeed& feed_;
  const std::string environment_;
  const std::string tenant_;
  const bool client_;
  std::uint64_t number_;
  std::uint64_t sequence_;
};

// EventStream of flagd.evaluation: ready, then which flags changed.
template <class Response>
class EventStream : public WritingStream<Response> {
 public:
  EventStream(app::Application& app, const Gate& gate, StreamHub& hub, Caller caller)
      : WritingStream<Response>(hub, caller, app.snapshots().FeedOf(caller.environment)->position().served),
        gate_(gate),
        caller_(std::move(caller)),
        changes_(app, caller_) {}

  void Poll() override {
    if (!this->idle()) return;
    if (!greeted_) {
      greeted_ = true;
      SendEvent("provider_ready", {});
      return;
    }
    if (const std::set<std::string> keys = changes_.Next(); !keys.empty()) {
      SendEvent("configuration_change", keys);
      return;
    }
    this->Sent(changes_.sequence());
    if (std::exchange(keep_alive_, false)) {
      SendEvent("keep_alive", {});
    }
  }
  void Tick() override {
    keep_alive_ = true;
    if (!gate_.Holds(caller_))
      this->End(
          {grpc::StatusCode::UNAUTHENTICATED, "The key that this stream was opened with does not work any more."});
  }

 private:
  void SendEvent(std::string_view type, const std::set<std::string>& keys) {
    response_.Clear();
    response_.set_type(std::string(type));
    if (!keys.empty()) {
      model::Object update;
      update.Set("type", "update");
      model::Object flags;
      for (const std::string& key : keys) flags.Set(key, update);
      model::Object data;
      data.Set("flags", std::move(flags));
      Fill(*response_.mutable_data(), data);
    }
    keep_alive_ = false;
    this->Send(&response_);
  }

  const Gate& gate_;
  const Caller caller_;
  FlagChanges changes_;
  Response response_;
  bool greeted_ = false;
  bool keep_alive_ = false;
};

}  // namespace guidon::api_grpc

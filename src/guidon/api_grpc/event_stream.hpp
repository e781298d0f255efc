// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
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
    if (!stream->hub_.Add(stream)) stream->End(StatusOf(flagd_service::TooManyStreams()));
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

  void Stop() override { End(StatusOf(flagd_service::Stopping())); }

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

// EventStream of flagd.evaluation: ready, then which flags changed.
template <class Response>
class EventStream : public WritingStream<Response> {
 public:
  EventStream(app::Application& app, const Gate& gate, StreamHub& hub, Caller caller)
      : WritingStream<Response>(hub, caller, app.snapshots().FeedOf(caller.environment)->position().served),
        gate_(gate),
        caller_(std::move(caller)),
        changes_(app.snapshots(), caller_.listener()) {}

  void Poll() override {
    if (!this->idle()) return;
    if (!greeted_) {
      greeted_ = true;
      SendEvent(flagd_service::kReadyEvent, {});
      return;
    }
    if (const auto keys = changes_.Next()) {
      SendEvent(flagd_service::kChangeEvent, flagd_service::ChangeData(*keys));
      return;
    }
    this->Sent(changes_.sequence());
    if (std::exchange(keep_alive_, false)) {
      SendEvent(flagd_service::kKeepAliveEvent, {});
    }
  }
  void Tick() override {
    keep_alive_ = true;
    if (!gate_.Holds(caller_)) this->End(StatusOf(flagd_service::KeyEnded()));
  }

 private:
  void SendEvent(std::string_view type, const model::Object& data) {
    response_.Clear();
    response_.set_type(std::string(type));
    if (!data.empty()) Fill(*response_.mutable_data(), data);
    keep_alive_ = false;
    this->Send(&response_);
  }

  const Gate& gate_;
  const Caller caller_;
  flagd_service::FlagChanges changes_;
  Response response_;
  bool greeted_ = false;
  bool keep_alive_ = false;
};

}  // namespace guidon::api_grpc

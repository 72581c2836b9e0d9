// The part of a server's connection that does not depend on the kind of its stream: deadlines, routing, answers.
#pragma once

#include "server_loop.hpp"
#include "transfer_pace.hpp"

#include <optional>
#include <utility>

#include <eddy/coro/scope.hpp>

namespace eddy::http::detail {

/// Where a connection stands; decides what happens when its deadline passes.
enum class phase : std::uint8_t {
  idle,      ///< between requests: closed
  head,      ///< waits for (the rest of) a head: answered 408 if something came, closed
  handling,  ///< a handler runs: no deadline
  body,      ///< a handler waits for the body: cancelled, answered 408, closed
  writing,   ///< the client does not take the answer: cut
  ending     ///< the last bytes of an ended connection: cut
};

/// How a connection is left.
enum class ending : std::uint8_t {
  close,  ///< nothing of the client is unread
  linger,  ///< it may still be sending: read on for a while, so that a reset does not overtake the answer
  cut,        ///< nothing more can or should be said
  hand_over,  ///< it goes on as HTTP/2
  rest        ///< it waits for the next request, without this object
};

/// One timer serves all deadlines: a deadline that moves to later is only noted, and the timer armed again when it
/// fires too early. A deadline costs three stores.
class connection_base : public draining_connection,
                        public list_hook<handling_tag>,
                        public body_source,
                        public body_sink,
                        private coro::timer {
 public:
  /// `origin` says what all requests have in common; what it refers to outlives the connection.
  /// `can_rest`: the stream knows a wait without a buffer. `fresh`: no request has been read from it.
  connection_base(server_loop& server, const request_origin& origin, bool can_rest, bool fresh);
  connection_base(const connection_base&) = delete;
  connection_base& operator=(const connection_base&) = delete;

  // --- for server_loop ---
  void end_if_idle() noexcept override;
  [[nodiscard]] time_point handling_since() const noexcept { return handling_since_; }
  void note_handling(time_point since) noexcept { handling_since_ = since; }
  /// The handler has been running for a while: begins to watch for the client's hanging up.
  virtual void start_watch() = 0;

  /// What has been read from a client that turned out to speak HTTP/2; the stream is untouched otherwise.
  [[nodiscard]] std::optional<std::string> take_http2() noexcept { return std::move(http2_); }

  [[nodiscard]] bool peer_gone() const noexcept override { return peer_gone_; }
  [[nodiscard]] const field_table& body_trailers() const noexcept override {
    return exchange_->trailers();
  }
  void limit_body(std::uint64_t bytes) noexcept override { exchange_->limit_body(bytes); }
  void set_trailers(const fields& trailers) override;

 protected:
  ~connection_base() override;

  [[nodiscard]] server_loop& server() noexcept { return server_; }
  [[nodiscard]] exchange& current() noexcept { return *exchange_; }
  [[nodiscard]] input_buffer& input() noexcept { return input_; }
  [[nodiscard]] bool has_exchange() const noexcept { return exchange_ != nullptr; }
  /// A new scope around everything but the end; it may be entered once.
  [[nodiscard]] cancel_scope& make_scope() { return scope_.emplace(); }
  void borrow_exchange();
  /// Gives back what a connection does not need that waits for a request: others use it meanwhile, so that it stays in
  /// the caches.
  void give_back() noexcept;
  void return_exchange() noexcept;

  void enter(phase next, duration limit) noexcept;
  void enter_first_head() noexcept;
  void enter_idle() noexcept { enter(phase::idle, rests_ ? rest_delay : idle_timeout()); }
  /// With the time limits of a client that has to send, or to take, something.
  void enter_body() noexcept;
  void enter_writing() noexcept;
  void enter_handling() noexcept { phase_ = phase::handling; }
  [[nodiscard]] phase now_in() const noexcept { return phase_; }
  /// Whether serving ends and no request is due.
  [[nodiscard]] bool ends_idle() const noexcept { return server_.ends_idle() && !awaits_first_; }

  /// Answers the request whose head was just read, if nothing waits for it; else gives the task that will.
  [[nodiscard]] std::optional<task<response>> respond();
  /// Answers with `made`, or with 500 if it cannot be sent.
  void answer(response made);
  /// Answers what a handler threw, which is not `cancelled`.
  void answer_failure(const std::exception_ptr& failure);
  /// Tells the error hook of a failure that cannot be answered; a client's leaving is none.
  void report_broken_answer(const std::exception_ptr& failure);
  /// Whether the refused head is the beginning of HTTP/2, which is then taken for take_http2().
  [[nodiscard]] bool hand_over_http2();
  /// Answers a refused head.
  void answer_refusal();
  /// The answer is complete: counts it and tells the observer.
  void note_answer(int status);
  /// Ends the exchange; whether another may follow.
  [[nodiscard]] bool finish_exchange();

  void received(std::size_t bytes) noexcept { server_.counts().bytes_received.add(bytes); }
  void received_body(std::size_t bytes) noexcept;
  void sent(std::size_t bytes) noexcept;
  /// Not from the exchange's output.
  void sent_directly(std::size_t bytes) noexcept;
  void hung_up() noexcept;
  [[nodiscard]] const net::address& peer() const noexcept { return origin_.peer; }

  ending ending_ = ending::close;
  bool peer_gone_ = false;
  bool timed_out_ = false;     // answer 408 at the end
  std::size_t head_mark_ = 0;  // where the answer begins in the output

 private:
  void expired() noexcept override;
  void stop(ending how) noexcept;
  [[nodiscard]] duration idle_timeout() noexcept { return server_.options().idle_timeout; }
  /// Cuts the stream off.
  virtual void cut() noexcept = 0;
  [[nodiscard]] exchange::answer_options answer_options();
  [[nodiscard]] response refuse_upgrade(const response& made) const;

  // What every request uses stands together.
  phase phase_ = phase::head;
  bool rests_;
  bool fresh_;  // nothing has been answered
  bool awaits_first_ =
      true;  // made because a client is about to ask: it has connected, or sent something
  server_loop& server_;
  time_point deadline_ = never;
  time_point armed_at_ = never;
  std::unique_ptr<exchange> exchange_;
  input_buffer input_;
  transfer_pace body_pace_;
  transfer_pace write_pace_;
  request_meter meter_;
  request_origin origin_;
  std::optional<cancel_scope> scope_;
  time_point handling_since_{};
  std::optional<std::string> http2_;

 protected:
  fields trailers_;
};

/// Tells the loop's error hook of `failure`, unless it says that the other end has gone.
void report_unless_disconnected(std::string what, const std::exception_ptr& failure);

}  // namespace eddy::http::detail

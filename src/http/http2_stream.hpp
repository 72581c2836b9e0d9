// One stream of a server's HTTP/2 connection: a request and its answer.
#pragma once

#include "http2_outbox.hpp"
#include "incoming_request.hpp"
#include "server_loop.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/http/response.hpp>
#include <eddy/sync/event.hpp>

namespace eddy::http::detail {

class http2_server_session;

/// Lives from the end of the request's head until both nghttp2 and the handler's task have done with it. Where it
/// stands decides who deletes it: see http2_server_session.
class http2_stream final : public list_hook<>, public body_source, public body_sink {
 public:
  http2_stream(http2_server_session& session, std::int32_t id, std::string head);
  ~http2_stream() override = default;

  [[nodiscard]] std::int32_t id() const noexcept { return id_; }
  [[nodiscard]] incoming_request& asked() noexcept { return request_; }

  // --- what the session tells ---
  /// Reads the head. False: refusal() is the answer.
  [[nodiscard]] bool parse();
  [[nodiscard]] response refusal() const;
  /// False: the trailers are malformed.
  [[nodiscard]] bool take_trailers(std::string_view lines);
  void take_data(std::span<const std::byte> data);
  void end_body() noexcept;
  /// Nothing more comes or goes. A task that waits for something is told.
  void close() noexcept;
  /// Bytes of the body that nobody has read, which are dropped.
  [[nodiscard]] std::size_t drop_unread() noexcept;
  /// Acts on deadlines that have passed, and gives the next.
  time_point look_at_deadlines(time_point now) noexcept;

  // --- the answer ---
  /// Sends the head of `made`, and its body unless it is a stream. What cannot be sent throws std::system_error, and
  /// nothing was sent.
  void answer(response made);
  /// Lets a streamed body be made and sent. False: it broke off, and the client is not to believe that it is complete.
  task<bool> send_stream();
  [[nodiscard]] bool streams() noexcept { return answer_.is_stream(); }
  [[nodiscard]] int status() const noexcept { return answer_.status(); }

  // --- for requests and body writers ---
  task<std::size_t> read_body(std::span<std::byte> into) override;
  task<std::string_view> whole_body() override;
  [[nodiscard]] const field_table& body_trailers() const noexcept override {
    return trailer_lines_.trailers();
  }
  [[nodiscard]] bool peer_gone() const noexcept override { return closed_; }
  void limit_body(std::uint64_t bytes) noexcept override { most_body_ = bytes; }
  task<void> send_body(std::string_view data) override;
  void set_trailers(const fields& trailers) override { out_.set_trailers(trailers); }

 private:
  friend class http2_server_session;

  [[nodiscard]] std::string_view unread() const noexcept {
    return std::string_view(body_).substr(read_);
  }
  [[nodiscard]] std::string_view take(std::size_t most);
  task<void> await_data();
  void send_head();
  void check_intact(std::string_view what) const;

  http2_server_session& session_;
  std::int32_t id_;
  std::string head_;  // the request's views point here
  incoming_request request_;
  wire::http1::errc failure_{};
  request_meter meter_;

  std::string body_;  // what has come; read from read_ on
  std::size_t read_ = 0;
  std::uint64_t most_body_ = usual_body_limit;
  std::uint64_t taken_ = 0;
  bool body_ended_ = false;
  bool body_refused_ = false;
  bool continue_due_ = false;
  event came_;
  transfer_pace body_pace_;
  std::optional<std::string> whole_;
  wire::http1::body_decoder trailer_lines_;

  response answer_;
  wire::http1::response_plan plan_;
  std::string answer_head_;  // written, but not sent before a streamed body's first piece
  http2_outbox out_;
  bool head_sent_ = false;
  std::uint64_t announced_left_ = 0;

  std::optional<cancel_scope> scope_;  // around the task that answers
  time_point read_deadline_ = never;
  bool running_ = false;  // a task is at work
  bool closed_ = false;
  bool timed_out_ = false;  // answer 408
};

}  // namespace eddy::http::detail

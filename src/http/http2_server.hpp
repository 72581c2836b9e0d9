// A server's HTTP/2 connection: its streams, and the tasks that answer them.
//
// A handler that does not wait is called by the reading task, as soon as what was read has been told; others run in
// tasks of their own. A stream is deleted when nghttp2 has closed it and no task works on it any more. When the client
// resets a stream its task is cancelled; when the connection ends, all of them, and it ends only after them.
#pragma once

#include "http2_engine.hpp"
#include "http2_fields.hpp"
#include "http2_serve.hpp"
#include "http2_stream.hpp"
#include "server_loop.hpp"

#include <string>
#include <vector>

namespace eddy::http::detail {

class http2_server_session final : public http2_engine, public draining_connection {
 public:
  /// `origin`'s address outlives the session.
  http2_server_session(server_loop& server, io::any_stream stream, const request_origin& origin);
  ~http2_server_session();

  /// Serves the connection to its end; see http2_engine::converse.
  task<void> run(std::string already_read) { return converse(std::move(already_read)); }
  /// No further request will be served: GOAWAY that still lets in what is on its way, and when it has surely arrived,
  /// GOAWAY with the last stream that is served.
  void drain() noexcept override;

 private:
  friend class http2_stream;

  // --- from the engine ---
  void head_begins(std::int32_t id, std::uint8_t category) override;
  void field_came(std::int32_t id, std::string_view name, std::string_view value) override;
  void head_came(std::int32_t id, std::uint8_t category, bool ends_stream) override;
  void data_came(std::int32_t id, std::span<const std::byte> data) override;
  void body_ended(std::int32_t id) override;
  void stream_closed(std::int32_t id, std::uint32_t code) override;
  void settings_came() override;
  void ping_answered() override { finish_drain(); }
  http2_outbox* outbox_of(std::int32_t id) noexcept override;
  void message_sent(std::int32_t id) override;
  void input_handled() override;
  void connection_ended() noexcept override;
  time_point look_at_deadlines(time_point now) noexcept override;
  void bytes_moved(std::size_t received, std::size_t sent) noexcept override;

  // --- from streams ---
  [[nodiscard]] server_loop& server() noexcept { return server_; }
  [[nodiscard]] const request_origin& origin() const noexcept { return origin_; }
  [[nodiscard]] const server_options& options() noexcept { return server_.options(); }
  void send_head(http2_stream& on, std::string& head);
  void send_continue(std::int32_t id) noexcept;

  [[nodiscard]] http2_stream* find(std::int32_t id) noexcept;
  void begin(http2_stream& on);
  void start_task(http2_stream& on, task<response> answering);
  task<void> answer_in_task(http2_stream& on, task<response> answering);
  task<void> answer_within(http2_stream& on, task<response> answering);
  void answer(http2_stream& on, response made);
  void task_ended(http2_stream& on) noexcept;
  void forget(http2_stream& on) noexcept;
  void finish_drain() noexcept;

  server_loop& server_;
  request_origin origin_;
  http2_incoming_head incoming_;  // heads come one at a time
  http2_outgoing_head outgoing_;
  std::vector<http2_stream*> begun_;  // by what is being read
  intrusive_list<http2_stream> streams_;
  bool draining_ = false;
  bool drained_ = false;
  time_point start_deadline_ = never;  // of the client's first SETTINGS
  time_point head_deadline_ = never;
  time_point idle_deadline_ = never;
  time_point drain_deadline_ = never;
};

}  // namespace eddy::http::detail

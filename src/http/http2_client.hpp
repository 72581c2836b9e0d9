// A client's HTTP/2 connection: many requests at once, each in its caller's task.
//
// The connection's own task belongs to the loop's root group and ends soon after the last owner of the connection has
// gone. While responses are awaited and nothing comes for `quiet` a PING is sent; when that brings nothing either for
// `ping_patience`, the connection is given up and its requests fail as timed out.
#pragma once

#include "http2_engine.hpp"
#include "http2_fields.hpp"
#include "multiplexed_connection.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/http/response.hpp>
#include <eddy/net/address.hpp>
#include <eddy/sync/event.hpp>

namespace eddy::http::detail {

class http2_call;

/// Shared by its task, the connection's owner and the calls on it.
class http2_client_session final : public http2_engine,
                                   public std::enable_shared_from_this<http2_client_session> {
 public:
  http2_client_session(io::any_stream stream, const net::address& peer);

  /// The task of the connection.
  static task<void> run(std::shared_ptr<http2_client_session> self);

  void observe(capacity_observer* who) noexcept { observer_ = who; }
  [[nodiscard]] bool accepts() const noexcept;
  [[nodiscard]] bool ended() const noexcept;
  [[nodiscard]] std::size_t running() const noexcept { return running_; }
  task<std::unique_ptr<incoming_response>> exchange(const outgoing_request& request,
                                                    const client_timeouts& limits);
  /// Nobody needs the connection any more.
  void close() noexcept;

 private:
  friend class http2_call;

  // --- from the engine ---
  void head_begins(std::int32_t id, std::uint8_t category) override;
  void field_came(std::int32_t id, std::string_view name, std::string_view value) override;
  void head_came(std::int32_t id, std::uint8_t category, bool ends_stream) override;
  void data_came(std::int32_t id, std::span<const std::byte> data) override;
  void body_ended(std::int32_t id) override;
  void stream_closed(std::int32_t id, std::uint32_t code) override;
  void settings_came() override;
  void goaway_came(std::int32_t last_stream, std::uint32_t code) override;
  http2_outbox* outbox_of(std::int32_t id) noexcept override;
  void input_handled() override { tell(); }
  [[nodiscard]] bool reads_on() noexcept override;
  void connection_ended() noexcept override;
  time_point look_at_deadlines(time_point now) noexcept override;
  void bytes_moved(std::size_t received, std::size_t sent) noexcept override;

  // --- from calls ---
  void begin(http2_call& call, const outgoing_request& request);
  void call_ended() noexcept;

  [[nodiscard]] http2_call* find(std::int32_t id) noexcept;
  [[nodiscard]] std::size_t most_calls() const noexcept;
  task<void> await_room();
  task<void> await_head(http2_call& call, const outgoing_request& request,
                        const client_timeouts& limits);
  void expect_answers() noexcept;
  void tell() noexcept;

  net::address peer_;
  capacity_observer* observer_ = nullptr;
  http2_incoming_head incoming_;  // heads come one at a time
  http2_outgoing_head outgoing_;
  std::string scratch_;
  intrusive_list<http2_call> calls_;
  event room_;               // perhaps; or the end
  std::size_t running_ = 0;  // calls that have not ended, waiting ones too
  std::size_t open_ = 0;     // of them, those with a stream
  bool greeted_ = false;     // the peer's SETTINGS have come
  bool over_ = false;
  bool leaving_ = false;  // no further requests: the peer has said GOAWAY or takes nothing
  bool changed_ = false;  // the observer is to be told
  bool answered_one_ = false;
  std::error_code why_;  // the connection ended before its time
  time_point quiet_until_ = never;
  time_point ping_deadline_ = never;
};

/// One request and its response. The caller's; gives the stream up when it is destroyed before the end.
class http2_call final : public incoming_response, public list_hook<>, public body_sink {
 public:
  /// Sending without progress for `idle_write` fails it as timed out.
  http2_call(std::shared_ptr<http2_client_session> session, duration idle_write);
  ~http2_call() override;

  std::optional<std::string_view> take_piece(std::size_t most) override;
  task<void> wait() override;
  [[nodiscard]] std::uint64_t announced() const noexcept override { return announced_; }

  task<void> send_body(std::string_view data) override;
  void set_trailers(const http::fields& all) override { out_.set_trailers(all); }

 private:
  friend class http2_client_session;

  /// False: the head is malformed.
  [[nodiscard]] bool take_head(std::string_view text);
  [[nodiscard]] bool take_trailers(std::string_view lines);
  [[nodiscard]] bool has_head() const noexcept { return status >= 200; }
  task<void> await_head(const client_timeouts& limits);
  task<void> write_stream(const streamed_body& body);
  void keep_rest();
  void fail(std::error_code why) noexcept;
  void finish() noexcept;

  std::shared_ptr<http2_client_session> session_;
  std::int32_t id_ = 0;  // 0: not begun
  wire::http1::method method_ = wire::http1::method::get;
  http2_outbox out_;
  bool streams_ = false;
  std::optional<std::uint64_t> sends_;  // bytes of a streamed body, if announced
  std::string rest_;                    // of a body whose request has gone
  std::string come_;                    // what has come, and
  std::string given_;                   // what is being given out from
  std::size_t given_up_to_ = 0;
  std::uint64_t announced_ = 0;
  event news_;
  int interim_ = 0;
  bool body_ended_ = false;
  bool closed_ = false;
  bool counted_ = true;  // among the running ones
  std::error_code failure_;
};

}  // namespace eddy::http::detail

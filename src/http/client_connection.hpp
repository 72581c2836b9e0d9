// One connection of HTTP/1.1 of a client, and what has been read from it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/io/read_buffer.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/wire/http1_limits.hpp>
#include <eddy/wire/http1_response_parser.hpp>

namespace eddy::http::detail {

struct origin;

/// Tags of the two lists an idle connection is in.
struct of_origin;
struct of_pool;

/// What a connection runs over. Plain TCP is a case of its own: it costs neither a virtual call nor another frame.
using client_stream = std::variant<net::tcp_stream, io::any_stream>;
[[nodiscard]] io::any_stream any_stream_of(client_stream stream);

class client_connection final : public list_hook<of_origin>, public list_hook<of_pool> {
 public:
  client_connection(client_stream stream, const net::address& peer,
                    const wire::http1::limits& bounds)
      : stream_(std::move(stream)), peer_(peer), peer_text_(peer.to_string()), bounds_(bounds) {}

  [[nodiscard]] const net::address& peer() const noexcept { return peer_; }
  [[nodiscard]] const std::string& peer_text() const noexcept { return peer_text_; }
  /// Gives up the stream, for another protocol; unread() came first.
  [[nodiscard]] io::any_stream release_stream();
  [[nodiscard]] std::string_view unread() const noexcept;
  void consume(std::size_t n) noexcept { buffer_.consume(n); }
  /// Waits for more bytes behind unread(); 0 at the end.
  task<std::size_t> fill();
  /// Each write that makes no progress for `idle` throws errc::timed_out; duration::max(): none does.
  task<void> write_all(io::const_buffers pieces, duration idle);
  task<void> write_all(std::string_view text, duration idle);
  /// Whether the peer has neither ended nor said anything since the last response. Over a layered stream it
  /// takes a turn of the loop.
  task<bool> is_quiet();
  void release_buffer() noexcept { buffer_.release(); }

 private:
  task<std::size_t> write_some(io::const_buffers pieces);
  task<void> write_with_progress(io::const_buffers pieces, duration idle);
  task<bool> nothing_comes(io::any_stream& layered);

  client_stream stream_;
  io::read_buffer buffer_;
  net::address peer_;
  std::string peer_text_;
  wire::http1::limits bounds_;

 public:
  wire::http1::response_parser parser{bounds_};
  wire::http1::response_head head;
  bool broken = false;      // the request could not be sent to its end
  bool used = false;        // has served a request to its end
  time_point idle_since{};  // while idle
  origin* home = nullptr;   // while idle
};

}  // namespace eddy::http::detail

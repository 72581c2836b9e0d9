// One connection of a client and what has been read from it.
#pragma once

#include <string>
#include <string_view>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/read_buffer.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/wire/http1_limits.hpp>
#include <eddy/wire/http1_response_parser.hpp>

namespace eddy::http::detail {

struct origin;

/// Tags of the two lists an idle connection is in.
struct of_origin;
struct of_pool;

class client_connection final : public list_hook<of_origin>, public list_hook<of_pool> {
 public:
  client_connection(net::tcp_stream stream, const wire::http1::limits& bounds)
      : stream_(std::move(stream)), peer_(stream_.peer().to_string()), bounds_(bounds) {}

  [[nodiscard]] const std::string& peer() const noexcept { return peer_; }
  [[nodiscard]] net::tcp_stream& stream() noexcept { return stream_; }
  [[nodiscard]] std::string_view unread() const noexcept;
  void consume(std::size_t n) noexcept { buffer_.consume(n); }
  /// Waits for more bytes behind unread(); 0 at the end.
  task<std::size_t> fill();
  /// Whether the peer has neither ended nor said anything since the last response. Takes a turn of the loop.
  task<bool> is_quiet();
  void release_buffer() noexcept { buffer_.release(); }

 private:
  net::tcp_stream stream_;
  io::read_buffer buffer_;
  std::string peer_;
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

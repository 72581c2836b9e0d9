// request_spec: one request, as a client is to make it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/value.hpp>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/message.hpp>
#include <eddy/http/response.hpp>

namespace eddy::http {

/// A body that is made while it is sent; see body_writer.
struct streamed_body {
  std::function<task<void>(body_writer&)> write;
  /// Its size in bytes, as announced; unset: it goes out in chunks. Other than so many throw invalid_input.
  std::optional<std::uint64_t> length = std::nullopt;
  /// Whether `write` may be called again and then gives the same bytes: for redirects and repetitions.
  bool repeatable = false;
};

/// Time limits of one request, in place of the client's; see client_timeouts.
struct request_timeouts {
  std::optional<duration> total;
  std::optional<duration> pool;
  std::optional<duration> connect;
  std::optional<duration> tls;
  std::optional<duration> first_byte;
  std::optional<duration> idle_read;
  std::optional<duration> idle_write;
};

/// A value. Checked when it is used: nothing here throws but for want of memory and fields::set for its own reasons.
///
///   eddy::http::request_spec put("PUT", "http://example.org/notes/7");
///   put.set_json(note);
///   put.timeouts.total = 5s;
///   auto response = co_await client.request(std::move(put));
class request_spec {
 public:
  /// `verb` is a token such as "GET"; `address` an absolute URL, or one relative to client_options::base_url.
  request_spec(std::string verb, std::string address)
      : method(std::move(verb)), url(std::move(address)) {}

  std::string method;
  std::string url;
  /// Take the place of the client's default fields of the same name. Content-Length, Transfer-Encoding and Connection
  /// are the client's own.
  http::fields fields;
  std::string body;
  /// In place of `body`.
  std::optional<streamed_body> stream;
  request_timeouts timeouts;
  /// In place of client_options::max_redirects.
  std::optional<std::size_t> max_redirects;
  /// In place of client_options::max_body.
  std::optional<std::size_t> max_body;
  /// In place of client_options::decompress.
  std::optional<bool> decompress;
  /// Sends "Expect: 100-continue" and the body only when the server asks for it, or has said nothing for a second.
  bool expect_continue = false;

  /// Sets the body and its Content-Type.
  request_spec& set_body(std::string content, std::string_view type);
  request_spec& set_json(const boost::json::value& content);
  request_spec& set_stream(streamed_body content, std::string_view type);
};

}  // namespace eddy::http

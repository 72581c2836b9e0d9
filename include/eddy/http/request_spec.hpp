// request_spec: one request, as a client is to make it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include <boost/json/value.hpp>

#include <eddy/base/time.hpp>
#include <eddy/http/message.hpp>

namespace eddy::http {

/// A value. Checked when it is used: nothing here throws but for want of memory and fields::set for its own reasons.
///
///   eddy::http::request_spec put("PUT", "http://example.org/notes/7");
///   put.set_json(note);
///   put.timeout = 5s;
///   auto response = co_await client.request(std::move(put));
class request_spec {
 public:
  /// `verb` is a token such as "GET"; `address` an absolute http URL.
  request_spec(std::string verb, std::string address)
      : method(std::move(verb)), url(std::move(address)) {}

  std::string method;
  std::string url;
  /// Take the place of the client's default fields of the same name. Content-Length, Transfer-Encoding and Connection
  /// are the client's own.
  http::fields fields;
  std::string body;
  /// In place of client_options::total_timeout.
  std::optional<duration> timeout;
  /// In place of client_options::max_redirects.
  std::optional<std::size_t> max_redirects;
  /// In place of client_options::max_body.
  std::optional<std::size_t> max_body;

  /// Sets the body and its Content-Type.
  request_spec& set_body(std::string content, std::string_view type);
  request_spec& set_json(const boost::json::value& content);
};

}  // namespace eddy::http

// request: what a handler is given.
//
//   eddy::task<eddy::http::response> add_user(eddy::http::request& r) {
//     auto user = co_await r.json();
//     ...
//   }
//
// Made by the server for one exchange, on its loop; a handler gets it by reference and must not keep it, nor any view
// it gave, beyond its own end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include <eddy/coro/task.hpp>
#include <eddy/http/json.hpp>
#include <eddy/http/message.hpp>
#include <eddy/net/address.hpp>
#include <eddy/wire/http1_request_parser.hpp>

namespace eddy::http {

namespace detail {

/// What a request needs from its connection.
class body_source {
 public:
  virtual task<std::size_t> read_body(std::span<std::byte> into) = 0;
  virtual task<std::string_view> whole_body() = 0;
  [[nodiscard]] virtual const field_table& body_trailers() const noexcept = 0;
  [[nodiscard]] virtual bool peer_gone() const noexcept = 0;

 protected:
  ~body_source() = default;
};

/// The values of a route's parameters, views into the path.
struct path_parameters {
  static constexpr std::size_t most = 8;
  std::array<std::string_view, most> values{};
  std::size_t count = 0;
};

/// What routing found.
struct matched_route {
  std::string_view pattern;                         ///< empty: none
  const std::vector<std::string>* names = nullptr;  ///< of the parameters, in order
  path_parameters parameters;
};

class exchange;

}  // namespace detail

class request {
 public:
  request(const request&) = delete;
  request& operator=(const request&) = delete;

  // --- the head ---
  [[nodiscard]] http::method method() const noexcept { return head_.method(); }
  /// As sent: "GET".
  [[nodiscard]] std::string_view method_token() const noexcept { return head_.method_token(); }
  /// As sent, for logs.
  [[nodiscard]] std::string_view target() const noexcept { return head_.target(); }
  /// Decoded and normalised; must not be decoded again. wire/http1_target.hpp has the rules.
  [[nodiscard]] std::string_view path() const noexcept { return head_.path(); }
  /// Raw, without "?".
  [[nodiscard]] std::string_view query() const noexcept { return head_.query(); }
  /// The decoded value of the first query parameter of that name; nullopt if there is none.
  [[nodiscard]] std::optional<std::string> query_value(std::string_view name) const;
  /// All query parameters, decoded, in order.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> query_values() const;
  /// What stands in the path for `{name}` of the route's pattern. A name that the pattern does not have throws
  /// invalid_input.
  [[nodiscard]] std::string_view parameter(std::string_view name) const;
  /// The pattern of the route that was chosen: "/users/{id}".
  [[nodiscard]] std::string_view route() const noexcept { return route_.pattern; }

  [[nodiscard]] const field_table& fields() const noexcept { return head_.fields(); }
  /// The first value of that field.
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const noexcept {
    return head_.fields().find(name);
  }
  /// "host" or "host:port" that the request is for.
  [[nodiscard]] std::string_view authority() const noexcept { return head_.authority(); }
  /// 0 or 1, of HTTP/1.x.
  [[nodiscard]] int minor_version() const noexcept { return head_.minor_version(); }
  /// Everything about the head.
  [[nodiscard]] const wire::http1::request_head& head() const noexcept { return head_; }

  // --- the connection ---
  /// The other end of the connection; empty where it has no address.
  [[nodiscard]] const net::address& peer() const noexcept { return *peer_; }
  /// Whether the client is known to have hung up. A handler that waits is cancelled then; see server.hpp.
  [[nodiscard]] bool client_gone() const noexcept { return body_->peer_gone(); }

  // --- the body ---
  // Read either whole or in pieces. "100 Continue" is sent when a client that waits for it is first read from. Bad
  // framing throws http_error(400); more than the route's limit http_error(413); a client that breaks off throws an
  // error equal to condition::disconnected. After any of them the connection is closed behind the answer. A client that
  // sends nothing for the server's body timeout cancels the handler and is answered 408.

  /// All of it; later calls give it again. The view lives as long as the request.
  [[nodiscard]] task<std::string_view> body() { return body_->whole_body(); }
  /// The next piece: at least one byte, 0 at the end or when `into` is empty.
  [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> into) {
    return body_->read_body(into);
  }
  /// The body as JSON. A Content-Type of another kind throws http_error(415), what is not JSON json_error, which the
  /// server answers with 400.
  [[nodiscard]] task<boost::json::value> json(json_limits limits = {});
  /// What followed a chunked body; complete once it has been read to its end. Never merged into fields().
  [[nodiscard]] const field_table& trailers() const noexcept { return body_->body_trailers(); }

 private:
  friend class detail::exchange;
  request() = default;
  ~request() = default;

  wire::http1::request_head head_;
  detail::matched_route route_;
  const net::address* peer_ = nullptr;
  detail::body_source* body_ = nullptr;
};

}  // namespace eddy::http

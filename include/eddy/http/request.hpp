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

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/json/value.hpp>

#include <eddy/coro/future.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/http/attributes.hpp>
#include <eddy/http/body_source.hpp>
#include <eddy/http/json.hpp>
#include <eddy/http/message.hpp>
#include <eddy/net/address.hpp>
#include <eddy/wire/http1_request_parser.hpp>

namespace eddy::http {

namespace detail {

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

class incoming_request;

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
  /// 0 or 1, of HTTP/1.x; 1 for a request that came over HTTP/2.
  [[nodiscard]] int minor_version() const noexcept { return head_.minor_version(); }
  /// Everything about the head.
  [[nodiscard]] const wire::http1::request_head& head() const noexcept { return head_; }

  // --- the connection ---
  /// The other end of the connection; empty where it has no address.
  [[nodiscard]] const net::address& peer() const noexcept { return *peer_; }
  /// Whom the request comes from: the peer, unless a trusted proxy names another.
  [[nodiscard]] const net::address& client() const noexcept { return client_ ? *client_ : *peer_; }
  /// "http" or "https", as the client used it: a trusted proxy may have ended its TLS.
  [[nodiscard]] std::string_view scheme() const noexcept { return scheme_; }
  /// Whether the client is known to have hung up. A handler that waits is cancelled then; see server.hpp.
  [[nodiscard]] bool client_gone() const noexcept { return body_->peer_gone(); }
  /// Set when the server's end begins: for answers that take as long as they are let. Outlives the request.
  [[nodiscard]] future<void> draining() const noexcept { return *draining_; }

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

  // --- for middlewares ---
  /// Leaves a value, one per type, until the request has ended; replaces the one before.
  template <class T>
  T& set(T value) {
    return attributes_.set(std::move(value));
  }
  /// The value of that type; null if nobody has left one.
  template <class T>
  [[nodiscard]] T* get() noexcept {
    return attributes_.find<T>();
  }
  /// Lowers the route's limit of the body for this request. Without a route it is 1 MiB.
  void limit_body(std::uint64_t bytes) noexcept {
    most_body_ = std::min(most_body_, bytes);
    body_->limit_body(most_body_);
  }
  /// Where the body comes from now.
  [[nodiscard]] body_source& source() noexcept { return *body_; }
  /// Puts `source` in its place, until the request has ended. It usually is a body_filter over source().
  void replace_source(std::unique_ptr<body_source> source) {
    body_ = source.get();
    replaced_.push_back(std::move(source));
  }

 private:
  friend class detail::incoming_request;
  request() = default;
  ~request() = default;

  wire::http1::request_head head_;
  detail::matched_route route_;
  const net::address* peer_ = nullptr;
  const future<void>* draining_ = nullptr;
  std::optional<net::address> client_;  // if it is not the peer
  std::string_view scheme_ = "http";    // static
  body_source* body_ = nullptr;
  std::uint64_t most_body_ = UINT64_MAX;  // what middlewares have asked for
  detail::attribute_store attributes_;
  std::vector<std::unique_ptr<body_source>> replaced_;  // each may read from the one before
};

}  // namespace eddy::http

// A request as a protocol's connection holds it: HTTP/1.1 and HTTP/2 make them, and the core completes them.
#pragma once

#include <string_view>
#include <utility>

#include <eddy/base/time.hpp>
#include <eddy/http/request.hpp>

namespace eddy::tls {
class stream;
}

namespace eddy::http::detail {

/// What a connection knows of all its requests. Outlives them.
struct request_origin {
  const net::address& peer;
  std::string_view scheme = "http";        ///< static
  const future<void>* draining = nullptr;  ///< set when the server's end begins
  const net::address* client = nullptr;    ///< if another than the peer is known
  const tls::stream* secure = nullptr;     ///< what it comes over, if that is TLS of ours
};

/// Every request is one of these.
class incoming_request final : public request {
 public:
  incoming_request() = default;
  ~incoming_request() = default;

  /// For the connection that uses it, before the first of its requests.
  void bind(const request_origin& origin, body_source& source) noexcept {
    peer_ = &origin.peer;
    connection_scheme_ = origin.scheme;
    draining_ = origin.draining;
    connection_client_ = origin.client;
    secure_ = origin.secure;
    connection_source_ = &source;
    clear();
  }
  /// To be filled in, by a parser; not while the request is answered.
  [[nodiscard]] wire::http1::request_head& parsed() noexcept { return head_; }
  [[nodiscard]] const wire::http1::request_head& parsed() const noexcept { return head_; }

  /// Who it comes from, as far as it differs from what the connection knows.
  void came_from(const std::optional<net::address>& client, std::string_view scheme) {
    if (client) client_ = client;
    if (!scheme.empty()) scheme_ = scheme;
  }

  /// The connection, if it is TLS of ours; else null.
  [[nodiscard]] const tls::stream* secure() const noexcept { return secure_; }

  /// When the answer has to be complete.
  [[nodiscard]] time_point deadline() const noexcept { return deadline_; }
  void set_deadline(time_point deadline) noexcept { deadline_ = deadline; }

  void choose(const matched_route& route) noexcept { route_ = route; }
  /// The smaller of the route's limit and what middlewares have asked for.
  [[nodiscard]] std::uint64_t most_body(std::uint64_t of_route) const noexcept {
    return std::min(of_route, most_body_);
  }

  /// Forgets everything but the head's memory; the next request may be parsed.
  void clear() noexcept {
    route_ = {};
    client_.reset();
    if (connection_client_ != nullptr) client_ = *connection_client_;
    scheme_ = connection_scheme_;
    body_ = connection_source_;
    most_body_ = UINT64_MAX;
    deadline_ = never;
    attributes_.clear();
    replaced_.clear();
  }

 private:
  time_point deadline_ = never;
  std::string_view connection_scheme_ = "http";
  const net::address* connection_client_ = nullptr;
  const tls::stream* secure_ = nullptr;
  body_source* connection_source_ = nullptr;
};

/// The body's limit until a route says another.
inline constexpr std::uint64_t usual_body_limit = 1024 * 1024;

}  // namespace eddy::http::detail

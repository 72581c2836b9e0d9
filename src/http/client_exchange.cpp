#include "client_exchange.hpp"

#include <array>
#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {
namespace {

namespace http1 = wire::http1;

constexpr int most_interim_responses = 32;  // before one final response

/// Whether a request may be sent again when it is unknown what became of it (RFC 9110 section 9.2.2).
bool is_idempotent(method m) noexcept {
  switch (m) {
    case method::get:
    case method::head:
    case method::put:
    case method::delete_:
    case method::options:
    case method::trace: return true;
    default: return false;
  }
}

http1::body_size body_size_of(const outgoing_request& request) noexcept {
  const method m = http1::method_from(request.method);
  const bool expected = m != method::get && m != method::head && m != method::options &&
                        m != method::trace && m != method::delete_;
  if (request.body.empty() && !expected) return http1::body_size::none();
  return http1::body_size::sized(request.body.size());
}

std::string head_of(const outgoing_request& request) {
  http1::request_line line;
  line.method = request.method;
  line.target = request.url.target;
  std::string head;
  const auto written = http1::write_request_head(head, line, request.fields, body_size_of(request));
  if (!written) throw error(written.error(), "request head");
  return head;
}

task<void> connect(lease& place, const outgoing_request& request, const exchange_options& how,
                   request_progress& at, exchange_counts& counts) {
  at.phase = request_phase::connecting;
  at.peer = request.url.origin;
  net::connect_options options;
  options.timeout = how.connect_timeout;
  net::tcp_stream stream =
      co_await net::tcp_stream::connect(request.url.host, request.url.port, options);
  ++counts.connects;
  place.install(std::make_unique<client_connection>(std::move(stream), how.response_limits));
  at.peer = place.connection()->peer();
}

/// False: the peer went away, perhaps after it had answered. Other failures are thrown.
task<bool> send(client_connection& connection, const std::string& head, const std::string& body) {
  try {
    if (body.empty()) {
      co_await connection.stream().write_all(head);
    } else {
      const std::array<iovec, 2> pieces{io::piece(head), io::piece(body)};
      co_await connection.stream().write_all(pieces);
    }
    co_return true;
  } catch (const error& e) {
    if (e != condition::disconnected) throw;
  }
  co_return false;
}

enum class answer : std::uint8_t {
  head,    // connection.head is a final response's
  nothing  // the peer ended the connection without a byte
};

/// Reads one head, final or interim, and consumes it.
task<answer> read_head(client_connection& connection, method asked) {
  for (;;) {
    const auto size = connection.parser.parse(connection.unread(), asked, connection.head);
    if (!size) throw error(size.error(), "response head");
    if (*size > 0) {
      connection.consume(*size);
      co_return answer::head;
    }
    std::size_t got = 0;
    std::optional<error> failure;
    try {
      got = co_await connection.fill();
    } catch (const error& e) {
      if (e != condition::disconnected) throw;
      failure = e;
    }
    if (got > 0) continue;
    if (connection.unread().empty()) co_return answer::nothing;
    if (failure) throw *failure;
    throw error(http1::errc::incomplete_message, "response head");
  }
}

task<answer> read_final_head(client_connection& connection, method asked) {
  for (int interim = 0; interim <= most_interim_responses; ++interim) {
    const answer found = co_await read_head(connection, asked);
    if (found == answer::nothing && interim > 0) {
      throw error(http1::errc::incomplete_message, "response head");
    }
    if (found == answer::nothing) co_return found;
    if (connection.head.switches_protocol()) {
      throw error(errc::unsupported, "the server switched to another protocol unasked");
    }
    if (!connection.head.is_interim()) co_return found;
  }
  throw error(errc::limit_exceeded, "too many interim responses");
}

/// On a connection that is there; false when it ended before a byte of the response.
task<bool> converse(client_connection& connection, const std::string& head,
                    const outgoing_request& request, request_progress& at,
                    exchange_counts& counts) {
  at.phase = request_phase::sending;
  at.peer = connection.peer();
  ++counts.requests;
  const bool sent = co_await send(connection, head, request.body);
  // A server may refuse a request before it has read all of it, and close.
  connection.broken = !sent;
  at.phase = request_phase::waiting;
  const answer found = co_await read_final_head(connection, http1::method_from(request.method));
  if (found == answer::nothing && !sent) at.phase = request_phase::sending;
  co_return found == answer::head;
}

}  // namespace

outgoing_request::outgoing_request(const request_spec& spec, const http::fields& defaults)
    : url(client_url::parse(spec.url)), method(spec.method), body(spec.body) {
  if (http1::method_from(method) == method::connect) {
    throw error(errc::unsupported, "CONNECT is not a request of this client");
  }
  fields.set("Host", url.authority);
  for (const field_view each : defaults) {
    if (!spec.fields.contains(each.name)) fields.add(each.name, each.value);
  }
  for (const field_view each : spec.fields) {
    if (http1::equals_ignoring_case(each.name, "Host")) {
      fields.set(each.name, each.value);
    } else {
      fields.add(each.name, each.value);
    }
  }
}

task<std::unique_ptr<response_state>> exchange(std::shared_ptr<connection_pool> pool,
                                               const outgoing_request& request,
                                               const exchange_options& how, request_progress& at,
                                               exchange_counts& counts) {
  const std::string head = head_of(request);
  at.phase = request_phase::queued;
  at.peer = request.url.origin;
  lease place = co_await pool->acquire(request.url.origin);
  if (client_connection* idle = place.connection()) {
    const bool quiet = co_await idle->is_quiet();
    if (!quiet) place.drop_connection();
  }
  const bool was_used = place.connection() != nullptr;
  if (!was_used) co_await connect(place, request, how, at, counts);
  bool answered = co_await converse(*place.connection(), head, request, at, counts);
  if (!answered && was_used && is_idempotent(http1::method_from(request.method))) {
    place.drop_connection();
    co_await connect(place, request, how, at, counts);
    answered = co_await converse(*place.connection(), head, request, at, counts);
  }
  if (!answered) {
    throw at.failed(http1::errc::incomplete_message,
                    "the server closed the connection without a response");
  }
  co_return std::make_unique<response_state>(std::move(place), how.response_limits, at,
                                             how.deadline, how.max_body);
}

}  // namespace eddy::http::detail

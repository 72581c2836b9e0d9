#include "http1_response.hpp"

#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {

http1_response::http1_response(lease on, const wire::http1::limits& bounds)
    : on_(std::move(on)),
      limits_(bounds),
      decoder_(on_.connection()->head.body(limits_)),
      keep_alive_(on_.connection()->head.keep_alive() && !on_.connection()->broken) {
  const client_connection& connection = *on_.connection();
  status = connection.head.status();
  fields = http::fields(connection.head.fields());
  peer = connection.peer();
  reused = connection.used;
  if (decoder_.finished()) end();
}

void http1_response::end() {
  ended = true;
  trailers = http::fields(decoder_.trailers());
  client_connection& connection = *on_.connection();
  if (!keep_alive_) {
    on_.give_back();
  } else if (!connection.unread().empty()) {
    on_.give_back();
    throw error(wire::http1::errc::unexpected_data, "response");
  } else {
    connection.used = true;
    on_.keep();
  }
}

std::optional<std::string_view> http1_response::take_piece(std::size_t most) {
  for (;;) {
    if (ended) return std::string_view();
    client_connection& connection = *on_.connection();
    const auto found = decoder_.next(connection.unread().substr(0, most));
    if (!found) throw error(found.error(), "response body");
    connection.consume(found->consumed);
    switch (found->kind) {
      // The connection goes back with the next call at the earliest, after the caller has used the view.
      case wire::http1::body_decoder::event_kind::data: return found->data;
      case wire::http1::body_decoder::event_kind::end: end(); break;
      case wire::http1::body_decoder::event_kind::need_more:
        if (connection.unread().empty()) return std::nullopt;
        break;
    }
  }
}

void http1_response::piece_used() {
  // So that whoever reads a body of known length by its length leaves a connection that can be used again.
  if (!ended && decoder_.finished()) end();
}

task<void> http1_response::wait() {
  const std::size_t got = co_await on_.connection()->fill();
  if (got > 0) co_return;
  if (const auto ending = decoder_.finish(); !ending) {
    throw error(ending.error(), "response body");
  }
}

}  // namespace eddy::http::detail

#include "response_state.hpp"

#include <algorithm>
#include <cstring>

#include <eddy/coro/scope.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/exclusive.hpp>

namespace eddy::http::detail {
namespace {

std::string seconds_of(duration d) {
  std::string text = std::to_string(std::chrono::duration<double>(d).count());
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

constexpr std::size_t largest_reserve = 1 << 20;  // of memory, on a peer's word

}  // namespace

request_error request_progress::timed_out() const {
  return failed(errc::timed_out,
                "the request's total time of " + seconds_of(time_limit) + " is up");
}

response_state::response_state(lease on, const wire::http1::limits& bounds, request_progress at,
                               time_point deadline, std::size_t max_body)
    : status(on.connection()->head.status()),
      fields(on.connection()->head.fields()),
      on_(std::move(on)),
      limits_(bounds),
      decoder_(on_.connection()->head.body(limits_)),
      at_(std::move(at)),
      deadline_(deadline),
      max_body_(max_body),
      keep_alive_(on_.connection()->head.keep_alive() && !on_.connection()->broken) {
  reused = on_.connection()->used;
  at_.phase = request_phase::reading;
  if (decoder_.finished()) end();
}

void response_state::fail(std::error_code cause, std::string_view detail) {
  on_.give_back();
  throw at_.failed(cause, detail);
}

void response_state::end() {
  ended_ = true;
  trailers = http::fields(decoder_.trailers());
  client_connection& connection = *on_.connection();
  if (!keep_alive_) {
    on_.give_back();
  } else if (!connection.unread().empty()) {
    fail(wire::http1::errc::unexpected_data);
  } else {
    connection.used = true;
    on_.keep();
  }
}

task<void> response_state::fill() {
  std::optional<std::size_t> got;
  std::error_code failure;
  try {
    got = co_await move_on_at(deadline_, on_.connection()->fill());
  } catch (const error& e) {
    failure = e.code();
  }
  if (failure) fail(failure);
  if (!got) {
    on_.give_back();
    throw at_.timed_out();
  }
  if (*got > 0) co_return;
  if (const auto ended = decoder_.finish(); !ended) fail(ended.error());
}

task<std::string_view> response_state::next_piece(std::size_t most) {
  throw_if_cancelled();
  for (;;) {
    if (ended_) co_return std::string_view();
    if (on_.connection() == nullptr) throw at_.failed(errc::closed, "an earlier read has failed");
    client_connection& connection = *on_.connection();
    const auto found = decoder_.next(connection.unread().substr(0, most));
    if (!found) fail(found.error());
    connection.consume(found->consumed);
    switch (found->kind) {
      // The connection goes back with the next call at the earliest, after the caller has used the view.
      case wire::http1::body_decoder::event_kind::data: co_return found->data;
      case wire::http1::body_decoder::event_kind::end: end(); break;
      case wire::http1::body_decoder::event_kind::need_more:
        if (connection.unread().empty()) co_await fill();
        break;
    }
  }
}

task<std::size_t> response_state::read_some(std::span<std::byte> into) {
  const io::exclusive reading(reading_, "read_some");
  if (into.empty()) co_return 0;
  const std::string_view piece = co_await next_piece(into.size());
  if (!piece.empty()) std::memcpy(into.data(), piece.data(), piece.size());
  // So that whoever reads a body of known length by its length leaves a connection that can be used again.
  if (!piece.empty() && decoder_.finished()) end();
  co_return piece.size();
}

void response_state::limit(std::size_t bytes, std::size_t so_far) {
  if (bytes <= max_body_ - so_far) return;
  fail(errc::limit_exceeded, "the body is larger than " + std::to_string(max_body_) + " bytes");
}

task<std::string> response_state::body() {
  const io::exclusive reading(reading_, "body");
  std::string whole;
  whole.reserve(
      std::min({decoder_.remaining(), std::uint64_t{max_body_}, std::uint64_t{largest_reserve}}));
  for (;;) {
    const std::string_view piece = co_await next_piece(SIZE_MAX);
    if (piece.empty()) co_return whole;
    limit(piece.size(), whole.size());
    whole += piece;
  }
}

task<void> response_state::discard() {
  const io::exclusive reading(reading_, "discard");
  std::size_t dropped = 0;
  for (;;) {
    const std::string_view piece = co_await next_piece(SIZE_MAX);
    if (piece.empty()) co_return;
    limit(piece.size(), dropped);
    dropped += piece.size();
  }
}

}  // namespace eddy::http::detail

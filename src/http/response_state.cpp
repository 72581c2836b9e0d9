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
constexpr std::size_t read_size = 16 * 1024;

}  // namespace

request_error request_progress::timed_out() const {
  return failed(errc::timed_out,
                "the request's total time of " + seconds_of(time_limit) + " is up");
}

request_error request_progress::timed_out(duration limit, std::string_view what) const {
  return failed(errc::timed_out, std::string(what) + " in " + seconds_of(limit));
}

response_state::response_state(std::unique_ptr<incoming_response> from, request_progress at,
                               const reading_limits& limits)
    : status(from->status),
      fields(std::move(from->fields)),
      peer(from->peer),
      reused(from->reused),
      from_(std::move(from)),
      at_(std::move(at)),
      limits_(limits) {
  at_.phase = request_phase::reading;
  // A part of a coded whole cannot be decoded.
  if (limits.decompress && !from_->ended && status != status::partial_content) {
    if (const auto codings = codings_of(fields); !codings.empty()) decoder_.emplace(codings);
  }
  if (from_->ended) end();
}

void response_state::fail(std::error_code cause, std::string_view detail) {
  from_.reset();
  throw at_.failed(cause, detail);
}

void response_state::end() {
  finished_ = true;
  trailers = std::move(from_->trailers);
}

task<void> response_state::wait() {
  const bool may_idle = limits_.idle == duration::max();
  const time_point idle_until = may_idle ? never : after(now(), limits_.idle);
  const bool idle_first = idle_until < limits_.deadline;
  bool came = false;
  try {
    came = co_await move_on_at(std::min(idle_until, limits_.deadline), from_->wait());
  } catch (const error& e) {
    fail(e.code());
  }
  if (came) co_return;
  from_.reset();
  throw idle_first ? at_.timed_out(limits_.idle, "nothing came") : at_.timed_out();
}

task<std::string_view> response_state::next_piece(std::size_t most) {
  throw_if_cancelled();
  for (;;) {
    if (from_ == nullptr) throw at_.failed(errc::closed, "an earlier read has failed");
    std::optional<std::string_view> piece;
    try {
      piece = from_->take_piece(most);
    } catch (const error& e) {
      fail(e.code());
    }
    if (piece) co_return *piece;
    co_await wait();
  }
}

void response_state::piece_used() {
  try {
    from_->piece_used();
  } catch (const error& e) {
    fail(e.code());
  }
  if (from_->ended) end();
}

task<std::size_t> response_state::read(std::span<std::byte> into) {
  if (finished_) co_return 0;
  if (decoder_) co_return co_await read_decoded(into);
  const std::string_view piece = co_await next_piece(into.size());
  if (!piece.empty()) std::memcpy(into.data(), piece.data(), piece.size());
  piece_used();
  co_return piece.size();
}

task<std::size_t> response_state::read_decoded(std::span<std::byte> into) {
  for (;;) {
    if (from_ == nullptr) throw at_.failed(errc::closed, "an earlier read has failed");
    const auto went = decoder_->decode(std::as_bytes(std::span(coded_)), into);
    if (!went) fail(went.error(), went.error().message());
    coded_.remove_prefix(went->consumed);
    if (went->produced > 0) co_return went->produced;
    coded_ = co_await next_piece(read_size);
    if (!coded_.empty()) continue;
    if (const auto whole = decoder_->finish(); !whole) {
      fail(whole.error(), whole.error().message());
    }
    end();
    co_return 0;
  }
}

task<std::size_t> response_state::read_some(std::span<std::byte> into) {
  const io::exclusive reading(reading_, "read_some");
  throw_if_cancelled();
  if (into.empty()) co_return 0;
  co_return co_await read(into);
}

void response_state::limit(std::size_t bytes, std::size_t so_far) {
  if (bytes <= limits_.max_body - so_far) return;
  fail(errc::limit_exceeded,
       "the body is larger than " + std::to_string(limits_.max_body) + " bytes");
}

task<std::string> response_state::body() {
  const io::exclusive reading(reading_, "body");
  throw_if_cancelled();
  std::string whole;
  if (decoder_) {
    std::size_t got = 0;
    do {
      const std::size_t before = whole.size();
      whole.resize(before + read_size);
      got = co_await read(std::as_writable_bytes(std::span(whole).subspan(before)));
      whole.resize(before + got);
      limit(got, before);
    } while (got > 0);
    co_return whole;
  }
  if (from_ != nullptr) {
    whole.reserve(std::min(
        {from_->announced(), std::uint64_t{limits_.max_body}, std::uint64_t{largest_reserve}}));
  }
  while (!finished_) {
    const std::string_view piece = co_await next_piece(SIZE_MAX);
    limit(piece.size(), whole.size());
    whole += piece;
    piece_used();
  }
  co_return whole;
}

task<void> response_state::discard() {
  const io::exclusive reading(reading_, "discard");
  throw_if_cancelled();
  std::size_t dropped = 0;
  std::string room(decoder_ ? read_size : 0, '\0');
  while (!finished_) {
    std::size_t got = 0;
    if (decoder_) {
      got = co_await read(std::as_writable_bytes(std::span(room)));
    } else {
      const std::string_view piece = co_await next_piece(SIZE_MAX);
      got = piece.size();
      piece_used();
    }
    limit(got, dropped);
    dropped += got;
  }
}

}  // namespace eddy::http::detail

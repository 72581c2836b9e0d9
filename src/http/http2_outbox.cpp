#include "http2_outbox.hpp"

#include "http2_engine.hpp"

#include <algorithm>
#include <string>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {

void http2_outbox::expect_progress() noexcept {
  deadline_ = never;
  if (piece_.empty() || closed_) return;
  const time_point now = engine_.loop().turn_started();
  deadline_ = after(now, std::min(limit_, pace_.begin(now, pace_limit_)));
  engine_.note_deadline(deadline_);
}

void http2_outbox::begin_piece(std::string_view piece) noexcept {
  piece_ = piece;
  piece_began_ = engine_.loop().turn_started();
  carried_before_ = engine_.body_bytes();
  expect_progress();
}

bool http2_outbox::let_others_pass(time_point now) noexcept {
  const double seconds = std::chrono::duration<double>(now - piece_began_).count();
  const std::uint64_t carried = engine_.body_bytes() - carried_before_;
  const double due = static_cast<double>(pace_limit_.rate) * seconds;
  if (carried == 0 || static_cast<double>(carried) < due) return false;
  pace_ = {};
  begin_piece(piece_);
  return true;
}

void http2_outbox::finish(std::string_view rest) noexcept {
  last_ = true;
  begin_piece(rest);
}

task<void> http2_outbox::send(std::int32_t id, std::string_view data) {
  struct withdrawal {
    http2_outbox& of;
    ~withdrawal() {
      of.piece_ = {};
      of.deadline_ = never;
    }
  };
  const auto check_open = [this] {
    if (closed_) throw error(wire::http1::errc::incomplete_message, "body");
  };
  check_open();
  const withdrawal at_exit{*this};
  taken_away_.clear();
  begin_piece(data);
  engine_.resume_body(id);
  co_await taken_away_.wait();
  check_open();
}

void http2_outbox::set_trailers(const fields& trailers) {
  for (const field_view field : trailers) {
    if (wire::http1::is_forbidden_trailer(field.name)) {
      throw_invalid_input("a trailer named " + std::string(field.name));
    }
  }
  trailers_ = trailers;
}

void http2_outbox::close() noexcept {
  closed_ = true;
  piece_ = {};
  deadline_ = never;
  taken_away_.set();
}

void http2_outbox::sent(std::size_t bytes) noexcept {
  piece_.remove_prefix(bytes);
  pace_.moved(engine_.loop().turn_started(), bytes);
  engine_.note_body(bytes);
  expect_progress();
  if (piece_.empty()) taken_away_.set();
  if (finished() && at_end_ != nullptr) at_end_->set();
}

}  // namespace eddy::http::detail

#include "http2_outbox.hpp"

#include "http2_engine.hpp"

#include <string>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {

void http2_outbox::expect_progress() noexcept {
  deadline_ = never;
  if (piece_.empty() || closed_) return;
  deadline_ = after(engine_.loop().turn_started(), limit_);
  engine_.note_deadline(deadline_);
}

void http2_outbox::finish(std::string_view rest) noexcept {
  piece_ = rest;
  last_ = true;
  expect_progress();
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
  piece_ = data;
  taken_away_.clear();
  expect_progress();
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
  expect_progress();
  if (piece_.empty()) taken_away_.set();
}

}  // namespace eddy::http::detail

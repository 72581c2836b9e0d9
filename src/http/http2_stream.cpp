#include "http2_stream.hpp"

#include "connection_base.hpp"
#include "http2_server.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/http/http_error.hpp>

namespace eddy::http::detail {
namespace http1 = wire::http1;

namespace {

constexpr std::size_t largest_reserve = 64 * 1024;  // of memory, on a client's word

/// Sets a deadline while it lives.
class deadline_set {
 public:
  deadline_set(time_point& place, time_point deadline) noexcept : place_(place) {
    place_ = deadline;
  }
  deadline_set(const deadline_set&) = delete;
  deadline_set& operator=(const deadline_set&) = delete;
  ~deadline_set() { place_ = never; }

 private:
  time_point& place_;
};

}  // namespace

http2_stream::http2_stream(http2_server_session& session, std::int32_t id, std::string head)
    : session_(session),
      id_(id),
      head_(std::move(head)),
      meter_(session.server()),
      out_(session, session.options().write_timeout, session.server().pace()) {
  request_.bind(session.origin(), *this);
}

// --- the request ---

bool http2_stream::parse() {
  http1::request_parser parser(session_.options().wire);
  const auto size = parser.parse(head_, request_.parsed());
  if (!size || *size != head_.size()) {
    failure_ = size ? http1::errc::head_too_large : size.error();
    return false;
  }
  continue_due_ = request_.fields().contains("expect");
  return true;
}

response http2_stream::refusal() const {
  return response::error(http1::suggested_status(failure_),
                         http1::make_error_code(failure_).message());
}

// As the trailers of a chunked body, so that the same rules hold.
bool http2_stream::take_trailers(std::string_view lines) {
  trailer_lines_ = http1::body_decoder(http1::framing::chunked, 0, session_.options().wire);
  const std::string text = std::string("0\r\n").append(lines);
  const auto event = trailer_lines_.next(text);
  return event && event->kind == http1::body_decoder::event_kind::end;
}

void http2_stream::take_data(std::span<const std::byte> data) {
  if (read_ == body_.size()) {
    body_.clear();
    read_ = 0;
  }
  body_.append(io::text_of(data));
  body_pace_.moved(session_.loop().now(), data.size());
  came_.set();
}

void http2_stream::end_body() noexcept {
  body_ended_ = true;
  came_.set();
}

void http2_stream::close() noexcept {
  if (std::exchange(closed_, true)) return;
  came_.set();
  out_.close();
  if (scope_) scope_->cancel(cancel_reason::requested, "the client gave the request up");
}

std::size_t http2_stream::drop_unread() noexcept {
  const std::size_t dropped = body_.size() - read_;
  body_.clear();
  read_ = 0;
  return dropped;
}

time_point http2_stream::look_at_deadlines(time_point now) noexcept {
  if (read_deadline_ <= now) {
    read_deadline_ = never;
    timed_out_ = true;
    scope_->cancel(cancel_reason::timeout);
  }
  if (out_.stalled(now)) {
    const bool waits_for_others = session_.window_is_open(id_) && out_.let_others_pass(now);
    if (!waits_for_others) {
      out_.close();
      session_.reset_stream(id_, NGHTTP2_CANCEL);
    }
  }
  return std::min(read_deadline_, out_.deadline());
}

// --- request bodies ---

// At most `most` bytes of what has come; a view that lasts until more comes.
std::string_view http2_stream::take(std::size_t most) {
  if (body_refused_) throw http_error(status::bad_request, "the body was refused before");
  const std::string_view piece = unread().substr(0, most);
  read_ += piece.size();
  taken_ += piece.size();
  session_.consumed(id_, piece.size());
  if (taken_ > most_body_) {
    body_refused_ = true;
    throw http_error(status::content_too_large);
  }
  return piece;
}

void http2_stream::check_intact(std::string_view what) const {
  if (closed_) throw error(http1::errc::incomplete_message, std::string(what));
}

task<void> http2_stream::await_data() {
  check_intact("request body");
  if (std::exchange(continue_due_, false)) session_.send_continue(id_);
  came_.clear();
  const time_point now = session_.loop().now();
  const duration paced = body_pace_.begin(now, session_.server().pace());
  const time_point limit = after(now, std::min(session_.options().body_timeout, paced));
  const deadline_set waiting(read_deadline_, limit);
  session_.note_deadline(limit);
  co_await came_.wait();
}

task<std::size_t> http2_stream::read_body(std::span<std::byte> into) {
  if (into.empty()) co_return 0;
  for (;;) {
    const std::string_view piece = take(into.size());
    if (!piece.empty()) std::memcpy(into.data(), piece.data(), piece.size());
    if (!piece.empty() || body_ended_) co_return piece.size();
    co_await await_data();
  }
}

task<std::string_view> http2_stream::whole_body() {
  if (whole_) co_return *whole_;
  std::string text;
  text.reserve(std::min<std::uint64_t>(request_.head().content_length(), largest_reserve));
  for (;;) {
    const std::string_view piece = take(SIZE_MAX);
    text.append(piece);
    if (body_ended_) break;
    if (piece.empty()) co_await await_data();
  }
  whole_ = std::move(text);
  co_return *whole_;
}

// --- answers ---

void http2_stream::answer(response made) {
  if (made.is_upgrade()) made = response::error(status::upgrade_required);
  answer_head_.clear();
  http1::response_line line;
  line.status = made.status();
  line.date = session_.server().date();
  line.answers = request_.method();
  const auto plan =
      http1::write_response_head(answer_head_, line, made.fields(), size_of_body(made));
  if (!plan) throw std::system_error(http1::make_error_code(plan.error()), "response");
  answer_head_.resize(answer_head_.size() - 2);  // the empty line
  if (!made.known_type().empty()) {
    answer_head_.append("content-type: ").append(made.known_type()).append("\r\n");
  }
  plan_ = *plan;
  answer_ = std::move(made);
  if (answer_.is_stream() && plan_.body != http1::framing::none) return;
  out_.finish(plan_.body != http1::framing::none ? answer_.body() : std::string_view());
  send_head();
}

void http2_stream::send_head() {
  head_sent_ = true;
  session_.send_head(*this, answer_head_);
}

task<bool> http2_stream::send_stream() {
  if (plan_.body == http1::framing::none) co_return true;
  announced_left_ = answer_.stream_part()->length.value_or(0);
  body_writer out(*this);
  std::exception_ptr failure;
  try {
    co_await server_core::stream_in_time(request_, answer_.stream_part()->write(out));
    if (announced_left_ != 0) throw_invalid_input("a streamed body shorter than announced");
    out_.finish();
    if (!head_sent_) send_head();
    session_.resume_body(id_);
    co_return true;
  } catch (...) {
    failure = std::current_exception();
  }
  if (holds_exception<cancelled>(failure)) std::rethrow_exception(failure);
  if (!head_sent_ && !closed_) {
    answer(session_.server().core().failed(request_, failure));
    co_return true;
  }
  report_unless_disconnected("an HTTP answer was broken off: " + description_of(request_), failure);
  co_return false;
}

task<void> http2_stream::send_body(std::string_view data) {
  if (data.empty()) co_return;
  check_intact("response body");
  if (plan_.body == http1::framing::length) {
    if (data.size() > announced_left_) throw_invalid_input("a streamed body longer than announced");
    announced_left_ -= data.size();
  }
  if (!head_sent_) send_head();
  co_await out_.send(id_, data);
}

}  // namespace eddy::http::detail

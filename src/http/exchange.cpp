#include "exchange.hpp"

#include "server_core.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <eddy/http/http_error.hpp>

namespace eddy::http::detail {
namespace http1 = wire::http1;

namespace {

constexpr std::size_t largest_copied_body = 4096;  // larger ones are sent from where they are
constexpr std::size_t most_output_kept = 64 * 1024;
constexpr std::size_t most_body_kept = 64 * 1024;
constexpr std::size_t most_body_kept_unused = 8 * 1024;
constexpr std::uint64_t most_drained = 256 * 1024;  // of a body nobody read, to keep the connection

[[noreturn]] void throw_bad_body(http1::errc why) {
  throw http_error(http1::suggested_status(why), http1::make_error_code(why).message());
}

}  // namespace

exchange::exchange(const http1::limits& bounds) : limits_(&bounds), parser_(bounds) {}

void exchange::bind(const request_origin& origin, body_source& source,
                    input_buffer& input) noexcept {
  input_ = &input;
  request_.bind(origin, source);
}

// --- head ---

exchange::head_state exchange::parse_head() {
  if (input_->empty() && !parser_.in_progress()) return head_state::incomplete;
  const auto size = parser_.parse(input_->unread(), request_.parsed());
  if (!size) {
    failure_ = size.error();
    return head_state::refused;
  }
  if (*size == 0) return head_state::incomplete;
  open_ = true;
  const bool body_follows = request_.parsed().framing() != http1::framing::none;
  request_.parsed().rebase(input_->hold(*size, body_follows));
  if (body_follows) begin_body();
  return head_state::complete;
}

void exchange::begin_body() {
  decoder_ = request_.parsed().body(*limits_);
  continue_due_ = request_.parsed().expects_continue();
}

// --- body ---

void exchange::count_body(std::size_t bytes) {
  body_taken_ += bytes;
  if (body_taken_ <= body_limit_) return;
  body_broken_ = true;
  throw http_error(status::content_too_large);
}

std::optional<std::size_t> exchange::take_body(std::span<std::byte> into) {
  for (;;) {
    if (body_broken_) throw http_error(status::bad_request, "the body was refused before");
    // Never more than the reader can take: framing bytes only make the data shorter.
    const auto event = decoder_.next(input_->unread().substr(0, into.size()));
    if (!event) {
      body_broken_ = true;
      throw_bad_body(event.error());
    }
    input_->consume(event->consumed);
    if (event->kind == http1::body_decoder::event_kind::end) return 0;
    if (event->kind == http1::body_decoder::event_kind::data) {
      std::memcpy(into.data(), event->data.data(), event->data.size());
      count_body(event->data.size());
      return event->data.size();
    }
    if (input_->empty()) return std::nullopt;
  }
}

std::optional<std::string_view> exchange::body_in_place() {
  if (body_taken_ != 0) return std::nullopt;
  if (decoder_.finished()) return std::string_view();
  if (request_.parsed().framing() != http1::framing::length) return std::nullopt;
  const std::string_view here = input_->unread();
  if (here.size() < request_.parsed().content_length()) return std::nullopt;
  const auto event = decoder_.next(here);
  if (!event || !decoder_.finished()) return std::nullopt;
  input_->consume(event->consumed);
  count_body(event->data.size());
  return event->data;
}

std::size_t exchange::direct_size() const noexcept {
  if (!input_->empty() || request_.parsed().framing() != http1::framing::length) return 0;
  return static_cast<std::size_t>(std::min<std::uint64_t>(decoder_.remaining(), SIZE_MAX));
}

void exchange::took_directly(std::span<const std::byte> data) {
  const auto event = decoder_.next(io::text_of(data));
  if (!event) throw_bad_body(event.error());
  count_body(data.size());
}

bool exchange::discard_body() noexcept {
  while (!decoder_.finished() && !input_->empty()) {
    const auto event = decoder_.next(input_->unread());
    if (!event) {
      body_broken_ = true;
      return false;
    }
    input_->consume(event->consumed);
    body_taken_ += event->data.size();
    if (event->kind == http1::body_decoder::event_kind::end) return true;
  }
  return body_taken_ <= std::max(body_limit_, most_drained);
}

bool exchange::take_continue() noexcept {
  return std::exchange(continue_due_, false) && input_->empty();
}

// --- output ---

const fields& exchange::fields_of(const response& made) {
  const std::string_view type = made.known_type();
  if (type.empty()) return made.fields();
  const bool alone = made.fields().empty();
  if (alone && scratch_type_.data() == type.data()) return scratch_;
  scratch_.clear();
  scratch_.add("Content-Type", type);
  for (const field_view field : made.fields()) scratch_.add(field.name, field.value);
  scratch_type_ = alone ? type : std::string_view();
  return scratch_;
}

// Whether the rest of the body, if it was not read, leaves the connection usable.
bool exchange::can_go_on() noexcept {
  if (body_broken_) return false;
  if (decoder_.finished()) return true;
  if (continue_due_ && input_->empty()) return false;  // the client may or may not send it now
  if (!discard_body()) return false;
  return decoder_.remaining() <= most_drained;
}

void exchange::answer(response made, const answer_options& options) {
  http1::response_line line;
  line.status = made.status();
  line.date = options.date;
  line.answers = request_.parsed().method();
  line.peer_minor_version = request_.parsed().minor_version();
  line.keep_alive =
      options.keep_alive && !made.closes() && request_.parsed().keep_alive() && can_go_on();
  const auto plan = http1::write_response_head(output_, line, fields_of(made), size_of_body(made));
  if (!plan) throw std::system_error(http1::make_error_code(plan.error()), "response");
  plan_ = *plan;
  answer_ = std::move(made);
  if (answer_.is_stream() || plan_.body == http1::framing::none) return;
  const std::string_view body = answer_.body();
  append_or_refer(body);
}

bool exchange::append_or_refer(std::string_view bytes) {
  const bool copied = bytes.size() <= largest_copied_body;
  if (copied) {
    output_.append(bytes);
  } else {
    tail_ = bytes;
  }
  return copied;
}

void exchange::refuse(const response& made, std::string_view date) {
  http1::response_line line;
  line.status = made.status();
  line.date = date;
  line.keep_alive = false;
  const auto plan = http1::write_response_head(output_, line, fields_of(made),
                                               http1::body_size::sized(made.body().size()));
  plan_ = plan.value();
  output_.append(made.body());
}

io::const_buffers exchange::unsent() noexcept {
  const std::string_view own(output_);
  if (sent_ >= own.size()) {
    pieces_[0] = io::piece(tail_.substr(sent_ - own.size()));
    return io::const_buffers(pieces_).first(1);
  }
  pieces_[0] = io::piece(own.substr(sent_));
  pieces_[1] = io::piece(tail_);
  return io::const_buffers(pieces_).first(tail_.empty() ? 1 : 2);
}

void exchange::sent(std::size_t bytes) noexcept {
  sent_ += bytes;
  if (has_output()) return;
  output_.clear();
  tail_ = {};
  sent_ = 0;
}

void exchange::finish() noexcept {
  open_ = false;
  decoder_ = http1::body_decoder();
  body_limit_ = usual_body_limit;
  body_taken_ = 0;
  continue_due_ = body_broken_ = false;
  collected_.clear();
  // A connection may live long and send one large body only.
  if (collected_.capacity() > most_body_kept) std::string().swap(collected_);
  whole_.reset();
  request_.clear();
  if (tail_.empty()) answer_ = response();
}

void exchange::abandon() noexcept {
  const bool unfinished = open_ || !tail_.empty();
  output_.clear();
  tail_ = {};
  sent_ = 0;
  if (unfinished) finish();
  parser_ = http1::request_parser(*limits_);
  // Assigning an empty string would keep the memory.
  if (output_.capacity() > most_output_kept) std::string().swap(output_);
  if (collected_.capacity() > most_body_kept_unused) std::string().swap(collected_);
}

}  // namespace eddy::http::detail

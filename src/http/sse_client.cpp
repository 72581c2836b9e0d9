// The client's side of server-sent events.
#include <algorithm>
#include <span>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/http_error.hpp>
#include <eddy/http/sse.hpp>
#include <eddy/io/exclusive.hpp>

namespace eddy::http {
namespace {

constexpr std::size_t step = 4096;  // bytes read at once

bool is_event_stream(const client_response& answer) noexcept {
  const auto type = media_type::parse(answer.fields().find("Content-Type").value_or(""))
                        .value_or(*media_type::parse("none/none"));
  return type.is("text", "event-stream");
}

/// Whether trying again may help: nobody was there, or the connection broke.
bool is_passing(const error& failure) noexcept {
  return failure == condition::disconnected || failure == condition::timed_out ||
         failure == condition::overloaded;
}

}  // namespace

event_source::event_source(client& through, std::string url, const event_source_options& options)
    : client_(through),
      url_(std::move(url)),
      reconnect_(options.reconnect),
      silence_limit_(options.silence_limit),
      parser_(options.max_event) {
  if (options.fields != nullptr) fields_ = *options.fields;
  parser_.set_last_id(std::string(options.last_event_id));
}

event_source::~event_source() = default;

duration event_source::reconnect_after() const noexcept {
  const auto asked = parser_.retry();
  return asked ? duration(*asked) : reconnect_;
}

task<std::optional<wire::sse::incoming_event>> event_source::next() {
  const io::exclusive alone(busy_, "next");
  std::optional<wire::sse::incoming_event> got;
  wire::sse::incoming_event event;
  for (;;) {
    throw_if_cancelled();
    if (take_event(event)) {
      got = std::move(event);
      co_return got;
    }
    if (over_) co_return got;
    if (response_) {
      co_await read();
    } else {
      co_await connect();
    }
  }
}

bool event_source::take_event(wire::sse::incoming_event& into) {
  const auto parsed = parser_.parse(std::string_view(input_).substr(used_));
  if (!parsed) {
    response_.reset();
    throw_error(errc::limit_exceeded, "event source");
  }
  used_ += parsed->consumed;
  if (!parsed->complete) return false;
  into = std::move(parser_.event());
  return true;
}

task<void> event_source::read() {
  input_.resize(step);
  const auto room = std::as_writable_bytes(std::span(input_));
  std::size_t count = 0;
  std::optional<error> lost;
  const duration limit = silence_limit_ > duration::zero() ? silence_limit_ : duration::max();
  used_ = step;  // nothing, should the read not return
  try {
    const auto got = co_await move_on_after(limit, response_->read_some(room));
    count = got.value_or(0);
  } catch (const error& failure) {
    lost = failure;
  }
  input_.resize(count);
  used_ = 0;
  if (count > 0) co_return;
  response_.reset();
  if (lost && !is_passing(*lost)) throw *lost;
}

request_spec event_source::make_request() const {
  request_spec spec("GET", url_);
  spec.fields = fields_;
  spec.fields.set("Accept", "text/event-stream");
  spec.fields.set("Cache-Control", "no-store");
  if (!parser_.last_id().empty()) spec.fields.set("Last-Event-ID", parser_.last_id());
  spec.timeouts.total = duration::max();      // a stream of events has no end
  spec.timeouts.idle_read = duration::max();  // the source counts itself
  return spec;
}

task<void> event_source::connect() {
  if (tried_) co_await sleep(reconnect_after());
  tried_ = true;
  parser_.restart();
  ++connections_;
  std::optional<client_response> answer;
  auto asking = client_.request(make_request());
  try {
    answer.emplace(co_await std::move(asking));
  } catch (const error& failure) {
    if (!is_passing(failure)) throw;
  }
  if (answer) accept(std::move(*answer));
}

void event_source::accept(client_response answer) {
  if (answer.status() == status::no_content) {
    over_ = true;
    return;
  }
  if (answer.status() != status::ok) {
    const std::string what = "event source: answered " + std::to_string(answer.status());
    if (answer.status() >= status::bad_request) throw http_error(answer.status(), what);
    throw_error(errc::unsupported, what);
  }
  if (!is_event_stream(answer)) throw_error(errc::unsupported, "event source: not an event stream");
  response_.emplace(std::move(answer));
}

}  // namespace eddy::http

#include "http2_server.hpp"

#include "http2_callbacks.hpp"

#include <algorithm>
#include <memory>
#include <new>
#include <utility>

#include <eddy/coro/exception_group.hpp>
#include <eddy/http/http_error.hpp>

namespace eddy::http::detail {
namespace {

// Beyond so many times the limit a header list is no mistake any more.
constexpr std::size_t list_factor = 8;
// Bodies that are larger share the connection with others, instead of going out one after the other (RFC 9218).
constexpr std::size_t largest_unshared = 64 * 1024;

http2_bounds bounds_of(const server_loop& server) noexcept {
  const server_options& options = server.options();
  http2_bounds bounds;
  bounds.max_streams = options.http2_streams;
  bounds.max_head = options.wire.max_head;
  bounds.write_timeout = options.write_timeout;
  bounds.write_pace = server.pace();
  return bounds;
}

task<response> at_once(response made) { co_return made; }

}  // namespace

http2_server_session::http2_server_session(server_loop& server, io::any_stream stream,
                                           const request_origin& origin)
    : http2_engine(std::move(stream), side::server, bounds_of(server)),
      server_(server),
      origin_(origin),
      incoming_(server.options().wire) {
  origin_.draining = &server.end_began();
  server_.add(*this);
  start_deadline_ = after(loop().now(), options().head_timeout);
  note_deadline(start_deadline_);
  if (server_.draining()) drain();
}

http2_server_session::~http2_server_session() {
  while (http2_stream* one = streams_.pop_front()) delete one;
}

http2_stream* http2_server_session::find(std::int32_t id) noexcept {
  return static_cast<http2_stream*>(nghttp2_session_get_stream_user_data(frames(), id));
}

// --- requests ---

void http2_server_session::head_begins(std::int32_t, std::uint8_t category) {
  using part = http2_incoming_head::part;
  incoming_.begin(category == NGHTTP2_HCAT_REQUEST ? part::request : part::trailers);
  head_deadline_ = after(loop().turn_started(), options().head_timeout);
  note_deadline(head_deadline_);
}

void http2_server_session::field_came(std::int32_t, std::string_view name, std::string_view value) {
  incoming_.take(name, value);
  const std::size_t most = list_factor * options().wire.max_head;
  if (incoming_.size() > most) refuse_peer(NGHTTP2_ENHANCE_YOUR_CALM);
}

void http2_server_session::head_came(std::int32_t id, std::uint8_t category, bool ends_stream) {
  using verdict = http2_incoming_head::verdict;
  head_deadline_ = never;
  const verdict judged = incoming_.finish();
  if (category != NGHTTP2_HCAT_REQUEST) {
    http2_stream* on = find(id);
    if (on == nullptr) return;
    if (judged != verdict::fine || !on->take_trailers(incoming_.text())) {
      return reset_stream(id, NGHTTP2_PROTOCOL_ERROR);
    }
    return on->end_body();
  }
  if (judged == verdict::malformed) return reset_stream(id, NGHTTP2_PROTOCOL_ERROR);
  // Tasks of streams that the client has reset may still be ending.
  if (streams_.size() >= 2 * std::size_t{options().http2_streams}) {
    return reset_stream(id, NGHTTP2_REFUSED_STREAM);
  }
  auto made = std::make_unique<http2_stream>(*this, id, incoming_.text());
  made->body_ended_ = ends_stream;
  if (judged == verdict::too_large) made->failure_ = wire::http1::errc::head_too_large;
  begun_.push_back(made.get());
  idle_deadline_ = never;
  nghttp2_session_set_stream_user_data(frames(), id, made.get());
  streams_.push_back(*made.release());
}

void http2_server_session::data_came(std::int32_t id, std::span<const std::byte> data) {
  http2_stream* on = find(id);
  const bool unwanted = on == nullptr || on->body_refused_ || (on->head_sent_ && !on->running_);
  if (unwanted) return consumed(id, data.size());
  on->take_data(data);
}

void http2_server_session::body_ended(std::int32_t id) {
  if (http2_stream* on = find(id)) on->end_body();
}

// User code runs only here, when nghttp2 has returned.
void http2_server_session::input_handled() {
  for (std::size_t i = 0; i < begun_.size() && is_open(); ++i) begin(*begun_[i]);
  begun_.clear();
}

void http2_server_session::begin(http2_stream& on) {
  if (on.failure_ != wire::http1::errc() || !on.parse()) {
    on.answer(on.refusal());
    server_.counts().count_answer(on.status());
    return;
  }
  on.meter_.begin(on.asked());
  request& asked = on.asked();
  const server_core& core = server_.core();
  if (core.has_middlewares()) return start_task(on, core.respond(asked));
  const route_entry* entry = core.find_route(asked);
  if (entry != nullptr && !entry->handler.plain) return start_task(on, core.handle(*entry, asked));
  std::optional<response> made;
  try {
    made = entry == nullptr ? core.unrouted(asked) : entry->handler.plain(asked);
  } catch (...) {
    made = core.failed(asked, std::current_exception());
  }
  if (made->is_stream()) return start_task(on, at_once(std::move(*made)));
  answer(on, std::move(*made));
  on.meter_.end(asked, on.status());
}

void http2_server_session::start_task(http2_stream& on, task<response> answering) {
  on.scope_.emplace();
  tasks().spawn(answer_in_task(on, std::move(answering)));
  on.running_ = true;
}

task<void> http2_server_session::answer_in_task(http2_stream& on, task<response> answering) {
  struct end_mark {
    http2_server_session& session;
    http2_stream& on;
    ~end_mark() { session.task_ended(on); }
  };
  const end_mark at_exit{*this, on};
  co_await answer_within(on, std::move(answering));
}

task<void> http2_server_session::answer_within(http2_stream& on, task<response> answering) {
  bool intact = false;
  {
    const cancel_scope::entered inside(*on.scope_);
    std::exception_ptr failure;
    try {
      std::optional<response> made(co_await std::move(answering));
      answer(on, std::move(*made));
      made.reset();
      intact = true;
      if (on.streams()) intact = co_await on.send_stream();
    } catch (const cancelled& stop) {
      if (!on.scope_->absorbs(stop)) throw;
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure && holds_exception<cancelled>(failure)) std::rethrow_exception(failure);
    if (failure) {
      answer(on, server_.core().failed(on.asked(), failure));
      intact = true;
    }
  }
  if (!intact && !on.closed_) {
    if (on.timed_out_ && !on.head_sent_) {
      answer(on, response::error(status::request_timeout));
    } else {
      reset_stream(on.id(), NGHTTP2_INTERNAL_ERROR);
    }
  }
  on.meter_.end(on.asked(), on.status());
}

// --- answers ---

void http2_server_session::answer(http2_stream& on, response made) {
  try {
    on.answer(std::move(made));
  } catch (const std::system_error&) {  // it cannot be sent
    on.answer(server_.core().failed(on.asked(), std::current_exception()));
  }
}

void http2_server_session::send_head(http2_stream& on, std::string& head) {
  constexpr std::size_t status_at = 9;  // behind "HTTP/1.1 "
  if (on.closed_) return;
  outgoing_.clear();
  outgoing_.pseudo(":status", std::string_view(head).substr(status_at, 3));
  outgoing_.lines(std::span(head).subspan(head.find("\r\n") + 2));
  const bool has_body = on.plan_.body != wire::http1::framing::none;
  const nghttp2_data_provider body = http2_body_provider();
  const auto& fields = outgoing_.fields();
  const int failure = nghttp2_submit_response(frames(), on.id(), fields.data(), fields.size(),
                                              has_body ? &body : nullptr);
  if (failure == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
  const bool shares = on.streams() || on.out_.unsent().size() > largest_unshared;
  if (has_body && shares && !on.asked().fields().contains("priority")) {
    const nghttp2_extpri incremental{NGHTTP2_EXTPRI_DEFAULT_URGENCY, 1};
    nghttp2_session_change_extpri_stream_priority(frames(), on.id(), &incremental, 0);
  }
  want_output();
}

void http2_server_session::send_continue(std::int32_t id) noexcept {
  outgoing_.clear();
  outgoing_.pseudo(":status", "100");
  const auto& fields = outgoing_.fields();
  static_cast<void>(nghttp2_submit_headers(frames(), NGHTTP2_FLAG_NONE, id, nullptr, fields.data(),
                                           fields.size(), nullptr));
  want_output();
}

http2_outbox* http2_server_session::outbox_of(std::int32_t id) noexcept {
  http2_stream* on = find(id);
  return on == nullptr ? nullptr : &on->out_;
}

// An answer that did not wait for the end of its request: the client need not send the rest.
void http2_server_session::message_sent(std::int32_t id) {
  http2_stream* on = find(id);
  if (on != nullptr && !on->body_ended_) reset_stream(id, NGHTTP2_NO_ERROR);
}

// --- ends of streams ---

void http2_server_session::stream_closed(std::int32_t id, std::uint32_t) {
  http2_stream* on = find(id);
  if (on == nullptr) return;
  nghttp2_session_set_stream_user_data(frames(), id, nullptr);
  std::erase(begun_, on);
  nghttp2_session_consume_connection(frames(), on->drop_unread());
  on->close();
  if (!on->running_) forget(*on);
}

void http2_server_session::task_ended(http2_stream& on) noexcept {
  on.running_ = false;
  if (on.closed_) return forget(on);
  consumed(on.id(), on.drop_unread());
}

void http2_server_session::forget(http2_stream& on) noexcept {
  on.unlink();
  delete &on;
  if (!streams_.empty()) return;
  idle_deadline_ = after(loop().turn_started(), options().idle_timeout);
  note_deadline(idle_deadline_);
}

void http2_server_session::connection_ended() noexcept {
  begun_.clear();
  for (http2_stream* one = streams_.front(); one != nullptr;) {
    http2_stream* following = streams_.next(*one);
    nghttp2_session_set_stream_user_data(frames(), one->id(), nullptr);
    one->close();
    if (!one->running_) {
      one->unlink();
      delete one;
    }
    one = following;
  }
}

// --- the connection ---

void http2_server_session::bytes_moved(std::size_t received, std::size_t sent) noexcept {
  server_.counts().bytes_received.add(received);
  server_.counts().bytes_sent.add(sent);
}

void http2_server_session::settings_came() {
  if (start_deadline_ == never) return;
  start_deadline_ = never;
  idle_deadline_ = after(loop().turn_started(), options().idle_timeout);
  note_deadline(idle_deadline_);
}

time_point http2_server_session::look_at_deadlines(time_point now) noexcept {
  if (start_deadline_ <= now) {
    start_deadline_ = never;
    stop(leave::close);
  }
  if (head_deadline_ <= now) {
    head_deadline_ = never;
    refuse_peer(NGHTTP2_ENHANCE_YOUR_CALM);
  }
  if (idle_deadline_ <= now) {
    idle_deadline_ = never;
    end_in_order();
  }
  if (drain_deadline_ <= now) finish_drain();
  time_point next = std::min({start_deadline_, head_deadline_, idle_deadline_, drain_deadline_});
  for (auto* one = streams_.front(); one != nullptr; one = streams_.next(*one)) {
    next = std::min(next, one->look_at_deadlines(now));
  }
  return next;
}

void http2_server_session::drain() noexcept {
  if (std::exchange(draining_, true)) return;
  hold(true);
  if (nghttp2_submit_shutdown_notice(frames()) != 0 ||
      nghttp2_submit_ping(frames(), NGHTTP2_FLAG_NONE, nullptr) != 0) {
    return finish_drain();
  }
  drain_deadline_ = after(loop().now(), end_notice);
  note_deadline(drain_deadline_);
  want_output();
}

void http2_server_session::finish_drain() noexcept {
  if (!draining_ || std::exchange(drained_, true)) return;
  drain_deadline_ = never;
  hold(false);
  const std::int32_t last = nghttp2_session_get_last_proc_stream_id(frames());
  static_cast<void>(
      nghttp2_submit_goaway(frames(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0));
  want_output();
}

task<void> serve_http2(server_loop& server, io::any_stream stream, request_origin origin,
                       std::string already_read) {
  http2_server_session session(server, std::move(stream), origin);
  co_await session.run(std::move(already_read));
}

}  // namespace eddy::http::detail

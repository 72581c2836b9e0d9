#include "http2_client.hpp"

#include "http2_callbacks.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/client_error.hpp>
#include <eddy/http/http2_error.hpp>
#include <eddy/wire/http1_response_parser.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {
namespace {

namespace http1 = wire::http1;

constexpr duration quiet = std::chrono::seconds(15);
constexpr duration ping_patience = std::chrono::seconds(10);
constexpr std::size_t most_before_greeting = 100;  // requests at once, until the peer says how many
constexpr std::size_t list_factor = 8;  // beyond so many times its limit a head is an attack

http2_bounds client_bounds() noexcept {
  http2_bounds bounds;
  bounds.stream_window = 512 * 1024;
  bounds.connection_window = 4 * 1024 * 1024;
  bounds.max_head = http1::default_limits.max_head;
  return bounds;
}

std::error_code cause_of(std::uint32_t code) noexcept {
  if (code == NGHTTP2_REFUSED_STREAM) return make_error_code(request_errc::not_processed);
  return make_error_code(http2_errc_from(code));
}

/// What the pool owns.
class http2_connection final : public multiplexed_connection {
 public:
  explicit http2_connection(std::shared_ptr<http2_client_session> session) noexcept
      : session_(std::move(session)) {}
  ~http2_connection() override { session_->close(); }

  void observe(capacity_observer* who) noexcept override { session_->observe(who); }
  [[nodiscard]] bool accepts() const noexcept override { return session_->accepts(); }
  [[nodiscard]] bool ended() const noexcept override { return session_->ended(); }
  [[nodiscard]] std::size_t running() const noexcept override { return session_->running(); }
  task<std::unique_ptr<incoming_response>> exchange(const outgoing_request& request,
                                                    const client_timeouts& limits) override {
    return session_->exchange(request, limits);
  }

 private:
  std::shared_ptr<http2_client_session> session_;
};

}  // namespace

std::unique_ptr<multiplexed_connection> make_multiplexed_connection(io::any_stream stream,
                                                                    const net::address& peer) {
  auto session = std::make_shared<http2_client_session>(std::move(stream), peer);
  eddy::spawn(http2_client_session::run(session));
  return std::make_unique<http2_connection>(std::move(session));
}

// --- the connection ---

http2_client_session::http2_client_session(io::any_stream stream, const net::address& peer)
    : http2_engine(std::move(stream), side::client, client_bounds()),
      peer_(peer),
      incoming_(http1::default_limits) {}

task<void> http2_client_session::run(std::shared_ptr<http2_client_session> self) {
  struct end_mark {
    http2_client_session& session;
    ~end_mark() { session.connection_ended(); }  // also of one that never began
  };
  const end_mark at_exit{*self};
  co_await self->converse();
}

bool http2_client_session::ended() const noexcept {
  return over_ || leaving_ || nghttp2_session_check_request_allowed(frames()) == 0;
}

std::size_t http2_client_session::most_calls() const noexcept {
  if (!greeted_) return most_before_greeting;
  return nghttp2_session_get_remote_settings(frames(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
}

bool http2_client_session::accepts() const noexcept { return !ended() && running_ < most_calls(); }

void http2_client_session::close() noexcept {
  observer_ = nullptr;
  if (over_) return;
  if (!is_open()) return stop(leave::cut);
  end_in_order();
}

http2_call* http2_client_session::find(std::int32_t id) noexcept {
  return static_cast<http2_call*>(nghttp2_session_get_stream_user_data(frames(), id));
}

// The observer may give the connection up in this call.
void http2_client_session::tell() noexcept {
  if (!std::exchange(changed_, false)) return;
  room_.set();
  if (observer_ != nullptr) observer_->capacity_changed();
}

void http2_client_session::settings_came() {
  greeted_ = true;
  changed_ = true;
}

void http2_client_session::goaway_came(std::int32_t, std::uint32_t code) {
  leaving_ = true;
  changed_ = true;
  if (code != NGHTTP2_NO_ERROR) why_ = cause_of(code);
}

bool http2_client_session::reads_on() noexcept {
  if (!std::exchange(leaving_, true)) changed_ = true;
  tell();
  return open_ > 0;
}

void http2_client_session::connection_ended() noexcept {
  if (std::exchange(over_, true)) return;
  if (!why_) why_ = make_error_code(http1::errc::incomplete_message);
  while (http2_call* one = calls_.pop_front()) {
    nghttp2_session_set_stream_user_data(frames(), one->id_, nullptr);
    one->fail(why_);
  }
  changed_ = true;
  tell();
}

void http2_client_session::call_ended() noexcept {
  --running_;
  changed_ = true;
  if (open_ == 0) quiet_until_ = ping_deadline_ = never;
}

// --- liveness ---

void http2_client_session::expect_answers() noexcept {
  if (open_ == 0) return;
  ping_deadline_ = never;
  quiet_until_ = after(loop().turn_started(), quiet);
  note_deadline(quiet_until_);
}

void http2_client_session::bytes_moved(std::size_t received, std::size_t) noexcept {
  if (received > 0) expect_answers();
}

time_point http2_client_session::look_at_deadlines(time_point now) noexcept {
  if (ping_deadline_ <= now) {
    why_ = make_error_code(errc::timed_out);
    ping_deadline_ = never;
    stop(leave::cut);
  } else if (quiet_until_ <= now) {
    quiet_until_ = never;
    ping_deadline_ = after(now, ping_patience);
    static_cast<void>(nghttp2_submit_ping(frames(), NGHTTP2_FLAG_NONE, nullptr));
    want_output();
  }
  time_point next = std::min(quiet_until_, ping_deadline_);
  for (auto* one = calls_.front(); one != nullptr; one = calls_.next(*one)) {
    if (one->out_.stalled(now)) {
      one->fail(make_error_code(errc::timed_out));
      one->out_.close();
      reset_stream(one->id_, NGHTTP2_CANCEL);
    }
    next = std::min(next, one->out_.deadline());
  }
  return next;
}

// --- requests ---

task<void> http2_client_session::await_room() {
  while (!ended() && open_ >= most_calls()) {
    room_.clear();
    co_await room_.wait();
  }
}

task<std::unique_ptr<incoming_response>> http2_client_session::exchange(
    const outgoing_request& request, const client_timeouts& limits) {
  auto call = std::make_unique<http2_call>(shared_from_this(), limits.idle_write);
  co_await await_room();
  if (ended()) throw error(make_error_code(request_errc::not_processed), "request");
  begin(*call, request);
  co_await await_head(*call, request, limits);
  call->keep_rest();
  co_return call;
}

void http2_client_session::begin(http2_call& call, const outgoing_request& request) {
  http1::request_line line;
  line.method = request.method;
  line.target = request.url.target;
  const http1::body_size size = request.body_size();
  scratch_.clear();
  const auto written = http1::write_request_head(scratch_, line, request.fields, size);
  if (!written) throw error(http1::make_error_code(written.error()), "request head");
  scratch_.resize(scratch_.size() - 2);  // the empty line
  outgoing_.clear();
  outgoing_.pseudo(":method", request.method);
  outgoing_.pseudo(":scheme", request.url.scheme());
  outgoing_.pseudo(":authority", request.fields.find("host").value_or(request.url.authority));
  outgoing_.pseudo(":path", request.url.target);
  outgoing_.lines(std::span(scratch_).subspan(scratch_.find("\r\n") + 2));

  const bool streams = request.stream.has_value();
  const bool has_body = streams || !request.body.empty();
  if (!streams) call.out_.finish(request.body);
  call.streams_ = streams;
  if (streams) call.sends_ = request.stream->length;
  const nghttp2_data_provider body = http2_body_provider();
  const auto& fields = outgoing_.fields();
  const std::int32_t id = nghttp2_submit_request(frames(), nullptr, fields.data(), fields.size(),
                                                 has_body ? &body : nullptr, &call);
  if (id == NGHTTP2_ERR_NOMEM) throw std::bad_alloc();
  if (id < 0) throw error(make_error_code(request_errc::not_processed), "request");
  call.id_ = id;
  call.method_ = http1::method_from(request.method);
  call.reused = std::exchange(answered_one_, true);
  call.peer = peer_;
  ++open_;
  calls_.push_back(call);
  if (open_ == 1) expect_answers();
  want_output();
}

// A streamed body is made meanwhile. When the answer comes before its end the body is still sent, unless the answer
// says that it was in vain.
task<void> http2_client_session::await_head(http2_call& call, const outgoing_request& request,
                                            const client_timeouts& limits) {
  if (!request.stream) {
    co_await call.await_head(limits);
  } else {
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(call.write_stream(*request.stream));
      co_await call.await_head(limits);
      if (call.failure_ || !is_success(call.status)) group.cancel();
    };
    co_await with_group(both);
  }
  if (call.failure_ && !call.has_head()) throw error(call.failure_, "response head");
}

// --- responses ---

void http2_client_session::head_begins(std::int32_t id, std::uint8_t) {
  using part = http2_incoming_head::part;
  const http2_call* call = find(id);
  const bool done = call != nullptr && call->has_head();
  incoming_.begin(done ? part::trailers : part::response);
}

void http2_client_session::field_came(std::int32_t, std::string_view name, std::string_view value) {
  incoming_.take(name, value);
  const std::size_t most = list_factor * http1::default_limits.max_head;
  if (incoming_.size() > most) refuse_peer(NGHTTP2_ENHANCE_YOUR_CALM);
}

void http2_client_session::head_came(std::int32_t id, std::uint8_t, bool ends_stream) {
  http2_call* call = find(id);
  if (call == nullptr) return;
  const auto judged = incoming_.finish();
  bool fine = judged == http2_incoming_head::verdict::fine;
  if (fine && call->has_head()) {
    fine = call->take_trailers(incoming_.text());
  } else if (fine) {
    fine = call->take_head(incoming_.text());
  }
  if (!fine) {
    const bool large = judged == http2_incoming_head::verdict::too_large;
    call->fail(large ? make_error_code(http1::errc::head_too_large)
                     : make_error_code(http2_errc::protocol_error));
    return reset_stream(id, large ? NGHTTP2_CANCEL : NGHTTP2_PROTOCOL_ERROR);
  }
  if (ends_stream) call->finish();
}

void http2_client_session::data_came(std::int32_t id, std::span<const std::byte> data) {
  http2_call* call = find(id);
  if (call == nullptr) return consumed(id, data.size());
  call->come_.append(io::text_of(data));
  call->news_.set();
}

void http2_client_session::body_ended(std::int32_t id) {
  if (http2_call* call = find(id)) call->finish();
}

http2_outbox* http2_client_session::outbox_of(std::int32_t id) noexcept {
  http2_call* call = find(id);
  return call == nullptr ? nullptr : &call->out_;
}

void http2_client_session::stream_closed(std::int32_t id, std::uint32_t code) {
  http2_call* call = find(id);
  --open_;
  if (call != nullptr) {
    call->closed_ = true;
    call->unlink();
    if (!call->body_ended_) call->fail(cause_of(code));
    call->out_.close();
  }
  changed_ = true;
  room_.set();
}

// --- calls ---

http2_call::http2_call(std::shared_ptr<http2_client_session> session, duration idle_write)
    : session_(std::move(session)), out_(*session_, idle_write) {
  out_.announce_end(news_);
  ++session_->running_;
}

http2_call::~http2_call() {
  unlink();
  if (id_ != 0 && !session_->over_) {
    if (!closed_) {
      nghttp2_session_set_stream_user_data(session_->frames(), id_, nullptr);
      session_->reset_stream(id_, NGHTTP2_CANCEL);
    }
    session_->consumed(id_, come_.size());
  }
  if (std::exchange(counted_, false)) session_->call_ended();
  session_->tell();
}

/// As of HTTP/1: the time of the first byte begins when all is sent, and an interim response ends it.
task<void> http2_call::await_head(const client_timeouts& limits) {
  while (!has_head() && !failure_) {
    duration limit = duration::max();
    if (out_.finished() && !streams_) limit = interim_ == 0 ? limits.first_byte : limits.idle_read;
    news_.clear();
    if (limit == duration::max()) {
      co_await news_.wait();
      continue;
    }
    const bool came = co_await move_on_after(limit, news_.wait());
    if (!came) throw error(errc::timed_out, "no response");
  }
}

bool http2_call::take_head(std::string_view text) {
  http1::response_parser parser;
  http1::response_head head;
  const auto size = parser.parse(text, method_, head);
  constexpr int most_interim = 32;
  if (!size || *size != text.size() || head.status() == 101) return false;
  if (head.is_interim()) {
    news_.set();
    return ++interim_ <= most_interim;
  }
  status = head.status();
  fields = http::fields(head.fields());
  if (head.framing() == http1::framing::length) announced_ = head.content_length();
  news_.set();
  return true;
}

bool http2_call::take_trailers(std::string_view lines) {
  http1::body_decoder decoder(http1::framing::chunked);
  const std::string text = std::string("0\r\n").append(lines);
  const auto event = decoder.next(text);
  if (!event || event->kind != http1::body_decoder::event_kind::end) return false;
  trailers = http::fields(decoder.trailers());
  return true;
}

// The end of the response has come; its body may still be unread.
void http2_call::finish() noexcept {
  body_ended_ = true;
  news_.set();
}

void http2_call::fail(std::error_code why) noexcept {
  if (!body_ended_ && !failure_) failure_ = why;
  out_.close();
  news_.set();
}

std::optional<std::string_view> http2_call::take_piece(std::size_t most) {
  if (given_up_to_ == given_.size()) {
    given_.clear();
    given_up_to_ = 0;
    std::swap(given_, come_);
  }
  const std::string_view piece = std::string_view(given_).substr(given_up_to_, most);
  if (!piece.empty()) {
    given_up_to_ += piece.size();
    if (!session_->over_) session_->consumed(id_, piece.size());
    return piece;
  }
  if (body_ended_) {
    ended = true;
    if (std::exchange(counted_, false)) session_->call_ended();
    session_->tell();
    return std::string_view();
  }
  if (failure_) throw error(failure_, "response body");
  return std::nullopt;
}

task<void> http2_call::wait() {
  if (body_ended_ || failure_ || !come_.empty()) co_return;
  news_.clear();
  co_await news_.wait();
}

task<void> http2_call::send_body(std::string_view data) {
  if (data.empty()) co_return;
  if (sends_) {
    if (data.size() > *sends_) throw_invalid_input("a streamed body longer than announced");
    *sends_ -= data.size();
  }
  co_await out_.send(id_, data);
}

task<void> http2_call::write_stream(const streamed_body& body) {
  body_writer out(*this);
  std::exception_ptr failure;
  try {
    co_await body.write(out);
    if (sends_.value_or(0) != 0) throw_invalid_input("a streamed body shorter than announced");
    out_.finish();
    session_->resume_body(id_);
  } catch (const error& e) {
    // The stream is closed: what the server has answered says more.
    if (e != condition::disconnected || !(has_head() || failure_))
      failure = std::current_exception();
  }
  if (failure) std::rethrow_exception(failure);
}

// The request goes away when its response is there, perhaps before all of it is sent.
void http2_call::keep_rest() {
  if (closed_ || !out_.is_last() || out_.finished()) return;
  rest_ = out_.unsent();
  out_.finish(rest_);
}

}  // namespace eddy::http::detail

#include "http2_engine.hpp"

#include "http2_callbacks.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
namespace {

constexpr std::size_t read_size = 16 * 1024;
// What is read after the last word, so that the peer can finish sending and then find it.
constexpr std::size_t most_lingered = 16 * 1024 * 1024;
constexpr duration linger_limit = std::chrono::seconds(10);
constexpr duration linger_silence = std::chrono::seconds(2);
constexpr duration last_words_silence = std::chrono::seconds(1);

void append_goaway(std::string& out, std::int32_t last_stream, std::uint32_t code) {
  constexpr std::string_view head("\0\0\x08\x07\0\0\0\0\0", 9);
  out.append(head);
  for (const std::uint32_t word : {static_cast<std::uint32_t>(last_stream), code}) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<char>(word >> shift));
  }
}

// Why nghttp2 gave up, in the peer's terms. What has no line here is one of its own flood limits.
std::uint32_t code_of(ssize_t failure) noexcept {
  switch (failure) {
    case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
    case NGHTTP2_ERR_PROTO: return NGHTTP2_PROTOCOL_ERROR;
    case NGHTTP2_ERR_CALLBACK_FAILURE:
    case NGHTTP2_ERR_NOMEM: return NGHTTP2_INTERNAL_ERROR;
    default: return NGHTTP2_ENHANCE_YOUR_CALM;
  }
}

}  // namespace

http2_engine::http2_engine(io::any_stream stream, side of, const http2_bounds& bounds)
    : stream_(std::move(stream)),
      bounds_(bounds),
      loop_(runtime::loop::current()),
      is_server_(of == side::server),
      budget_at_(loop_.turn_started()) {
  configure(of);
}

http2_engine::~http2_engine() {
  if (armed()) loop_.timers().remove(*this);
}

void http2_engine::configure(side of) {
  nghttp2_option* option = nullptr;
  if (nghttp2_option_new(&option) != 0) throw std::bad_alloc();
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_session* made = nullptr;
  const auto create =
      of == side::server ? nghttp2_session_server_new2 : nghttp2_session_client_new2;
  const int failure = create(&made, http2_callbacks::table(), this, option);
  nghttp2_option_del(option);
  if (failure != 0) throw std::bad_alloc();
  session_.reset(made);

  constexpr std::uint32_t yes = 1;
  std::array<nghttp2_settings_entry, 4> settings{{
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, bounds_.stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, bounds_.max_head},
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, bounds_.max_streams},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, yes},
  }};
  if (of == side::client) {
    settings[2] = {NGHTTP2_SETTINGS_ENABLE_PUSH, 0};
  }
  const int32_t window = static_cast<std::int32_t>(bounds_.connection_window);
  if (nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings.data(), settings.size()) != 0 ||
      nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, window) != 0) {
    throw std::bad_alloc();
  }
}

// --- the conversation ---

task<void> http2_engine::converse(std::string already_read) {
  {
    const cancel_scope::entered inside(scope_);
    try {
      auto body = [&](task_group& group) { return in_group(group, std::move(already_read)); };
      co_await with_group(body);
    } catch (const cancelled& stop) {
      ended();
      if (!scope_.absorbs(stop)) throw;
    }
  }
  ended();
  co_await part();
}

task<void> http2_engine::in_group(task_group& group, std::string already_read) {
  tasks_ = &group;
  group.spawn(write_out());
  want_output();
  co_await read_in(std::move(already_read));
  ended();
  group.cancel();
}

task<void> http2_engine::read_in(std::string already_read) {
  take(io::bytes_of(already_read));
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(read_size);
  const std::span<std::byte> room(memory.get(), read_size);
  try {
    while (!stopping_) {
      const std::size_t count = co_await stream_.read_some(room);
      if (count == 0) co_return;
      bytes_moved(count, 0);
      take(room.first(count));
    }
  } catch (const error&) {  // of the stream: the peer has gone
    leave_ = leave::cut;
  }
}

void http2_engine::take(std::span<const std::byte> bytes) {
  if (bytes.empty() || stopping_) return;
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  const ssize_t done = nghttp2_session_mem_recv(session_.get(), data, bytes.size());
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  if (breach_ != 0) return refuse_peer(breach_);
  if (done < 0) return refuse_peer(code_of(done));
  input_handled();
  if (silenced_) return await_last_words();
  if (nghttp2_session_want_write(session_.get()) != 0 || finished()) want_output();
}

task<void> http2_engine::write_out() {
  try {
    for (;;) {
      co_await output_due_.wait();
      write_pace_ = {};
      output_due_.clear();
      while (collect()) co_await flush();
      if (finished()) stop(is_server_ ? leave::linger : leave::close);
    }
  } catch (const error&) {
    output_failed();
  }
}

// A peer that answers and goes away is often found out by a write, with its last bytes still unread.
void http2_engine::output_failed() noexcept {
  silenced_ = true;
  leave_ = leave::cut;
  await_last_words();
}

void http2_engine::await_last_words() noexcept {
  if (stopping_) return;
  if (!reads_on()) stop(leave::cut);
  if (stopping_) return;
  write_deadline_ = after(loop_.turn_started(), last_words_silence);
  note_deadline(write_deadline_);
}

task<void> http2_engine::flush() {
  while (sent_ < out_.size()) {
    const duration paced = write_pace_.begin(loop_.turn_started(), bounds_.write_pace);
    write_deadline_ = after(loop_.turn_started(), std::min(bounds_.write_timeout, paced));
    note_deadline(write_deadline_);
    const std::size_t count = co_await stream_.write_some(io::bytes_of(out_).subspan(sent_));
    sent_ += count;
    write_pace_.moved(loop_.turn_started(), count);
    bytes_moved(0, count);
  }
  write_deadline_ = never;
  out_.clear();
  sent_ = 0;
}

// Makes frames of what is ready. True when there is something to write.
bool http2_engine::collect() {
  while (!silenced_ && out_.size() < most_collected) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
    if (size < 0) {
      refuse_peer(code_of(size));
      break;
    }
    if (size == 0) break;
    out_.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(size));
  }
  return sent_ < out_.size();
}

bool http2_engine::submit_trailers(std::int32_t id, const http2_outbox& of) {
  if (of.trailers().empty()) return false;
  trailer_lines_ = of.trailers().wire_form();
  trailers_.clear();
  trailers_.lines(trailer_lines_);
  const auto& fields = trailers_.fields();
  return nghttp2_submit_trailer(session_.get(), id, fields.data(), fields.size()) == 0;
}

// After a GOAWAY and the last stream.
bool http2_engine::finished() noexcept {
  return !held_ && nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

// --- what sessions ask for ---

void http2_engine::reset_stream(std::int32_t id, std::uint32_t code) noexcept {
  static_cast<void>(nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, code));
  want_output();
}

void http2_engine::resume_body(std::int32_t id) noexcept {
  if (nghttp2_session_resume_data(session_.get(), id) == 0) want_output();
}

bool http2_engine::window_is_open(std::int32_t id) const noexcept {
  return nghttp2_session_get_stream_remote_window_size(session_.get(), id) > 0;
}

void http2_engine::consumed(std::int32_t id, std::size_t bytes) noexcept {
  if (bytes == 0) return;
  // A stream that has gone still owes its bytes to the connection's window.
  if (nghttp2_session_find_stream(session_.get(), id) != nullptr) {
    static_cast<void>(nghttp2_session_consume(session_.get(), id, bytes));
  } else {
    static_cast<void>(nghttp2_session_consume_connection(session_.get(), bytes));
  }
  if (nghttp2_session_want_write(session_.get()) != 0) want_output();
}

void http2_engine::refuse_peer(std::uint32_t code) noexcept {
  if (std::exchange(silenced_, true)) return stop(leave_);  // nothing can be said
  try {
    append_goaway(out_, nghttp2_session_get_last_proc_stream_id(session_.get()), code);
    stop(leave::linger);
  } catch (const std::bad_alloc&) {
    stop(leave::cut);
  }
}

void http2_engine::end_in_order() noexcept {
  if (silenced_) return stop(leave_);  // nothing can be said
  static_cast<void>(nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR));
  want_output();
}

void http2_engine::stop(leave how) noexcept {
  if (std::exchange(stopping_, true)) {
    if (how == leave::cut) leave_ = how;
    if (how == leave::cut && parting_) stream_.abort();
    return;
  }
  leave_ = how;
  scope_.cancel(cancel_reason::requested, "the HTTP/2 connection ends");
}

void http2_engine::ended() noexcept {
  stopping_ = true;
  if (tasks_ == nullptr) return;
  tasks_ = nullptr;
  connection_ended();
}

// --- deadlines ---

// One timer for all deadlines: one that moves to later is found out when the timer fires too early.
void http2_engine::note_deadline(time_point deadline) noexcept {
  if (deadline >= armed_at_) [[likely]]
    return;
  if (armed()) loop_.timers().remove(*this);
  armed_at_ = deadline;
  loop_.timers().add(*this, deadline);
}

void http2_engine::expired() noexcept {
  armed_at_ = never;
  const time_point now = loop_.turn_started();
  if (write_deadline_ <= now) {
    write_deadline_ = never;
    stop(leave::cut);
    return;
  }
  time_point next = write_deadline_;
  if (!stopping_) next = std::min(next, look_at_deadlines(now));
  if (next != never) note_deadline(next);
}

// --- the budget of frames that bring nothing ---

bool http2_engine::pay() noexcept {
  const time_point now = loop_.turn_started();
  const double seconds = std::chrono::duration<double>(now - budget_at_).count();
  budget_at_ = now;
  budget_ = std::min(frame_burst, budget_ + seconds * frame_rate) - 1;
  if (budget_ < 0) breach_ = NGHTTP2_ENHANCE_YOUR_CALM;
  return budget_ >= 0;
}

bool http2_engine::pay_for(const nghttp2_frame_hd& frame) noexcept {
  switch (frame.type) {
    case NGHTTP2_HEADERS:  // streams are bounded, and closing them is paid
    case NGHTTP2_DATA:     // so are bodies; see empty_data
      return true;
    case NGHTTP2_WINDOW_UPDATE:
      if (updates_paid_ == 0) return pay();
      --updates_paid_;
      return true;
    default: return pay();
  }
}

// What nghttp2 would ignore, although RFC 9113 has it end the connection: PRIORITY on stream 0 (section 6.3), and
// HEADERS for a stream that is closed or was left out (5.1, 5.1.1), unless it was us who reset it.
bool http2_engine::fits(const nghttp2_frame_hd& frame) noexcept {
  if (frame.type == NGHTTP2_PRIORITY && frame.stream_id == 0) breach_ = NGHTTP2_PROTOCOL_ERROR;
  if (frame.type == NGHTTP2_HEADERS && is_server_) {
    const bool closed =
        frame.stream_id <= nghttp2_session_get_last_proc_stream_id(session_.get()) &&
        nghttp2_session_find_stream(session_.get(), frame.stream_id) == nullptr;
    const bool ours = std::ranges::find(resets_, frame.stream_id) != resets_.end();
    if (closed && !ours) breach_ = NGHTTP2_STREAM_CLOSED;
  }
  return breach_ == 0;
}

// --- the end ---

task<void> http2_engine::part() {
  if (leave_ == leave::cut) {
    stream_.abort();
    co_return;
  }
  parting_ = true;
  try {
    while (collect()) co_await flush();
    if (leave_ == leave::linger) co_await linger();
    write_deadline_ = after(loop_.turn_started(), bounds_.write_timeout);
    note_deadline(write_deadline_);
    co_await stream_.close();
  } catch (const error&) {
    stream_.abort();
  }
  write_deadline_ = never;
}

task<void> http2_engine::linger() {
  const auto memory = std::make_unique_for_overwrite<std::byte[]>(read_size);
  const time_point end = after(loop_.now(), linger_limit);
  co_await stream_.shutdown_write();
  for (std::size_t total = 0; total < most_lingered;) {
    write_deadline_ = std::min(end, after(loop_.now(), linger_silence));
    note_deadline(write_deadline_);
    const std::size_t count = co_await stream_.read_some(std::span(memory.get(), read_size));
    if (count == 0) co_return;
    total += count;
  }
}

}  // namespace eddy::http::detail

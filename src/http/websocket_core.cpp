#include "websocket_core.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include <eddy/coro/timeout.hpp>
#include <eddy/io/exclusive.hpp>

namespace eddy::http::detail {
namespace {

namespace ws = wire::websocket;

// What an idle connection keeps to read into: most messages of a conversation fit.
constexpr std::size_t small_buffer = 512;
constexpr std::size_t largest_buffer = 64 * 1024;

ws::decoder_limits limits_of(const websocket_options& options) noexcept {
  return {.frame = options.max_message, .message = options.max_message};
}

std::optional<ws::inflater_options> inflater_of(const websocket_setup& setup) noexcept {
  if (!setup.deflate) return std::nullopt;
  const ws::deflate_parameters& agreed = *setup.deflate;
  if (setup.own_role == ws::role::server) {
    return ws::inflater_options{agreed.client_max_window_bits, !agreed.client_no_context_takeover};
  }
  return ws::inflater_options{agreed.server_max_window_bits, !agreed.server_no_context_takeover};
}

ws::deflater_options deflater_of(const websocket_setup& setup) noexcept {
  const ws::deflate_parameters& agreed = *setup.deflate;
  const bool server = setup.own_role == ws::role::server;
  ws::deflater_options made;
  made.window_bits = server ? agreed.server_max_window_bits : agreed.client_max_window_bits;
  made.keep_context =
      server ? !agreed.server_no_context_takeover : !agreed.client_no_context_takeover;
  made.level = setup.options.compression_level;
  return made;
}

std::string_view text_of(std::span<const std::byte> bytes) noexcept { return io::text_of(bytes); }

}  // namespace

websocket_core::websocket_core(io::any_stream& stream, websocket_setup setup)
    : stream_(stream),
      loop_(coro::scheduler::require()),
      options_(setup.options),
      role_(setup.own_role),
      compressed_(setup.deflate.has_value()),
      decoder_(setup.own_role, limits_of(setup.options), inflater_of(setup)),
      last_heard_(loop_.turn_started()),
      subprotocol_(std::move(setup.subprotocol)) {
  if (compressed_) deflater_.emplace(deflater_of(setup));
}

websocket_core::websocket_core(std::unique_ptr<io::any_stream> stream, websocket_setup setup,
                               std::string_view early)
    : websocket_core(*stream, std::move(setup)) {
  owned_ = std::move(stream);
  if (early.empty()) return;
  input_.make_room(early.size());
  std::ranges::copy(io::bytes_of(early), input_.room().begin());
  input_.commit(early.size());
}

websocket_core::~websocket_core() {
  if (!over_) stream_.abort();
  if (armed()) loop_.timers().remove(*this);
}

// --- receiving ---

/// One reader at a time; close(), which waits for the others, is told when one leaves.
class websocket_core::read_mark {
 public:
  read_mark(websocket_core& core, reader who)
      : core_(core), reading_(core.receiving_, "receive"), who_(who) {
    if (who_ == reader::closer) core_.closing_ = true;
  }
  read_mark(const read_mark&) = delete;
  read_mark& operator=(const read_mark&) = delete;
  ~read_mark() {
    if (who_ == reader::closer) core_.closing_ = false;
    core_.changed_.set();
  }

 private:
  websocket_core& core_;
  io::exclusive reading_;
  reader who_;
};

task<bool> websocket_core::advance(websocket_message& into, websocket_piece* piece, reader who) {
  while (who == reader::receiver && closing_ && !over_) {
    changed_.clear();
    co_await changed_.wait();
  }
  const read_mark mark(*this, who);
  throw_if_cancelled();
  for (;;) {
    if (over_ && failure_) throw_failure("receive");
    if (over_) co_return false;
    if (failure_) {
      co_await refuse();
    } else if (closed_by_peer_) {
      co_await answer_close();
    } else {
      const found what = next(into, piece);
      if (what == found::message) co_return true;
      if (what == found::nothing) co_await fill();
      if (what == found::ping) co_await send_due();
    }
  }
}

task<bool> websocket_core::receive(websocket_message& into) {
  return advance(into, nullptr, reader::receiver);
}

task<std::optional<websocket_message>> websocket_core::receive() {
  std::optional<websocket_message> got(std::in_place);
  const bool open = co_await advance(*got, nullptr, reader::receiver);
  if (!open) got.reset();
  co_return got;
}

task<std::optional<websocket_piece>> websocket_core::receive_piece() {
  websocket_message unused;
  websocket_piece piece;
  const bool open = co_await advance(unused, &piece, reader::receiver);
  std::optional<websocket_piece> got;
  if (open) got = piece;
  co_return got;
}

websocket_core::found websocket_core::next(websocket_message& into, websocket_piece* piece) {
  input_.consume(std::exchange(told_, 0));
  if (std::exchange(partial_told_, false)) partial_.clear();
  for (;;) {
    // The memory behind the view is this object's own, and not const.
    const auto unread = input_.unread();
    const auto event = decoder_.next({const_cast<std::byte*>(unread.data()), unread.size()});
    if (!event) {
      failure_ = event.error();
      code_ = ws::close_code_for(event.error());
      return found::end;
    }
    const auto what = take(*event, into, piece);
    if (told_ == 0) input_.consume(event->consumed);
    if (what) return *what;
    if (event->kind == ws::decoder::event_kind::need_more &&
        (event->consumed == 0 || input_.empty())) {
      return found::nothing;
    }
  }
}

std::optional<websocket_core::found> websocket_core::take(const ws::decoder::event& event,
                                                          websocket_message& into,
                                                          websocket_piece* piece) {
  switch (event.kind) {
    case ws::decoder::event_kind::need_more:
    case ws::decoder::event_kind::pong: return std::nullopt;
    case ws::decoder::event_kind::ping:
      pong_ = std::string(text_of(event.payload));  // of several, the last has to be answered
      return found::ping;
    case ws::decoder::event_kind::close:
      closed_by_peer_ = true;
      code_ = event.close_code;
      reason_ = std::string(text_of(event.payload));
      return found::end;
    case ws::decoder::event_kind::data: return take_data(event, into, piece);
  }
  return std::nullopt;
}

std::optional<websocket_core::found> websocket_core::take_data(const ws::decoder::event& event,
                                                               websocket_message& into,
                                                               websocket_piece* piece) {
  const std::string_view data = text_of(event.payload);
  if (piece != nullptr && partial_.empty()) {
    if (data.empty() && !event.ends) return std::nullopt;
    *piece = {event.message, data, event.ends};
    told_ = event.consumed;  // the view has to stay
    return found::message;
  }
  if (event.begins && event.ends) {
    into.kind = event.message;
    into.data.assign(data);
    return found::message;
  }
  partial_.append(data);
  if (piece != nullptr) {  // behind a receive() that was cancelled
    *piece = {event.message, partial_, event.ends};
    partial_told_ = true;
    return found::message;
  }
  if (!event.ends) return std::nullopt;
  into.kind = event.message;
  std::swap(into.data, partial_);
  partial_.clear();
  return found::message;
}

// Two to four times what came last: a connection whose messages are small holds little while it is idle.
void websocket_core::make_room() {
  if (partial_.empty() && partial_.capacity() > small_buffer) std::string().swap(partial_);
  const std::size_t wanted =
      std::clamp(std::bit_ceil(2 * last_read_ + 1), small_buffer, largest_buffer);
  if (input_.capacity() > 4 * wanted) input_.release();
  input_.make_room(wanted);
}

void websocket_core::received(std::size_t count) noexcept {
  if (count == 0) return lose(std::make_error_code(std::errc::connection_reset));
  input_.commit(count);
  last_read_ = count;
  last_heard_ = loop_.turn_started();
  ping_unanswered_ = false;
}

/// While the receiver's read is under way the timer knows the scope around it, to end it.
class websocket_core::patience_mark {
 public:
  patience_mark(websocket_core& core, cancel_scope& patience) noexcept : core_(core) {
    core_.waiting_ = &patience;
    core_.watch();
  }
  patience_mark(const patience_mark&) = delete;
  patience_mark& operator=(const patience_mark&) = delete;
  ~patience_mark() { core_.waiting_ = nullptr; }

 private:
  websocket_core& core_;
};

// The scope is cancelled when the peer has been silent for too long.
task<void> websocket_core::fill() {
  make_room();
  while (!over_) {
    {
      cancel_scope patience;
      const cancel_scope::entered inside(patience);
      const patience_mark mark(*this, patience);
      try {
        received(co_await stream_.read_some(input_.room()));
        co_return;
      } catch (const cancelled& stop) {
        if (!patience.absorbs(stop)) throw;
      } catch (const error& lost) {
        lose(lost.code());
        co_return;
      }
    }
    co_await keep_alive();
  }
}

task<void> websocket_core::keep_alive() {
  if (loop_.turn_started() < alive_until()) co_return;
  if (ping_unanswered_) {
    lose(make_error_code(errc::timed_out));
    co_return;
  }
  ping_unanswered_ = true;
  ping_due_ = true;
  pinged_ = loop_.turn_started();
  co_await send_due();
}

// Who is sending will send it; if nobody is, it is done here.
task<void> websocket_core::send_due() {
  const auto held = writing_.try_lock();
  if (!held) co_return;
  append_due();
  try {
    co_await flush();
  } catch (const error&) {  // is the connection's failure now
  }
}

// --- the end ---

task<void> websocket_core::answer_close() {
  const std::uint16_t code = code_;
  try {
    co_await move_on_after(options_.close_timeout, say_goodbye(code));
  } catch (const error&) {  // both have closed, whatever becomes of the connection
  }
  if (!over_) {
    stream_.abort();
    end();
  }
}

// The peer has broken the protocol: it is told, and then not listened to.
task<void> websocket_core::refuse() {
  const std::uint16_t code = code_;
  closed_by_peer_ = false;
  try {
    co_await move_on_after(options_.close_timeout, say_goodbye(code));
  } catch (const error&) {
  }
  if (!over_) {
    stream_.abort();
    end();
  }
}

// A server closes first (RFC 6455 section 7.1.1), unless the peer may still be sending: closing with unread bytes would
// reset the connection, and the peer might never read why.
task<void> websocket_core::say_goodbye(std::uint16_t code) {
  co_await send_close(code, {});
  const bool in_order = closed_by_peer_;
  if (!in_order) co_await stream_.shutdown_write();
  bool more = !in_order || role_ == ws::role::client;
  while (more) {
    input_.consume(input_.size());
    input_.make_room(small_buffer);
    more = co_await stream_.read_some(input_.room()) > 0;
  }
  co_await stream_.close();
  end();
}

task<void> websocket_core::close(std::uint16_t code, std::string_view reason) {
  if (over_) co_return;
  try {
    co_await move_on_after(options_.close_timeout, shake_hands(code, reason));
  } catch (const error&) {  // close_code() says it
  }
  if (!over_) lose(make_error_code(errc::timed_out));
}

task<void> websocket_core::shake_hands(std::uint16_t code, std::string_view reason) {
  co_await send_close(code, reason);
  while (!over_) {
    if (!receiving_) {
      co_await drop_until_end();
    } else {
      changed_.clear();
      co_await changed_.wait();
    }
  }
}

task<void> websocket_core::drop_until_end() {
  websocket_message unused;
  websocket_piece dropped;
  bool more = true;
  while (more) more = co_await advance(unused, &dropped, reader::closer);
}

void websocket_core::abort() noexcept { lose(make_error_code(errc::closed)); }

void websocket_core::lose(std::error_code cause) noexcept {
  if (over_) return;
  if (!failure_) {
    failure_ = cause;
    code_ = websocket_close::abnormal;
    reason_.clear();
  }
  stream_.abort();
  end();
}

void websocket_core::end() noexcept {
  over_ = true;
  if (armed()) loop_.timers().remove(*this);
  armed_at_ = never;
  changed_.set();
}

void websocket_core::throw_failure(std::string_view operation) const {
  const std::error_code cause = failure_ ? failure_ : make_error_code(errc::closed);
  throw websocket_error(cause, std::string(operation), code_, reason_);
}

// --- time ---

time_point websocket_core::alive_until() const noexcept {
  if (options_.ping_interval <= duration::zero()) return never;
  if (ping_unanswered_) return after(pinged_, options_.pong_timeout);
  return after(last_heard_, options_.ping_interval);
}

// Armed for the earliest of what may be due; what has changed since is looked at when it expires.
void websocket_core::watch() noexcept {
  time_point due = waiting_ != nullptr ? alive_until() : never;
  if (write_began_ != never) due = std::min(due, after(write_began_, options_.write_timeout));
  if (due >= armed_at_ || over_) return;
  if (armed()) loop_.timers().remove(*this);
  armed_at_ = due;
  loop_.timers().add(*this, due);
}

void websocket_core::expired() noexcept {
  armed_at_ = never;
  const time_point now = loop_.turn_started();
  if (write_began_ != never && after(write_began_, options_.write_timeout) <= now) {
    return lose(make_error_code(errc::timed_out));
  }
  if (waiting_ != nullptr && alive_until() <= now) {
    std::exchange(waiting_, nullptr)->cancel(cancel_reason::timeout);
  }
  watch();
}

}  // namespace eddy::http::detail

// A server's connection over one kind of stream: reads heads, runs handlers, writes answers.
//
// Everything that does no I/O is in connection_base and exchange. Answers to requests that arrived together leave
// together: the output is written when no complete head is left in the input.
#pragma once

#include "connection_base.hpp"
#include "upgraded_stream.hpp"

#include <algorithm>

#include <eddy/base/error.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/scope.hpp>

namespace eddy::http::detail {

inline constexpr std::size_t most_coalesced =
    16 * 1024;  // output that is written although more would follow
// What is read from a client after the last answer, so that it can finish sending and then find the answer.
inline constexpr std::size_t most_lingered = 16 * 1024 * 1024;
inline constexpr duration linger_limit = std::chrono::seconds(10);
inline constexpr duration linger_silence = std::chrono::seconds(2);

/// Whether a connection over such a stream can wait for the next request without a buffer.
template <class Stream>
concept can_rest = requires(Stream& stream) {
  { stream.wait_readable() } -> io::gives<void>;
};

template <io::byte_stream Stream>
class connection final : public connection_base {
 public:
  /// Both outlive the connection.
  connection(server_loop& server, Stream& stream, const request_origin& origin, bool fresh)
      : connection_base(server, origin, can_rest<Stream>, fresh), stream_(stream) {}

  /// Serves it to its end, or until it comes to rest: true.
  task<bool> run();

  // --- for requests and body writers ---
  task<std::size_t> read_body(std::span<std::byte> into) override;
  task<std::string_view> whole_body() override;
  task<void> send_body(std::string_view data) override;
  task<std::uint64_t> send_file(const runtime::open_file& from, std::uint64_t offset,
                                std::uint64_t size) override;

 private:
  /// Waits until the watch has ended; that is soon, as it is cancelled. Not interrupted.
  class watch_end final : public coro::operation {
   public:
    explicit watch_end(connection& on) noexcept : on_(on) {}
    static constexpr bool uninterruptible = true;
    [[nodiscard]] coro::wait_info describe() const override { return {"http.watch", &on_}; }
    [[nodiscard]] bool try_complete() const noexcept { return !on_.watching_; }
    void enqueue() noexcept { on_.watch_joiner_ = this; }
    void take() const noexcept {}
    void ended() noexcept { complete(); }

   private:
    void withdraw() noexcept override {}
    connection& on_;
  };

  /// Tells the connection that its watch has ended, however it did.
  class watch_mark {
   public:
    explicit watch_mark(connection& on) noexcept : on_(on) {}
    watch_mark(const watch_mark&) = delete;
    watch_mark& operator=(const watch_mark&) = delete;
    ~watch_mark() {
      on_.watching_ = false;
      if (auto* joiner = std::exchange(on_.watch_joiner_, nullptr)) joiner->ended();
    }

   private:
    connection& on_;
  };

  [[nodiscard]] const server_options& options() noexcept { return server().options(); }

  task<void> converse();
  task<bool> exchange_one();
  void await_head() noexcept;
  task<void> flush();
  task<void> await_answer(task<response> answering);
  task<void> read_more_body(std::span<std::byte> directly, std::size_t& got);
  task<void> drain_body();
  task<void> run_upgraded();
  task<bool> send_stream();
  task<void> write_stream(body_writer& out);
  void start_watch() override;
  task<void> watch();
  task<void> stop_watch();
  task<void> part();
  task<void> linger();
  void cut() noexcept override { stream_.abort(); }

  Stream& stream_;
  any_task_handle watch_;
  watch_end* watch_joiner_ = nullptr;
  bool watching_ = false;
  bool streaming_ = false;  // a body_writer is at work
  bool streamed_ = false;   // it has sent something
  std::uint64_t stream_left_ = 0;
};

// --- the conversation ---

template <io::byte_stream Stream>
task<bool> connection<Stream>::run() {
  for (;;) {
    ending_ = ending::close;
    cancel_scope& scope = make_scope();
    {
      const cancel_scope::entered inside(scope);
      try {
        co_await converse();
      } catch (const cancelled& stop) {
        if (!scope.absorbs(stop)) throw;
      } catch (const error&) {
        ending_ = ending::cut;
      }
    }
    if (ending_ != ending::rest) break;
    if (input().empty()) co_return true;  // else it was called in the last moment
  }
  co_await part();
  co_return false;
}

template <io::byte_stream Stream>
task<void> connection<Stream>::converse() {
  borrow_exchange();
  enter_first_head();
  for (;;) {
    const exchange::head_state state = current().parse_head();
    if (state == exchange::head_state::refused) {
      if (!hand_over_http2()) answer_refusal();
      co_return;
    }
    if (state == exchange::head_state::complete) {
      enter_handling();
      auto answering = respond();
      if (answering) co_await await_answer(std::move(*answering));
      if (current().needs_work(most_coalesced)) {
        const bool intact = co_await exchange_one();
        if (!intact) co_return;
      } else {
        note_answer(current().answer_status());
      }
      if (!finish_exchange()) co_return;
      continue;
    }
    while (current().has_output()) {
      enter_writing();
      const std::size_t count = co_await stream_.write_some(current().unsent());
      sent(count);
    }
    if (ends_idle() && !current().head_begun()) co_return;
    await_head();
    if (!current().head_begun()) give_back();
    const std::size_t count = co_await stream_.read_some(input().head_room());
    if (count == 0) {
      ending_ = ending::close;
      co_return;
    }
    received(count);
    input().commit(count);
    borrow_exchange();
    if (ending_ == ending::rest) co_return;
  }
}

// What a complete answer in the output does not need: a body made while it is sent, a large one, the rest of a request
// body, another protocol. False: the conversation has ended.
template <io::byte_stream Stream>
task<bool> connection<Stream>::exchange_one() {
  if (current().stream_part() != nullptr) {
    const bool sent_all = co_await send_stream();
    if (!sent_all) {
      ending_ = ending::cut;
      note_answer(current().answer_status());
      co_return false;
    }
  }
  note_answer(current().answer_status());
  if (current().upgrade_part() != nullptr) {
    co_await run_upgraded();
    co_return false;
  }
  if (current().needs_flush(most_coalesced)) co_await flush();
  if (!current().body_finished() && current().plan().keep_alive) co_await drain_body();
  co_return true;
}

template <io::byte_stream Stream>
void connection<Stream>::await_head() noexcept {
  if (now_in() == phase::head) return;  // its deadline began with its first byte
  if (current().head_begun()) {
    enter(phase::head, options().head_timeout);
  } else if (now_in() != phase::idle) {
    enter_idle();
  }
}

template <io::byte_stream Stream>
task<void> connection<Stream>::flush() {
  const phase before = now_in();
  while (current().has_output()) {
    enter_writing();
    const std::size_t count = co_await stream_.write_some(current().unsent());
    sent(count);
  }
  if (before == phase::handling) enter_handling();
}

// --- handlers that wait ---

template <io::byte_stream Stream>
task<void> connection<Stream>::await_answer(task<response> answering) {
  server().handler_started(*this);
  std::exception_ptr failure;
  std::optional<response> made;
  try {
    made.emplace(co_await std::move(answering));
  } catch (...) {
    failure = std::current_exception();
  }
  list_hook<handling_tag>::unlink();
  if (watching_) co_await stop_watch();
  if (made) {
    answer(std::move(*made));
    co_return;
  }
  if (holds_exception<cancelled>(failure)) std::rethrow_exception(failure);
  if (peer_gone_) {
    report_broken_answer(failure);
    throw error(make_error_code(wire::http1::errc::incomplete_message), "request");
  }
  answer_failure(failure);
}

// --- hang-ups ---

template <io::byte_stream Stream>
void connection<Stream>::start_watch() {
  if (input().spare_room().empty()) return;
  watching_ = true;
  watch_ = server().spawn_watch(watch());
}

template <io::byte_stream Stream>
task<void> connection<Stream>::watch() {
  const watch_mark mark(*this);
  try {
    // Answers to earlier requests that were to leave together with this one's.
    while (!streaming_ && current().has_output()) {
      const std::size_t count = co_await stream_.write_some(current().unsent());
      sent(count);
    }
    for (;;) {
      const std::span<std::byte> room = input().spare_room();
      if (room.empty()) co_return;
      const std::size_t count = co_await stream_.read_some(room);
      if (count == 0) break;
      received(count);
      input().commit(count);
    }
  } catch (const error&) {  // a broken connection is a hang-up as well
  }
  hung_up();
}

template <io::byte_stream Stream>
task<void> connection<Stream>::stop_watch() {
  watch_.cancel();
  co_await watch_end(*this);
  watch_ = {};
}

// --- request bodies ---

template <io::byte_stream Stream>
task<std::size_t> connection<Stream>::read_body(std::span<std::byte> into) {
  if (into.empty()) co_return 0;
  for (;;) {
    if (const auto taken = current().take_body(into)) co_return *taken;
    const std::size_t wanted = std::min(into.size(), current().direct_size());
    std::size_t got = 0;
    co_await read_more_body(into.first(wanted), got);
    if (wanted == 0) continue;
    current().took_directly(into.first(got));
    co_return got;
  }
}

// One read, to where the data is wanted or else into the input.
template <io::byte_stream Stream>
task<void> connection<Stream>::read_more_body(std::span<std::byte> directly, std::size_t& got) {
  list_hook<handling_tag>::unlink();
  if (watching_) co_await stop_watch();
  if (!input().empty()) co_return;  // the watch has read some
  if (current().take_continue() && !streaming_) {
    current().append(wire::http1::continue_response);
    co_await flush();
  }
  enter_body();
  const std::span<std::byte> into = directly.empty() ? input().body_room() : directly;
  try {
    got = co_await stream_.read_some(into);
  } catch (const error&) {
    got = 0;  // a reset ends the request as an end of the stream does
  }
  enter_handling();
  if (got == 0) {
    peer_gone_ = true;
    ending_ = ending::cut;
    throw error(make_error_code(wire::http1::errc::incomplete_message), "request body");
  }
  received_body(got);
  if (directly.empty()) input().commit(got);
  server().handler_started(*this);
}

template <io::byte_stream Stream>
task<std::string_view> connection<Stream>::whole_body() {
  auto& whole = current().whole();
  if (whole) co_return *whole;
  whole = current().body_in_place();
  if (whole) co_return *whole;
  std::string& text = current().collected();
  std::size_t size = 0;
  while (!current().body_finished()) {
    constexpr std::size_t step = 4096;
    const std::size_t known = std::min<std::size_t>(current().direct_size(), 64 * 1024);
    if (text.size() - size < step) text.resize(std::max({size + step, size + known, 2 * size}));
    const std::size_t count =
        co_await read_body(std::as_writable_bytes(std::span(text)).subspan(size));
    if (count == 0) break;
    size += count;
  }
  text.resize(size);
  whole = text;
  co_return text;
}

// The rest of a body that the handler did not want, so that the connection can go on.
template <io::byte_stream Stream>
task<void> connection<Stream>::drain_body() {
  co_await flush();
  for (;;) {
    if (!current().discard_body()) {
      current().end_connection();
      co_return;
    }
    if (current().body_finished()) co_return;
    enter(phase::writing, options().body_timeout);
    const std::size_t count = co_await stream_.read_some(input().body_room());
    if (count == 0) {
      current().end_connection();
      co_return;
    }
    received(count);
    input().commit(count);
  }
}

// --- streamed answers ---

// False: the answer was broken off.
template <io::byte_stream Stream>
task<bool> connection<Stream>::send_stream() {
  if (current().plan().body == wire::http1::framing::none) co_return true;
  streaming_ = true;
  streamed_ = false;
  stream_left_ = current().stream_part()->length.value_or(0);
  body_writer out(*this);
  server().handler_started(*this);
  std::exception_ptr failure;
  try {
    co_await server_core::stream_in_time(current().current(), write_stream(out));
  } catch (...) {
    failure = std::current_exception();
  }
  list_hook<handling_tag>::unlink();
  if (watching_) co_await stop_watch();
  streaming_ = false;
  trailers_.clear();
  if (!failure) co_return true;
  if (holds_exception<cancelled>(failure)) std::rethrow_exception(failure);
  if (!streamed_ && !peer_gone_) {
    current().rewind(head_mark_);
    answer_failure(failure);
    co_return true;
  }
  report_broken_answer(failure);
  co_return false;
}

template <io::byte_stream Stream>
task<void> connection<Stream>::write_stream(body_writer& out) {
  co_await current().stream_part()->write(out);
  switch (current().plan().body) {
    case wire::http1::framing::chunked:
      streamed_ = true;
      static_cast<void>(wire::http1::write_last_chunk(current().output(), trailers_));
      break;
    case wire::http1::framing::length:
      if (stream_left_ != 0) throw_invalid_input("a streamed body shorter than announced");
      break;
    default: break;
  }
}

template <io::byte_stream Stream>
task<void> connection<Stream>::send_body(std::string_view data) {
  using wire::http1::framing;
  if (data.empty()) co_return;
  const framing kind = current().plan().body;
  if (kind == framing::length) {
    if (data.size() > stream_left_) throw_invalid_input("a streamed body longer than announced");
    stream_left_ -= data.size();
  }
  streamed_ = true;
  const bool chunked = kind == framing::chunked;
  if (chunked) wire::http1::write_chunk_header(current().output(), data.size());
  const bool copied = current().append_or_refer(data);
  if (chunked && copied) current().append(wire::http1::chunk_end);
  co_await flush();
  if (chunked && !copied) current().append(wire::http1::chunk_end);
}

// --- other protocols ---

template <io::byte_stream Stream>
task<void> connection<Stream>::run_upgraded() {
  co_await flush();
  enter_handling();
  upgraded_handler speak = std::move(*current().upgrade_part());
  io::any_stream stream(
      std::make_unique<upgraded_stream<Stream>>(stream_, input().take(), server().counts()));
  return_exchange();  // nothing of it is needed, however long this goes on
  upgraded_connection on(stream, peer(), server().end_began());
  std::exception_ptr failure;
  try {
    co_await speak(on);
  } catch (...) {
    failure = std::current_exception();
  }
  if (!failure) co_return;
  ending_ = ending::cut;
  if (holds_exception<cancelled>(failure)) std::rethrow_exception(failure);
  report_unless_disconnected("an upgraded connection failed: " + peer().to_string(), failure);
}

// --- the end ---

template <io::byte_stream Stream>
task<void> connection<Stream>::part() {
  if (ending_ == ending::hand_over) co_return;
  if (ending_ == ending::cut) {
    stream_.abort();
    co_return;
  }
  enter(phase::ending, options().write_timeout);
  try {
    if (timed_out_ && !streaming_) {
      current().refuse(response::error(status::request_timeout), server().date());
    }
    while (has_exchange() && current().has_output()) {
      const std::size_t count = co_await stream_.write_some(current().unsent());
      sent(count);
    }
    if (ending_ == ending::linger) co_await linger();
    co_await stream_.close();
  } catch (const error&) {
    stream_.abort();
  }
}

template <io::byte_stream Stream>
task<void> connection<Stream>::linger() {
  co_await stream_.shutdown_write();
  const time_point end = after(server().loop().now(), linger_limit);
  for (std::size_t total = 0; total < most_lingered;) {
    enter(phase::ending, std::min(linger_silence, end - server().loop().now()));
    const std::size_t count = co_await stream_.read_some(input().scratch_room());
    if (count == 0) co_return;
    total += count;
  }
}

}  // namespace eddy::http::detail

#include "connection_files.hpp"

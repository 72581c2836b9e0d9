#include "client_conversation.hpp"

#include <array>
#include <exception>
#include <optional>

#include <eddy/base/error.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {
namespace {

namespace http1 = wire::http1;

constexpr int most_interim_responses = 32;              // before one final response
constexpr duration patience = std::chrono::seconds(1);  // for "100 Continue"
// Beyond, a body may not fit into the system's buffers: then the response is awaited while it is sent.
constexpr std::size_t short_body = 64 * 1024;

enum class answer : std::uint8_t {
  head,    // connection.head is a response's
  nothing  // the peer ended the connection without a byte
};

struct conversation {
  client_connection& connection;
  const outgoing_request& request;
  const client_timeouts& limits;
  request_progress& at;
  event* began = nullptr;  // set with the response's first byte; there while a body is being sent
};

task<std::size_t> fill_within(const conversation& in, duration limit, std::string_view missing) {
  const auto got = co_await move_on_after(limit, in.connection.fill());
  if (!got) throw in.at.timed_out(limit, missing);
  co_return *got;
}

task<std::size_t> fill(const conversation& in, bool first) {
  const duration limit = first ? in.limits.first_byte : in.limits.idle_read;
  // While a body is sent, the time of the first byte has not begun.
  if (limit == duration::max() || (first && in.began != nullptr)) return in.connection.fill();
  return fill_within(in, limit, first ? "no response" : "nothing came");
}

/// Reads one head, final or interim, and consumes it.
task<answer> read_head(const conversation& in, bool first) {
  client_connection& connection = in.connection;
  const method asked = http1::method_from(in.request.method);
  for (;;) {
    const auto size = connection.parser.parse(connection.unread(), asked, connection.head);
    if (!size) throw error(size.error(), "response head");
    if (*size > 0) {
      connection.consume(*size);
      co_return answer::head;
    }
    std::size_t got = 0;
    std::optional<error> failure;
    try {
      got = co_await fill(in, first && connection.unread().empty());
      if (in.began != nullptr) in.began->set();
    } catch (const request_error&) {
      throw;
    } catch (const error& e) {
      if (e != condition::disconnected) throw;
      failure = e;
    }
    if (got > 0) continue;
    if (connection.unread().empty()) co_return answer::nothing;
    if (failure) throw *failure;
    throw error(http1::errc::incomplete_message, "response head");
  }
}

void require_upgrade_asked(const conversation& in) {
  if (in.connection.head.switches_protocol() && in.request.upgrade.empty()) {
    throw error(errc::unsupported, "the server switched to another protocol unasked");
  }
}

task<answer> read_final_head(const conversation& in) {
  for (int interim = 0; interim <= most_interim_responses; ++interim) {
    const answer found = co_await read_head(in, interim == 0);
    if (found == answer::nothing && interim > 0) {
      throw error(http1::errc::incomplete_message, "response head");
    }
    if (found == answer::nothing) co_return found;
    require_upgrade_asked(in);
    if (!in.connection.head.is_interim()) co_return found;
  }
  throw error(errc::limit_exceeded, "too many interim responses");
}

/// False: the peer went away, perhaps after it had answered. Other failures are thrown.
task<bool> send(const conversation& in, std::string_view head, std::string_view body) {
  const std::array<iovec, 2> pieces{io::piece(head), io::piece(body)};
  const io::const_buffers all(pieces.data(), body.empty() ? 1 : 2);
  try {
    co_await in.connection.write_all(all, in.limits.idle_write);
    co_return true;
  } catch (const error& e) {
    if (e == errc::timed_out) throw in.at.timed_out(in.limits.idle_write, "nothing was taken");
    if (e != condition::disconnected) throw;
  }
  co_return false;
}

/// Frames what a streamed body writes.
class streamed_sender final : public body_sink {
 public:
  streamed_sender(const conversation& in, std::optional<std::uint64_t> length)
      : in_(in), length_(length) {}

  task<void> send_body(std::string_view data) override {
    if (data.empty()) co_return;
    if (length_ && data.size() > *length_ - sent_) throw_invalid_input("body: more than announced");
    sent_ += data.size();
    std::string chunk;
    if (!length_) http1::write_chunk_header(chunk, data.size());
    const std::string_view end = length_ ? std::string_view() : http1::chunk_end;
    const std::array<iovec, 3> pieces{io::piece(chunk), io::piece(data), io::piece(end)};
    const io::const_buffers all(pieces);
    co_await write(length_ ? all.subspan(1, 1) : all);
  }
  void set_trailers(const http::fields& trailers) override { trailers_ = trailers; }

  task<void> finish() {
    if (length_) {
      if (sent_ != *length_) throw_invalid_input("body: less than announced");
      co_return;
    }
    std::string last;
    if (!http1::write_last_chunk(last, trailers_)) throw_invalid_input("body: trailers");
    const iovec piece = io::piece(last);
    co_await write(io::const_buffers(&piece, 1));
  }
  /// The peer went away.
  [[nodiscard]] bool lost() const noexcept { return lost_; }

 private:
  task<void> write(io::const_buffers pieces) {
    try {
      co_await in_.connection.write_all(pieces, in_.limits.idle_write);
    } catch (const error& e) {
      if (e == errc::timed_out) throw in_.at.timed_out(in_.limits.idle_write, "nothing was taken");
      lost_ = e == condition::disconnected;
      throw;
    }
  }

  const conversation& in_;
  std::optional<std::uint64_t> length_;
  std::uint64_t sent_ = 0;
  http::fields trailers_;
  bool lost_ = false;
};

task<bool> send_stream(const conversation& in) {
  streamed_sender sink(in, in.request.stream->length);
  body_writer writer(sink);
  try {
    co_await in.request.stream->write(writer);
    co_await sink.finish();
  } catch (const error&) {
    if (!sink.lost()) throw;
  }
  co_return !sink.lost();
}

task<bool> send_body(const conversation& in) {
  if (in.request.stream) co_return co_await send_stream(in);
  co_return co_await send(in, in.request.body, {});
}

/// The body is sent while the response is awaited, because a server may answer before it has read all. An answer that
/// is no success ends the sending.
task<answer> send_and_read(conversation in) {
  bool sent = false;
  event began;
  in.began = &began;
  auto sending = [&]() -> task<void> {
    sent = co_await send_body(in);
    const duration limit = in.limits.first_byte;
    if (!sent || in.request.stream || limit == duration::max()) co_return;
    const bool came = co_await move_on_after(limit, began.wait());
    if (!came) throw in.at.timed_out(limit, "no response");
  };
  auto both = [&](task_group& group) -> task<answer> {
    auto sender = group.spawn(sending);
    const answer found = co_await read_final_head(in);
    began.set();  // it may have come with an interim one
    const bool goes_on = found == answer::head && is_success(in.connection.head.status());
    if (goes_on) {
      co_await sender;
    } else {
      group.cancel();
    }
    co_return found;
  };
  const answer found = co_await with_group(both);
  in.connection.broken = !sent;
  co_return found;
}

/// After the head with "Expect: 100-continue": whether the body is to be sent. False: connection.head is final, or the
/// peer has gone.
task<bool> may_continue(const conversation& in, answer& found) {
  for (int interim = 0; interim <= most_interim_responses; ++interim) {
    const auto said = co_await move_on_after(patience, read_head(in, false));
    if (!said) co_return true;
    found = *said;
    if (found == answer::nothing) co_return false;
    require_upgrade_asked(in);
    if (!in.connection.head.is_interim()) co_return false;
    if (in.connection.head.status() == status::continue_) co_return true;
  }
  throw error(errc::limit_exceeded, "too many interim responses");
}

task<answer> converse_at_length(const conversation& in, const std::string& head) {
  const bool sent = co_await send(in, head, {});
  if (!sent) {
    in.connection.broken = true;
    co_return co_await read_final_head(in);
  }
  if (in.request.expects_continue) {
    auto found = answer::nothing;
    const bool wanted = co_await may_continue(in, found);
    in.connection.broken = !wanted;
    if (!wanted) co_return found;
  }
  co_return co_await send_and_read(in);
}

std::string written_head(const outgoing_request& request, std::string_view target,
                         const http::fields& fields) {
  http1::request_line line;
  line.method = request.method;
  line.target = target;
  std::string head;
  const auto written = http1::write_request_head(head, line, fields, request.body_size());
  if (!written) throw error(written.error(), "request head");
  return head;
}

std::string proxied_head(const outgoing_request& request, const proxy_address& proxy) {
  http::fields fields = request.fields;
  if (const std::string secret = proxy.authorization(); !secret.empty()) {
    fields.set("Proxy-Authorization", secret);
  }
  return written_head(request, "http://" + request.url.authority + request.url.target, fields);
}

}  // namespace

std::string head_of(const outgoing_request& request, const proxy_address* proxy) {
  const bool asks_proxy =
      proxy != nullptr && proxy->speaks == proxy_address::kind::http && !request.url.secure;
  if (asks_proxy) return proxied_head(request, *proxy);
  return written_head(request, request.url.target, request.fields);
}

task<bool> converse(client_connection& connection, const std::string& head,
                    const outgoing_request& request, const client_timeouts& limits,
                    request_progress& at) {
  const conversation in{connection, request, limits, at};
  at.phase = request_phase::sending;
  at.peer = connection.peer_text();
  if (request.stream || request.expects_continue || request.body.size() > short_body) {
    const answer found = co_await converse_at_length(in, head);
    at.phase = request_phase::waiting;
    co_return found == answer::head;
  }
  const bool sent = co_await send(in, head, request.body);
  // A server may refuse a request before it has read all of it, and close.
  connection.broken = !sent;
  at.phase = request_phase::waiting;
  const answer found = co_await read_final_head(in);
  if (found == answer::nothing && !sent) at.phase = request_phase::sending;
  co_return found == answer::head;
}

}  // namespace eddy::http::detail

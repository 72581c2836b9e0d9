#include "session.hpp"

#include "failure.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/exclusive.hpp>
#include <eddy/net/tcp.hpp>

namespace eddy::tls::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t record_size = SSL3_RT_MAX_PLAIN_LENGTH;  // 16 KiB
constexpr std::size_t most_at_once = 4 * record_size;
constexpr std::size_t record_overhead = 64;  // header, nonce, tag: at most
constexpr duration patience_for_alerts = 1s;
constexpr std::size_t most_discarded = 64 * 1024;

std::span<const std::byte> bytes_of(const iovec& one) noexcept {
  return {static_cast<const std::byte*>(one.iov_base), one.iov_len};
}

net::address peer_of(io::any_stream& under) {
  const auto* tcp = under.target<net::tcp_stream>();
  return tcp != nullptr ? tcp->peer() : net::address();
}

}  // namespace

session::session(io::any_stream under, std::shared_ptr<const setup> how,
                 const handshake_options& options)
    : under_(std::move(under)),
      peer_(peer_of(under_)),
      setup_(std::move(how)),
      ssl_(setup_->make_ssl(nullptr)),
      is_server_(true) {
  attach(options.received);
  if (!options.alpn.empty()) {
    protocols_ = setup::protocol_list(options.alpn);
    setup::choose_from(*ssl_, protocols_);
  }
  SSL_set_accept_state(ssl_.get());
}

session::session(io::any_stream under, std::shared_ptr<const setup> how,
                 const handshake_options& options, std::string server)
    : under_(std::move(under)),
      peer_(peer_of(under_)),
      setup_(std::move(how)),
      keeper_{&setup_->sessions(), std::move(server)},
      ssl_(setup_->make_ssl(&keeper_)),
      is_server_(false) {
  attach(options.received);
  setup_->aim_at(*ssl_, keeper_.server);
  if (!options.alpn.empty()) {
    const auto offered = setup::protocol_list(options.alpn);
    SSL_set_alpn_protos(ssl_.get(), offered.data(), static_cast<unsigned int>(offered.size()));
  }
  SSL_set_connect_state(ssl_.get());
}

session::~session() {
  // OpenSSL takes a session that ended without goodbyes for unfit to be resumed; RFC 5246, 7.2.1 no longer does.
  SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void session::attach(std::span<const std::byte> received) {
  transport_.prepend(received);
  BIO* const bio = transport_.make_bio().release();
  SSL_set_bio(ssl_.get(), bio, bio);  // one reference for both directions
}

// --- errors ---

std::string session::operation(std::string_view verb) const {
  std::string text(verb);
  if (!is_server_) text += " " + keeper_.server;
  return text;
}

std::string session::peer_text() const { return peer_.empty() ? "" : peer_.to_string(); }

tls_error session::failure(errc code, std::string_view verb, std::string detail) const {
  return {code, operation(verb), peer_text(), std::move(detail)};
}

std::exception_ptr session::library_failure(std::string_view verb) const {
  return std::make_exception_ptr(failure_of(*ssl_, operation(verb), peer_text()));
}

// --- the handshake ---

task<void> session::shake_hands() {
  const std::string_view verb = is_server_ ? "tls accept" : "tls connect";
  std::exception_ptr failed;
  for (;;) {
    check_first_byte();
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_.get());
    if (done != 1 && SSL_get_error(ssl_.get(), done) != SSL_ERROR_WANT_READ) {
      failed = library_failure(verb);
      break;
    }
    if (done == 1) {
      // What a TLS 1.3 server has left to say are tickets: they go with the first answer, and a client that is gone by
      // then has lost nothing.
      if (!is_server_ || SSL_version(ssl_.get()) != TLS1_3_VERSION) co_await flush();
      break;
    }
    // A peer that gave up reads no more, but its alert may have arrived.
    co_await flush_quietly();
    const bool more = co_await receive();
    if (!more) throw failure(errc::peer_closed, verb, {});
  }
  if (failed) {
    co_await refuse();
    std::rethrow_exception(failed);
  }
  if (is_server_) {
    const char* const named = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name);
    if (named != nullptr) keeper_.server = named;
  }
}

void session::check_first_byte() {
  const auto arrived = transport_.incoming();
  if (heard_ || arrived.empty()) return;
  heard_ = true;
  const auto kind = std::to_integer<int>(arrived.front());
  if (kind == SSL3_RT_HANDSHAKE || kind == SSL3_RT_ALERT) return;
  std::string start = "it begins with '";
  for (const std::byte byte : arrived.first(std::min<std::size_t>(arrived.size(), 16))) {
    const char c = std::to_integer<char>(byte);
    start += c >= ' ' && c <= '~' ? c : '.';
  }
  throw failure(errc::not_tls, is_server_ ? "tls accept" : "tls connect", start + "'");
}

task<void> session::refuse() {
  co_await flush_alert();
  const auto listen = [this]() -> task<void> {
    co_await under_.shutdown_write();
    std::array<std::byte, 1024> ignored;
    for (std::size_t heard = 0; heard < most_discarded;) {
      const std::size_t n = co_await under_.read_some(ignored);
      if (n == 0) break;
      heard += n;
    }
  };
  const auto ended = co_await as_result(move_on_after(patience_for_alerts, listen()));
  if (ended.is_cancelled()) throw ended.cancellation();
}

// --- the stream below ---

task<bool> session::receive() {
  std::optional<std::size_t> got;
  // Tickets, or what a cancelled write left. Sent beside the reading: a peer that takes nothing may be waiting for us
  // to read. If it cannot be sent, what the peer sent is still there to be read.
  while (!got && transport_.outgoing_size() != 0 && !write_failure_ && !sending_.locked()) {
    auto first = co_await race(flush_quietly(), under_.read_some(transport_.room()));
    auto& read = first.get<1>();
    if (!read.is_cancelled()) got = read.value();
  }
  if (!got) got = co_await under_.read_some(transport_.room());
  transport_.received(*got);
  co_return *got != 0;
}

task<void> session::flush_quietly() {
  const auto ended = co_await as_result(flush());
  if (ended.is_cancelled()) throw ended.cancellation();
}

task<void> session::flush() {
  const auto held = co_await sending_.lock();
  if (write_failure_) std::rethrow_exception(write_failure_);
  try {
    for (;;) {
      const auto bytes = transport_.outgoing();
      if (bytes.empty()) break;
      transport_.sent(co_await under_.write_some(bytes));
    }
  } catch (const cancelled&) {
    throw;
  } catch (...) {
    write_failure_ = std::current_exception();
    throw;
  }
  owes_ = false;
  transport_.release();
}

task<void> session::flush_alert() {
  static_cast<void>(co_await move_on_after(patience_for_alerts, flush_quietly()));
}

// --- reading ---

task<std::size_t> session::read_some(std::span<std::byte> into) {
  const io::exclusive reading(reading_, "tls read");
  throw_if_cancelled();
  if (into.empty() || closed_) co_return 0;
  for (;;) {
    if (read_failure_) break;
    std::size_t done = 0;
    if (decrypt(into, done)) {
      if (done != 0 || !read_failure_) co_return done;
      co_await flush_alert();
      break;
    }
    const bool more = co_await receive();
    if (!more) {
      read_failure_ = std::make_exception_ptr(failure(errc::truncated, "tls read", {}));
    }
  }
  std::rethrow_exception(read_failure_);
}

bool session::decrypt(std::span<std::byte> into, std::size_t& done) {
  while (done < into.size()) {
    ERR_clear_error();
    const auto rest = into.subspan(done);
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), rest.data(), rest.size(), &got) == 1) {
      done += got;
      continue;
    }
    const int why = SSL_get_error(ssl_.get(), 0);
    if (why == SSL_ERROR_WANT_READ) return done != 0;
    if (why != SSL_ERROR_ZERO_RETURN) read_failure_ = library_failure("tls read");
    break;
  }
  return true;
}

task<void> session::wait_readable() {
  const io::exclusive reading(reading_, "tls read");
  throw_if_cancelled();
  auto* const tcp = under_.target<net::tcp_stream>();
  if (tcp == nullptr) throw_error(eddy::errc::unsupported, "tls wait_readable");
  const bool given = closed_ || read_failure_ || SSL_pending(ssl_.get()) != 0;
  if (given || !transport_.incoming().empty()) co_return;
  if (transport_.outgoing_size() != 0) co_await flush_quietly();
  transport_.release_incoming();
  co_await tcp->wait_readable();
}

// --- writing ---

task<std::size_t> session::write_some(iovec single, io::const_buffers pieces) {
  const io::exclusive writing(writing_, "tls write");
  throw_if_cancelled();
  if (write_ended_) throw_error(eddy::errc::closed, "tls write");
  const io::const_buffers all = pieces.data() != nullptr ? pieces : io::const_buffers(&single, 1);
  if (transport_.outgoing_size() >= record_size) co_await flush();
  if (write_failure_) std::rethrow_exception(write_failure_);
  const std::size_t taken = encrypt(all);
  // Encrypted is written: records have numbers, none can be taken back. What a cancellation leaves here goes out with
  // the next operation.
  try {
    co_await flush();
  } catch (const cancelled&) {  // the next operation is refused all the same
    owes_ = true;
  }
  co_return taken;
}

std::size_t session::encrypt(io::const_buffers pieces) {
  const std::size_t total = std::min(io::size_of(pieces), most_at_once);
  if (total == 0) return 0;
  transport_.expect_outgoing(total + (total / record_size + 2) * record_overhead);
  std::array<std::byte, record_size> staged;  // small pieces become one record
  std::size_t in_stage = 0;
  std::size_t taken = 0;
  for (const iovec& piece : pieces) {
    auto rest = bytes_of(piece);
    rest = rest.first(std::min(rest.size(), total - taken));
    taken += rest.size();
    while (!rest.empty()) {
      const bool alone = in_stage == 0 && (rest.size() >= record_size || taken == total);
      if (alone) {
        put(rest);
        break;
      }
      const std::size_t n = std::min(rest.size(), record_size - in_stage);
      std::memcpy(staged.data() + in_stage, rest.data(), n);
      in_stage += n;
      rest = rest.subspan(n);
      if (in_stage == record_size) put(std::span(staged).first(std::exchange(in_stage, 0)));
    }
  }
  if (in_stage != 0) put(std::span(staged).first(in_stage));
  return taken;
}

void session::put(std::span<const std::byte> plain) {
  ERR_clear_error();
  std::size_t taken = 0;
  if (SSL_write_ex(ssl_.get(), plain.data(), plain.size(), &taken) == 1) return;
  // After a failed read there is no connection any more.
  write_failure_ = read_failure_ ? read_failure_ : library_failure("tls write");
  ERR_clear_error();
  std::rethrow_exception(write_failure_);
}

// --- the end ---

void session::say_goodbye() noexcept {
  if (std::exchange(write_ended_, true) || read_failure_ || write_failure_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

task<void> session::shutdown_write() {
  throw_if_cancelled();
  if (closed_) throw_error(eddy::errc::closed, "tls shutdown_write");
  say_goodbye();
  co_await flush();
}

task<void> session::close() {
  throw_if_cancelled();
  if (closed_) co_return;
  // A goodbye that cannot be sent is no failure, bytes that count as written are.
  say_goodbye();
  const auto flushed = co_await as_result(flush());
  if (flushed.is_cancelled()) throw flushed.cancellation();
  co_await under_.close();
  closed_ = true;
  if (flushed.has_error() && owes_) std::rethrow_exception(flushed.error());
}

void session::abort() noexcept {
  closed_ = true;
  write_ended_ = true;
  under_.abort();
}

}  // namespace eddy::tls::detail

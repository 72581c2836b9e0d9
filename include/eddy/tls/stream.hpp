// stream: TLS over any byte stream (RFC 8446, RFC 5246).
//
//   auto stream = co_await eddy::tls::stream::connect(io::any_stream(std::move(tcp)), context, "example.org");
//   auto peer = co_await eddy::tls::stream::accept(io::any_stream(std::move(accepted)), context);
//
// A byte stream itself, with the contract of io/stream.hpp, where it has to be said more exactly:
// - Bytes are encrypted into the stream's own buffer (up to 64 KiB at a time) and then sent. From then on they count as
//   written: a write that is cancelled while it sends gives their number, and the next operation of any kind sends the
//   rest (beside a read, before a close). A write that is cancelled before has written nothing.
// - shutdown_write() and close() say goodbye (close_notify); the stream below stays open for the answer, or is closed.
//   A close() that was cancelled may have ended the outgoing direction. The peer's goodbye is the end for the reader.
//   An end without one is errc::truncated, which equals condition::disconnected.
// - A client that closes without having read everything may make the system reset the connection, and the server then
//   lose what it has not read: TLS 1.3 servers send tickets that nobody asked for. Read to the end first.
// - A reader that waits holds 1 KiB for the next record beside OpenSSL's own state, wait_readable() nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/net/address.hpp>
#include <eddy/tls/certificate.hpp>
#include <eddy/tls/context.hpp>
#include <eddy/tls/error.hpp>

namespace eddy::tls {

namespace detail {
class session;
}

/// Of one handshake. What it refers to must live until the await has ended.
struct handshake_options {
  duration timeout = std::chrono::seconds(10);  ///< for all of it
  /// Bytes of the peer's TLS that were read already (after STARTTLS, a PROXY header, a look at the first bytes).
  std::span<const std::byte> received = {};
  /// Offered (client) or chosen from (server) instead of the context's protocols, best first. A server that has none in
  /// its context chooses none.
  std::span<const std::string_view> alpn = {};
};

/// Move-only; owns the stream below. Used on one loop; used after a move it stops the program.
class stream {
 public:
  stream(stream&&) noexcept;
  stream& operator=(stream&&) noexcept;
  ~stream();

  /// The server's side of a handshake. Throws tls_error, or what `under` throws; then `under` is closed, after the
  /// peer was told why.
  [[nodiscard]] static task<stream> accept(io::any_stream under, context server,
                                           handshake_options options = handshake_options());
  /// The client's side. `server_name` is the host that was asked for: it is named to the server (SNI), and the
  /// certificate must be for it. An IP address is checked as one and not named.
  [[nodiscard]] static task<stream> connect(io::any_stream under, context client,
                                            std::string server_name,
                                            handshake_options options = handshake_options());

  [[nodiscard]] task<std::size_t> read_some(std::span<std::byte> into);
  /// Waits until something comes from below, or read_some has something to give at once. Meanwhile the stream holds no
  /// buffer: for waits that are long. It takes the place of a reader. Over TCP only; else throws errc::unsupported.
  [[nodiscard]] task<void> wait_readable();
  [[nodiscard]] task<std::size_t> write_some(std::span<const std::byte> bytes);
  [[nodiscard]] task<std::size_t> write_some(io::const_buffers pieces);
  [[nodiscard]] task<void> shutdown_write();
  [[nodiscard]] task<void> close();
  void abort() noexcept;

  /// The protocol agreed upon (ALPN); empty when there was none.
  [[nodiscard]] std::string_view alpn() const noexcept;
  [[nodiscard]] tls::version version() const noexcept;
  /// The cipher suite's standard name: "TLS_AES_128_GCM_SHA256".
  [[nodiscard]] std::string_view cipher() const noexcept;
  /// Whether an earlier session was resumed instead of a full handshake.
  [[nodiscard]] bool session_reused() const noexcept;
  /// The host name: as the client named it (server's side; empty if it did not), as given to connect().
  [[nodiscard]] const std::string& server_name() const noexcept;
  /// The certificate that the peer showed, if it did.
  [[nodiscard]] std::optional<certificate> peer_certificate() const;
  /// The other side, if the stream below is TCP; else empty.
  [[nodiscard]] const net::address& peer() const noexcept;
  /// The stream below; not to be read or written.
  [[nodiscard]] io::any_stream& under() noexcept;

 private:
  explicit stream(std::unique_ptr<detail::session> inside) noexcept;
  [[nodiscard]] detail::session& inside() const;
  static task<stream> shake_hands(std::unique_ptr<detail::session> made, duration timeout);

  std::unique_ptr<detail::session> inside_;
};

static_assert(io::byte_stream<stream>);

}  // namespace eddy::tls

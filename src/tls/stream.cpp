#include <eddy/tls/stream.hpp>

#include "context_core.hpp"
#include "pem.hpp"
#include "session.hpp"

#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>

namespace eddy::tls {

stream::stream(std::unique_ptr<detail::session> inside) noexcept : inside_(std::move(inside)) {}
stream::stream(stream&&) noexcept = default;
stream& stream::operator=(stream&&) noexcept = default;
stream::~stream() = default;

task<stream> stream::accept(io::any_stream under, context server, handshake_options options) {
  if (!server.core().is_server()) throw_invalid_input("tls accept with a client's context");
  auto made = std::make_unique<detail::session>(std::move(under), server.core().current(), options);
  co_return co_await shake_hands(std::move(made), options.timeout);
}

task<stream> stream::connect(io::any_stream under, context client, std::string server_name,
                             handshake_options options) {
  if (client.core().is_server()) throw_invalid_input("tls connect with a server's context");
  auto made = std::make_unique<detail::session>(std::move(under), client.core().current(), options,
                                                std::move(server_name));
  co_return co_await shake_hands(std::move(made), options.timeout);
}

task<stream> stream::shake_hands(std::unique_ptr<detail::session> made, duration timeout) {
  const bool in_time = co_await move_on_after(timeout, made->shake_hands());
  if (!in_time) throw made->failure(errc::timed_out, "tls handshake", {});
  co_return stream(std::move(made));
}

task<std::size_t> stream::read_some(std::span<std::byte> into) { return inside().read_some(into); }

task<void> stream::wait_readable() { return inside().wait_readable(); }

task<std::size_t> stream::write_some(std::span<const std::byte> bytes) {
  return inside().write_some(io::piece(bytes), {});
}

task<std::size_t> stream::write_some(io::const_buffers pieces) {
  return inside().write_some({}, pieces);
}

task<void> stream::shutdown_write() { return inside().shutdown_write(); }
task<void> stream::close() { return inside().close(); }
void stream::abort() noexcept { inside().abort(); }

std::string_view stream::alpn() const noexcept {
  const unsigned char* name = nullptr;
  unsigned int size = 0;
  SSL_get0_alpn_selected(&inside().ssl(), &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

tls::version stream::version() const noexcept {
  const bool newest = SSL_version(&inside().ssl()) == TLS1_3_VERSION;
  return newest ? tls::version::tls_1_3 : tls::version::tls_1_2;
}

std::string_view stream::cipher() const noexcept {
  return SSL_CIPHER_standard_name(SSL_get_current_cipher(&inside().ssl()));
}

bool stream::session_reused() const noexcept { return SSL_session_reused(&inside().ssl()) == 1; }

const std::string& stream::server_name() const noexcept { return inside().server_name(); }

std::optional<certificate> stream::peer_certificate() const {
  X509* const shown = SSL_get0_peer_certificate(&inside().ssl());
  if (shown == nullptr) return std::nullopt;
  return detail::describe(*shown);
}

const net::address& stream::peer() const noexcept { return inside().peer(); }

io::any_stream& stream::under() noexcept { return inside().under(); }

detail::session& stream::inside() const {
  check(inside_ != nullptr, "a tls::stream was used after it had been moved from");
  return *inside_;
}

}  // namespace eddy::tls

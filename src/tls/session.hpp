// The inside of a tls::stream: OpenSSL's connection, the stream below, and who may use them when.
#pragma once

#include "setup.hpp"
#include "transport.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/coro/task.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/net/address.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/tls/stream.hpp>

namespace eddy::tls::detail {

/// One reader and one writer at a time; both send, which a mutex orders. OpenSSL is called between suspensions only.
class session {
 public:
  /// A server's side.
  session(io::any_stream under, std::shared_ptr<const setup> how, const handshake_options& options);
  /// A client's side.
  session(io::any_stream under, std::shared_ptr<const setup> how, const handshake_options& options,
          std::string server);
  session(const session&) = delete;
  session& operator=(const session&) = delete;
  ~session();

  task<void> shake_hands();
  task<std::size_t> read_some(std::span<std::byte> into);
  task<void> wait_readable();
  /// Of `pieces`, or of `single` if there are none.
  task<std::size_t> write_some(iovec single, io::const_buffers pieces);
  task<void> shutdown_write();
  task<void> close();
  void abort() noexcept;

  [[nodiscard]] SSL& ssl() const noexcept { return *ssl_; }
  [[nodiscard]] io::any_stream& under() noexcept { return under_; }
  [[nodiscard]] const net::address& peer() const noexcept { return peer_; }
  [[nodiscard]] const std::string& server_name() const noexcept { return keeper_.server; }
  [[nodiscard]] tls_error failure(errc code, std::string_view operation, std::string detail) const;

 private:
  void attach(std::span<const std::byte> received);
  /// `verb`, with the server's name at the client's side; and the peer for an error.
  [[nodiscard]] std::string operation(std::string_view verb) const;
  [[nodiscard]] std::string peer_text() const;
  /// The error for the call that just failed.
  [[nodiscard]] std::exception_ptr library_failure(std::string_view verb) const;

  void check_first_byte();
  /// Decrypts what has arrived; true when that settles the read: bytes, the end, or read_failure_.
  bool decrypt(std::span<std::byte> into, std::size_t& done);
  /// Encrypts up to 64 KiB and returns how many bytes.
  std::size_t encrypt(io::const_buffers pieces);
  void put(std::span<const std::byte> plain);
  void say_goodbye() noexcept;

  /// Waits for more from below; false at its end.
  task<bool> receive();
  /// Sends all that is encrypted.
  task<void> flush();
  /// The same, but failures are only remembered, for the next write.
  task<void> flush_quietly();
  /// The same for a second at most: for alerts.
  task<void> flush_alert();
  /// Tells the peer why, and waits a moment for it to read that: closing at once could discard it.
  task<void> refuse();

  io::any_stream under_;
  net::address peer_;
  std::shared_ptr<const setup> setup_;
  session_keeper keeper_;
  std::vector<unsigned char> protocols_;  // a server's own choice; else the setup's are chosen from
  transport transport_;
  ssl_ptr ssl_;
  mutex sending_;
  std::exception_ptr read_failure_;  // found behind bytes that were delivered first, or final
  std::exception_ptr
      write_failure_;  // of the stream below: encrypted bytes are missing, nothing can follow
  bool is_server_;
  bool owes_ = false;   // bytes that count as written wait to be sent
  bool heard_ = false;  // the first byte was looked at
  bool reading_ = false;
  bool writing_ = false;
  bool write_ended_ = false;
  bool closed_ = false;
};

}  // namespace eddy::tls::detail

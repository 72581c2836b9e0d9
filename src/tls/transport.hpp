// The ciphertext between OpenSSL and the stream below: what has arrived and was not decrypted, what was encrypted and
// not sent. No I/O.
#pragma once

#include "openssl.hpp"

#include <cstddef>
#include <span>

#include <eddy/io/read_buffer.hpp>

namespace eddy::tls::detail {

/// OpenSSL sees it as a BIO that never blocks: reading from an empty one asks to be called again, writing always takes
/// all. What is being sent stays where it is while more is added. Neither copyable nor movable.
class transport {
 public:
  /// Most bytes that wait to be sent; a peer that makes us answer without reading the answers fails.
  static constexpr std::size_t most_outgoing = 256 * 1024;

  /// A BIO on this object, which must outlive it.
  [[nodiscard]] bio_ptr make_bio();

  /// Where the next bytes from below go: 1 KiB for a connection that is quiet, more as more comes.
  [[nodiscard]] std::span<std::byte> room();
  void received(std::size_t n) noexcept;
  /// Bytes that were read by somebody else.
  void prepend(std::span<const std::byte> bytes);
  [[nodiscard]] std::span<const std::byte> incoming() const noexcept { return in_.unread(); }

  /// Memory for `n` bytes to come, in one piece.
  void expect_outgoing(std::size_t n) { out_[filling_].make_room(n); }
  [[nodiscard]] std::size_t outgoing_size() const noexcept {
    return out_[0].size() + out_[1].size();
  }
  /// What is to be sent next; empty when there is nothing. Stays valid until sent().
  [[nodiscard]] std::span<const std::byte> outgoing() noexcept;
  void sent(std::size_t n) noexcept { out_[1 - filling_].consume(n); }
  /// Gives memory back that holds nothing to be sent.
  void release() noexcept;
  /// The same of what is received; not while somebody reads into room().
  void release_incoming() noexcept { in_.release(); }

 private:
  static constexpr std::size_t smallest_read = 1024;
  static constexpr std::size_t largest_read = 64 * 1024;

  static const BIO_METHOD* method();
  static int read(BIO* bio, char* into, int size) noexcept;
  static int write(BIO* bio, const char* bytes, int size) noexcept;
  static long control(BIO* bio, int command, long number, void* pointer) noexcept;

  io::read_buffer in_;
  std::size_t read_size_ = smallest_read;
  io::read_buffer out_[2];
  std::size_t filling_ = 0;  // the one of out_ that OpenSSL writes into; the other is being sent
};

}  // namespace eddy::tls::detail

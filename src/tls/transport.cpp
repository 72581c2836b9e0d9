#include "transport.hpp"

#include <algorithm>
#include <cstring>

namespace eddy::tls::detail {

bio_ptr transport::make_bio() {
  bio_ptr made = not_null(bio_ptr(BIO_new(method())));
  BIO_set_data(made.get(), this);
  BIO_set_init(made.get(), 1);
  return made;
}

std::span<std::byte> transport::room() {
  if (in_.empty() && in_.capacity() > 4 * read_size_) in_.release();
  in_.make_room(read_size_);
  return in_.room().first(read_size_);
}

void transport::received(std::size_t n) noexcept {
  // A read that filled its room asks for more next time, one that left most of it empty for less.
  if (n == read_size_) read_size_ = std::min(4 * read_size_, largest_read);
  if (n <= read_size_ / 8) read_size_ = std::max(read_size_ / 4, smallest_read);
  in_.commit(n);
}

void transport::prepend(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  in_.make_room(bytes.size());
  std::ranges::copy(bytes, in_.room().begin());
  in_.commit(bytes.size());
}

std::span<const std::byte> transport::outgoing() noexcept {
  if (out_[1 - filling_].empty()) filling_ = 1 - filling_;
  return out_[1 - filling_].unread();
}

void transport::release() noexcept {
  out_[0].release();
  out_[1].release();
}

const BIO_METHOD* transport::method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "eddy");
    if (fresh == nullptr) throw std::bad_alloc();
    BIO_meth_set_read(fresh, read);
    BIO_meth_set_write(fresh, write);
    BIO_meth_set_ctrl(fresh, control);
    return fresh;
  }();
  return made;
}

int transport::read(BIO* bio, char* into, int size) noexcept {
  auto& self = *static_cast<transport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  if (self.in_.empty()) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const std::span room(reinterpret_cast<std::byte*>(into), static_cast<std::size_t>(size));
  return static_cast<int>(self.in_.take_into(room));
}

int transport::write(BIO* bio, const char* bytes, int size) noexcept {
  auto& self = *static_cast<transport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const auto n = static_cast<std::size_t>(size);
  io::read_buffer& out = self.out_[self.filling_];
  if (out.size() + n > most_outgoing) return -1;
  try {
    out.make_room(n);
  } catch (...) {
    return -1;
  }
  std::memcpy(out.room().data(), bytes, n);
  out.commit(n);
  return size;
}

long transport::control(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

}  // namespace eddy::tls::detail

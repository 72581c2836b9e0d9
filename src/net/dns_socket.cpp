#include "dns_channel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <eddy/coro/group.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/net/socket.hpp>
#include <eddy/net/udp.hpp>

namespace eddy::net::detail {
namespace {

constexpr std::size_t largest_arrival =
    4096;  // bytes; what c-ares asks servers for at most, and reads at once

int errno_of(const error& thrown) noexcept {
  return thrown.code().category() == std::system_category() ? thrown.code().value() : EIO;
}

}  // namespace

task<void> dns_socket::serve(std::shared_ptr<dns_socket> self, address to) {
  int failure = 0;
  try {
    co_await connect_operation(*self->on_, to);
  } catch (const error& thrown) {
    failure = errno_of(thrown);
  }
  if (failure != 0) {
    self->fail(failure);
    co_return;
  }
  auto both = [&self](task_group& group) -> task<void> {
    group.spawn(self->send_all());
    co_await self->receive_all();
    group.cancel();
  };
  co_await with_group(both);
}

task<void> dns_socket::send_all() {
  int failure = 0;
  while (owner_ != nullptr && failure == 0) {
    if (unsent_.empty() && !wants_write_) {
      work_ = promise<void>();
      co_await work_.get_future();
    }
    if (std::exchange(wants_write_, false) && owner_ != nullptr)
      owner_->process(ARES_SOCKET_BAD, number_);
    if (unsent_.empty()) continue;
    const std::vector<std::byte> bytes = std::move(unsent_.front());
    unsent_.pop_front();
    try {
      // A datagram is taken whole, or not at all.
      for (std::size_t done = 0; done < bytes.size();) {
        done += co_await write_operation(*on_, std::span(bytes).subspan(done));
      }
    } catch (const error& thrown) {
      failure = errno_of(thrown);
    }
  }
  if (failure != 0) fail(failure);
}

task<void> dns_socket::receive_all() {
  bool more = true;
  while (more) more = co_await receive_one();
}

/// Receives one datagram or some bytes and lets c-ares read them. False at the end.
task<bool> dns_socket::receive_one() {
  arrival one;
  one.bytes.resize(largest_arrival);
  std::size_t size = 0;
  int failure = 0;
  try {
    if (stream_) {
      size = co_await read_operation(*on_, one.bytes);
    } else {
      const datagram received = co_await receive_operation(*on_, one.bytes);
      size = received.size;
      one.from = received.from;
    }
  } catch (const error& thrown) {
    failure = errno_of(thrown);
  }
  if (failure != 0) {
    fail(failure);
    co_return false;
  }
  one.bytes.resize(size);
  ended_ = stream_ && size == 0;
  if (size > 0) received_.push_back(std::move(one));
  tell_owner();
  co_return owner_ != nullptr && !ended_;
}

/// Of a stream, c-ares reads a length at one call and what it announces at the next.
void dns_socket::tell_owner() noexcept {
  std::size_t before = 0;
  do {
    before = reads_;
    if (owner_ != nullptr) owner_->process(number_, ARES_SOCKET_BAD);
  } while (owner_ != nullptr && !received_.empty() && reads_ != before);
}

ares_ssize_t dns_socket::read(void* into, std::size_t size, sockaddr* from,
                              ares_socklen_t* from_size) {
  if (received_.empty()) {
    if (ended_) return 0;
    errno = failure_ != 0 ? failure_ : EAGAIN;
    return -1;
  }
  ++reads_;
  arrival& first = received_.front();
  const std::size_t count = std::min(size, first.bytes.size());
  std::memcpy(into, first.bytes.data(), count);
  if (from != nullptr && from_size != nullptr) {
    const socklen_t copied = std::min<socklen_t>(*from_size, first.from.size());
    std::memcpy(from, first.from.data(), copied);
    *from_size = copied;
  }
  if (stream_ && count < first.bytes.size()) {
    first.bytes.erase(first.bytes.begin(),
                      first.bytes.begin() + static_cast<std::ptrdiff_t>(count));
  } else {
    received_.pop_front();
  }
  return static_cast<ares_ssize_t>(count);
}

ares_ssize_t dns_socket::write(const iovec* parts, int count) {
  if (failure_ != 0) {
    errno = failure_;
    return -1;
  }
  std::vector<std::byte> bytes;
  for (const iovec& part : std::span(parts, static_cast<std::size_t>(count))) {
    const auto* start = static_cast<const std::byte*>(part.iov_base);
    bytes.insert(bytes.end(), start, start + part.iov_len);
  }
  const auto size = static_cast<ares_ssize_t>(bytes.size());
  unsent_.push_back(std::move(bytes));
  wake_sender();
  return size;
}

void dns_socket::close() noexcept {
  owner_ = nullptr;
  on_->close();
  wake_sender();
}

void dns_socket::want_write() noexcept {
  wants_write_ = true;
  wake_sender();
}

void dns_socket::wake_sender() noexcept { work_.try_set_value(); }

void dns_socket::fail(int code) noexcept {
  failure_ = code;
  if (owner_ != nullptr) owner_->process(number_, ARES_SOCKET_BAD);
}

}  // namespace eddy::net::detail

#include "virtual_stream.hpp"

#include "virtual_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <eddy/coro/scheduler.hpp>

namespace eddy::runtime::detail {

std::size_t total_size(std::span<const iovec> buffers) noexcept {
  std::size_t total = 0;
  for (const iovec& each : buffers) total += each.iov_len;
  return total;
}

std::size_t scatter(std::span<const iovec> buffers, std::string_view bytes) noexcept {
  std::size_t done = 0;
  for (const iovec& each : buffers) {
    const std::size_t count = std::min(each.iov_len, bytes.size() - done);
    if (count == 0) continue;
    std::memcpy(each.iov_base, bytes.data() + done, count);
    done += count;
  }
  return done;
}

std::string collect(std::span<const iovec> buffers, std::size_t size) {
  std::string bytes;
  bytes.reserve(size);
  for (const iovec& each : buffers) {
    const std::size_t count = std::min(each.iov_len, size - bytes.size());
    bytes.append(static_cast<const char*>(each.iov_base), count);
  }
  return bytes;
}

time_point arrival_time(virtual_network& network, const network_conditions& conditions) {
  time_point t = after(network.now(), conditions.latency);
  if (conditions.jitter > duration::zero()) {
    auto& random = coro::scheduler::require().random();
    t = after(t, duration(static_cast<std::int64_t>(
                     random.below(static_cast<std::uint64_t>(conditions.jitter.count()) + 1))));
  }
  return t;
}

// --- stream_end ---

void stream_end::join(const std::shared_ptr<stream_end>& a,
                      const std::shared_ptr<stream_end>& b) noexcept {
  a->peer_ = b;
  b->peer_ = a;
}

void stream_end::wake_socket() noexcept {
  if (socket_ != nullptr) socket_->activate();
}

void stream_end::after_delay(std::move_only_function<void()> arrive) {
  last_arrival_ = std::max(last_arrival_, arrival_time(*network_, conditions_));
  // Without latency the other side has it at once; its task still runs no earlier than from its next wait().
  if (last_arrival_ <= network_->now()) {
    arrive();
  } else {
    network_->at(last_arrival_, std::move(arrive));
  }
}

std::size_t stream_end::room() const noexcept {
  // A peer that has closed takes what comes and answers with a reset.
  if (peer_->closed_) return conditions_.window;
  const std::size_t unread = peer_->arrived_.size() - peer_->read_ + peer_->under_way_;
  return unread < conditions_.window ? conditions_.window - unread : 0;
}

std::size_t stream_end::shortened(std::size_t size) const {
  if (conditions_.max_transfer == 0) return size;
  const std::size_t most = 1 + coro::scheduler::require().random().below(conditions_.max_transfer);
  return std::min(size, most);
}

bool stream_end::readable() const noexcept {
  return read_ < arrived_.size() || at_end_ || read_shut_ || was_reset_ || error_ != 0;
}

bool stream_end::writable() const noexcept {
  return room() > 0 || write_shut_ || was_reset_ || error_ != 0;
}

attempt stream_end::receive(std::span<const iovec> buffers) {
  const std::size_t wanted = total_size(buffers);
  if (wanted == 0) return 0;
  if (read_ < arrived_.size()) {
    const std::size_t most = shortened(std::min(wanted, arrived_.size() - read_));
    const std::size_t done = scatter(buffers, std::string_view(arrived_).substr(read_, most));
    read_ += done;
    if (read_ == arrived_.size()) {
      arrived_.clear();
      read_ = 0;
    } else if (read_ > conditions_.window) {
      arrived_.erase(0, read_);
      read_ = 0;
    }
    if (peer_) peer_->wake_socket();  // there is room again
    return static_cast<std::int64_t>(done);
  }
  if (error_ != 0) return -take_error();
  if (at_end_ || read_shut_ || was_reset_) return 0;
  return std::nullopt;
}

attempt stream_end::send(std::span<const iovec> buffers) {
  if (error_ != 0) return -take_error();
  if (write_shut_ || was_reset_) return -EPIPE;
  if (peer_->closed_ && local.is_unix()) return -EPIPE;
  const std::size_t wanted = total_size(buffers);
  if (wanted == 0) return 0;
  const std::size_t free = room();
  if (free == 0) return std::nullopt;
  const std::size_t size = shortened(std::min(wanted, free));
  peer_->under_way_ += size;
  peer_->after_delay([to = peer_, bytes = collect(buffers, size)]() mutable {
    to->data_arrived(std::move(bytes));
  });
  return static_cast<std::int64_t>(size);
}

void stream_end::data_arrived(std::string bytes) {
  under_way_ -= bytes.size();
  if (closed_) {
    send_reset();
  } else if (!read_shut_) {
    arrived_ += bytes;
    wake_socket();
  }
}

void stream_end::end_arrived() {
  at_end_ = true;
  wake_socket();
}

void stream_end::reset_arrived() {
  if (closed_ || was_reset_) return;
  was_reset_ = true;
  // As Linux has it: after the peer's orderly end a reset means that nobody reads what was written.
  error_ = at_end_ ? EPIPE : ECONNRESET;
  wake_socket();
}

void stream_end::send_reset() {
  if (peer_) peer_->after_delay([to = peer_] { to->reset_arrived(); });
}

void stream_end::shut_write() {
  if (std::exchange(write_shut_, true) || was_reset_) return;
  peer_->after_delay([to = peer_] { to->end_arrived(); });
  wake_socket();
}

void stream_end::shut_read() {
  read_shut_ = true;
  wake_socket();
}

void stream_end::close(bool abruptly) noexcept {
  if (std::exchange(closed_, true)) return;
  socket_ = nullptr;
  if (!peer_) return;
  if (abruptly || read_ < arrived_.size()) {
    send_reset();
  } else {
    shut_write();
  }
  peer_->wake_socket();  // its window is open now
  arrived_.clear();
  read_ = 0;
  if (peer_->closed_) {
    peer_->peer_ = nullptr;
    peer_ = nullptr;
  }
}

// --- listen_queue ---

void listen_queue::offer(virtual_network& network, virtual_socket& listener,
                         std::shared_ptr<stream_end> client) {
  waiting_.push_back(std::move(client));
  admit(network, listener);
}

void listen_queue::admit(virtual_network& network, virtual_socket& listener) {
  while (ready_.size() < backlog_ && !waiting_.empty()) {
    const auto client = std::move(waiting_.front());
    waiting_.pop_front();
    if (client->socket() == nullptr) continue;  // gave up meanwhile
    auto server = std::make_shared<stream_end>(network, nullptr, client->conditions());
    server->local = client->remote;
    server->remote = client->local;
    stream_end::join(client, server);
    client->after_delay([client] {
      if (client->socket() != nullptr) client->socket()->connect_ended(0);
    });
    ready_.push_back(std::move(server));
    listener.activate();
  }
}

std::shared_ptr<stream_end> listen_queue::take(virtual_network& network, virtual_socket& listener) {
  if (ready_.empty()) return nullptr;
  auto server = std::move(ready_.front());
  ready_.pop_front();
  admit(network, listener);
  return server;
}

void listen_queue::close() noexcept {
  for (const auto& server : ready_) server->close(true);
  for (const auto& client : waiting_) {
    client->after_delay([client] {
      if (client->socket() != nullptr) client->socket()->connect_ended(ECONNREFUSED);
    });
  }
  ready_.clear();
  waiting_.clear();
}

}  // namespace eddy::runtime::detail

#include "virtual_socket.hpp"

#include <algorithm>
#include <cerrno>

#include <netinet/in.h>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/coro/scheduler.hpp>

namespace eddy::runtime::detail {

namespace {

constexpr std::size_t largest_datagram = 65507;
constexpr std::uint16_t first_port = 32768;  // of those chosen automatically, as Linux does
constexpr std::uint16_t last_port = 60999;

[[noreturn]] void fail(int error, const char* operation, const std::string& peer = {}) {
  throw eddy::error(std::error_code(error, std::system_category()), operation, peer);
}

bool is_wildcard(const socket_address& address) noexcept {
  if (address.family() == AF_INET) {
    return reinterpret_cast<const sockaddr_in*>(address.data())->sin_addr.s_addr ==
           htonl(INADDR_ANY);
  }
  if (address.family() == AF_INET6) {
    return IN6_IS_ADDR_UNSPECIFIED(
        &reinterpret_cast<const sockaddr_in6*>(address.data())->sin6_addr);
  }
  return false;
}

bool same_host(const socket_address& a, const socket_address& b) {
  return is_wildcard(a) || is_wildcard(b) || a.host() == b.host();
}

socket_address unnamed_unix() noexcept {
  const sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  return {reinterpret_cast<const sockaddr*>(&address), sizeof(sa_family_t)};
}

socket_address wildcard_of(int family) {
  if (family == AF_UNIX) return unnamed_unix();
  return family == AF_INET6 ? socket_address::any_v6(0) : socket_address::any_v4(0);
}

socket_address with_port(socket_address address, std::uint16_t port) noexcept {
  address.set_port(port);
  return address;
}

bool by_chance(double probability) {
  return probability > 0 && coro::scheduler::require().random().unit() < probability;
}

}  // namespace

std::unique_ptr<virtual_socket> virtual_socket::open(virtual_driver& on, int family, int type,
                                                     int protocol) {
  const int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) fail(EAFNOSUPPORT, "socket");
  const bool stream = kind == SOCK_STREAM && (protocol == 0 || protocol == IPPROTO_TCP);
  const bool datagrams = kind == SOCK_DGRAM && (protocol == 0 || protocol == IPPROTO_UDP);
  if (!stream && !datagrams) fail(EPROTONOSUPPORT, "socket");
  if (on.network().open_sockets_ >= on.network().socket_limit_) fail(EMFILE, "socket");
  return std::unique_ptr<virtual_socket>(new virtual_socket(on, family, kind));
}

virtual_socket::virtual_socket(virtual_driver& on, int family, int type)
    : driver_(&on), family_(family), type_(type), local_(wildcard_of(family)) {
  ++network().open_sockets_;
  on.sockets_.push_back(*this);
}

virtual_socket::~virtual_socket() {
  check(waiting_[0] == nullptr && waiting_[1] == nullptr,
        "a socket was destroyed while a task waits on it");
  close();
}

void virtual_socket::require_open(const char* operation) const {
  if (!open_) throw_error(errc::closed, operation);
}

// --- operations ---

bool virtual_socket::start(io_operation& op) {
  if (!open_) {
    op.finish(-EBADF);
    return true;
  }
  io_operation*& slot = waiting_[is_inbound(op.verb()) ? 0 : 1];
  if (slot != nullptr) throw_error(errc::busy, is_inbound(op.verb()) ? "receive" : "send");
  if (const attempt done = try_operation(op)) {
    op.finish(*done);
    return true;
  }
  slot = &op;
  return false;
}

void virtual_socket::cancel(io_operation& op) noexcept {
  for (io_operation*& slot : waiting_) {
    if (slot == &op) slot = nullptr;
  }
  op.finish_withdrawn();
}

void virtual_socket::activate() noexcept {
  if (open_ && !list_hook<>::linked()) driver_->active_.push_back(*this);
}

bool virtual_socket::resume_operations() {
  bool any = false;
  for (io_operation*& slot : waiting_) {
    if (slot == nullptr) continue;
    if (const attempt done = try_operation(*slot)) {
      std::exchange(slot, nullptr)->finish(*done);
      any = true;
    }
  }
  return any;
}

attempt virtual_socket::try_operation(io_operation& op) {
  switch (op.verb()) {
    case io_verb::receive:
    case io_verb::receive_from: return try_receive(op);
    case io_verb::send:
    case io_verb::send_to: return try_send(op);
    case io_verb::accept: return try_accept(op);
    case io_verb::connect: return try_connect(op);
    case io_verb::wait_readable: return try_readable();
    case io_verb::wait_writable: return try_writable();
    case io_verb::send_file: return -ENOTSUP;
  }
  return -EINVAL;
}

attempt virtual_socket::try_receive(io_operation& op) {
  if (is_stream()) {
    if (connecting_.state == connect_attempt::phase::under_way) return std::nullopt;
    if (!stream_) return -ENOTCONN;
    return stream_->receive(op.buffers);
  }
  if (error_ != 0) return -std::exchange(error_, 0);
  if (mail_.empty()) return std::nullopt;
  const datagram first = std::move(mail_.front());
  mail_.pop_front();
  mail_size_ -= first.bytes.size();
  if (op.address != nullptr) *op.address = first.from;
  return static_cast<std::int64_t>(scatter(op.buffers, first.bytes));
}

attempt virtual_socket::try_send(io_operation& op) {
  if (!is_stream()) return send_datagram(op);
  if (connecting_.state == connect_attempt::phase::under_way) return std::nullopt;
  if (!stream_) return family_ == AF_UNIX ? -ENOTCONN : -EPIPE;
  return stream_->send(op.buffers);
}

attempt virtual_socket::try_readable() const {
  const bool ready = !is_stream() ? !mail_.empty() || error_ != 0
                     : listening_ ? !listening_->empty()
                     : stream_    ? stream_->readable()
                                  : connecting_.state == connect_attempt::phase::failed;
  return ready ? attempt(0) : std::nullopt;
}

attempt virtual_socket::try_writable() const {
  const bool ready =
      !is_stream() ||
      (stream_ ? stream_->writable() : connecting_.state != connect_attempt::phase::under_way);
  return ready ? attempt(0) : std::nullopt;
}

attempt virtual_socket::try_accept(io_operation& op) {
  if (!listening_) return -EINVAL;
  if (listening_->empty()) return std::nullopt;
  if (network().open_sockets_ >= network().socket_limit_) return -EMFILE;
  auto end = listening_->take(network(), *this);
  std::unique_ptr<virtual_socket> made(new virtual_socket(*driver_, family_, SOCK_STREAM));
  end->set_socket(made.get());
  made->local_ = end->local;
  made->remote_ = end->remote;
  made->connecting_.state = connect_attempt::phase::established;
  if (op.address != nullptr) *op.address = end->remote;
  made->stream_ = std::move(end);
  op.accepted = std::move(made);
  return 0;
}

attempt virtual_socket::try_connect(io_operation& op) {
  using phase = connect_attempt::phase;
  if (op.is_pending() && connecting_.state == phase::under_way) return std::nullopt;
  if (!op.is_pending()) {
    if (const int error = begin_connect(*op.address)) return -error;
    if (connecting_.state == phase::under_way) return std::nullopt;
  }
  if (connecting_.state == phase::failed) {
    connecting_.state = phase::none;
    return -std::exchange(connecting_.error, 0);
  }
  return 0;
}

void virtual_socket::close() noexcept {
  if (!std::exchange(open_, false)) return;
  list_hook<>::unlink();
  list_hook<sockets_of_driver>::unlink();
  --network().open_sockets_;
  if (bound_) {
    auto entry = network().bound_.find(table_key(local_));
    std::erase(entry->second, this);
    if (entry->second.empty()) network().bound_.erase(entry);
  }
  if (listening_) listening_->close();
  const auto linger = options_.find({SOL_SOCKET, SO_LINGER});
  if (stream_) stream_->close(linger != options_.end() && linger->second == 0);
  stream_ = nullptr;
  for (io_operation*& slot : waiting_) {
    if (slot != nullptr) std::exchange(slot, nullptr)->finish(-ECANCELED);
  }
}

// --- connections ---

int virtual_socket::begin_connect(socket_address to) {
  if (to.family() != family_) return family_ == AF_UNIX ? EINVAL : EAFNOSUPPORT;
  if (is_wildcard(to)) {
    to = family_ == AF_INET6 ? socket_address::loopback_v6(to.port())
                             : socket_address::loopback_v4(to.port());
  }
  if (!is_stream()) {
    if (!bound_) bind_automatically(to);
    remote_ = to;
    connecting_.state = connect_attempt::phase::established;
    return 0;
  }
  if (listening_ || connecting_.state == connect_attempt::phase::established) return EISCONN;
  if (connecting_.state == connect_attempt::phase::under_way) return EALREADY;
  if (family_ == AF_UNIX && !network().bound_.contains(table_key(to))) return ENOENT;
  remote_ = to;
  if (!bound_) {
    local_ = family_ == AF_UNIX ? unnamed_unix() : to;
    if (family_ != AF_UNIX && choose_port(local_) != 0) return EADDRNOTAVAIL;
  } else if (is_wildcard(local_)) {
    local_ = with_port(to, local_.port());
  }
  connecting_.state = connect_attempt::phase::under_way;
  stream_ = std::make_shared<stream_end>(network(), this, network().conditions());
  stream_->local = local_;
  stream_->remote = to;
  request_connection();
  return 0;
}

void virtual_socket::request_connection() {
  auto arrive = [client = stream_, net = &network()] {
    virtual_socket* self = client->socket();
    if (self == nullptr) return;  // closed meanwhile
    virtual_socket* listener = self->find_receiver(client->remote, client->local);
    if (listener == nullptr || by_chance(client->conditions().refuse_probability)) {
      client->after_delay([client] {
        if (client->socket() != nullptr) client->socket()->connect_ended(ECONNREFUSED);
      });
      return;
    }
    listener->listening_->offer(*net, *listener, client);
  };
  const time_point t = arrival_time(network(), stream_->conditions());
  if (t <= network().now()) {
    arrive();
  } else {
    network().at(t, std::move(arrive));
  }
}

void virtual_socket::connect_ended(int error) noexcept {
  connecting_.error = error;
  connecting_.state =
      error == 0 ? connect_attempt::phase::established : connect_attempt::phase::failed;
  if (error != 0) stream_ = nullptr;
  activate();
}

// --- datagrams ---

attempt virtual_socket::send_datagram(io_operation& op) {
  if (error_ != 0) return -std::exchange(error_, 0);
  const bool to_peer = op.address == nullptr || op.address->empty() || op.verb() == io_verb::send;
  if (to_peer && remote_.empty()) return family_ == AF_UNIX ? -ENOTCONN : -EDESTADDRREQ;
  socket_address to = to_peer ? remote_ : *op.address;
  if (to.family() != family_) return -EAFNOSUPPORT;
  const std::size_t size = total_size(op.buffers);
  if (size > largest_datagram) return -EMSGSIZE;
  if (!bound_) bind_automatically(to);
  socket_address from = is_wildcard(local_) ? with_port(to, local_.port()) : local_;
  if (find_receiver(to, from) == nullptr) {
    if (family_ == AF_UNIX)
      return network().bound_.contains(table_key(to)) ? -EPERM : -ECONNREFUSED;
    if (to_peer)
      error_ = ECONNREFUSED;  // the unreachable message comes back for the next operation
    activate();
    return static_cast<std::int64_t>(size);
  }
  const network_conditions& conditions = network().conditions();
  if (by_chance(conditions.datagram_loss)) return static_cast<std::int64_t>(size);
  network().at(arrival_time(network(), conditions),
               [net = &network(), key = table_key(to), to, from,
                bytes = collect(op.buffers, size)]() mutable {
                 const auto entry = net->bound_.find(key);
                 if (entry == net->bound_.end()) return;
                 virtual_socket* receiver = entry->second.front()->find_receiver(to, from);
                 if (receiver != nullptr) receiver->deliver_datagram(from, std::move(bytes));
               });
  return static_cast<std::int64_t>(size);
}

void virtual_socket::deliver_datagram(const socket_address& from, std::string bytes) {
  if (mail_size_ + bytes.size() > network().conditions().window && !mail_.empty())
    return;  // no room: dropped
  mail_size_ += bytes.size();
  mail_.push_back({from, std::move(bytes)});
  activate();
}

// --- addresses ---

std::string virtual_socket::table_key(const socket_address& address) const {
  const std::string kind = is_stream() ? "stream " : "datagram ";
  if (family_ == AF_UNIX) return kind + address.host();
  return kind + (family_ == AF_INET6 ? "v6 " : "v4 ") + std::to_string(address.port());
}

bool virtual_socket::is_free(const socket_address& address) const {
  const auto entry = network().bound_.find(table_key(address));
  if (entry == network().bound_.end()) return true;
  const bool shares = option(SOL_SOCKET, SO_REUSEPORT) != 0;
  return std::ranges::all_of(entry->second, [&](const virtual_socket* other) {
    if (!same_host(other->local_, address)) return true;
    return family_ != AF_UNIX && shares && other->option(SOL_SOCKET, SO_REUSEPORT) != 0;
  });
}

int virtual_socket::choose_port(socket_address& address) const {
  std::uint16_t& next = network().next_port_;
  for (int tried = 0; tried <= last_port - first_port; ++tried) {
    if (next < first_port || next > last_port) next = first_port;
    address.set_port(next++);
    if (!network().bound_.contains(table_key(address))) return 0;
  }
  return EADDRINUSE;
}

int virtual_socket::bind_to(socket_address address) {
  if (bound_ || connecting_.state != connect_attempt::phase::none) return EINVAL;
  if (address.family() != family_) return EAFNOSUPPORT;
  if (family_ != AF_UNIX && address.port() == 0) {
    if (const int error = choose_port(address)) return error;
  } else if (!is_free(address)) {
    return EADDRINUSE;
  }
  local_ = address;
  network().bound_[table_key(address)].push_back(this);
  bound_ = true;
  return 0;
}

void virtual_socket::bind_automatically(const socket_address& towards) {
  if (family_ == AF_UNIX) return;
  bind_to(with_port(towards, 0));
}

virtual_socket* virtual_socket::find_receiver(const socket_address& address,
                                              const socket_address& from) const {
  const auto entry = network().bound_.find(table_key(address));
  if (entry == network().bound_.end()) return nullptr;
  std::vector<virtual_socket*> candidates;
  for (virtual_socket* each : entry->second) {
    if (!same_host(each->local_, address)) continue;
    const bool listens = !is_stream() ? each->remote_.empty() || each->remote_ == from
                                      : each->listening_ != nullptr && each->takes_connects_;
    if (listens) candidates.push_back(each);
  }
  if (candidates.empty()) return nullptr;
  if (candidates.size() == 1) return candidates.front();
  return candidates[coro::scheduler::require().random().below(candidates.size())];  // SO_REUSEPORT
}

// --- control ---

void virtual_socket::bind(const socket_address& address) {
  require_open("bind");
  if (const int error = bind_to(address)) fail(error, "bind", address.to_string());
}

void virtual_socket::listen(int backlog) {
  require_open("listen");
  if (!is_stream()) fail(EOPNOTSUPP, "listen");
  if (connecting_.state != connect_attempt::phase::none) fail(EINVAL, "listen");
  if (!bound_) {
    if (family_ == AF_UNIX) fail(EINVAL, "listen");
    if (const int error = bind_to(wildcard_of(family_))) fail(error, "listen");
  }
  if (listening_) {
    listening_->set_backlog(backlog);
  } else {
    listening_ = std::make_unique<listen_queue>(backlog);
  }
}

void virtual_socket::shutdown(int how) {
  require_open("shutdown");
  if (!stream_ || connecting_.state != connect_attempt::phase::established)
    fail(ENOTCONN, "shutdown");
  if (how == SHUT_RD || how == SHUT_RDWR) stream_->shut_read();
  if (how == SHUT_WR || how == SHUT_RDWR) stream_->shut_write();
}

void virtual_socket::set_option(int level, int name, int value) {
  require_open("setsockopt");
  options_[{level, name}] = value;
}

int virtual_socket::option(int level, int name) const {
  require_open("getsockopt");
  if (level == SOL_SOCKET) {
    if (name == SO_ERROR) return stream_ ? stream_->take_error() : std::exchange(error_, 0);
    if (name == SO_TYPE) return type_;
    if (name == SO_DOMAIN) return family_;
    if (name == SO_ACCEPTCONN) return listening_ ? 1 : 0;
  }
  const auto set = options_.find({level, name});
  if (set != options_.end()) return set->second;
  if (level == SOL_SOCKET && name == SO_LINGER) return -1;
  const bool is_size = level == SOL_SOCKET && (name == SO_RCVBUF || name == SO_SNDBUF);
  return is_size ? static_cast<int>(network().conditions().window) : 0;
}

socket_address virtual_socket::local_address() const {
  require_open("getsockname");
  return local_;
}

socket_address virtual_socket::peer_address() const {
  if (connecting_.state != connect_attempt::phase::established) fail(ENOTCONN, "getpeername");
  return remote_;
}

}  // namespace eddy::runtime::detail

#include "dns_channel.hpp"

#include <algorithm>
#include <cerrno>
#include <new>

#include <sys/time.h>

#include <eddy/coro/handle.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net::detail {
namespace {

int family_of(address_family family) noexcept {
  switch (family) {
    case address_family::v4: return AF_INET;
    case address_family::v6: return AF_INET6;
    case address_family::any: break;
  }
  return AF_UNSPEC;
}

void check_status(int status) {
  if (status == ARES_SUCCESS) return;
  if (status == ARES_ENOMEM) throw std::bad_alloc();
  throw error(errc::resolve_failed, std::string("c-ares: ") + ares_strerror(status));
}

}  // namespace

/// What c-ares calls. C code is on the stack: nothing may throw.
struct dns_calls {
  static dns_channel& channel(void* data) noexcept { return *static_cast<dns_channel*>(data); }

  static ares_socket_t open(int family, int type, int protocol, void* data) noexcept {
    dns_channel& owner = channel(data);
    try {
      auto on = owner.loop_->io().open_socket(family, type, protocol);
      const ares_socket_t number = owner.next_number_++;
      owner.sockets_.emplace(
          number, std::make_shared<dns_socket>(owner, number, std::move(on), type == SOCK_STREAM));
      return number;
    } catch (const error& failure) {
      errno = failure.code().category() == std::system_category() ? failure.code().value() : EIO;
    } catch (const std::bad_alloc&) {
      errno = ENOMEM;
    }
    return ARES_SOCKET_BAD;
  }

  static int close(ares_socket_t number, void* data) noexcept {
    dns_channel& owner = channel(data);
    const auto at = owner.sockets_.find(number);
    if (at == owner.sockets_.end()) return -1;
    at->second->close();
    owner.sockets_.erase(at);
    return 0;
  }

  // Connects behind c-ares' back: what it writes is kept until then, and a failure shows when it reads.
  static int connect(ares_socket_t number, const sockaddr* to, ares_socklen_t size,
                     void* data) noexcept {
    const auto at = channel(data).sockets_.find(number);
    if (at == channel(data).sockets_.end()) return -1;
    try {
      spawn(dns_socket::serve(at->second, address(to, size)), {.name = "dns"});
      return 0;
    } catch (const std::bad_alloc&) {
      errno = ENOMEM;
      return -1;
    }
  }

  static ares_ssize_t receive(ares_socket_t number, void* into, size_t size, int, sockaddr* from,
                              ares_socklen_t* from_size, void* data) noexcept {
    dns_socket* on = channel(data).find(number);
    return on != nullptr ? on->read(into, size, from, from_size) : -1;
  }

  static ares_ssize_t send(ares_socket_t number, const iovec* parts, int count,
                           void* data) noexcept {
    dns_socket* on = channel(data).find(number);
    return on != nullptr ? on->write(parts, count) : -1;
  }

  static void state(void* data, ares_socket_t number, int, int writable) noexcept {
    dns_socket* on = channel(data).find(number);
    if (on != nullptr && writable != 0) on->want_write();
  }
};

dns_channel::dns_channel(runtime::loop& on, const dns_options& options) : loop_(&on) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  check_status(library);

  static const ares_socket_functions calls{&dns_calls::open, &dns_calls::close, &dns_calls::connect,
                                           &dns_calls::receive, &dns_calls::send};
  char only_servers[] = "b";
  ares_options settings{};
  settings.timeout = static_cast<int>(std::clamp<std::int64_t>(
      std::chrono::ceil<std::chrono::milliseconds>(options.attempt_timeout).count(), 1,
      std::chrono::milliseconds(std::chrono::hours(1)).count()));
  settings.tries = std::max(options.attempts, 1);
  settings.lookups = only_servers;
  settings.sock_state_cb = &dns_calls::state;
  settings.sock_state_cb_data = this;
  check_status(ares_init_options(
      &channel_, &settings,
      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB));
  ares_set_socket_functions(channel_, &calls, this);
  if (options.servers.empty()) return;
  if (ares_set_servers_ports_csv(channel_, options.servers.c_str()) != ARES_SUCCESS) {
    ares_destroy(channel_);
    throw_invalid_input("DNS servers \"" + options.servers + "\"");
  }
}

dns_channel::~dns_channel() {
  loop_->timers().remove(*this);
  ares_destroy(channel_);
}

void dns_channel::ask(const std::string& host, address_family family,
                      ares_addrinfo_callback answered, void* argument) {
  ares_addrinfo_hints hints{};
  hints.ai_flags = ARES_AI_NOSORT;  // sorting would open sockets of its own
  hints.ai_family = family_of(family);
  hints.ai_socktype = SOCK_STREAM;
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, answered, argument);
  arm();
}

void dns_channel::give_up() noexcept {
  ares_cancel(channel_);
  arm();
}

void dns_channel::process(ares_socket_t readable, ares_socket_t writable) noexcept {
  ares_process_fd(channel_, readable, writable);
  arm();
}

void dns_channel::arm() noexcept {
  loop_->timers().remove(*this);
  timeval storage{};
  const timeval* next = ares_timeout(channel_, nullptr, &storage);
  if (next == nullptr) return;
  const duration wait =
      std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
  // c-ares rounds down to milliseconds of its own clock; without a minimum it would be asked in a tight loop.
  loop_->timers().add(*this,
                      after(loop_->now(), std::max<duration>(wait, std::chrono::milliseconds(1))));
}

dns_socket* dns_channel::find(ares_socket_t number) noexcept {
  const auto at = sockets_.find(number);
  return at != sockets_.end() ? at->second.get() : nullptr;
}

}  // namespace eddy::net::detail

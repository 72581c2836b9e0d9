#include "client_exchange.hpp"

#include "client_conversation.hpp"
#include "client_dialer.hpp"
#include "http1_response.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/timeout.hpp>

namespace eddy::http::detail {
namespace {

namespace http1 = wire::http1;

task<lease> acquire(const exchange_setting& setting, const client_url& url, bool plain,
                    request_progress& at) {
  at.phase = request_phase::queued;
  at.peer = url.where();
  const bool may_share = !plain && may_multiplex(setting.options, url);
  // One that is to become another protocol's must not get a shared connection.
  const std::string alone = plain ? url.origin + " alone" : std::string();
  const std::string& name = plain ? alone : url.origin;
  if (setting.limits.pool == duration::max()) {
    co_return co_await setting.pool.acquire(name, may_share);
  }
  auto place = co_await move_on_after(setting.limits.pool, setting.pool.acquire(name, may_share));
  if (!place) throw at.timed_out(setting.limits.pool, "no connection became free");
  co_return std::move(*place);
}

/// Puts a connection into the place.
task<void> connect(const exchange_setting& setting, lease& place, const client_url& url, bool plain,
                   request_progress& at) {
  const proxy_address* proxy = setting.proxies.choose(url);
  dialed made = co_await dial(setting.options, proxy, url, setting.limits, plain, at);
  ++setting.counts.connects;
  at.peer = made.peer.to_string();
  if (made.multiplexed) {
    place.install(make_multiplexed_connection(any_stream_of(std::move(made.stream)), made.peer));
    co_return;
  }
  place.install(std::make_unique<client_connection>(std::move(made.stream), made.peer,
                                                    setting.options.response_limits));
}

/// On the connection in `place`, made if there is none. False: it ended before a byte of a response, and `was_used`
/// says whether it had served before.
task<bool> try_http1(const exchange_setting& setting, lease& place, const std::string& head,
                     const outgoing_request& request, request_progress& at) {
  const auto failed = [&]() -> request_error {
    return at.failed(http1::errc::incomplete_message,
                     "the server closed the connection without a response");
  };
  for (std::size_t repeated = 0;; ++repeated) {
    ++setting.counts.requests;
    const bool answered = co_await converse(*place.connection(), head, request, setting.limits, at);
    if (answered) co_return true;
    if (repeated >= setting.options.retries || !request.is_repeatable()) throw failed();
    place.drop_connection();
    co_await connect(setting, place, request.url, false, at);
    if (place.connection() == nullptr) co_return false;
  }
}

/// Null: it is to be sent again.
task<std::unique_ptr<incoming_response>> try_shared(const exchange_setting& setting,
                                                    std::shared_ptr<multiplexed_connection> on,
                                                    const outgoing_request& request,
                                                    request_progress& at, bool may_repeat) {
  at.phase = request_phase::waiting;
  ++setting.counts.requests;
  std::unique_ptr<incoming_response> response;
  try {
    response = co_await on->exchange(request, setting.limits);
    response->keeps = on;
  } catch (const error& e) {
    const bool safe = e.code() == request_errc::not_processed ||
                      (e == condition::disconnected && request.is_repeatable());
    if (!safe || !may_repeat) throw;
  }
  co_return response;
}

/// A 101: the connection is not HTTP's any more.
class protocol_change final : public incoming_response {
 public:
  std::optional<std::string_view> take_piece(std::size_t) override { return std::string_view(); }
  task<void> wait() override { co_return; }
  [[nodiscard]] std::uint64_t announced() const noexcept override { return 0; }
};

/// A stream of which some bytes were read too early.
class continued_stream final : public io::stream_interface {
 public:
  continued_stream(io::any_stream under, std::string early) noexcept
      : under_(std::move(under)), early_(std::move(early)) {}

  task<std::size_t> read_some(std::span<std::byte> into) override {
    if (early_.empty()) co_return co_await under_.read_some(into);
    throw_if_cancelled();
    const std::size_t count = std::min(into.size(), early_.size());
    if (count > 0) std::memcpy(into.data(), early_.data(), count);
    early_.erase(0, count);
    co_return count;
  }
  task<std::size_t> write_some(std::span<const std::byte> bytes) override {
    return under_.write_some(bytes);
  }
  task<std::size_t> write_some(io::const_buffers pieces) override {
    return under_.write_some(pieces);
  }
  task<void> shutdown_write() override { return under_.shutdown_write(); }
  task<void> close() override { return under_.close(); }
  void abort() noexcept override { under_.abort(); }

 private:
  io::any_stream under_;
  std::string early_;
};

}  // namespace

client_timeouts limits_of(const client_timeouts& usual, const request_timeouts& asked) {
  client_timeouts made = usual;
  const auto choose = [](duration& limit, const std::optional<duration>& other) {
    limit = other.value_or(limit);
  };
  choose(made.total, asked.total);
  choose(made.pool, asked.pool);
  choose(made.connect, asked.connect);
  choose(made.tls, asked.tls);
  choose(made.first_byte, asked.first_byte);
  choose(made.idle_read, asked.idle_read);
  choose(made.idle_write, asked.idle_write);
  for (duration* limit : {&made.pool, &made.first_byte, &made.idle_read, &made.idle_write}) {
    if (*limit >= made.total) *limit = duration::max();
  }
  return made;
}

task<std::unique_ptr<incoming_response>> exchange(const exchange_setting& setting,
                                                  const outgoing_request& request,
                                                  request_progress& at) {
  const std::string head = head_of(request, setting.proxies.choose(request.url));
  for (std::size_t repeated = 0;; ++repeated) {
    lease place = co_await acquire(setting, request.url, false, at);
    if (client_connection* idle = place.connection()) {
      const bool quiet = co_await idle->is_quiet();
      if (!quiet) place.drop_connection();
    }
    if (place.shared() == nullptr && place.connection() == nullptr) {
      co_await connect(setting, place, request.url, false, at);
    }
    if (place.shared() == nullptr) {
      const bool answered = co_await try_http1(setting, place, head, request, at);
      if (answered) {
        co_return std::make_unique<http1_response>(std::move(place),
                                                   setting.options.response_limits);
      }
    } else {
      auto response = co_await try_shared(setting, place.shared(), request, at,
                                          repeated < setting.options.retries);
      if (response != nullptr) co_return response;
    }
  }
}

task<std::unique_ptr<incoming_response>> exchange_upgrade(
    const exchange_setting& setting, const outgoing_request& request, request_progress& at,
    std::unique_ptr<client_connection>& taken) {
  const std::string head = head_of(request, setting.proxies.choose(request.url));
  lease place = co_await acquire(setting, request.url, true, at);
  place.drop_connection();
  co_await connect(setting, place, request.url, true, at);
  ++setting.counts.requests;
  client_connection& connection = *place.connection();
  const bool answered = co_await converse(connection, head, request, setting.limits, at);
  if (!answered) throw at.failed(http1::errc::incomplete_message, "no response");
  if (!connection.head.switches_protocol()) {
    co_return std::make_unique<http1_response>(std::move(place), setting.options.response_limits);
  }
  auto response = std::make_unique<protocol_change>();
  response->status = connection.head.status();
  response->fields = http::fields(connection.head.fields());
  response->peer = connection.peer();
  response->ended = true;
  taken = place.take();
  co_return response;
}

io::any_stream stream_of(std::unique_ptr<client_connection> connection) {
  std::string early(connection->unread());
  io::any_stream stream = connection->release_stream();
  if (early.empty()) return stream;
  return io::any_stream(std::make_unique<continued_stream>(std::move(stream), std::move(early)));
}

}  // namespace eddy::http::detail

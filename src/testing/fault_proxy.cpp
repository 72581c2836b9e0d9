#include <eddy/testing/fault_proxy.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <eddy/base/error.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/sync/event.hpp>

namespace eddy::testing {
namespace {

using bytes = std::span<const std::byte>;

task<void> send_garbage(net::tcp_stream& to, std::size_t count) {
  random_source& random = coro::scheduler::require().random();
  std::vector<std::byte> noise(count);
  for (std::byte& one : noise) one = static_cast<std::byte>(random.below(256));
  co_await to.write_all(noise);
}

/// One proxied connection: its two ends, and what its two directions share.
struct connection {
  connection(net::tcp_stream from_client, net::tcp_stream to_server,
             fault_proxy_statistics& figures)
      : client(std::move(from_client)), server(std::move(to_server)), counts(figures) {}

  void abort() noexcept {
    client.abort();
    server.abort();
    over.set();
  }

  net::tcp_stream client;
  net::tcp_stream server;
  fault_proxy_statistics& counts;
  event over;  // ends a stall
};

/// One direction of a connection.
class direction {
 public:
  direction(connection& both, net::tcp_stream& from, net::tcp_stream& to, std::uint64_t& passed,
            std::vector<fault> faults)
      : both_(both), from_(from), to_(to), passed_(passed), faults_(std::move(faults)) {}

  /// Passes bytes on until the end; a failure of either side resets both.
  task<void> run() {
    const auto ended = co_await as_result(pass_on());
    if (ended.is_cancelled()) throw ended.cancellation();
    if (ended.has_error()) both_.abort();
    both_.over.set();
  }

 private:
  task<void> pass_on() {
    std::array<std::byte, 16 * 1024> buffer;
    while (!ended_) {
      const std::size_t n = co_await from_.read_some(buffer);
      if (n == 0) {
        co_await to_.shutdown_write();
        break;
      }
      look_for_body(bytes(buffer).first(n));
      co_await pass_on(bytes(buffer).first(n));
    }
  }

  task<void> pass_on(bytes arrived) {
    while (!arrived.empty() && !ended_) {
      std::size_t most = arrived.size();
      if (const auto next = distance_to_fault()) {
        if (*next == 0) {
          co_await happen(take_fault());
          continue;
        }
        most = std::min(most, *next);
      }
      co_await send(arrived.first(most));
      position_ += most;
      arrived = arrived.subspan(most);
    }
  }

  task<void> send(bytes some) {
    const std::size_t dropped = std::min(some.size(), dropping_);
    dropping_ -= dropped;
    some = some.subspan(dropped);
    passed_ += some.size();
    while (fragmenting_ && !some.empty()) {
      co_await to_.write_all(some.first(1));
      some = some.subspan(1);
      co_await yield();
    }
    co_await to_.write_all(some);
  }

  /// Notes where the first empty line ends.
  void look_for_body(bytes arrived) noexcept {
    static constexpr std::string_view end = "\r\n\r\n";
    for (std::size_t i = 0; i < arrived.size() && !body_at_; ++i) {
      const char c = std::to_integer<char>(arrived[i]);
      if (c != end[matched_]) matched_ = 0;
      if (c == end[matched_]) ++matched_;
      if (matched_ == end.size()) body_at_ = position_ + i + 1;
    }
  }

  /// Bytes to be passed on before the next fault; nothing when there is none as far as is known.
  [[nodiscard]] std::optional<std::size_t> distance_to_fault() const noexcept {
    if (faults_.empty()) return std::nullopt;
    const fault& next = faults_.front();
    if (next.where == phase::response_body && !body_at_) return std::nullopt;
    const std::size_t base = next.where == phase::response_body ? *body_at_ : 0;
    const std::size_t at = base + next.offset;
    return at - std::min(at, position_);
  }

  [[nodiscard]] fault take_fault() {
    const fault next = faults_.front();
    faults_.erase(faults_.begin());
    return next;
  }

  task<void> happen(fault what) {
    ++both_.counts.faults;
    switch (what.what) {
      case fault::kind::delay: co_await sleep(what.length); break;
      case fault::kind::drop: dropping_ += what.bytes; break;
      case fault::kind::garbage: co_await send_garbage(to_, what.bytes); break;
      case fault::kind::fragment: fragmenting_ = true; break;
      case fault::kind::half_close:
        co_await to_.shutdown_write();
        dropping_ = std::numeric_limits<std::size_t>::max();  // its sender is not held up
        break;
      case fault::kind::stall:
        ended_ = true;
        co_await both_.over.wait();
        break;
      case fault::kind::close:
        ended_ = true;
        co_await both_.client.close();
        co_await both_.server.close();
        both_.over.set();
        break;
      case fault::kind::reset:
        ended_ = true;
        both_.abort();
        break;
    }
  }

  connection& both_;
  net::tcp_stream& from_;
  net::tcp_stream& to_;
  std::uint64_t& passed_;
  std::vector<fault> faults_;
  std::size_t position_ = 0;  // bytes that have passed
  std::size_t matched_ = 0;   // of the empty line
  std::optional<std::size_t> body_at_;
  std::size_t dropping_ = 0;
  bool fragmenting_ = false;
  bool ended_ = false;
};

/// What happens before the server is asked; false when that was all.
task<bool> happen_at_connect(net::tcp_stream& client, fault what) {
  switch (what.what) {
    case fault::kind::delay: co_await sleep(what.length); co_return true;
    case fault::kind::garbage: co_await send_garbage(client, what.bytes); co_return true;
    case fault::kind::stall: co_await sleep(duration::max()); co_return false;
    case fault::kind::close: co_await client.close(); co_return false;
    default: client.abort(); co_return false;
  }
}

void require_possible(const fault& one) {
  using enum fault::kind;
  const bool needs_bytes = one.what == drop || one.what == fragment || one.what == half_close;
  if (one.where == phase::connect && (needs_bytes || one.offset != 0)) {
    throw_invalid_input("fault_proxy: " + std::string(to_string(one.what)) + " at connect");
  }
}

fault make(fault::kind what, phase where, std::size_t offset) {
  fault made;
  made.what = what;
  made.where = where;
  made.offset = offset;
  return made;
}

/// Those of `faults` that are on the way to the server, or to the client.
std::vector<fault> of_direction(const std::vector<fault>& faults, bool to_server) {
  std::vector<fault> chosen;
  std::ranges::copy_if(faults, std::back_inserter(chosen), [to_server](const fault& one) {
    return one.where != phase::connect && (one.where == phase::request) == to_server;
  });
  return chosen;
}

}  // namespace

std::string_view to_string(phase where) noexcept {
  switch (where) {
    case phase::connect: return "connect";
    case phase::request: return "request";
    case phase::response_head: return "response head";
    case phase::response_body: return "response body";
  }
  return "unknown phase";
}

std::string_view to_string(fault::kind what) noexcept {
  switch (what) {
    case fault::kind::delay: return "delay";
    case fault::kind::drop: return "drop";
    case fault::kind::garbage: return "garbage";
    case fault::kind::fragment: return "fragment";
    case fault::kind::half_close: return "half-close";
    case fault::kind::stall: return "stall";
    case fault::kind::close: return "close";
    case fault::kind::reset: return "reset";
  }
  return "unknown fault";
}

fault fault::delay(phase where, duration length, std::size_t offset) {
  fault made = make(kind::delay, where, offset);
  made.length = length;
  return made;
}
fault fault::drop(phase where, std::size_t bytes, std::size_t offset) {
  fault made = make(kind::drop, where, offset);
  made.bytes = bytes;
  return made;
}
fault fault::garbage(phase where, std::size_t bytes, std::size_t offset) {
  fault made = make(kind::garbage, where, offset);
  made.bytes = bytes;
  return made;
}
fault fault::fragment(phase where, std::size_t offset) {
  return make(kind::fragment, where, offset);
}
fault fault::half_close(phase where, std::size_t offset) {
  return make(kind::half_close, where, offset);
}
fault fault::stall(phase where, std::size_t offset) { return make(kind::stall, where, offset); }
fault fault::close(phase where, std::size_t offset) { return make(kind::close, where, offset); }
fault fault::reset(phase where, std::size_t offset) { return make(kind::reset, where, offset); }

fault_proxy::fault_proxy(net::address server)
    : server_(server),
      listener_(net::tcp_listener::listen(net::address::loopback_v4(0))),
      address_(listener_.local()) {}

void fault_proxy::inject(std::vector<fault> faults, std::size_t connections) {
  for (const fault& one : faults) require_possible(one);
  plans_.push_back({std::move(faults), connections});
}

void fault_proxy::inject(const fault& one, std::size_t connections) {
  inject(std::vector<fault>(1, one), connections);
}

task<void> fault_proxy::serve() {
  const auto handle = [this](net::tcp_stream client) { return pass_on(std::move(client)); };
  co_await net::serve(listener_, handle, net::serve_options(), serving_);
}

fault_proxy_statistics fault_proxy::statistics() const noexcept {
  fault_proxy_statistics now = counts_;
  now.connections = serving_.accepted();
  now.active = serving_.connections();
  return now;
}

std::vector<fault> fault_proxy::next_plan() {
  if (plans_.empty()) return {};
  plan& current = plans_.front();
  std::vector<fault> faults = current.faults;
  if (current.connections != all && --current.connections == 0) plans_.erase(plans_.begin());
  return faults;
}

task<void> fault_proxy::pass_on(net::tcp_stream client) {
  const std::vector<fault> faults = next_plan();
  for (const fault& one : faults) {
    if (one.where != phase::connect) continue;
    ++counts_.faults;
    const bool go_on = co_await happen_at_connect(client, one);
    if (!go_on) co_return;
  }
  auto server = co_await as_result(net::tcp_stream::connect(server_));
  if (!server.has_value()) {
    client.abort();
    if (server.is_cancelled()) throw server.cancellation();
    co_return;
  }
  connection both(std::move(client), std::move(server).value(), counts_);
  direction there(both, both.client, both.server, counts_.to_server, of_direction(faults, true));
  direction back(both, both.server, both.client, counts_.to_client, of_direction(faults, false));
  co_await gather(there.run(), back.run());
}

}  // namespace eddy::testing

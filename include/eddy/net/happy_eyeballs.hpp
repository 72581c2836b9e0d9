// Happy Eyeballs version 2 (RFC 8305): a host with several addresses is reached by the first that answers.
//
// tcp_stream::connect is built on this. It knows no sockets: an attempt is anything that takes an address and gives a
// task.
#pragma once

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <eddy/base/error.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/address.hpp>

namespace eddy::net {

/// No address could be connected to. Its code is the first attempt's, its peer the host. A value, usable anywhere.
class connect_error final : public error {
 public:
  struct attempt {
    address to;
    std::exception_ptr failure;
  };

  /// `attempts` holds at least one, in the order in which they failed.
  connect_error(std::string host, std::vector<attempt> attempts);

  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }
  [[nodiscard]] const std::vector<attempt>& attempts() const noexcept { return attempts_; }

 private:
  std::vector<attempt> attempts_;
  std::string text_;
};

/// RFC 8305, section 4: the families take turns, beginning with that of the first address; within a family the order
/// stays.
[[nodiscard]] std::vector<address> interleave_families(std::vector<address> addresses);

namespace detail {

/// One race over a list of addresses; lives in the frame of race_addresses.
template <class T, class Attempt>
class address_race {
 public:
  explicit address_race(Attempt& attempt) noexcept : attempt_(attempt) {}

  /// Starts the attempts one after the other until one has succeeded; the group then ends the others.
  task<void> run(task_group& group, const std::vector<address>& candidates, duration delay) {
    for (const address& to : candidates) {
      promise<void> failed;
      failed_ = &failed;
      group.spawn(contend(group, to));
      co_await move_on_after(delay, failed.get_future());
      failed_ = nullptr;
    }
  }

  [[nodiscard]] std::optional<T>& winner() noexcept { return winner_; }
  [[nodiscard]] std::vector<connect_error::attempt>& failures() noexcept { return failures_; }

 private:
  task<void> contend(task_group& group, address to) {
    std::exception_ptr failure;
    try {
      T made = co_await attempt_(to);
      if (winner_) co_return;  // a second success in the same turn: closed here
      winner_.emplace(std::move(made));
      group.cancel();
    } catch (const cancelled&) {
      throw;
    } catch (...) {
      failure = std::current_exception();
    }
    if (failure == nullptr) co_return;
    failures_.push_back({to, failure});
    if (failed_ != nullptr) failed_->try_set_value();
  }

  Attempt& attempt_;
  promise<void>* failed_ = nullptr;  // while the next attempt is held back
  std::optional<T> winner_;
  std::vector<connect_error::attempt> failures_;
};

}  // namespace detail

/// Runs `attempt(address)` for each of `candidates` in turn: the next one `delay` after the last, or at once when one
/// has failed. Gives the value of the first to succeed; the others are cancelled and awaited before, and a value that
/// one of them has produced all the same is destroyed. Throws connect_error when all have failed; an empty list throws
/// invalid_input. `host` names the goal in the error.
template <class Attempt, class T = coro::task_result<Attempt, address>>
task<T> race_addresses(std::string host, std::vector<address> candidates, duration delay,
                       Attempt attempt) {
  if (candidates.empty()) throw_invalid_input("no address to connect to");
  detail::address_race<T, Attempt> race(attempt);
  auto body = [&](task_group& group) { return race.run(group, candidates, delay); };
  co_await with_group(body);
  if (!race.winner()) throw connect_error(std::move(host), std::move(race.failures()));
  co_return std::move(*race.winner());
}

}  // namespace eddy::net

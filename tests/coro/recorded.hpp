// What the tests of coro write down: who ended how, in order.
#pragma once

#include <chrono>
#include <exception>
#include <string>
#include <vector>

#include <eddy/base/error.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>

namespace eddy {

using namespace std::chrono_literals;

/// An error of a type of its own, told apart by its name.
struct named_error : std::exception {
  explicit named_error(std::string n) : name(std::move(n)) {}
  [[nodiscard]] const char* what() const noexcept override { return name.c_str(); }
  std::string name;
};

/// "b", or "[a, [b, c]]" for groups; other exceptions as the library describes them.
inline std::string names_of(const std::exception_ptr& failure) {
  if (!failure) return "none";
  try {
    std::rethrow_exception(failure);
  } catch (const named_error& e) {
    return e.name;
  } catch (const exception_group& group) {
    std::string text = "[";
    for (const auto& member : group.members())
      text += (text.size() > 1 ? ", " : "") + names_of(member);
    return text + "]";
  } catch (const timeout_error&) {
    return "timeout";
  } catch (const error& e) {
    return e.code().category() == error_category() ? e.code().message() : e.what();
  } catch (...) {
    return "other";
  }
}

/// "value", "cancelled (timeout)", or the failure's names.
template <class T>
std::string ending(const result<T>& ended) {
  if (ended.has_value()) return "value";
  if (ended.is_cancelled())
    return "cancelled (" + std::string(to_string(ended.cancellation().reason())) + ")";
  return names_of(ended.error());
}

/// How `op` ends, as text.
template <coro::awaitable A>
task<std::string> ending_of(A op) {
  const auto ended = co_await as_result(std::move(op));
  co_return ending(ended);
}

/// Sleeps, then fails.
inline task<void> fail_after(duration d, std::string name) {
  co_await sleep(d);
  throw named_error(name);
}

/// Sleeps, then gives `value`.
template <class T>
task<T> value_after(duration d, T value) {
  co_await sleep(d);
  co_return value;
}

/// Fails with `name` when it is cancelled.
inline task<void> fail_in_cleanup(std::string name) {
  const auto ended = co_await as_result(sleep(1h));
  if (ended.is_cancelled()) throw named_error(name);
}

/// Takes `d` to clean up when it is cancelled, then notes `name`.
inline task<void> clean_slowly(duration d, std::string name, std::vector<std::string>& log) {
  const auto ended = co_await as_result(sleep(1h));
  co_await shield(sleep(d));
  log.push_back(std::move(name));
  static_cast<void>(std::move(ended).value());
}

}  // namespace eddy

// The program behind 03-timeouts.md.
#include "expect.hpp"

#include <chrono>
#include <optional>
#include <string>

#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

eddy::task<std::string> fetch(eddy::duration takes) {
  co_await eddy::sleep(takes);
  co_return "page";
}

eddy::task<std::string> limits() {
  // [limit]
  try {
    co_return co_await eddy::with_timeout(2s, fetch(5s));
  } catch (const eddy::timeout_error&) {
  }

  const std::optional<std::string> page = co_await eddy::move_on_after(2s, fetch(5s));
  co_return page ? *page : "nothing in time";
  // [/limit]
}

// [deadline]
eddy::task<std::string> fetch_twice(eddy::time_point deadline) {
  const std::string first = co_await eddy::with_deadline(deadline, fetch(1s));
  const std::string second = co_await eddy::with_deadline(deadline, fetch(1s));
  co_return first + second;
}
// [/deadline]

// [nested]
eddy::task<std::string> nested() {
  try {
    co_return co_await eddy::with_timeout(1s, eddy::with_timeout(1min, fetch(1h)));
  } catch (const eddy::timeout_error&) {
    co_return "after one second";  // thrown by the outer limit; the inner one let it pass
  }
}
// [/nested]

// [moved]
eddy::task<bool> read_while_it_flows(int pieces) {
  eddy::cancel_scope idle(eddy::after(eddy::now(), 10s));
  auto read = [&](eddy::cancel_scope& scope) -> eddy::task<void> {
    for (int i = 0; i < pieces; ++i) {
      co_await eddy::sleep(8s);                           // a piece arrives
      scope.set_deadline(eddy::after(eddy::now(), 10s));  // and the time starts anew
    }
  };
  co_return co_await eddy::with_scope(idle, read);  // false: ten seconds without a piece
}
// [/moved]

// [left]
eddy::task<bool> another_attempt_makes_sense(eddy::duration typical) {
  co_return eddy::current_deadline() > eddy::after(eddy::now(), typical);
}
// [/left]

eddy::task<void> everything() {
  const auto start = eddy::now();
  const std::string page = co_await limits();
  expect(page == "nothing in time" && eddy::now() - start == 4s);
  const std::string both = co_await fetch_twice(eddy::after(eddy::now(), 3s));
  expect(both == "pagepage");
  const std::string which = co_await nested();
  expect(which == "after one second" && eddy::now() - start == 7s);
  const bool read = co_await read_while_it_flows(5);
  expect(read);
  const bool yes = co_await eddy::with_timeout(2s, another_attempt_makes_sense(1s));
  const bool no = co_await eddy::with_timeout(1s, another_attempt_makes_sense(2s));
  expect(yes && !no);
}

int main() { eddy::testing::run_virtual(everything()); }

// Time limits, and cleanup that may itself wait.
#include <chrono>
#include <iostream>

#include <eddy/eddy.hpp>

using namespace std::chrono_literals;

struct session {
  bool open = false;
};

eddy::task<void> use(session& s) {
  s.open = true;
  co_await eddy::sleep(1h);  // a server that never answers
}

eddy::task<void> say_goodbye(session& s) {
  co_await eddy::sleep(5ms);  // not disturbed by the cancellation that made it necessary
  s.open = false;
}

eddy::task<int> async_main() {
  session s;
  try {
    co_await eddy::with_timeout(20ms, eddy::finally(use(s), [&] { return say_goodbye(s); }));
  } catch (const eddy::timeout_error&) {
    std::cout << "timed out, and the session is " << (s.open ? "open" : "closed") << '\n';
  }

  // The same limit as a value instead of an exception.
  const bool finished = co_await eddy::move_on_after(10ms, eddy::sleep(1h));
  std::cout << (finished ? "finished" : "moved on") << '\n';
  co_return !s.open && !finished ? 0 : 1;
}

int main() { return eddy::run(async_main()); }

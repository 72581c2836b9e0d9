// A handler whose end a test can see.
#pragma once

#include <string>

#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task.hpp>

namespace eddy::http::test {

/// A handler that waits, and says how it ended.
class waiting_handler {
 public:
  task<std::string> run(duration how_long) {
    ++started;
    struct note {
      int& left;
      ~note() { ++left; }
    };
    const note at_exit{left};
    co_await sleep(how_long);
    ++finished;
    co_return "done";
  }

  int started = 0;
  int left = 0;
  int finished = 0;
};

}  // namespace eddy::http::test

#include "unhandled.hpp"

#include <cstdio>
#include <mutex>
#include <utility>

#include <eddy/coro/scheduler.hpp>

namespace eddy::runtime {
namespace {

struct leaving {
  std::exception_ptr failure;
  std::vector<std::source_location> stack;
};

leaving& last_failure() {
  static thread_local leaving last;
  return last;
}

std::terminate_handler previous_handler = nullptr;

[[noreturn]] void write_stack_and_terminate() {
  const auto& last = last_failure();
  if (last.failure && last.failure == std::current_exception()) {
    std::fprintf(stderr, "eddy: main failed: %s\n", describe_exception(last.failure).c_str());
    for (const auto& place : last.stack) {
      std::fprintf(stderr, "    awaited at %s:%u\n", place.file_name(),
                   static_cast<unsigned>(place.line()));
    }
  }
  if (previous_handler != nullptr) previous_handler();
  std::abort();
}

}  // namespace

void watch_unhandled() {
  static std::once_flag installed;
  std::call_once(installed,
                 [] { previous_handler = std::set_terminate(write_stack_and_terminate); });
}

void note_leaving(const std::exception_ptr& failure,
                  std::vector<std::source_location> stack) noexcept {
  last_failure() = {failure, std::move(stack)};
}

}  // namespace eddy::runtime

// What all parts of the load share: figures, randomness, texts.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <type_traits>

#include <eddy/base/random.hpp>
#include <eddy/coro/cancelled.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task.hpp>

namespace soak {

using std::chrono::milliseconds;

constexpr std::size_t largest_body = 1 << 20;
constexpr std::size_t largest_message = 128 << 10;

struct counts {
  std::uint64_t requests = 0;   // answered, and the answer compared
  std::uint64_t messages = 0;   // of WebSockets, that came back the same
  std::uint64_t cancelled = 0;  // given up on purpose, or dropped
  std::uint64_t timers = 0;     // expired or cancelled
  std::uint64_t tasks = 0;      // spawned and joined
  std::uint64_t calls = 0;      // made on threads
  std::uint64_t failures = 0;
  std::atomic<std::uint64_t> slow = 0;  // reports of the watchdog, which has a thread of its own
};

inline void tell_failure(counts& sum, std::string_view what, std::string_view why) {
  if (++sum.failures > 20) return;
  std::fprintf(stderr, "soak: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(why.size()), why.data());
}

/// Words that compressors find something in; all bodies and messages are pieces of it.
class text_source {
 public:
  explicit text_source(eddy::random_source& random) {
    std::array<std::string, 500> words;
    for (std::string& word : words) {
      word.resize(2 + random.below(9));
      for (char& letter : word) letter = static_cast<char>('a' + random.below(26));
    }
    while (all_.size() < 2 * largest_body) all_ += words[random.below(words.size())] + ' ';
  }
  [[nodiscard]] std::string_view piece(std::size_t from, std::size_t size) const {
    return std::string_view(all_).substr(from % largest_body, std::min(size, largest_body));
  }

 private:
  std::string all_;
};

class world {
 public:
  world(counts& figures, std::uint64_t seed) : sum(figures), random(seed), text(random) {}

  counts& sum;
  eddy::random_source random;
  text_source text;

  [[nodiscard]] bool chance(std::uint64_t percent) { return random.below(100) < percent; }
  /// Mostly small, each power of two as likely as any other.
  [[nodiscard]] std::size_t size(std::size_t most) {
    const std::size_t bound = most >> random.below(12);
    return static_cast<std::size_t>(random.below(bound + 1));
  }
  [[nodiscard]] std::size_t place() { return static_cast<std::size_t>(random.below(largest_body)); }
  /// A time around `mean`, up to twice as long.
  [[nodiscard]] eddy::duration time(eddy::duration mean) {
    return eddy::duration(
        static_cast<long>(random.below(2 * static_cast<std::uint64_t>(mean.count()))));
  }
  void compare(std::string_view what, std::string_view got, std::string_view expected) {
    if (got != expected) tell_failure(sum, what, "another answer than expected");
  }
};

/// Repeats `once(w, ...)` with a pause around `think` between two; what it throws is a failure.
template <class... Args>
eddy::task<void> repeat(const char* what, eddy::duration think, world& w,
                        eddy::task<void> (*once)(world&, Args&...),
                        std::type_identity_t<Args>&... args) {
  for (;;) {
    co_await eddy::sleep(w.time(think));
    try {
      co_await once(w, args...);
    } catch (const eddy::cancelled&) {
      throw;
    } catch (const std::exception& failure) {
      tell_failure(w.sum, what, failure.what());
    }
  }
}

}  // namespace soak

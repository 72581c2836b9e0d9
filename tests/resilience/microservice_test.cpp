#include <eddy/resilience/microservice.hpp>

#include "error_code.hpp"

#include <chrono>
#include <stdexcept>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy {
namespace {

using namespace std::chrono_literals;
using eddy::testing::settle;
using tests::code_of;
using tests::code_thrown_by;

// The other side: fails so often, then answers after `each`.
struct remote {
  int failures = 0;
  duration each{};
  int calls = 0;
  task<int> ask() {
    const int call = ++calls;
    co_await sleep(each);
    if (call <= failures) throw std::runtime_error("unavailable");
    co_return call;
  }
};

EDDY_TEST(microservice, retries_what_fails_and_gives_the_value) {
  remote r{.failures = 2, .each = 1s};
  microservice service({.name = "billing"});
  const int value = co_await service.call([&] { return r.ask(); });
  EXPECT_EQ(value, 3);
  const auto counts = service.statistics();
  EXPECT_EQ(counts.calls, 1u);
  EXPECT_EQ(counts.succeeded, 1u);
  EXPECT_EQ(counts.attempts, 3u);
  EXPECT_EQ(counts.circuit.failed, 2u);
}

EDDY_TEST(microservice, makes_as_many_further_attempts_as_it_may) {
  remote r{.failures = 100};
  microservice service({.retry_count = 3});
  const auto ended = co_await as_result(service.call([&] { return r.ask(); }));
  EXPECT_TRUE(holds_exception<std::runtime_error>(ended.error()));
  EXPECT_EQ(r.calls, 4);
  EXPECT_EQ(service.statistics().failed, 1u);
}

EDDY_TEST(microservice, limits_each_attempt_in_time_and_counts_that_as_a_failure) {
  remote r{.each = 1h};
  microservice service({.timeout = 2s, .retry_count = 1});
  const auto ended = co_await as_result(service.call([&] { return r.ask(); }));
  EXPECT_EQ(code_of(ended), condition::timed_out);
  EXPECT_EQ(r.calls, 2);
  EXPECT_EQ(service.statistics().circuit.failed, 2u);
}

EDDY_TEST(microservice, limits_all_attempts_together_in_time) {
  remote r{.failures = 100, .each = 1s};
  microservice service({.total_timeout = 5s, .retry_count = 1000});
  const time_point start = now();
  const auto ended = co_await as_result(service.call([&] { return r.ask(); }));
  EXPECT_TRUE(ended.has_error());
  EXPECT_LE(now() - start, 5s);
}

EDDY_TEST(microservice, rejects_at_once_while_its_circuit_is_open) {
  remote r{.failures = 100};
  microservice service({.retry_count = 9, .failure_threshold = 3});
  const auto first = co_await as_result(service.call([&] { return r.ask(); }));
  EXPECT_EQ(code_of(first), resilience::errc::circuit_open);
  EXPECT_EQ(r.calls, 3);
  const time_point start = now();
  const auto second = co_await as_result(service.call([&] { return r.ask(); }));
  EXPECT_EQ(code_of(second), condition::overloaded);
  EXPECT_EQ(now(), start);
  EDDY_REQUIRE(service.breaker() != nullptr);
  service.breaker()->close();
  r.failures = 0;
  const int value = co_await service.call([&] { return r.ask(); });
  EXPECT_EQ(value, 4);
}

EDDY_TEST(microservice, bounds_what_runs_and_what_waits) {
  remote r{.each = 1s};
  microservice service({.max_concurrent = 2, .max_waiting = 1});
  const auto call = [&]() -> task<int> {
    co_return co_await service.call([&] { return r.ask(); });
  };
  std::vector<task_handle<int>> calls;
  for (int i = 0; i < 4; ++i) {
    calls.push_back(spawn(call));
    co_await settle();
  }
  EXPECT_EQ(r.calls, 2);
  const auto rejected = co_await as_result(calls[3]);
  EXPECT_EQ(code_of(rejected), resilience::errc::bulkhead_full);
  for (int i = 0; i < 3; ++i) static_cast<void>(co_await calls[static_cast<std::size_t>(i)]);
  EXPECT_EQ(service.statistics().places.running, 0u);
}

EDDY_TEST(microservice, keeps_to_its_rate) {
  remote r{};
  microservice service({.rate_limit = 2, .rate_period = 1s});
  const time_point start = now();
  for (int i = 0; i < 6; ++i) static_cast<void>(co_await service.call([&] { return r.ask(); }));
  EXPECT_EQ(now() - start, 2s);
}

EDDY_TEST(microservice, gives_everything_back_when_a_call_is_cancelled) {
  remote r{.each = 1h};
  microservice service({.max_concurrent = 1});
  const auto call = [&]() -> task<int> {
    co_return co_await service.call([&] { return r.ask(); });
  };
  auto running = spawn(call);
  auto waiting = spawn(call);
  co_await settle();
  waiting.cancel();
  running.cancel();
  co_await settle();
  EXPECT_TRUE(running.done() && waiting.done());
  const auto counts = service.statistics();
  EXPECT_EQ(counts.cancelled, 2u);
  EXPECT_EQ(counts.failed, 0u);
  EXPECT_EQ(counts.places.running, 0u);
  EXPECT_EQ(counts.places.waiting, 0u);
  EXPECT_EQ(counts.circuit.failed, 0u);
}

EDDY_TEST(microservice, works_without_a_circuit_breaker) {
  remote r{.failures = 20};
  microservice service({.retry_count = 20, .failure_threshold = 0});
  EXPECT_EQ(service.breaker(), nullptr);
  const int value = co_await service.call([&] { return r.ask(); });
  EXPECT_EQ(value, 21);
}

TEST(microservice_values, outside_their_range_throw_invalid_input) {
  EXPECT_EQ(code_thrown_by([] { const microservice m({.max_concurrent = 0}); }),
            errc::invalid_input);
}

}  // namespace
}  // namespace eddy

// The program behind 10-testing.md: a GoogleTest program without a main of its own.
#include <chrono>
#include <functional>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/net/net.hpp>
#include <eddy/sync/semaphore.hpp>
#include <eddy/testing/async_mock.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/gtest.hpp>

using namespace std::chrono_literals;

// [code]
using fetcher = std::function<eddy::task<std::string>(int)>;

eddy::task<std::string> fetch_patiently(const fetcher& fetch, int id) {
  for (int attempt = 1;; ++attempt) {
    auto page = co_await eddy::as_result(eddy::with_timeout(5s, fetch(id)));
    if (page.has_value()) co_return *page;
    if (page.is_cancelled() || attempt == 3) co_return std::move(page).value();  // throws
    co_await eddy::sleep(1min);
  }
}
// [/code]

// [test]
EDDY_TEST(fetch_patiently, tries_again_after_a_minute) {
  eddy::testing::async_mock<std::string(int)> fetch;
  fetch.then_throws(eddy::error(eddy::errc::closed)).returns("page");

  const fetcher by_mock = std::ref(fetch);
  const std::string page = co_await fetch_patiently(by_mock, 7);

  EXPECT_EQ(page, "page");
  EXPECT_EQ(eddy::now().time_since_epoch(), 1min);  // of virtual time
  EXPECT_THAT(fetch.calls(), testing::SizeIs(2));
}
// [/test]

// [require]
EDDY_TEST(fetch_patiently, gives_up_on_a_page_that_hangs) {
  eddy::testing::async_mock<std::string(int)> fetch;
  fetch.returns("page").delays(1h);

  const fetcher by_mock = std::ref(fetch);
  const auto page = co_await eddy::as_result(fetch_patiently(by_mock, 7));

  EDDY_REQUIRE(page.has_error());  // in place of ASSERT_: throws
  EXPECT_TRUE(eddy::holds_exception<eddy::timeout_error>(page.error()));
  EXPECT_EQ(fetch.cancelled(), 3u);
}
// [/require]

// [steps]
EDDY_TEST(clock, can_be_moved_by_hand) {
  bool rang = false;
  auto alarm = [&]() -> eddy::task<void> {
    co_await eddy::sleep(10s);
    rang = true;
  };
  auto ringing = eddy::spawn(alarm);
  co_await eddy::testing::settle();  // until everybody else is blocked; time stands still
  eddy::testing::advance(9s);
  co_await eddy::testing::settle();
  EXPECT_FALSE(rang);
  co_await ringing;
  EXPECT_TRUE(rang);
}
// [/steps]

// [network]
eddy::task<void> say_hello(eddy::net::tcp_stream peer) { co_await peer.write_all("hello\n"); }

EDDY_TEST(network, is_in_memory_and_as_slow_as_you_like) {
  eddy::testing::virtual_io().network().conditions().latency = 100ms;
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(80));
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(eddy::net::serve(listener, say_hello));
    auto stream = co_await eddy::net::tcp_stream::connect("127.0.0.1", 80);
    EXPECT_EQ(eddy::now().time_since_epoch(), 200ms);  // there and back
    eddy::io::buffered_reader reader(stream);
    const auto line = co_await reader.read_line();
    EXPECT_EQ(*line, "hello");
    group.cancel();
  });
}
// [/network]

// [recorder]
eddy::task<void> fail() {
  co_await eddy::yield();
  throw std::runtime_error("unseen");
}

EDDY_TEST(unseen_failures, fail_the_test_unless_it_records_them) {
  eddy::testing::error_recorder unseen;
  eddy::spawn(fail());
  co_await eddy::sleep(1ms);
  EXPECT_EQ(unseen.count(), 1u);
}
// [/recorder]

// [everywhere]
eddy::task<void> use_one(eddy::semaphore& permits) {
  const auto permit = co_await permits.acquire();
  co_await eddy::sleep(1s);
}

TEST(use_one, keeps_no_permit_wherever_it_is_cancelled) {
  eddy::testing::cancel_everywhere([](eddy::testing::trial& t) -> eddy::task<void> {
    eddy::semaphore permits(1);
    const auto ended = co_await t.expose(use_one(permits));  // disturbed at another point each time
    EXPECT_EQ(permits.statistics().available, 1);
  });
}
// [/everywhere]

// [plain]
TEST(without_gtest, run_virtual_works_in_any_framework) {
  const int answer = eddy::testing::run_virtual([]() -> eddy::task<int> {
    co_await eddy::sleep(std::chrono::hours(24 * 365));
    co_return 42;
  });
  EXPECT_EQ(answer, 42);
}
// [/plain]

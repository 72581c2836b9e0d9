// The program behind 09-resilience.md.
#include "expect.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/resilience/resilience.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;

/// Fails as often as it is told to.
struct remote {
  int failures = 0;
  int calls = 0;

  eddy::task<std::string> fetch() {
    ++calls;
    co_await eddy::sleep(10ms);
    if (failures-- > 0) throw eddy::error(make_error_code(std::errc::connection_reset), "fetch");
    co_return "page";
  }
};

// [retry]
eddy::task<std::string> fetch_patiently(remote& there) {
  const auto policy = eddy::retry_policy()
                          .limit(eddy::stop_after_attempts(5) | eddy::stop_before(30s))
                          .pause(eddy::full_jitter(eddy::wait_exponential({.factor = 50ms})))
                          .on({eddy::condition::disconnected, eddy::condition::timed_out});
  co_return co_await eddy::retry(policy, [&] { return eddy::with_timeout(2s, there.fetch()); });
}
// [/retry]

// [composed]
struct billing {
  explicit billing(remote& service) : there(service) {}

  eddy::task<std::string> fetch() {
    auto limited = [&] { return eddy::with_timeout(2s, there.fetch()); };
    auto guarded = [&] { return breaker.call(limited); };
    co_return co_await eddy::retry(policy, guarded);
  }

  remote& there;
  eddy::retry_policy policy = eddy::retry_policy().attempts(3);
  eddy::circuit_breaker breaker{{.name = "billing", .failure_threshold = 5, .reset_time = 30s}};
};
// [/composed]

// [microservice]
struct catalogue {
  explicit catalogue(remote& service) : there(service) {}

  eddy::task<std::string> fetch() {
    return calls.call([&] { return there.fetch(); });
  }

  remote& there;
  eddy::microservice calls{{.name = "catalogue",
                            .max_concurrent = 20,
                            .timeout = 2s,
                            .retry_count = 2,
                            .failure_threshold = 5,
                            .rate_limit = 100}};
};
// [/microservice]

// [open]
eddy::task<std::string> page_or_excuse(billing& b) {
  try {
    co_return co_await b.fetch();
  } catch (const eddy::error& e) {
    if (e == eddy::condition::overloaded) co_return "try again later";  // nothing was called
    throw;
  }
}
// [/open]

eddy::task<void> limits(remote& there) {
  // [limiter]
  eddy::token_bucket limit(10, 1s);  // ten at once after a rest, ten per second in the long run
  const auto start = eddy::now();
  for (int i = 0; i < 30; ++i) co_await limit.acquire();
  const eddy::duration took = eddy::now() - start;  // two seconds
  // [/limiter]
  expect(took == 2s);

  // [bulkhead]
  eddy::bulkhead reports({.name = "reports", .max_concurrent = 4, .max_waiting = 16});
  const std::string page = co_await reports.call([&] { return there.fetch(); });
  // [/bulkhead]
  expect(page == "page");
}

// [batcher]
struct users {
  eddy::task<std::vector<std::string>> load(std::vector<int> ids) {
    ++queries;  // one query for all of them
    co_await eddy::sleep(5ms);
    std::vector<std::string> names;
    for (const int id : ids) names.push_back("user " + std::to_string(id));
    co_return names;
  }
  int queries = 0;
};

eddy::task<int> load_many(users& table) {
  auto load = [&](std::vector<int> ids) { return table.load(std::move(ids)); };
  eddy::batcher<int, std::string> by_id(load, {.max_size = 50, .max_age = 5ms});
  std::vector<int> ids(100, 7);
  const auto names =
      co_await eddy::gather_each(ids, [&](int id) { return by_id.submit(id); }, {.limit = 100});
  co_await by_id.close();
  co_return static_cast<int>(names.size());
}
// [/batcher]

struct connection {
  int queries = 0;
  eddy::task<void> query() {
    co_await eddy::sleep(1ms);
    ++queries;
  }
};

// [pool]
eddy::task<connection> open_connection() {
  co_await eddy::sleep(20ms);
  co_return connection();
}

eddy::task<void> use_a_pool() {
  eddy::connection_pool<connection> pool(open_connection, {.min = 1, .max = 5});
  co_await pool.start();
  {
    const auto leased = co_await pool.acquire();
    co_await leased->query();
  }  // back in the pool
  co_await pool.close();
}
// [/pool]

// [cache]
eddy::task<int> ask_often(remote& there) {
  auto load = [&](const std::string&) { return there.fetch(); };
  eddy::cache<std::string, std::string> pages(load, {.capacity = 100, .ttl = 60s});
  const std::vector<std::string> same(50, "/index");
  co_await eddy::gather_each(same, [&](const std::string& path) { return pages.get(path); });
  co_return there.calls;  // one: the others waited for it
}
// [/cache]

eddy::task<void> everything() {
  remote flaky{.failures = 3};
  const std::string page = co_await fetch_patiently(flaky);
  expect(page == "page" && flaky.calls == 4);

  remote broken{.failures = 1000};
  billing b(broken);
  for (int i = 0; i < 2; ++i) {
    const auto failed = co_await eddy::as_result(b.fetch());
    expect(!failed.has_value());
  }
  const std::string excuse = co_await page_or_excuse(b);
  expect(excuse == "try again later");

  remote again{.failures = 2};
  catalogue c(again);
  const std::string found = co_await c.fetch();
  expect(found == "page" && again.calls == 3);

  remote good;
  co_await limits(good);
  users table;
  const int loaded = co_await load_many(table);
  expect(loaded == 100 && table.queries == 2);
  co_await use_a_pool();
  remote slow;
  const int calls = co_await ask_often(slow);
  expect(calls == 1);
}

int main() { eddy::testing::run_virtual(everything()); }

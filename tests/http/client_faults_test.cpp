// The client behind a proxy that does what networks do: every request ends in its response or in a request_error within
// its time limit, and no connection is lost from the books.
#include "server_fixture.hpp"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/error_recorder.hpp>
#include <eddy/testing/fault_proxy.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/tls/certificate_authority.hpp>
#include <eddy/tls/context.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using eddy::testing::fault;
using eddy::testing::fault_proxy;
using eddy::testing::phase;

constexpr duration limit = 5s;

client_options impatient() {
  client_options options;
  options.timeouts.total = limit;
  return options;
}

/// What one request came to.
struct outcome {
  outcome() = default;
  bool answered = false;  // with the page
  int status = 0;         // of a response
  std::error_code failure;
  request_phase where = request_phase::preparing;
  duration took{};
};

using request_maker = std::function<task<client_response>(client&, const std::string& base)>;

/// Makes a request and checks what holds for all: it ends in time, in the right response or in a request_error.
task<outcome> make_request(client& c, const request_maker& make, const std::string& base,
                           const std::string& expected) {
  outcome came;
  const time_point start = now();
  try {
    client_response response = co_await make(c, base);
    const std::string body = co_await response.body();
    came.status = response.status();
    came.answered = came.status == 200;
    if (came.answered) {
      EXPECT_TRUE(body == expected) << "the response is complete, or there is an error";
    }
  } catch (const request_error& failed) {
    came.failure = failed.code();
    came.where = failed.phase();
  }
  came.took = now() - start;
  EXPECT_LE(came.took, limit);
  EXPECT_EQ(c.statistics().connections, c.statistics().idle);
  EXPECT_EQ(c.statistics().waiting, 0u);
  co_return came;
}

std::string numbers(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += std::to_string(i) + "\n";
  return text;
}

const std::string& page() {
  static const std::string made = numbers(400);
  return made;
}

using faults_body = std::function<task<void>(fault_proxy&, const std::string& base)>;

/// Runs `body` beside a server and a proxy in front of it.
task<void> with_faults(faults_body body) {
  eddy::testing::error_recorder ignored;  // the server's side of what is done to its connections
  server app;
  app.get("/", [](request&) { return page(); });
  app.post("/echo", [](request& r) -> task<std::string> {
    const std::string_view sent = co_await r.body();
    co_return std::string(sent);
  });
  auto run = [&](net::address at) -> task<void> {
    fault_proxy proxy(at);
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(proxy.serve());
      co_await body(proxy, "http://" + proxy.address().to_string());
      proxy.close();
    };
    co_await with_group(both);
    EXPECT_EQ(proxy.statistics().active, 0u);
  };
  co_await with_server(app, run);
}

task<client_response> get_page(client& c, const std::string& base) { return c.get(base + "/"); }

task<client_response> post_page(client& c, const std::string& base) {
  return c.post(base + "/echo", page());
}

const std::vector<request_maker>& makers() {
  static const std::vector<request_maker> made{get_page, post_page};
  return made;
}

/// One request per fault, each on a new connection, and then one without faults by the same client.
task<void> check_faults(const std::vector<fault>& faults, request_maker make,
                        std::function<void(const fault&, const outcome&)> judge) {
  co_await with_faults([&](fault_proxy& proxy, const std::string& base) -> task<void> {
    for (const fault& one : faults) {
      const ::testing::ScopedTrace at(__FILE__, __LINE__,
                                      std::string(to_string(one.what)) + " at " +
                                          std::string(to_string(one.where)) + " " +
                                          std::to_string(one.offset));
      client c(impatient());
      proxy.inject(one);
      const std::uint64_t before = proxy.statistics().faults;
      const outcome came = co_await make_request(c, make, base, page());
      EXPECT_GT(proxy.statistics().faults, before) << "the fault has happened";
      judge(one, came);
      proxy.clear();
      const outcome after = co_await make_request(c, make, base, page());
      EXPECT_TRUE(after.answered) << after.failure.message();
      c.close();
      EXPECT_EQ(c.statistics().connections, 0u);
    }
  });
}

const std::vector<phase> phases{phase::connect, phase::request, phase::response_head,
                                phase::response_body};

/// `make(phase, offset)` for each phase, at its beginning and a little later.
template <class Make>
std::vector<fault> at_each_phase(Make make, bool with_connect) {
  std::vector<fault> made;
  for (const phase where : phases) {
    if (where == phase::connect) {
      if (with_connect) made.push_back(make(where, 0));
      continue;
    }
    made.push_back(make(where, 0));
    made.push_back(make(where, 9));
  }
  return made;
}

EDDY_TEST(client_faults, a_delay_within_the_limit_is_only_a_delay) {
  const auto short_delay = [](phase where, std::size_t at) { return fault::delay(where, 2s, at); };
  for (const request_maker& make : makers()) {
    co_await check_faults(at_each_phase(short_delay, true), make,
                          [](const fault&, const outcome& came) {
                            EXPECT_TRUE(came.answered) << came.failure.message();
                            EXPECT_GE(came.took, 2s);
                          });
  }
}

EDDY_TEST(client_faults, a_delay_beyond_the_limit_is_a_timeout) {
  const auto long_delay = [](phase where, std::size_t at) { return fault::delay(where, 1h, at); };
  co_await check_faults(at_each_phase(long_delay, true), get_page,
                        [](const fault&, const outcome& came) {
                          EXPECT_EQ(came.failure, condition::timed_out);
                          EXPECT_EQ(came.took, limit);
                        });
}

EDDY_TEST(client_faults, a_stall_is_a_timeout_at_its_phase) {
  const auto stall = [](phase where, std::size_t at) { return fault::stall(where, at); };
  co_await check_faults(
      at_each_phase(stall, true), get_page, [](const fault& one, const outcome& came) {
        EXPECT_EQ(came.failure, condition::timed_out);
        const bool in_body = one.where == phase::response_body;
        EXPECT_EQ(came.where, in_body ? request_phase::reading : request_phase::waiting);
      });
}

EDDY_TEST(client_faults, byte_by_byte_is_as_good_as_at_once) {
  for (const request_maker& make : makers()) {
    co_await check_faults(
        at_each_phase([](phase where, std::size_t at) { return fault::fragment(where, at); },
                      false),
        make, [](const fault&, const outcome& came) {
          EXPECT_TRUE(came.answered) << came.failure.message();
        });
  }
}

EDDY_TEST(client_faults, a_reset_is_an_error_wherever_it_comes) {
  const auto reset = [](phase where, std::size_t at) { return fault::reset(where, at); };
  for (const request_maker& make : makers()) {
    co_await check_faults(at_each_phase(reset, true), make, [](const fault&, const outcome& came) {
      EXPECT_EQ(came.failure, condition::disconnected);
    });
  }
}

EDDY_TEST(client_faults, a_close_is_an_error_wherever_it_comes) {
  const auto close = [](phase where, std::size_t at) { return fault::close(where, at); };
  co_await check_faults(at_each_phase(close, true), get_page,
                        [](const fault&, const outcome& came) { EXPECT_FALSE(came.answered); });
}

EDDY_TEST(client_faults, half_of_a_response_is_not_taken_for_all_of_it) {
  const std::vector<fault> faults{
      fault::half_close(phase::request, 9), fault::half_close(phase::response_head),
      fault::half_close(phase::response_head, 9), fault::half_close(phase::response_body),
      fault::half_close(phase::response_body, 9)};
  co_await check_faults(faults, get_page,
                        [](const fault&, const outcome& came) { EXPECT_FALSE(came.answered); });
}

EDDY_TEST(client_faults, bytes_that_vanish_or_come_from_nowhere_do_not_hang_the_client) {
  const std::vector<fault> faults{
      fault::drop(phase::response_head, 5), fault::drop(phase::response_body, 5, 9),
      fault::garbage(phase::connect, 50), fault::garbage(phase::response_head, 50)};
  co_await check_faults(faults, get_page, [](const fault&, const outcome& came) {
    EXPECT_EQ(came.status, 0) << "an error, not a response";
  });
}

EDDY_TEST(client_faults, a_request_that_is_changed_on_its_way_gets_the_servers_refusal) {
  const std::vector<fault> faults{fault::drop(phase::request, 5, 9),
                                  fault::garbage(phase::request, 50)};
  co_await check_faults(faults, get_page,
                        [](const fault&, const outcome& came) { EXPECT_EQ(came.status, 400); });
}

EDDY_TEST(client_faults, a_safe_request_is_sent_again_when_its_first_connection_dies) {
  co_await with_faults([](fault_proxy& proxy, const std::string& base) -> task<void> {
    const std::vector<fault> faults{fault::reset(phase::request, 3),
                                    fault::close(phase::request, 3),
                                    fault::half_close(phase::response_head)};
    for (const fault& one : faults) {
      client c(impatient());
      proxy.inject(one, 1);
      const outcome came = co_await make_request(c, get_page, base, page());
      EXPECT_TRUE(came.answered) << to_string(one.what) << ": " << came.failure.message();
      EXPECT_EQ(c.statistics().connects, 2u);
    }
  });
}

EDDY_TEST(client_faults, many_requests_at_once_all_end) {
  co_await with_faults([](fault_proxy& proxy, const std::string& base) -> task<void> {
    const auto options = [] {
      client_options made = impatient();
      made.max_connections_per_host = 5;
      return made;
    }();
    client c(options);
    proxy.inject(fault::reset(phase::response_body, 100), 3);
    proxy.inject(fault::stall(phase::response_head, 5), 2);
    proxy.inject(fault::close(phase::request, 1), 3);
    int answered = 0;
    int failed = 0;
    auto all = [&](task_group& group) -> task<void> {
      for (int i = 0; i < 50; ++i) {
        group.spawn([&]() -> task<void> {
          try {
            client_response response = co_await c.get(base + "/");
            const std::string body = co_await response.body();
            EXPECT_TRUE(body == page());
            ++answered;
          } catch (const request_error&) {
            ++failed;
          }
        });
      }
      co_return;
    };
    co_await with_group(all);
    EXPECT_EQ(answered + failed, 50);
    EXPECT_GE(failed, 5) << "the resets in a body and the stalls cannot be made good";
    EXPECT_GE(answered, 30);
    EXPECT_EQ(c.statistics().connections, c.statistics().idle);
    EXPECT_EQ(c.statistics().waiting, 0u);
  });
}

/// Faults over TLS, where positions count what is encrypted: in the handshake and behind it.
std::vector<fault> faults_under_tls() {
  std::vector<fault> made;
  for (const std::size_t at : {std::size_t{0}, std::size_t{3}, std::size_t{250}}) {
    for (const phase where : {phase::request, phase::response_head}) {
      made.push_back(fault::reset(where, at));
      made.push_back(fault::close(where, at));
      made.push_back(fault::half_close(where, at));
      made.push_back(fault::stall(where, at));
      made.push_back(fault::garbage(where, 20, at));
    }
  }
  for (const std::size_t at : {std::size_t{3'000}, std::size_t{10'000}}) {  // in the response
    made.push_back(fault::reset(phase::response_head, at));
    made.push_back(fault::close(phase::response_head, at));
    made.push_back(fault::half_close(phase::response_head, at));
    made.push_back(fault::stall(phase::response_head, at));
    made.push_back(fault::garbage(phase::response_head, 20, at));
    made.push_back(fault::drop(phase::response_head, 20, at));
  }
  return made;
}

EDDY_TEST(client_faults, none_of_them_hangs_a_client_over_tls_or_deceives_it) {
  eddy::testing::error_recorder ignored;  // the server's side
  const tls::certificate_authority authority;
  tls::server_options serving;
  serving.certificates.push_back(authority.issue({"127.0.0.1"}));
  const auto context = tls::context::server(serving);
  tls::client_options trusting;
  trusting.authorities = authority.trusted();
  client_options options = impatient();
  options.tls = tls::context::client(trusting);
  const std::string large = numbers(3'000);
  server app;
  app.get("/", [&](request&) { return large; });
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  fault_proxy proxy(listener.local());
  const std::string base = "https://" + proxy.address().to_string();
  auto all = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener, context));
    group.spawn(proxy.serve());
    for (const fault& one : faults_under_tls()) {
      const ::testing::ScopedTrace at(__FILE__, __LINE__,
                                      std::string(to_string(one.what)) + " at " +
                                          std::string(to_string(one.where)) + " " +
                                          std::to_string(one.offset));
      client c(options);
      proxy.inject(one);
      const outcome came = co_await make_request(c, get_page, base, large);
      EXPECT_EQ(came.status, 0) << "an error, not a response";
      proxy.clear();
      const outcome after = co_await make_request(c, get_page, base, large);
      EXPECT_TRUE(after.answered) << after.failure.message();
      c.close();
      EXPECT_EQ(c.statistics().connections, 0u);
    }
    proxy.close();
    app.shutdown();
  };
  co_await with_group(all);
}

}  // namespace
}  // namespace eddy::http::test

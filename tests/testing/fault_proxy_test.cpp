#include <eddy/testing/fault_proxy.hpp>

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/testing/gtest.hpp>

namespace eddy::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view question = "GET / HTTP/1.1\r\n\r\n";
constexpr std::string_view answer = "HTTP/1.1 200 OK\r\n\r\nthe body of the answer";
constexpr std::size_t head_size = 19;

/// How a conversation through the proxy went, as the client saw it.
struct conversation {
  conversation() = default;
  std::string heard;
  std::error_code failure;  // of reading or writing
  std::size_t reads = 0;
  duration took{};
};

/// Reads up to the end; what came before a failure counts.
task<void> listen(net::tcp_stream& from, conversation& notes) {
  std::array<std::byte, 256> buffer;
  try {
    for (;;) {
      const std::size_t n = co_await from.read_some(buffer);
      if (n == 0) co_return;
      ++notes.reads;
      notes.heard.append(io::text_of(std::span(buffer).first(n)));
    }
  } catch (const error& failure) {
    notes.failure = failure.code();
  }
}

/// What the server heard on each of its connections.
using server_notes = std::vector<conversation>;

/// A server that answers when it has heard the question's end, and closes when the client has.
task<void> answer_one(net::tcp_stream peer, server_notes& all) {
  const std::size_t own = all.size();
  all.emplace_back();
  std::array<std::byte, 256> buffer;
  bool answered = false;
  try {
    for (;;) {
      const std::size_t n = co_await peer.read_some(buffer);
      if (n == 0) break;
      ++all[own].reads;
      all[own].heard.append(io::text_of(std::span(buffer).first(n)));
      if (!answered && all[own].heard.find("\r\n\r\n") != std::string::npos) {
        answered = true;
        co_await peer.write_all(answer);
      }
    }
    if (!answered) co_await peer.write_all("what?");
    co_await peer.close();
  } catch (const error& failure) {
    all[own].failure = failure.code();
  }
}

using test_body = std::function<task<void>(fault_proxy&, server_notes&)>;

/// Runs `body` beside the server and a proxy in front of it.
task<void> with_proxy(test_body body) {
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  server_notes notes;
  fault_proxy proxy(listener.local());
  const auto handle = [&](net::tcp_stream peer) { return answer_one(std::move(peer), notes); };
  const auto all = [&](task_group& group) -> task<void> {
    group.spawn(net::serve(listener, handle));
    group.spawn(proxy.serve());
    co_await body(proxy, notes);
    proxy.close();
    listener.close();
  };
  co_await with_group(all);
  EXPECT_EQ(proxy.statistics().active, 0u);
}

/// Asks the question through the proxy, ends its side, and reads for at most a minute.
task<conversation> ask(fault_proxy& proxy) {
  conversation notes;
  const time_point start = now();
  try {
    auto stream = co_await net::tcp_stream::connect(proxy.address());
    co_await stream.write_all(question);
    co_await stream.shutdown_write();
    const bool ended = co_await move_on_after(60s, listen(stream, notes));
    if (!ended) notes.failure = make_error_code(errc::timed_out);
  } catch (const error& failure) {
    notes.failure = failure.code();
  }
  notes.took = now() - start;
  co_return notes;
}

task<conversation> ask_with(fault_proxy& proxy, fault one) {
  proxy.inject(one, 1);
  return ask(proxy);
}

EDDY_TEST(fault_proxy, passes_everything_on_when_nothing_is_injected) {
  co_await with_proxy([](fault_proxy& proxy, server_notes& server) -> task<void> {
    const conversation told = co_await ask(proxy);
    EXPECT_EQ(told.heard, answer);
    EXPECT_EQ(told.failure, std::error_code());
    EXPECT_EQ(server.at(0).heard, question);
    const fault_proxy_statistics counts = proxy.statistics();
    EXPECT_EQ(counts.connections, 1u);
    EXPECT_EQ(counts.faults, 0u);
    EXPECT_EQ(counts.to_server, question.size());
    EXPECT_EQ(counts.to_client, answer.size());
  });
}

EDDY_TEST(fault_proxy, delays_at_each_phase) {
  co_await with_proxy([](fault_proxy& proxy, server_notes&) -> task<void> {
    for (const phase where :
         {phase::connect, phase::request, phase::response_head, phase::response_body}) {
      const conversation told = co_await ask_with(proxy, fault::delay(where, 5s));
      EXPECT_EQ(told.heard, answer) << to_string(where);
      EXPECT_GE(told.took, 5s) << to_string(where);
      EXPECT_LT(told.took, 6s) << to_string(where);
    }
    EXPECT_EQ(proxy.statistics().faults, 4u);
    const conversation told = co_await ask(proxy);
    EXPECT_LT(told.took, 1s) << "used up";
  });
}

EDDY_TEST(fault_proxy, drops_bytes_each_way) {
  co_await with_proxy([](fault_proxy& proxy, server_notes& server) -> task<void> {
    const conversation one = co_await ask_with(proxy, fault::drop(phase::request, 4, 4));
    EXPECT_EQ(server.at(0).heard, "GET TP/1.1\r\n\r\n") << "without '/ HT'";
    EXPECT_EQ(one.heard, answer);
    const conversation two = co_await ask_with(proxy, fault::drop(phase::response_body, 3, 4));
    EXPECT_EQ(two.heard, "HTTP/1.1 200 OK\r\n\r\nthe y of the answer");
    const conversation three = co_await ask_with(proxy, fault::drop(phase::response_head, 1000));
    EXPECT_EQ(three.heard, "");
    EXPECT_EQ(three.failure, std::error_code());
  });
}

EDDY_TEST(fault_proxy, injects_garbage_each_way) {
  co_await with_proxy([](fault_proxy& proxy, server_notes& server) -> task<void> {
    static_cast<void>(co_await ask_with(proxy, fault::garbage(phase::request, 10, 3)));
    EXPECT_EQ(server.at(0).heard.size(), question.size() + 10);
    EXPECT_TRUE(server.at(0).heard.starts_with("GET"));
    EXPECT_TRUE(server.at(0).heard.ends_with(question.substr(3)));
    const conversation told = co_await ask_with(proxy, fault::garbage(phase::response_head, 7, 9));
    EXPECT_EQ(told.heard.size(), answer.size() + 7);
    EXPECT_TRUE(told.heard.starts_with("HTTP/1.1 "));
    const conversation early = co_await ask_with(proxy, fault::garbage(phase::connect, 5));
    EXPECT_EQ(early.heard.size(), answer.size() + 5);
    EXPECT_TRUE(early.heard.ends_with(answer));
  });
}

EDDY_TEST(fault_proxy, fragments_each_way) {
  co_await with_proxy([](fault_proxy& proxy, server_notes& server) -> task<void> {
    const conversation there = co_await ask_with(proxy, fault::fragment(phase::request));
    EXPECT_EQ(there.heard, answer);
    EXPECT_EQ(server.at(0).heard, question);
    EXPECT_GT(server.at(0).reads, question.size() / 2) << "virtual streams may join a few";
    const conversation back = co_await ask_with(proxy, fault::fragment(phase::response_body));
    EXPECT_EQ(back.heard, answer);
    EXPECT_GT(back.reads, (answer.size() - head_size) / 2);
  });
}

EDDY_TEST(fault_proxy, half_closes_each_way) {
  co_await with_proxy([](fault_proxy& proxy, server_notes& server) -> task<void> {
    const conversation there = co_await ask_with(proxy, fault::half_close(phase::request, 5));
    EXPECT_EQ(server.at(0).heard, question.substr(0, 5));
    EXPECT_EQ(there.heard, "what?") << "the other direction goes on";
    const conversation back = co_await ask_with(proxy, fault::half_close(phase::response_body, 3));
    EXPECT_EQ(back.heard, answer.substr(0, head_size + 3));
    EXPECT_EQ(back.failure, std::error_code());
    EXPECT_EQ(server.at(1).heard, question);
  });
}

EDDY_TEST(fault_proxy, stalls_at_each_phase) {
  co_await with_proxy([](fault_proxy& proxy, server_notes&) -> task<void> {
    struct expectation {
      phase where;
      std::size_t offset;
      std::string_view heard;
    };
    for (const auto [where, offset, heard] :
         {expectation{phase::connect, 0, ""}, expectation{phase::request, 3, ""}}) {
      const conversation told = co_await ask_with(proxy, fault::stall(where, offset));
      EXPECT_EQ(told.heard, heard) << to_string(where);
      EXPECT_EQ(told.failure, errc::timed_out) << to_string(where);
    }
  });
}

EDDY_TEST(fault_proxy, a_stalled_response_ends_when_the_client_has_ended_its_side) {
  co_await with_proxy([](fault_proxy& proxy, server_notes&) -> task<void> {
    proxy.inject(fault::stall(phase::response_body, 3), 1);
    auto stream = co_await net::tcp_stream::connect(proxy.address());
    co_await stream.write_all(question);
    conversation told;
    const bool ended = co_await move_on_after(60s, listen(stream, told));
    EXPECT_FALSE(ended);
    EXPECT_EQ(told.heard, answer.substr(0, head_size + 3));
    EXPECT_EQ(proxy.statistics().active, 1u);
    co_await stream.close();
    co_await sleep(1s);
    EXPECT_EQ(proxy.statistics().active, 0u);
  });
}

EDDY_TEST(fault_proxy, closes_and_resets_at_each_phase) {
  co_await with_proxy([](fault_proxy& proxy, server_notes&) -> task<void> {
    struct expectation {
      phase where;
      std::size_t offset;
      std::string_view heard;
    };
    const auto expectations = {
        expectation{phase::connect, 0, ""}, expectation{phase::request, 5, ""},
        expectation{phase::response_head, 8, answer.substr(0, 8)},
        expectation{phase::response_body, 3, answer.substr(0, head_size + 3)}};
    for (const auto [where, offset, heard] : expectations) {
      const conversation reset = co_await ask_with(proxy, fault::reset(where, offset));
      EXPECT_EQ(condition_of(reset.failure), condition::disconnected) << to_string(where);
      const conversation closed = co_await ask_with(proxy, fault::close(where, offset));
      EXPECT_EQ(closed.heard, heard) << to_string(where);
    }
  });
}

EDDY_TEST(fault_proxy, several_faults_happen_on_one_connection_and_plans_follow_each_other) {
  co_await with_proxy([](fault_proxy& proxy, server_notes& server) -> task<void> {
    const std::vector<fault> several{
        fault::drop(phase::request, 1), fault::drop(phase::request, 1, 4),
        fault::delay(phase::response_head, 2s), fault::drop(phase::response_body, 4)};
    proxy.inject(several, 2);
    proxy.inject(fault::delay(phase::connect, 1s));
    for (int i = 0; i < 2; ++i) {
      const conversation told = co_await ask(proxy);
      EXPECT_EQ(server.back().heard, "ET  HTTP/1.1\r\n\r\n");
      EXPECT_EQ(told.heard, "HTTP/1.1 200 OK\r\n\r\nbody of the answer");
      EXPECT_GE(told.took, 2s);
    }
    for (int i = 0; i < 3; ++i) {
      const conversation told = co_await ask(proxy);
      EXPECT_GE(told.took, 1s);
      EXPECT_LT(told.took, 2s);
    }
    proxy.clear();
    const conversation told = co_await ask(proxy);
    EXPECT_LT(told.took, 1s);
  });
}

EDDY_TEST(fault_proxy, resets_the_client_when_the_server_cannot_be_reached) {
  auto nobody = net::tcp_listener::listen(net::address::loopback_v4(0));
  fault_proxy proxy(nobody.local());
  nobody.close();
  auto serving = spawn([&proxy] { return proxy.serve(); });
  const conversation told = co_await ask(proxy);
  EXPECT_EQ(condition_of(told.failure), condition::disconnected);
  proxy.close();
  co_await serving;
}

EDDY_TEST(fault_proxy, refuses_what_cannot_happen_at_connect) {
  fault_proxy proxy(net::address::loopback_v4(1));
  for (const fault& one : {fault::drop(phase::connect, 1), fault::fragment(phase::connect),
                           fault::half_close(phase::connect), fault::reset(phase::connect, 1)}) {
    EXPECT_THROW(proxy.inject(one), error) << to_string(one.what);
  }
  proxy.close();
  co_return;
}

TEST(fault_proxy, works_on_the_systems_sockets) {
  const auto main = []() -> task<void> {
    co_await with_proxy([](fault_proxy& proxy, server_notes& server) -> task<void> {
      const conversation plain = co_await ask(proxy);
      EXPECT_EQ(plain.heard, answer);
      const conversation pieces = co_await ask_with(proxy, fault::fragment(phase::response_head));
      EXPECT_EQ(pieces.heard, answer);
      const conversation reset = co_await ask_with(proxy, fault::reset(phase::response_body, 2));
      EXPECT_EQ(condition_of(reset.failure), condition::disconnected);
      EXPECT_EQ(server.size(), 3u);
    });
  };
  run(main);
}

}  // namespace
}  // namespace eddy::testing

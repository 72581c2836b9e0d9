#include <eddy/net/dns_resolver.hpp>

#include "dns_server.hpp"
#include "on_every_network.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net {
namespace {

using namespace std::chrono_literals;

std::string names(const std::vector<address>& all) {
  std::string text;
  for (const address& one : all) text += one.to_string() + " ";
  return text;
}

std::vector<std::string> sorted(std::vector<std::string> all) {
  std::ranges::sort(all);
  return all;
}

/// A resolver of the running loop that asks a server of its own.
struct world {
  std::shared_ptr<dns_server> serving =
      std::make_shared<dns_server>();  // shared with the task that serves
  dns_server& server = *serving;
  dns_resolver resolver;
  task_handle<void> server_task;

  world() : world(dns_options()) {}
  explicit world(dns_options how)
      : resolver(runtime::loop::current(), with_server(std::move(how))) {
    auto serve = [](std::shared_ptr<dns_server> on) -> task<void> { co_await on->serve(); };
    server_task = spawn(serve, serving);
  }
  world(const world&) = delete;
  world& operator=(const world&) = delete;
  ~world() { server_task.cancel(); }

  [[nodiscard]] dns_options with_server(dns_options how) const {
    how.servers = server.local().to_string();
    if (how.hosts_file == "/etc/hosts") how.hosts_file = "/nonexistent/hosts";
    return how;
  }

  task<std::vector<address>> ask(std::string host, resolve_options how = {}) {
    return resolver.resolve(std::move(host), 80, how);
  }
};

SOCKET_TEST(dns_resolver, gives_the_addresses_of_both_families) {
  world w;
  w.server.table["example.test"] = {.v4 = {"192.0.2.1", "192.0.2.2"}, .v6 = {"2001:db8::1"}};
  const std::vector<address> found = co_await w.ask("example.test");
  const std::vector<std::string> expected{"192.0.2.1:80", "192.0.2.2:80", "[2001:db8::1]:80"};
  std::vector<std::string> texts;
  for (const address& one : found) texts.push_back(one.to_string());
  EXPECT_EQ(sorted(texts), expected);
  EXPECT_EQ(sorted(w.server.questions),
            (std::vector<std::string>{"example.test/A", "example.test/AAAA"}));
}

SOCKET_TEST(dns_resolver, asks_only_for_the_family_that_is_wanted) {
  world w;
  w.server.table["example.test"] = {.v4 = {"192.0.2.1"}, .v6 = {"2001:db8::1"}};
  const std::vector<address> four = co_await w.ask("example.test", {.family = address_family::v4});
  EXPECT_EQ(names(four), "192.0.2.1:80 ");
  EXPECT_EQ(w.server.questions, std::vector<std::string>{"example.test/A"});
  const std::vector<address> six = co_await w.ask("example.test", {.family = address_family::v6});
  EXPECT_EQ(names(six), "[2001:db8::1]:80 ");
}

SOCKET_TEST(dns_resolver, remembers_an_answer) {
  world w;
  w.server.table["example.test"] = {.v4 = {"192.0.2.1"}};
  const std::vector<address> first = co_await w.ask("example.test");
  const std::size_t asked = w.server.questions.size();
  const std::vector<address> again = co_await w.ask("EXAMPLE.test");
  EXPECT_EQ(first, again);
  EXPECT_EQ(w.server.questions.size(), asked);
  EXPECT_EQ(w.resolver.statistics().hits, 1U);
  EXPECT_EQ(w.resolver.statistics().lookups, 1U);
  EXPECT_EQ(w.resolver.statistics().cached, 1U);
  w.resolver.clear_cache();
  static_cast<void>(co_await w.ask("example.test"));
  EXPECT_EQ(w.resolver.statistics().lookups, 2U);
}

EDDY_TEST(dns_resolver_simulated, asks_again_when_the_time_to_live_is_over) {
  world w;
  w.server.table["example.test"] = {.v4 = {"192.0.2.1"}, .ttl = 60};
  const resolve_options four{.family = address_family::v4};
  static_cast<void>(co_await w.ask("example.test", four));
  w.server.table["example.test"].v4 = {"192.0.2.9"};
  co_await sleep(59s);
  const std::vector<address> old = co_await w.ask("example.test", four);
  EXPECT_EQ(names(old), "192.0.2.1:80 ");
  co_await sleep(2s);
  const std::vector<address> fresh = co_await w.ask("example.test", four);
  EXPECT_EQ(names(fresh), "192.0.2.9:80 ");
}

EDDY_TEST(dns_resolver_simulated, bounds_the_time_to_live) {
  dns_options how;
  how.longest_ttl = 10s;
  how.shortest_ttl = 2s;
  world w(how);
  w.server.table["long.test"] = {.v4 = {"192.0.2.1"}, .ttl = 86'400};
  w.server.table["short.test"] = {.v4 = {"192.0.2.2"}, .ttl = 0};
  const resolve_options four{.family = address_family::v4};
  static_cast<void>(co_await w.ask("long.test", four));
  static_cast<void>(co_await w.ask("short.test", four));
  co_await sleep(1s);
  static_cast<void>(co_await w.ask("short.test", four));
  EXPECT_EQ(w.resolver.statistics().hits, 1U);
  co_await sleep(10s);
  static_cast<void>(co_await w.ask("long.test", four));
  EXPECT_EQ(w.resolver.statistics().lookups, 3U);
}

SOCKET_TEST(dns_resolver, says_that_there_is_no_such_host_and_remembers_it) {
  world w;
  for (int i = 0; i < 2; ++i) {
    auto found = co_await as_result(w.ask("missing.test"));
    const error thrown = error_of(found.error());
    EXPECT_EQ(thrown, errc::host_not_found);
    EXPECT_EQ(thrown.peer(), "missing.test");
  }
  EXPECT_EQ(w.resolver.statistics().hits, 1U);
}

SOCKET_TEST(dns_resolver, says_that_there_is_no_such_host_when_the_name_has_no_address) {
  world w;
  w.server.table["empty.test"] = {};
  auto found = co_await as_result(w.ask("empty.test"));
  EXPECT_EQ(error_of(found.error()), errc::host_not_found);
}

EDDY_TEST(dns_resolver_simulated, forgets_soon_that_there_was_no_such_host) {
  world w;
  const resolve_options four{.family = address_family::v4};
  static_cast<void>(co_await as_result(w.ask("new.test", four)));
  w.server.table["new.test"] = {.v4 = {"192.0.2.1"}};
  co_await sleep(6s);
  const std::vector<address> found = co_await w.ask("new.test", four);
  EXPECT_EQ(names(found), "192.0.2.1:80 ");
}

SOCKET_TEST(dns_resolver, never_remembers_a_failure_of_the_server) {
  dns_options how;
  how.attempts = 1;
  world w(how);
  const resolve_options four{.family = address_family::v4};
  w.server.table["broken.test"] = {.v4 = {"192.0.2.1"}, .code = 2};
  auto failed = co_await as_result(w.ask("broken.test", four));
  EXPECT_EQ(error_of(failed.error()), errc::resolve_failed);
  w.server.table["broken.test"].code = 0;
  const std::vector<address> found = co_await w.ask("broken.test", four);
  EXPECT_EQ(names(found), "192.0.2.1:80 ");
}

SOCKET_TEST(dns_resolver, asks_once_for_all_who_want_the_same_name) {
  world w;
  w.server.table["example.test"] = {.v4 = {"192.0.2.1"}};
  std::vector<task<std::vector<address>>> wanted;
  for (int i = 0; i < 20; ++i) wanted.push_back(w.ask("example.test"));
  const std::vector<std::vector<address>> found = co_await gather(std::move(wanted));
  for (const std::vector<address>& one : found) EXPECT_EQ(names(one), "192.0.2.1:80 ");
  EXPECT_EQ(w.server.questions.size(), 2U);
  EXPECT_EQ(w.resolver.statistics().lookups, 1U);
}

SYSTEM_TEST(dns_resolver, gives_the_others_their_answer_when_one_is_cancelled) {
  dns_options how;
  how.attempt_timeout = 20ms;
  world w(how);
  w.server.table["slow.test"] = {.v4 = {"192.0.2.1"}, .ignored = 1};
  const resolve_options four{.family = address_family::v4};
  task_handle<std::vector<address>> one = spawn(w.ask("slow.test", four));
  task_handle<std::vector<address>> other = spawn(w.ask("slow.test", four));
  co_await sleep(1ms);
  one.cancel();
  auto ended = co_await as_result(one);
  EXPECT_EQ(error_of(ended.error()), errc::task_cancelled);
  EXPECT_EQ(w.resolver.statistics().in_flight, 1U);
  const std::vector<address> found = co_await other;
  EXPECT_EQ(names(found), "192.0.2.1:80 ");
}

SYSTEM_TEST(dns_resolver, gives_a_question_up_when_nobody_waits_for_it_any_more) {
  world w;
  w.server.table["silent.test"] = {.ignored = 1000};
  const std::size_t before = open_descriptors();
  const time_point start = now();
  auto found = co_await as_result(w.ask("silent.test", {.timeout = 20ms}));
  EXPECT_EQ(error_of(found.error()), errc::timed_out);
  EXPECT_GE(now() - start, 20ms);
  EXPECT_EQ(w.resolver.statistics().in_flight, 0U);
  while (open_descriptors() > before) co_await sleep(1ms);  // its socket goes with it
}

SYSTEM_TEST(dns_resolver, asks_again_when_an_answer_is_lost) {
  dns_options how;
  how.attempt_timeout = 20ms;
  world w(how);
  w.server.table["lossy.test"] = {.v4 = {"192.0.2.1"}, .ignored = 1};
  const std::vector<address> found = co_await w.ask("lossy.test", {.family = address_family::v4});
  EXPECT_EQ(names(found), "192.0.2.1:80 ");
  EXPECT_EQ(w.server.questions.size(), 2U);
}

SYSTEM_TEST(dns_resolver, times_out_when_no_server_ever_answers) {
  dns_options how;
  how.attempt_timeout = 5ms;
  how.attempts = 2;
  world w(how);
  w.server.table["silent.test"] = {.ignored = 1000};
  auto found = co_await as_result(w.ask("silent.test"));
  EXPECT_EQ(error_of(found.error()), errc::timed_out);
  EXPECT_EQ(w.resolver.statistics().in_flight, 0U);
}

SOCKET_TEST(dns_resolver, turns_to_tcp_when_an_answer_does_not_fit_a_datagram) {
  world w;
  dns_record record{.truncated = true};
  for (int i = 1; i <= 60; ++i) record.v4.push_back("192.0.2." + std::to_string(i));
  w.server.table["large.test"] = record;
  const std::vector<address> found = co_await w.ask("large.test", {.family = address_family::v4});
  EXPECT_EQ(found.size(), 60U);
  EXPECT_EQ(w.server.questions, (std::vector<std::string>{"large.test/A", "large.test/A/tcp"}));
}

SYSTEM_TEST(dns_resolver, fails_at_once_where_there_is_no_server) {
  dns_options how;
  {
    udp_socket gone = udp_socket::bind(address::loopback_v4(0));
    how.servers = gone.local().to_string();
  }
  dns_resolver resolver(runtime::loop::current(), how);
  const time_point start = now();
  auto found = co_await as_result(resolver.resolve("example.test", 80, {}));
  EXPECT_EQ(error_of(found.error()), errc::resolve_failed);
  EXPECT_LT(now() - start, 2s);
}

SOCKET_TEST(dns_resolver, leaves_nothing_behind_when_the_loop_ends_in_the_middle) {
  dns_options how;
  how.servers = "127.0.0.1:9";
  auto standing = std::make_unique<dns_resolver>(runtime::loop::current(), how);
  set_resolver(runtime::loop::current(), std::move(standing));
  spawn([]() -> task<void> { static_cast<void>(co_await resolve("example.test", 80)); });
  co_await yield();
}

EDDY_TEST(dns_resolver_simulated, keeps_no_more_names_than_it_may) {
  dns_options how;
  how.cache_size = 2;
  world w(how);
  const resolve_options four{.family = address_family::v4};
  for (const char* name : {"a.test", "b.test", "a.test", "c.test", "a.test", "b.test"}) {
    w.server.table[name] = {.v4 = {"192.0.2.1"}};
    static_cast<void>(co_await w.ask(name, four));
  }
  // b was used least recently when c came, so only a is still there at the end of the first five.
  EXPECT_EQ(w.resolver.statistics().hits, 2U);
  EXPECT_EQ(w.resolver.statistics().cached, 2U);
}

SOCKET_TEST(dns_resolver, answers_localhost_itself) {
  world w;
  const std::vector<address> one = co_await w.ask("localhost");
  const std::vector<address> below =
      co_await w.ask("app.LOCALHOST.", {.family = address_family::v6});
  EXPECT_EQ(names(one), "127.0.0.1:80 [::1]:80 ");
  EXPECT_EQ(names(below), "[::1]:80 ");
  EXPECT_TRUE(w.server.questions.empty());
}

/// A hosts file that goes away with it.
class temporary_hosts {
 public:
  temporary_hosts()
      : path_(std::filesystem::temp_directory_path() /
              ("eddy-hosts-" + std::to_string(::getpid()))) {}
  temporary_hosts(const temporary_hosts&) = delete;
  temporary_hosts& operator=(const temporary_hosts&) = delete;
  ~temporary_hosts() { std::filesystem::remove(path_); }

  /// Each change has a modification time of its own, however quickly it follows.
  void write(std::string_view text) {
    std::ofstream(path_) << text;
    std::filesystem::last_write_time(
        path_, std::filesystem::file_time_type::clock::now() + ++changes_ * 10s);
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
  int changes_ = 0;
};

EDDY_TEST(dns_resolver_simulated, prefers_the_hosts_file_and_sees_it_change) {
  temporary_hosts file;
  file.write("# comment\n192.0.2.7 box.test Box\n2001:db8::7\tbox.test # six\nnonsense line\n");
  dns_options how;
  how.hosts_file = file.path();
  world w(how);
  w.server.table["box.test"] = {.v4 = {"192.0.2.99"}};
  const std::vector<address> both = co_await w.ask("box.test");
  const std::vector<address> alias = co_await w.ask("bOX");
  EXPECT_EQ(names(both), "192.0.2.7:80 [2001:db8::7]:80 ");
  EXPECT_EQ(names(alias), "192.0.2.7:80 ");
  EXPECT_TRUE(w.server.questions.empty());
  file.write("192.0.2.8 box.test\n");
  co_await sleep(2s);
  const std::vector<address> changed = co_await w.ask("box.test");
  EXPECT_EQ(names(changed), "192.0.2.8:80 ");
}

SOCKET_TEST(resolve, answers_numeric_hosts_without_a_resolver) {
  const std::vector<address> four = co_await resolve("127.0.0.1", 8000);
  const std::vector<address> six = co_await resolve("::1", 8000);
  EXPECT_EQ(names(four), "127.0.0.1:8000 ");
  EXPECT_EQ(names(six), "[::1]:8000 ");
  auto none = co_await as_result(resolve("127.0.0.1", 80, {.family = address_family::v6}));
  EXPECT_EQ(error_of(none.error()), errc::host_not_found);
  auto empty = co_await as_result(resolve("", 80));
  EXPECT_EQ(error_of(empty.error()), errc::invalid_input);
}

/// Knows one name.
class one_host final : public resolver {
 public:
  explicit one_host(address known) : known_(known) {}
  task<std::vector<address>> resolve(std::string host, std::uint16_t port,
                                     resolve_options) override {
    if (host != "only.test") throw error(errc::host_not_found, "resolve", host);
    known_.set_port(port);
    co_return std::vector<address>(1, known_);
  }

 private:
  address known_;
};

SOCKET_TEST(resolve, can_be_answered_by_another_resolver) {
  set_resolver(runtime::loop::current(), std::make_unique<one_host>(address::loopback_v4(0)));
  tcp_listener listener = tcp_listener::listen(address::loopback_v4(0));
  const std::uint16_t port = listener.local().port();
  tcp_stream client = co_await tcp_stream::connect("only.test", port);
  tcp_stream server = co_await listener.accept();
  EXPECT_EQ(server.peer(), client.local());
  auto other = co_await as_result(tcp_stream::connect("other.test", port));
  EXPECT_EQ(error_of(other.error()), errc::host_not_found);
}

}  // namespace
}  // namespace eddy::net

// What the drivers of the kernel do with things that only the kernel has: descriptor numbers and their limit, pipes,
// urgent data, full backlogs, Unix paths.
#include "driver_fixture.hpp"

#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace eddy::runtime {
namespace {

using namespace std::chrono_literals;

std::vector<driver_factory> kernel_drivers() {
  std::vector<driver_factory> all = driver_factories();
  std::erase_if(all, [](const driver_factory& each) { return !each.real; });
  return all;
}

class driver_system : public driver_test {
 protected:
  struct pipe_ends {
    std::unique_ptr<descriptor> reader;
    std::unique_ptr<descriptor> writer;
  };
  pipe_ends open_pipe() {
    int ends[2];
    if (::pipe(ends) < 0) throw_error(std::error_code(errno, std::system_category()), "pipe");
    return {io().adopt(ends[0]), io().adopt(ends[1])};
  }

  static std::size_t open_numbers() {
    std::size_t count = 0;
    for (int fd = 0; fd < 4096; ++fd) count += ::fcntl(fd, F_GETFD) >= 0 ? 1U : 0U;
    return count;
  }
};
INSTANTIATE_TEST_SUITE_P(on, driver_system, ::testing::ValuesIn(kernel_drivers()), driver_name);

TEST_P(driver_system, descriptors_are_non_blocking_and_close_on_exec) {
  drive([&]() -> task<void> {
    connection pair = co_await connected();
    pipe_ends ends = open_pipe();
    for (auto* each :
         {pair.client.get(), pair.server.get(), ends.reader.get(), ends.writer.get()}) {
      EXPECT_NE(::fcntl(each->native_handle(), F_GETFD) & FD_CLOEXEC, 0);
      EXPECT_NE(::fcntl(each->native_handle(), F_GETFL) & O_NONBLOCK, 0);
    }
  });
}

TEST_P(driver_system, late_events_of_a_closed_number_reach_nobody) {
  drive([&]() -> task<void> {  // loop.21
    for (int round = 0; round < 20; ++round) {
      connection old = co_await connected();
      int ends[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
      auto reading = spawn(receive_all(*old.server, 1));
      co_await settle();
      reading.cancel();
      while (!reading.done()) co_await yield();
      // The event is on its way when the descriptor goes, and a new one gets its number.
      co_await send_all(*old.client, "late");
      const int number = old.server->native_handle();
      old.server.reset();
      EXPECT_EQ(::dup2(ends[0], number), number);
      ::close(ends[0]);
      auto fresh = io().adopt(number);
      auto other = io().adopt(ends[1]);
      auto waiting = spawn(receive_all(*fresh, 2));
      co_await settle();
      EXPECT_FALSE(waiting.done());
      old.client.reset();
      co_await settle();
      EXPECT_FALSE(waiting.done());
      co_await send_all(*other, "ok");
      const std::string text = co_await std::move(waiting);
      EXPECT_EQ(text, "ok");
    }
  });
}

TEST_P(driver_system, a_number_is_free_when_its_pending_operations_have_ended) {
  drive([&]() -> task<void> {
    const std::size_t before = open_numbers();
    connection pair = co_await connected();
    char byte = 0;
    auto reading = spawn(failure_of(receive(*pair.server, {&byte, 1})));
    co_await settle();
    const int number = pair.server->native_handle();
    pair.server->close();
    co_await reading;
    EXPECT_EQ(::fcntl(number, F_GETFD), -1);
    pair = {};
    EXPECT_EQ(open_numbers(), before);
  });
}

TEST_P(driver_system, accept_at_the_descriptor_limit_fails_and_works_again_afterwards) {
  drive([&]() -> task<void> {  // loop.20
    auto listening = listener(socket_address::loopback_v4(0));
    auto client = io().open_socket(AF_INET, SOCK_STREAM, 0);
    co_await connect_to(*client, listening->local_address());
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const int highest = ::dup(client->native_handle());
    ::close(highest);
    const rlimit full{.rlim_cur = static_cast<rlim_t>(highest), .rlim_max = before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &full);
    const std::error_code first = co_await failure_of(accept_one(*listening));
    const std::error_code second = co_await failure_of(accept_one(*listening));
    ::setrlimit(RLIMIT_NOFILE, &before);
    EXPECT_EQ(first, std::error_code(EMFILE, std::system_category()));
    EXPECT_EQ(condition_of(second), condition::overloaded);
    const auto server = co_await accept_one(*listening);
    EXPECT_EQ(server->peer_address(), client->local_address());
  });
}

TEST_P(driver_system, a_connect_under_way_can_be_cancelled) {
  drive([&]() -> task<void> {
    // With the backlog full, the kernel drops further handshakes: connects wait.
    auto listening = io().open_socket(AF_INET, SOCK_STREAM, 0);
    listening->bind(socket_address::loopback_v4(0));
    listening->listen(0);
    std::vector<std::unique_ptr<descriptor>> clients;
    std::vector<task_handle<void>> connecting;
    for (int i = 0; i < 4; ++i) {
      clients.push_back(io().open_socket(AF_INET, SOCK_STREAM, 0));
      connecting.push_back(
          spawn(coro::as_task(connect_to(*clients.back(), listening->local_address()))));
      co_await settle();
    }
    int cancelled = 0;
    for (auto& each : connecting) {
      if (each.done()) continue;
      each.cancel();
      while (!each.done()) co_await yield();
      cancelled += each.status() == coro::task_status::cancelled ? 1 : 0;
    }
    EXPECT_GE(cancelled, 1);
    EXPECT_LT(cancelled, 4);
  });
}

TEST_P(driver_system, unix_sockets_have_paths) {
  const std::string path = ::testing::TempDir() + "eddy-driver-" + std::to_string(::getpid());
  ::unlink(path.c_str());
  drive([&]() -> task<void> {
    connection pair = co_await connected(socket_address::unix_path(path));
    EXPECT_EQ(pair.client->peer_address().host(), path);
    co_await send_all(*pair.client, "over a path");
    const std::string text = co_await receive_all(*pair.server, 11);
    EXPECT_EQ(text, "over a path");
  });
  ::unlink(path.c_str());
}

TEST_P(driver_system, a_full_unix_backlog_refuses_instead_of_waiting) {
  drive([&]() -> task<void> {
    auto listening = io().open_socket(AF_UNIX, SOCK_STREAM, 0);
    const auto name = socket_address::unix_path("@eddy-backlog-" + std::to_string(::getpid()));
    listening->bind(name);
    listening->listen(0);
    std::vector<std::unique_ptr<descriptor>> clients;
    std::error_code code;
    for (int i = 0; i < 4 && !code; ++i) {
      clients.push_back(io().open_socket(AF_UNIX, SOCK_STREAM, 0));
      code = co_await failure_of(connect_to(*clients.back(), name));
    }
    EXPECT_EQ(condition_of(code), condition::overloaded);
  });
}

TEST_P(driver_system, urgent_data_hides_no_bytes) {
  drive([&]() -> task<void> {
    for (const bool reader_waits : {false, true}) {
      connection pair = co_await connected();
      task_handle<std::string> reading;
      if (reader_waits) reading = spawn(receive_all(*pair.server, 11));
      co_await settle();
      const int raw = pair.client->native_handle();
      EXPECT_EQ(::send(raw, "before", 6, 0), 6);
      EXPECT_EQ(::send(raw, "!", 1, MSG_OOB), 1);
      EXPECT_EQ(::send(raw, "after", 5, 0), 5);
      if (!reader_waits) reading = spawn(receive_all(*pair.server, 11));
      const std::string text = co_await std::move(reading);
      EXPECT_EQ(text, "beforeafter");
    }
  });
}

TEST_P(driver_system, pipes_are_read_and_written) {
  drive([&]() -> task<void> {
    pipe_ends ends = open_pipe();
    const std::string big(1 << 20, 'p');
    auto writing = spawn(send_all(*ends.writer, big));
    const std::string text = co_await receive_all(*ends.reader, big.size());
    EXPECT_TRUE(text == big);
    co_await writing;
    auto reading = spawn(receive_all(*ends.reader, 5));
    co_await settle();
    EXPECT_FALSE(reading.done());
    co_await send_all(*ends.writer, "abc");
    co_await settle();
    ends.writer.reset();
    const std::string rest = co_await std::move(reading);
    EXPECT_EQ(rest, "abc");
  });
}

TEST_P(driver_system, a_pipe_without_readers_raises_no_signal) {
  struct sigaction before{};
  struct sigaction deadly{};
  deadly.sa_handler = SIG_DFL;
  ::sigaction(SIGPIPE, &deadly, &before);
  drive([&]() -> task<void> {
    pipe_ends ends = open_pipe();
    ends.reader.reset();
    const std::error_code code = co_await failure_of(send(*ends.writer, "x"));
    EXPECT_EQ(code, std::error_code(EPIPE, std::system_category()));
  });
  ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_P(driver_system, a_cancelled_read_of_a_pipe_takes_nothing) {
  drive([&]() -> task<void> {
    pipe_ends ends = open_pipe();
    auto reading = spawn(receive_all(*ends.reader, 1));
    co_await settle();
    EXPECT_TRUE(reading.cancel());
    co_await send_all(*ends.writer, "abc");
    while (!reading.done()) co_await yield();
    EXPECT_EQ(reading.status(), coro::task_status::cancelled);
    const std::string text = co_await receive_all(*ends.reader, 3);
    EXPECT_EQ(text, "abc");
  });
}

TEST_P(driver_system, readiness_is_told_without_taking_anything) {
  drive([&]() -> task<void> {
    int ends[2];
    EXPECT_EQ(::pipe(ends), 0);
    auto reader = io().adopt(ends[0]);
    auto writer = io().adopt(ends[1]);
    for (int round = 0; round < 3; ++round) {
      auto waiting = spawn(coro::as_task(readiness(*reader, io_verb::wait_readable)));
      co_await settle();
      EXPECT_FALSE(waiting.done());
      EXPECT_EQ(::write(ends[1], "xy", 2), 2);
      co_await waiting;
      // Still readable, until somebody else has read all of it.
      char byte = 0;
      EXPECT_EQ(::read(ends[0], &byte, 1), 1);
      co_await readiness(*reader, io_verb::wait_readable);
      EXPECT_EQ(::read(ends[0], &byte, 1), 1);
    }
    co_await readiness(*writer, io_verb::wait_writable);
    auto waiting = spawn(coro::as_task(readiness(*reader, io_verb::wait_readable)));
    co_await settle();
    waiting.cancel();
    while (!waiting.done()) co_await yield();
    EXPECT_EQ(waiting.status(), coro::task_status::cancelled);
  });
}

TEST_P(driver_system, a_file_that_is_never_waited_for_can_be_read) {
  drive([&]() -> task<void> {
    auto zeros = io().adopt(::open("/dev/zero", O_RDONLY));
    const std::string text = co_await receive_all(*zeros, 100);
    EXPECT_EQ(text, std::string(100, '\0'));
    auto program = io().adopt(::open("/proc/self/exe", O_RDONLY));
    const std::string start = co_await receive_all(*program, 4);
    EXPECT_EQ(start, "\177ELF");
  });
}

TEST_P(driver_system, what_is_no_descriptor_cannot_be_adopted) {
  EXPECT_THROW(static_cast<void>(io().adopt(-1)), error);
}

TEST_P(driver_system, an_unknown_family_is_an_error) {
  try {
    static_cast<void>(io().open_socket(12345, SOCK_STREAM, 0));
    ADD_FAILURE() << "opened";
  } catch (const error& e) {
    EXPECT_EQ(e, condition::unsupported);
    EXPECT_EQ(e.operation(), "socket");
  }
}

TEST_P(driver_system, more_operations_than_any_queue_of_the_driver_end_well) {
  drive([&]() -> task<void> {
    constexpr std::size_t count = 1500;
    std::vector<connection> pairs;
    std::vector<task_handle<std::string>> reading;
    for (std::size_t i = 0; i < count; ++i) {
      int ends[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
      pairs.push_back({io().adopt(ends[0]), io().adopt(ends[1])});
      reading.push_back(spawn(receive_all(*pairs.back().server, 1)));
    }
    co_await settle();
    for (std::size_t i = 0; i < count; i += 2) reading[i].cancel();
    for (std::size_t i = 1; i < count; i += 2) co_await send_all(*pairs[i].client, "x");
    for (std::size_t i = 0; i < count; ++i) {
      while (!reading[i].done()) co_await yield();
      EXPECT_EQ(reading[i].status(),
                i % 2 == 0 ? coro::task_status::cancelled : coro::task_status::succeeded);
    }
  });
}

}  // namespace
}  // namespace eddy::runtime

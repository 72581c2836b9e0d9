// Two hundred megabytes each way, in memory that does not depend on that.
#include "sanitizers.hpp"
#include "server_fixture.hpp"

#include <array>
#include <cstdint>
#include <fstream>
#include <string>

#include <gtest/gtest.h>
#include <malloc.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/server.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

#ifdef EDDY_HAS_SANITIZER
constexpr std::uint64_t transfer =
    20'000'000;  // sanitizers keep what was freed: only that it works is seen
constexpr bool measures_memory = false;
#else
constexpr std::uint64_t transfer = 200'000'000;
constexpr bool measures_memory = true;
#endif
constexpr std::uint64_t most_growth = 16 * 1024 * 1024;  // bytes; buffers of both sides

/// The process's memory at its largest since the last look.
std::uint64_t take_peak_memory() {
  std::uint64_t peak = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) peak = std::stoull(line.substr(6)) * 1024;
  }
  std::ofstream("/proc/self/clear_refs") << "5";
  return peak;
}

task<void> write_much(body_writer& out) {
  const std::string piece(50'000, 'x');
  for (std::uint64_t sent = 0; sent < transfer; sent += piece.size()) co_await out.write(piece);
}

task<std::string> count_body(request& r) {
  std::array<std::byte, 16 * 1024> piece{};
  std::uint64_t total = 0;
  for (;;) {
    const std::size_t count = co_await r.read_some(piece);
    if (count == 0) break;
    total += count;
  }
  co_return std::to_string(total);
}

task<void> download(client& c, std::string url) {
  auto got = co_await c.get(url);
  std::array<std::byte, 16 * 1024> piece{};
  std::uint64_t total = 0;
  for (;;) {
    const std::size_t count = co_await got.read_some(piece);
    if (count == 0) break;
    total += count;
  }
  EXPECT_EQ(total, transfer);
}

task<void> upload(client& c, std::string url) {
  request_spec put("POST", url);
  streamed_body much;
  much.write = write_much;
  put.set_stream(std::move(much), "application/octet-stream");
  auto answer = co_await c.request(std::move(put));
  const std::string counted = co_await answer.body();
  EXPECT_EQ(counted, std::to_string(transfer));
}

class large_transfer : public ::testing::TestWithParam<bool> {};

TEST_P(large_transfer, takes_constant_memory_both_ways) {
  server app;
  app.get("/", [](request&) { return response::stream("text/plain", write_much); });
  app.post("/", count_body, {.max_body = transfer});
  auto body = [&](net::address at) -> task<void> {
    client_options options;
    options.http2_prior_knowledge = GetParam();
    options.max_body = transfer;
    options.timeouts.total = 5min;
    client c(options);
    const std::string url = "http://" + at.to_string() + "/";
    ::malloc_trim(0);
    static_cast<void>(take_peak_memory());
    const std::uint64_t before = take_peak_memory();
    co_await download(c, url);
    co_await upload(c, url);
    const std::uint64_t after = take_peak_memory();
    RecordProperty("growth", std::to_string(after - before));
    if (measures_memory) {
      EXPECT_LT(after, before + most_growth);
    }
  };
  run_options options;
  options.handle_signals = false;
  run(with_timeout(5min, with_server(app, body)), options);
}

INSTANTIATE_TEST_SUITE_P(versions, large_transfer, ::testing::Bool(),
                         [](const auto& version) { return version.param ? "http2" : "http1"; });

}  // namespace
}  // namespace eddy::http::test

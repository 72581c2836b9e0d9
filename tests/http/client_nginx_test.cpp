// The client against a server that is not ours, on the system's sockets.
#include "http/nginx.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/http/client.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::http {
namespace {

using http::testing::nginx;

constexpr const char* locations = R"(
  location = /moved { return 301 /page.txt; }
  location = /busy { return 503 "later"; }
  location = /nothing { return 204; }
  location = /close { keepalive_timeout 0; return 200 "bye"; }
)";

class http_client_with_nginx : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!nginx::is_installed()) GTEST_SKIP() << "nginx is not installed: run tools/setup test";
    server_.emplace(locations);
    server_->write_file("page.txt", "a page\n");
    std::string large(3'000'000, 'x');
    for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
    server_->write_file("large", large);
  }
  [[nodiscard]] std::string url(const std::string& path) const { return server_->base() + path; }

 private:
  std::optional<nginx> server_;
};

TEST_F(http_client_with_nginx, reads_pages_over_one_connection) {
  auto main = [this]() -> task<void> {
    client c;
    const std::vector<std::string> paths{"/page.txt", "/moved", "/busy", "/nothing", "/none"};
    std::vector<int> statuses;
    for (const std::string& path : paths) {
      client_response response = co_await c.get(url(path));
      statuses.push_back(response.status());
      const std::string body = co_await response.body();
      if (path == "/moved") {
        EXPECT_EQ(body, "a page\n");
        EXPECT_EQ(response.url(), url("/page.txt"));
      }
    }
    EXPECT_THAT(statuses, ::testing::ElementsAre(200, 200, 503, 204, 404));
    EXPECT_EQ(c.statistics().connects, 1u);
    const client_response head = co_await c.head(url("/large"));
    EXPECT_EQ(head.fields().find("content-length"), "3000000");
    EXPECT_EQ(c.statistics().connects, 1u);
    client_response last = co_await c.get(url("/close"));
    const std::string bye = co_await last.body();
    EXPECT_EQ(bye, "bye");
    EXPECT_EQ(c.statistics().connections, 0u);
  };
  run(main);
}

TEST_F(http_client_with_nginx, reads_large_bodies_exactly) {
  auto main = [this]() -> task<void> {
    client c;
    client_response response = co_await c.get(url("/large"));
    const std::string body = co_await response.body();
    EXPECT_EQ(body.size(), 3'000'000u);
    bool right = true;
    for (std::size_t i = 0; i < body.size(); ++i) {
      right = right && body[i] == static_cast<char>('a' + i % 23);
    }
    EXPECT_TRUE(right);
  };
  run(main);
}

TEST_F(http_client_with_nginx, makes_a_thousand_requests_over_few_connections) {
  auto main = [this]() -> task<void> {
    client c({.max_connections_per_host = 8});
    std::vector<std::string> urls(1000, url("/page.txt"));
    auto fetch = [&](const std::string& each) -> task<std::size_t> {
      client_response response = co_await c.get(each);
      const std::string body = co_await response.body();
      co_return body.size();
    };
    const std::vector<std::size_t> sizes = co_await gather_each(urls, fetch, {.limit = 100});
    EXPECT_EQ(sizes, std::vector<std::size_t>(1000, 7));
    EXPECT_LE(c.statistics().connects, 8u);
    EXPECT_EQ(c.statistics().requests, 1000u);
  };
  run(main);
}

}  // namespace
}  // namespace eddy::http

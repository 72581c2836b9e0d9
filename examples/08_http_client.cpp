// An HTTP client: several pages at once over pooled connections, a time limit, and a page that is not there.
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

#include <eddy/eddy.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/server.hpp>

namespace http = eddy::http;
using namespace std::chrono_literals;

// Something to talk to; see 09_http_server.
eddy::task<void> serve_pages(eddy::net::tcp_listener& listener) {
  http::server app;
  app.get("/pages/{number}",
          [](http::request& r) { return "this is page " + std::string(r.parameter("number")); });
  app.get("/slow", [](http::request&) -> eddy::task<std::string> {
    co_await eddy::sleep(1h);
    co_return "too late";
  });
  co_await app.serve(listener);
}

eddy::task<std::size_t> page_size(http::client& client, std::string url) {
  auto response = co_await client.get(std::move(url));
  const std::string text = co_await response.body();
  std::cout << response.status() << ": " << text << '\n';
  co_return text.size();
}

eddy::task<bool> gives_up(http::client& client, std::string url) {
  try {
    static_cast<void>(co_await eddy::with_timeout(20ms, client.get(std::move(url))));
  } catch (const eddy::timeout_error&) {
    co_return true;
  }
  co_return false;
}

eddy::task<int> async_main() {
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(0));
  const std::string base = "http://" + listener.local().to_string();
  std::size_t bytes = 0;
  bool gave_up = false;
  int missing = 0;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(serve_pages(listener));
    http::client client;
    std::vector<std::string> urls;
    for (int i = 1; i <= 5; ++i) urls.push_back(base + "/pages/" + std::to_string(i));
    auto fetch = [&](const std::string& url) { return page_size(client, url); };
    const auto sizes = co_await eddy::gather_each(urls, fetch, {.limit = 3});
    for (const auto size : sizes) bytes += size;
    gave_up = co_await gives_up(client, base + "/slow");
    auto nothing = co_await client.get(base + "/nowhere");
    missing = nothing.status();
    group.cancel();
  });
  std::cout << "404 is no exception: " << missing << '\n';
  co_return bytes == 5 * 14 && gave_up&& missing == 404 ? 0 : 1;
}

int main() { return eddy::run(async_main()); }

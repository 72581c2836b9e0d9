// A large site on a thread of its own, made up as it is asked for, which counts who asks for what, and when.
//
// Its pages are a tree: page n links to 5n+1 ... 5n+5, to the page above it and to itself. The pages stand on several
// hosts (127.0.0.1, 127.0.0.2, ...) in turn. Every ninth page also links to /redirect/n, which leads to page n/2, to
// /loop/n, which leads to itself by a detour, to /missing/n, and to what is no URL. Some pages are slow, some huge,
// some larger than a crawler may take, some badly encoded.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <future>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>

namespace command::testing {

class generated_site {
 public:
  static constexpr std::size_t hosts = 10;
  static constexpr std::size_t too_large = 1'000'000;  // bytes; some pages are

  /// Only pages without links that are needed: nobody reads those of such a page.
  [[nodiscard]] bool is_too_large(std::size_t page) const {
    return page % 200 == 7 && page % 9 != 0 && 5 * page >= pages_;
  }

  explicit generated_site(std::size_t pages) : pages_(pages) {
    std::promise<std::uint16_t> port;
    auto started = port.get_future();
    thread_ = std::thread([this, &port] {
      eddy::run_options quiet;
      quiet.handle_signals = false;
      quiet.watchdog = eddy::duration::zero();
      quiet.on_error = [](const eddy::failure_report&) {};
      eddy::run([&] { return serve(port); }, quiet);
    });
    port_ = started.get();
  }
  generated_site(const generated_site&) = delete;
  generated_site& operator=(const generated_site&) = delete;
  ~generated_site() {
    app_.shutdown();
    thread_.join();
  }

  /// Where a crawl starts: the first page of each host, so that all hosts are in scope.
  [[nodiscard]] std::vector<std::string> start() const {
    std::vector<std::string> urls;
    for (std::size_t n = 0; n < hosts; ++n) urls.push_back(url(n, "/page/" + std::to_string(n)));
    return urls;
  }

  /// Every URL there is a link to.
  [[nodiscard]] std::set<std::string> all_urls() const {
    std::set<std::string> urls;
    for (std::size_t n = 0; n < pages_; ++n) {
      urls.insert(url(n, "/page/" + std::to_string(n)));
      if (n % 9 != 0) continue;
      for (const char* const kind : {"/redirect/", "/loop/", "/detour/", "/missing/"}) {
        urls.insert(url(n, kind + std::to_string(n)));
      }
    }
    return urls;
  }

  /// How often each URL was asked for, but for robots.txt.
  [[nodiscard]] std::map<std::string, std::size_t> requests() const {
    const std::scoped_lock hold(mutex_);
    return requests_;
  }
  [[nodiscard]] std::size_t requests_made() const {
    const std::scoped_lock hold(mutex_);
    return made_;
  }
  /// Waits until it was asked so often; false when that takes longer than `patience`.
  [[nodiscard]] bool wait_for_requests(std::size_t count, std::chrono::seconds patience) const {
    std::unique_lock hold(mutex_);
    return asked_.wait_for(hold, patience, [&] { return made_ >= count; });
  }
  /// When the requests to each host came, since the last call.
  [[nodiscard]] std::map<std::string, std::vector<eddy::time_point>> take_times() {
    const std::scoped_lock hold(mutex_);
    return std::exchange(times_, {});
  }
  /// The most requests that one host answered at once.
  [[nodiscard]] std::size_t most_at_once() const {
    const std::scoped_lock hold(mutex_);
    return most_at_once_;
  }

 private:
  [[nodiscard]] std::string url(std::size_t n, const std::string& path) const {
    return "http://127.0.0." + std::to_string(n % hosts + 1) + ":" + std::to_string(port_) + path;
  }

  eddy::task<void> serve(std::promise<std::uint16_t>& port) {
    auto listener = eddy::net::tcp_listener::listen(eddy::net::address::any_v4(0));
    app_.get("/{kind}/{number}", [this](eddy::http::request& r) { return respond(r); });
    app_.get("/robots.txt",
             [](eddy::http::request&) { return "User-agent: *\nDisallow: /secret/\n"; });
    port.set_value(listener.local().port());
    co_await app_.serve(listener);
  }

  eddy::task<eddy::http::response> respond(eddy::http::request& r) {
    const std::string host(r.authority());
    const std::string kind(r.parameter("kind"));
    const std::size_t n = std::stoul(std::string(r.parameter("number")));
    begin("http://" + host + std::string(r.target()), host);
    if (kind == "page" && n % 101 == 3) {
      const auto slept = co_await eddy::as_result(eddy::sleep(std::chrono::milliseconds(200)));
      end(host);
      if (slept.is_cancelled()) throw eddy::cancelled(slept.cancellation());
    } else {
      end(host);
    }
    co_return answer(kind, n);
  }

  [[nodiscard]] eddy::http::response answer(const std::string& kind, std::size_t n) const {
    using eddy::http::response;
    const std::string number = std::to_string(n);
    if (kind == "page") return page(n);
    if (kind == "redirect") return response::redirect(url(n / 2, "/page/" + std::to_string(n / 2)));
    if (kind == "loop") return response::redirect("/detour/" + number);
    if (kind == "detour") return response::redirect("/loop/" + number);
    return response::error(404);
  }

  [[nodiscard]] eddy::http::response page(std::size_t n) const {
    const auto link = [&](std::size_t to, const std::string& path) {
      return "<a href='" + url(to, path) + "'>link</a> ";
    };
    std::string text = "<title>Page " + std::to_string(n) + "</title><p>";
    for (std::size_t child = 5 * n + 1; child <= 5 * n + 5 && child < pages_; ++child) {
      text += link(child, "/page/" + std::to_string(child));
    }
    text += link(n / 5, "/page/" + std::to_string(n / 5)) + "<a href=''>self</a><a href=/secret/" +
            std::to_string(n % 5) + ">x</a>";
    if (n % 9 == 0) {
      for (const char* const kind : {"/redirect/", "/loop/", "/missing/"}) {
        text += link(n, kind + std::to_string(n));
      }
      text += "<a href='http://['>x</a><a href='http://127.0.0.1:99999/'>x</a>";
    }
    if (is_too_large(n)) text += std::string(too_large, 'h');
    if (n % 1000 == 5) text += std::string(300'000, 'h');
    std::string type = "text/html";
    if (n % 30 == 4) type = "text/html; charset=utf-8";
    if (n % 30 == 14) type = "text/html; charset=shift_jis";
    if (n % 10 == 4) text += "\xFF\xC3(\xE4\x80";
    return eddy::http::response::of(type, std::move(text));
  }

  void begin(const std::string& what, const std::string& host) {
    const std::scoped_lock hold(mutex_);
    ++made_;
    ++requests_[what];
    times_[host].push_back(eddy::now());
    most_at_once_ = std::max(most_at_once_, ++at_once_[host]);
    asked_.notify_all();
  }
  void end(const std::string& host) {
    const std::scoped_lock hold(mutex_);
    --at_once_[host];
  }

  std::size_t pages_;
  eddy::http::server app_;
  std::thread thread_;
  std::uint16_t port_ = 0;
  mutable std::mutex mutex_;
  mutable std::condition_variable asked_;
  std::size_t made_ = 0;
  std::map<std::string, std::size_t> requests_;
  std::map<std::string, std::vector<eddy::time_point>> times_;
  std::map<std::string, std::size_t> at_once_;
  std::size_t most_at_once_ = 0;
};

}  // namespace command::testing

// A site in the test's own loop, which writes down how it is asked.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/coro/group.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/server.hpp>
#include <eddy/net/tcp.hpp>

namespace eddy::scrape::test {

/// Filled first, then served. What it does not have is 404.
class site {
 public:
  explicit site(const net::address& at = net::address::loopback_v4(0))
      : listener_(net::tcp_listener::listen(at)),
        base_("http://" + listener_.local().to_string()) {}

  void page(const std::string& target, std::string html) {
    answer(target, "text/html", std::move(html));
  }
  void answer(const std::string& target, std::string type, std::string body) {
    place& at = places_[target];
    at.type = std::move(type);
    at.body = std::move(body);
  }
  /// Answers so; if `times` is given, only the first times.
  void status(const std::string& target, int status, std::size_t times = SIZE_MAX) {
    places_[target].status = status;
    places_[target].status_times = times;
  }
  void redirect(const std::string& target, std::string to) {
    status(target, 302);
    field(target, "Location", std::move(to));
  }
  void field(const std::string& target, std::string name, std::string value) {
    places_[target].fields.emplace_back(std::move(name), std::move(value));
  }
  /// Breaks off within the body.
  void cut(const std::string& target) { places_[target].cut = true; }
  void slow(const std::string& target, duration pause) { places_[target].takes = pause; }

  /// Serves while `body()` runs.
  template <class Body>
  task<void> serve(Body body) {
    http::server app;
    app.get("/{path...}", [this](http::request& r) { return respond(r); });
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(listener_));
      co_await body();
      app.shutdown();
    };
    co_await with_group(both);
  }

  [[nodiscard]] std::string url(std::string_view target) const {
    return base_ + std::string(target);
  }

  // --- what happened ---
  [[nodiscard]] const std::vector<std::string>& targets() const noexcept { return targets_; }
  /// When requests came.
  [[nodiscard]] const std::vector<time_point>& times() const noexcept { return times_; }
  [[nodiscard]] std::size_t most_at_once() const noexcept { return most_at_once_; }
  [[nodiscard]] const std::set<std::string>& user_agents() const noexcept { return user_agents_; }

  duration takes{};  ///< each answer

 private:
  struct place {
    std::string type;
    std::string body;
    int status = 200;
    std::size_t status_times = SIZE_MAX;
    std::vector<std::pair<std::string, std::string>> fields;
    bool cut = false;
    duration takes{};
  };

  task<http::response> respond(http::request& r) {
    const std::string target(r.target());
    targets_.push_back(target);
    times_.push_back(now());
    user_agents_.emplace(r.field("User-Agent").value_or(""));
    most_at_once_ = std::max(most_at_once_, ++at_once_);
    const auto found = places_.find(target);
    const duration pause = takes + (found == places_.end() ? duration() : found->second.takes);
    const auto slept = co_await as_result(sleep(pause));
    --at_once_;
    if (slept.is_cancelled()) throw cancelled(slept.cancellation());
    if (found == places_.end()) co_return http::response::error(404);
    co_return made(found->second);
  }

  static http::response made(place& at) {
    int status = at.status;
    if (at.status_times == 0) status = 200;
    if (at.status_times != SIZE_MAX && at.status_times > 0) --at.status_times;
    if (at.cut) {
      auto break_off = [](http::body_writer& out) -> task<void> {
        co_await out.write("half");
        throw_error(errc::closed, "a page that breaks off");
      };
      return http::response::stream("text/html", break_off, 10);
    }
    http::response answer =
        http::response::of(at.type.empty() ? "text/html" : at.type, at.body, status);
    for (const auto& [name, value] : at.fields) answer.add(name, value);
    return answer;
  }

  net::tcp_listener listener_;
  std::string base_;
  std::map<std::string, place> places_;
  std::vector<std::string> targets_;
  std::vector<time_point> times_;
  std::set<std::string> user_agents_;
  std::size_t at_once_ = 0;
  std::size_t most_at_once_ = 0;
};

}  // namespace eddy::scrape::test

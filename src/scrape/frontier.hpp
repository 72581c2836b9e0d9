// Which URL is fetched next, and when: the crawler's order of work. Pure: times are given to it.
//
// Each host has a line of its URLs, in order of arrival. A host is asked when it has something in line, fewer than
// `per_host` requests under way, and its pause is over; the one that may be asked for the longest time comes first.
// Before its first URL its robots.txt is asked for, alone; what that forbids needs no request and no pause.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include <eddy/base/time.hpp>
#include <eddy/scrape/crawl_result.hpp>
#include <eddy/scrape/robots.hpp>

namespace eddy::scrape::detail {

struct frontier_limits {
  std::size_t max_waiting;  // URLs in line; further ones are dropped
  std::size_t per_host;     // requests under way
  duration delay;           // between the beginnings of two requests to a host
};

/// Something to do. A request of `origin` is under way until release().
struct frontier_work {
  enum class kind : std::uint8_t {
    robots,   // fetch the rules of `origin`, then robots_known()
    page,     // fetch the entry
    excluded  // the rules forbid the entry: nothing is under way
  };
  kind what;
  std::string origin;
  crawl_entry entry;
  std::string reason;  // why it is excluded
};

class frontier {
 public:
  /// Without robots every host may be asked for everything at once.
  frontier(const frontier_limits& limits, bool obey_robots) noexcept
      : limits_(limits), obey_robots_(obey_robots) {}

  /// Puts a URL in line; false for one that is known, or when there is no room. `entry.url` is a web_url's text, and
  /// `origin` its origin.
  bool add(crawl_entry entry, std::string_view origin);
  /// Makes a URL known without fetching it.
  void know(std::string url) { known_.insert(std::move(url)); }

  /// The next thing to do at `now`.
  std::optional<frontier_work> take(time_point now);
  /// When take() will give something, if nothing is released or added; `never` if not at all.
  [[nodiscard]] time_point next_time() const noexcept;
  /// When a further request of work under way may begin; counts as its beginning.
  time_point pace(std::string_view origin, time_point now);
  void release(std::string_view origin);
  /// The rules of a host whose robots.txt was asked for, and the pause that they ask for. `reason` is what is said of
  /// URLs that they forbid.
  void robots_known(std::string_view origin, robots_rules rules, duration delay,
                    std::string reason);
  /// The rules of this host are asked for, even when nothing of it is in line.
  void want_rules(std::string_view origin);
  /// Nothing is left to do but what is under way.
  [[nodiscard]] bool exhausted() const noexcept { return waiting_ == 0 && ready_.empty(); }

  [[nodiscard]] std::size_t waiting() const noexcept { return waiting_; }
  [[nodiscard]] std::size_t active() const noexcept { return active_; }
  [[nodiscard]] std::size_t hosts() const noexcept { return hosts_.size(); }
  /// URLs that were dropped for want of room.
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_; }

 private:
  enum class rules_state : std::uint8_t { unknown, asked, known };
  struct host {
    std::string origin;
    std::deque<crawl_entry> line;
    std::size_t active = 0;
    time_point not_before = time_point::min();
    duration delay{};
    std::uint64_t turn = 0;  // of its place in ready_; 0: it is not there
    rules_state state = rules_state::unknown;
    robots_rules rules;
    std::string reason;        // why they forbid what they forbid
    bool wants_rules = false;  // for their own sake
  };
  struct earlier {
    bool operator()(const host* a, const host* b) const noexcept {
      return a->not_before != b->not_before ? a->not_before < b->not_before : a->turn < b->turn;
    }
  };

  host& host_of(std::string_view origin);
  [[nodiscard]] bool may_be_asked(const host& each) const noexcept;
  /// Takes a host out of ready_; to be called before anything that its place depends on changes.
  void leave(host& each) noexcept;
  void enter(host& each);
  void begin(host& each, time_point now) noexcept;

  frontier_limits limits_;
  bool obey_robots_;
  std::unordered_map<std::string, std::unique_ptr<host>> hosts_;
  std::set<host*, earlier> ready_;  // exactly those of which may_be_asked
  std::unordered_set<std::string> known_;
  std::size_t waiting_ = 0;
  std::size_t active_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t turns_ = 0;
};

}  // namespace eddy::scrape::detail

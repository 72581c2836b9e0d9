#include "frontier.hpp"

#include <algorithm>

#include <eddy/base/check.hpp>

namespace eddy::scrape::detail {

frontier::host& frontier::host_of(std::string_view origin) {
  auto& place = hosts_[std::string(origin)];
  if (!place) {
    place = std::make_unique<host>();
    place->origin = origin;
    place->delay = limits_.delay;
    if (!obey_robots_) place->state = rules_state::known;
  }
  return *place;
}

bool frontier::may_be_asked(const host& each) const noexcept {
  const bool has_work =
      !each.line.empty() || (each.wants_rules && each.state == rules_state::unknown);
  return has_work && each.active < limits_.per_host && each.state != rules_state::asked;
}

void frontier::leave(host& each) noexcept {
  if (each.turn != 0) ready_.erase(&each);
  each.turn = 0;
}

void frontier::enter(host& each) {
  if (!may_be_asked(each)) return;
  each.turn = ++turns_;
  ready_.insert(&each);
}

bool frontier::add(crawl_entry entry, std::string_view origin) {
  if (known_.contains(entry.url)) return false;
  if (waiting_ >= limits_.max_waiting) {
    ++dropped_;
    return false;
  }
  known_.insert(entry.url);
  host& at = host_of(origin);
  at.line.push_back(std::move(entry));
  ++waiting_;
  if (at.turn == 0) enter(at);
  return true;
}

void frontier::begin(host& each, time_point now) noexcept {
  ++each.active;
  ++active_;
  each.not_before = after(now, each.delay);
}

std::optional<frontier_work> frontier::take(time_point now) {
  if (ready_.empty() || (*ready_.begin())->not_before > now) return std::nullopt;
  host& next = **ready_.begin();
  leave(next);
  frontier_work work{frontier_work::kind::page, next.origin, {}, {}};
  if (next.state == rules_state::unknown) {
    work.what = frontier_work::kind::robots;
    next.state = rules_state::asked;
    begin(next, now);
    return work;
  }
  work.entry = std::move(next.line.front());
  next.line.pop_front();
  --waiting_;
  const std::string_view target = std::string_view(work.entry.url).substr(next.origin.size());
  if (next.rules.allows(target)) {
    begin(next, now);
  } else {
    work.what = frontier_work::kind::excluded;
    work.reason = next.reason;
  }
  enter(next);
  return work;
}

time_point frontier::next_time() const noexcept {
  return ready_.empty() ? never : (*ready_.begin())->not_before;
}

time_point frontier::pace(std::string_view origin, time_point now) {
  host& at = host_of(origin);
  leave(at);
  const time_point begins = std::max(now, at.not_before);
  at.not_before = after(begins, at.delay);
  enter(at);
  return begins;
}

void frontier::release(std::string_view origin) {
  host& at = host_of(origin);
  check(at.active > 0, "a host's request ended twice");
  leave(at);
  --at.active;
  --active_;
  enter(at);
}

void frontier::want_rules(std::string_view origin) {
  host& at = host_of(origin);
  leave(at);
  at.wants_rules = true;
  enter(at);
}

void frontier::robots_known(std::string_view origin, robots_rules rules, duration delay,
                            std::string reason) {
  host& at = host_of(origin);
  leave(at);
  at.rules = std::move(rules);
  at.reason = std::move(reason);
  const duration longer = std::max(limits_.delay, delay);
  at.not_before = after(at.not_before, longer - at.delay);  // the request for the rules counts
  at.delay = longer;
  at.state = rules_state::known;
  enter(at);
}

}  // namespace eddy::scrape::detail

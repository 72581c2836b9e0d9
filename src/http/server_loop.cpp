#include "server_loop.hpp"

#include "connection_base.hpp"
#include "forwarded.hpp"

#include <algorithm>

namespace eddy::http::detail {
namespace {

// Exchanges kept for reuse: as many as requests run at once, usually.
constexpr std::size_t most_unused = 256;

}  // namespace

server_loop::server_loop(server_core& core)
    : core_(core),
      loop_(runtime::loop::current()),
      alive_(std::make_shared<server_loop*>(this)),
      hang_up_timer_(*this, &server_loop::watch_long_handlers),
      rest_timer_(*this, &server_loop::end_long_rests),
      idle_timer_(*this, &server_loop::end_idle) {
  core_.enter(*this);
}

server_loop::~server_loop() {
  *alive_ = nullptr;
  core_.leave(*this);
  if (end_noted_) core_.ending_loops_.fetch_sub(1, std::memory_order_relaxed);
  for (call_timer* one : {&hang_up_timer_, &rest_timer_, &idle_timer_}) {
    if (one->armed()) loop_.timers().remove(*one);
  }
}

task<void> server_loop::run(task<void> serving, std::function<void()> stop_accepting) {
  stop_accepting_ = std::move(stop_accepting);
  auto body = [&](task_group& group) { return run_in(group, std::move(serving)); };
  co_await with_group(body);
}

task<void> server_loop::run(task<void> serving) {
  auto body = [&](task_group& group) -> task<void> {
    group.spawn(announce_end());
    co_await run_in(group, std::move(serving));
  };
  co_await with_group(body);
}

task<void> server_loop::run_in(task_group& group, task<void> serving) {
  watches_ = &group;
  co_await std::move(serving);
  group.cancel();
}

// Waits for its cancellation.
task<void> server_loop::announce_end() {
  struct announcement {
    server_loop& server;
    ~announcement() { server.begin_drain(); }
  };
  const announcement at_exit{*this};
  const promise<void> never_set;
  co_await never_set.get_future();
}

void server_loop::note_end() noexcept {
  if (std::exchange(end_noted_, true)) return;
  core_.ending_loops_.fetch_add(1, std::memory_order_relaxed);
}

void server_loop::begin_drain() noexcept {
  if (std::exchange(draining_, true)) return;
  note_end();
  end_begins_.set_value();
  for (auto* one = connections_.front(); one != nullptr; one = connections_.next(*one))
    one->drain();
  if (idle_notice_ == duration::zero()) return end_idle();
  loop_.timers().add(idle_timer_, after(loop_.now(), idle_notice_));
}

void server_loop::end_idle() noexcept {
  ends_idle_ = true;
  for (auto* one = connections_.front(); one != nullptr; one = connections_.next(*one))
    one->end_if_idle();
  for (auto* one = resting_.front(); one != nullptr; one = resting_.next(*one))
    one->end(cancel_reason::shutdown);
}

// The posted callback holds what tells it whether this is still there.
void server_loop::request_stop() {
  loop_.ref().post([alive = alive_] {
    server_loop* server = *alive;
    if (server == nullptr) return;
    server->note_end();
    if (server->stop_accepting_) return server->stop_accepting_();
    server->begin_drain();
  });
}

std::unique_ptr<exchange> server_loop::acquire() {
  if (unused_.empty()) return std::make_unique<exchange>(core_.options_.wire);
  auto one = std::move(unused_.back());
  unused_.pop_back();
  return one;
}

void server_loop::release(std::unique_ptr<exchange> used) noexcept {
  if (unused_.size() >= most_unused) return;
  used->abandon();
  try {
    unused_.push_back(std::move(used));
  } catch (const std::bad_alloc&) {
    return;  // it is freed instead
  }
}

std::string_view server_loop::date() {
  using std::chrono::floor;
  using std::chrono::seconds;
  if (loop_.turn_started() >= date_ends_) {
    const auto calendar = loop_.time_source().calendar();
    const auto second = floor<seconds>(calendar);
    date_ = wire::http1::format_date(second);
    date_ends_ = after(loop_.turn_started(), to_duration(second + seconds(1) - calendar));
  }
  return {date_.data(), date_.size()};
}

void server_loop::add(resting_connection& c) {
  resting_.push_back(c);
  if (!rest_timer_.armed()) loop_.timers().add(rest_timer_, c.until());
}

void server_loop::end_long_rests() noexcept {
  const time_point now = loop_.turn_started();
  while (resting_connection* oldest = resting_.front()) {
    if (oldest->until() > now) {
      loop_.timers().add(rest_timer_, oldest->until());
      return;
    }
    resting_.pop_front();
    oldest->end(cancel_reason::timeout);
  }
}

void server_loop::handler_started(connection_base& c) {
  c.note_handling(loop_.turn_started());
  handling_.push_back(c);
  if (hang_up_timer_.armed()) return;
  loop_.timers().add(hang_up_timer_, after(loop_.turn_started(), options().hang_up_delay));
}

void server_loop::watch_long_handlers() noexcept {
  const duration delay = options().hang_up_delay;
  const time_point now = loop_.turn_started();
  while (connection_base* oldest = handling_.front()) {
    const time_point due = after(oldest->handling_since(), delay);
    if (due > now) {
      loop_.timers().add(hang_up_timer_, due);
      return;
    }
    handling_.pop_front();
    oldest->start_watch();
  }
}

any_task_handle server_loop::spawn_watch(task<void> watching) {
  return watches_->spawn(std::move(watching));
}

// --- resting_connection ---

resting_connection::resting_connection(server_loop& server)
    : task_(server.loop().require_task()),
      until_(after(server.loop().turn_started(), server.options().idle_timeout - rest_delay)) {
  server.add(*this);
}

void resting_connection::end(cancel_reason why) noexcept {
  static_cast<void>(task_.cancel(why, {}, std::source_location::current()));
}

// --- request_meter ---

void request_meter::begin(request& asked) {
  server_.counts().requests_running.add(1);
  running_ = true;
  if (server_.core().observer_) began_ = server_.loop().now();
  limit_time(static_cast<incoming_request&>(asked), server_.options().request_timeout);
  if (server_.options().trusted_proxies.empty()) [[likely]]
    return;
  const forwarded_client told = find_client(server_.options(), asked.fields(), asked.client());
  static_cast<incoming_request&>(asked).came_from(told.address, told.scheme);
}

void request_meter::end(const request& asked, int status) {
  figures& counts = server_.counts();
  counts.count_answer(status);
  counts.requests_running.subtract(1);
  running_ = false;
  const auto& observer = server_.core().observer_;
  if (!observer) return;
  exchange_record record;
  record.method = asked.method_token();
  record.route = asked.route();
  record.target = asked.target();
  record.status = status;
  record.elapsed = server_.loop().now() - began_;
  observer(record);
}

}  // namespace eddy::http::detail

#include "connection_pool.hpp"

#include <algorithm>
#include <utility>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
namespace {

acquire_operation* head_of(origin& of) noexcept {
  return static_cast<acquire_operation*>(of.waiting.front());
}

}  // namespace

// --- lease ---

lease::lease(std::shared_ptr<connection_pool> pool, origin& of,
             std::unique_ptr<client_connection> connection) noexcept
    : pool_(std::move(pool)), origin_(&of), connection_(std::move(connection)) {}

lease& lease::operator=(lease&& other) noexcept {
  give_back();
  pool_ = std::move(other.pool_);
  origin_ = other.origin_;
  connection_ = std::move(other.connection_);
  shared_ = std::move(other.shared_);
  return *this;
}

void lease::install(std::unique_ptr<client_connection> made) noexcept {
  connection_ = std::move(made);
  pool_->decided(*origin_);
}

void lease::install(std::unique_ptr<multiplexed_connection> made) {
  shared_ = std::move(made);
  const auto pool = std::exchange(pool_, nullptr);
  pool->share(*origin_, shared_);
}

std::unique_ptr<client_connection> lease::take() noexcept {
  auto taken = std::move(connection_);
  give_back();
  return taken;
}

void lease::keep() noexcept {
  if (const auto pool = std::exchange(pool_, nullptr)) {
    pool->give_back(*origin_, std::move(connection_));
  }
}

void lease::give_back() noexcept {
  connection_.reset();
  keep();
}

lease acquire_operation::take() {
  if (refused_) throw_error(errc::closed, "http client");
  return std::move(granted_);
}

// --- waiting ---

connection_pool::~connection_pool() { close(); }

origin& connection_pool::origin_of(std::string_view name, bool may_share) {
  if (const auto found = origins_.find(name); found != origins_.end()) return *found->second;
  auto made = std::make_unique<origin>(*this);
  made->name = name;
  made->undecided = may_share;
  return *origins_.emplace(std::string_view(made->name), std::move(made)).first->second;
}

bool connection_pool::try_acquire(acquire_operation& op) {
  if (closed_) {
    op.refused_ = true;
    return true;
  }
  origin& of = origin_of(op.name_, op.may_share_);
  if (!of.waiting.empty()) return false;
  if (of.shared != nullptr) {
    if (!of.shared->accepts()) return false;
    op.granted_ = lease(of.shared);
    return true;
  }
  if (client_connection* idle = of.idle.front()) {
    op.granted_ = lease(shared_from_this(), of, unpark(*idle));
    return true;
  }
  if (of.places == most_places(of)) return false;
  // An idle connection of another origin gives way; nobody is hungry while there is one.
  if (total_ == limits_.max_total && !evict_idle()) return false;
  ++of.places;
  ++total_;
  op.granted_ = lease(shared_from_this(), of, nullptr);
  return true;
}

void connection_pool::enqueue(acquire_operation& op) {
  op.at_ = &origin_of(op.name_, op.may_share_);
  op.arrival_ = ++arrivals_;
  op.at_->waiting.push_back(op);
  ++waiting_count_;
  update_hunger(*op.at_);
}

void connection_pool::withdraw(acquire_operation& op) noexcept {
  origin& of = *op.at_;
  op.unlink();
  --waiting_count_;
  update_hunger(of);
  forget_if_unused(of);
  op.withdrawn();
}

// --- places ---

void connection_pool::give_back(origin& of,
                                std::unique_ptr<client_connection> connection) noexcept {
  const bool usable = connection != nullptr && !closed_ && limits_.keep_alive > duration::zero();
  if (usable && !of.waiting.empty() && !others_first(of)) {
    grant(of, std::move(connection));
  } else if (usable && of.waiting.empty() && hungry_.empty()) {
    park(of, std::move(connection));
  } else {
    connection.reset();
    free_place(of);
  }
}

bool connection_pool::others_first(origin& of) noexcept {
  origin* first = hungry_.front();
  return first != nullptr && first != &of && head_of(*first)->arrival_ < head_of(of)->arrival_;
}

void connection_pool::free_place(origin& of) noexcept {
  --of.places;
  --total_;
  update_hunger(of);
  grant_places();
  forget_if_unused(of);
}

void connection_pool::grant_places() noexcept {
  while (total_ < limits_.max_total && !hungry_.empty()) {
    origin& to = *hungry_.pop_front();
    ++to.places;
    ++total_;
    grant(to, nullptr);
  }
}

void connection_pool::grant(origin& to, std::unique_ptr<client_connection> connection) noexcept {
  acquire_operation& op = *head_of(to);
  op.unlink();
  --waiting_count_;
  op.granted_ = lease(shared_from_this(), to, std::move(connection));
  to.unlink();  // behind the other hungry ones, if it still is
  update_hunger(to);
  op.complete();
}

void connection_pool::update_hunger(origin& of) noexcept {
  const bool hungry = !of.waiting.empty() && of.places < most_places(of);
  if (hungry && !of.linked()) hungry_.push_back(of);
  if (!hungry) of.unlink();
}

void connection_pool::forget_if_unused(origin& of) noexcept {
  if (of.places == 0 && of.waiting.empty()) origins_.erase(of.name);
}

// --- shared connections ---

void origin::capacity_changed() noexcept { pool.shared_changed(*this); }

void connection_pool::decided(origin& of) noexcept {
  if (!std::exchange(of.undecided, false)) return;
  update_hunger(of);
  grant_places();
}

void connection_pool::share(origin& of, std::shared_ptr<multiplexed_connection> made) noexcept {
  if (closed_ || of.shared != nullptr) {  // whoever holds the lease uses it, nobody else
    free_place(of);
    return;
  }
  of.shared = std::move(made);
  of.shared->observe(&of);
  ++shared_count_;
  shared_changed(of);
}

void connection_pool::grant_shared(origin& of) noexcept {
  acquire_operation& op = *head_of(of);
  op.unlink();
  --waiting_count_;
  op.granted_ = lease(of.shared);
  op.complete();
}

void connection_pool::shared_changed(origin& of) noexcept {
  if (of.shared->ended()) {
    retire(of);
    return;
  }
  const bool wanted = !of.waiting.empty();
  while (!of.waiting.empty() && of.shared->accepts()) grant_shared(of);
  update_hunger(of);
  of.shared_idle_since = never;
  if (wanted || of.shared->running() > 0) return;
  if (!hungry_.empty() || limits_.keep_alive <= duration::zero()) {
    retire(of);
    return;
  }
  of.shared_idle_since = loop_.now();
  if (!armed()) arm();
}

void connection_pool::retire(origin& of) noexcept {
  const auto last = std::exchange(of.shared, nullptr);
  last->observe(nullptr);
  of.shared_idle_since = never;
  of.undecided = true;
  --shared_count_;
  if (idle_.empty() && shared_count_ == 0) loop_.timers().remove(*this);
  free_place(of);
}

// --- idle connections ---

void connection_pool::park(origin& of, std::unique_ptr<client_connection> connection) noexcept {
  client_connection& idle = *connection.release();
  idle.home = &of;
  idle.idle_since = loop_.now();
  idle.release_buffer();
  of.idle.push_front(idle);
  idle_.push_back(idle);
  ++idle_count_;
  if (!armed()) arm();
}

std::unique_ptr<client_connection> connection_pool::unpark(client_connection& idle) noexcept {
  idle.list_hook<of_origin>::unlink();
  idle.list_hook<of_pool>::unlink();
  --idle_count_;
  if (idle_.empty() && shared_count_ == 0) loop_.timers().remove(*this);
  return std::unique_ptr<client_connection>(&idle);
}

bool connection_pool::evict_idle() noexcept {
  if (client_connection* oldest = idle_.front()) {
    evict(*oldest);
    return true;
  }
  if (shared_count_ == 0) return false;
  for (auto& [name, of] : origins_) {
    if (of->shared == nullptr || of->shared->running() > 0) continue;
    retire(*of);
    return true;
  }
  return false;
}

void connection_pool::evict(client_connection& idle) noexcept {
  origin& of = *idle.home;
  unpark(idle).reset();
  free_place(of);
}

void connection_pool::arm() noexcept {
  const client_connection* oldest = idle_.front();
  time_point since = oldest == nullptr ? never : oldest->idle_since;
  if (shared_count_ > 0) {
    for (const auto& [name, of] : origins_) since = std::min(since, of->shared_idle_since);
  }
  if (since != never) loop_.timers().add(*this, after(since, limits_.keep_alive));
}

void connection_pool::expired() noexcept {
  const time_point now = loop_.now();
  while (client_connection* oldest = idle_.front()) {
    if (after(oldest->idle_since, limits_.keep_alive) > now) break;
    evict(*oldest);
  }
  if (shared_count_ > 0) close_idle_shared(now);
  if (!armed()) arm();
}

void connection_pool::close_idle_shared(time_point now) noexcept {
  for (auto entry = origins_.begin(); entry != origins_.end();) {
    origin& of = *(entry++)->second;
    if (of.shared == nullptr || of.shared_idle_since == never) continue;
    if (of.shared->running() > 0) {
      of.shared_idle_since = never;
    } else if (after(of.shared_idle_since, limits_.keep_alive) <= now) {
      retire(of);
    }
  }
}

std::size_t connection_pool::idle() const noexcept {
  std::size_t count = idle_count_;
  if (shared_count_ == 0) return count;
  for (const auto& [name, of] : origins_) {
    if (of->shared != nullptr && of->shared->running() == 0) ++count;
  }
  return count;
}

void connection_pool::close() noexcept {
  closed_ = true;
  while (client_connection* oldest = idle_.front()) evict(*oldest);
  refuse_waiting();
  for (auto entry = origins_.begin(); entry != origins_.end();) {
    origin& of = *(entry++)->second;
    if (of.shared != nullptr) retire(of);
  }
}

void connection_pool::refuse_waiting() noexcept {
  for (auto entry = origins_.begin(); entry != origins_.end();) {
    origin& of = *(entry++)->second;
    while (acquire_operation* op = head_of(of)) {
      op->unlink();
      --waiting_count_;
      op->refused_ = true;
      op->complete();
    }
    update_hunger(of);
    forget_if_unused(of);
  }
}

}  // namespace eddy::http::detail

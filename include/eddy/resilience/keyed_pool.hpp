// keyed_pool: a pool of objects of several kinds, such as connections to several hosts.
#pragma once

#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>

#include <eddy/resilience/object_pool.hpp>

namespace eddy {

namespace resilience::detail {

template <class Key, class T>
class keyed_pool_core final : public typed_pool_core<T> {
 public:
  using opener = std::function<task<T>(const Key&)>;
  keyed_pool_core(opener open, const pool_options& options, pool_hooks<T> hooks)
      : typed_pool_core<T>(options, std::move(hooks)), open_(std::move(open)) {}

  [[nodiscard]] pool_slot& slot(const Key& key) {
    const std::size_t per_key = this->options().max_per_key;
    const auto [at, added] = slots_.try_emplace(key, per_key != 0 ? per_key : this->options().max);
    at->second.key = &at->first;
    return at->second;
  }
  [[nodiscard]] std::size_t keys() const noexcept { return slots_.size(); }

 private:
  struct keyed_slot final : pool_slot {
    explicit keyed_slot(std::size_t most) noexcept : pool_slot(most) {}
    const Key* key = nullptr;
  };

  task<std::unique_ptr<pooled_object>> open(pool_slot& slot) override {
    const Key& key = *static_cast<keyed_slot&>(slot).key;
    std::unique_ptr<pooled_object> made = std::make_unique<holder<T>>(co_await open_(key));
    co_return made;
  }
  void slot_unused(pool_slot& slot) noexcept override {
    slots_.erase(slots_.find(*static_cast<keyed_slot&>(slot).key));
  }

  opener open_;
  std::unordered_map<Key, keyed_slot> slots_;
};

}  // namespace resilience::detail

/// As object_pool, with a limit per key besides the total one. When the total is reached and an object of another key
/// is idle, the one that has been idle for longest makes room. Acquirers of one key are served in order of arrival,
/// and a place that becomes free goes to the first who may use it, whatever the key. Releasing costs time in
/// proportion to the acquirers that wait while it gives one of them something. `min` is not used.
template <class Key, class T>
class keyed_pool {
 public:
  using lease = pool_lease<T>;
  using opener = std::function<task<T>(const Key&)>;

  explicit keyed_pool(opener open, const pool_options& options = {}, pool_hooks<T> hooks = {})
      : core_(std::make_shared<core>(std::move(open), options, std::move(hooks))) {}
  keyed_pool(const keyed_pool&) = delete;
  keyed_pool& operator=(const keyed_pool&) = delete;
  ~keyed_pool() {
    core_->require_nobody_waits();
    core_->terminate();
  }

  /// As object_pool::acquire.
  [[nodiscard]] task<lease> acquire(Key key,
                                    std::source_location where = std::source_location::current()) {
    co_return lease(co_await core_->acquire(core_->slot(key), where));
  }
  void expire_all() noexcept { core_->expire_all(); }
  [[nodiscard]] task<void> close() { return core_->close(); }
  void terminate() noexcept { core_->terminate(); }

  [[nodiscard]] pool_statistics statistics() const noexcept { return core_->statistics(); }
  /// Keys with objects, or with acquirers that wait.
  [[nodiscard]] std::size_t keys() const noexcept { return core_->keys(); }

 private:
  using core = resilience::detail::keyed_pool_core<Key, T>;
  std::shared_ptr<core> core_;
};

}  // namespace eddy

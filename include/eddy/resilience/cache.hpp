// cache: values that are expensive to get, kept for a while, loaded once however many ask.
//
//   eddy::cache<std::string, profile> profiles([&](const std::string& id) { return fetch_profile(id); },
//                                              {.capacity = 10'000, .ttl = 60s, .stale_if_error = 10min});
//   profile p = co_await profiles.get(id);
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include <eddy/base/intrusive_list.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>

namespace eddy {

struct cache_options {
  std::size_t capacity = 1000;     ///< values; the least recently used one goes first
  duration ttl = duration::max();  ///< how long a value counts as fresh after it was loaded
  /// How long beyond that it is given out when loading fails (RFC 5861, section 4).
  duration stale_if_error = duration::zero();
};

struct cache_statistics {
  std::size_t size = 0;      ///< values held, stale ones included
  std::size_t loading = 0;   ///< loads under way
  std::uint64_t hits = 0;    ///< gets answered at once
  std::uint64_t misses = 0;  ///< gets that waited for a load
  std::uint64_t loads = 0;
  std::uint64_t failures = 0;   ///< loads that failed
  std::uint64_t stale = 0;      ///< gets answered with a stale value because the load failed
  std::uint64_t evictions = 0;  ///< values that gave way to others
};

/// Belongs to one loop. V is copied to each caller: make it cheap to copy (std::shared_ptr<const T>). Tasks that ask
/// for a key while it is loaded wait for that load, which runs as a task of the loop's root group and belongs to all
/// who wait: one who is cancelled leaves the others their load. When the last one is cancelled, so is the load, and
/// that last caller stays suspended until it has ended; if it ends with the value, the caller gets it. A load that
/// fails gives every waiter its failure, or the value that was there before, if it is not too old; failures are not
/// kept. Destroying a cache while somebody waits stops the program.
template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class cache {
  struct entry;
  struct flight;

 public:
  class get_operation;
  using loader = std::function<task<V>(const K&)>;

  /// Throws invalid_input when the capacity is zero.
  explicit cache(loader load, cache_options options = {})
      : options_(options), load_(std::move(load)) {
    if (options_.capacity == 0) throw_invalid_input("cache: capacity zero");
  }
  cache(const cache&) = delete;
  cache& operator=(const cache&) = delete;
  ~cache() { check(loading_ == 0, "a cache was destroyed while values are loaded"); }

  /// The value for `key`, from the cache or loaded. Cancellable.
  [[nodiscard]] get_operation get(K key) { return {*this, std::move(key)}; }

  /// The fresh value for `key`, if there is one. Never waits; does not count as use.
  [[nodiscard]] std::optional<V> peek(const K& key) const {
    const auto found = entries_.find(key);
    if (found == entries_.end() || now() >= found->second.stale_at) return std::nullopt;
    return found->second.value;
  }

  /// Sets a value by hand. A load of the key that is under way goes on for those who wait, but is not kept.
  void put(const K& key, V value) {
    flights_.erase(key);
    store(key, std::move(value));
  }

  /// Forgets a value; a load that is under way is not kept. True if there was one.
  bool erase(const K& key) {
    flights_.erase(key);
    return entries_.erase(key) != 0;
  }
  void clear() {
    flights_.clear();
    entries_.clear();
  }

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] cache_statistics statistics() const noexcept {
    cache_statistics all = counts_;
    all.size = entries_.size();
    all.loading = loading_;
    return all;
  }

 private:
  const V* find_fresh(const K& key);
  [[nodiscard]] const V* usable_stale(const K& key);
  void store(const K& key, V value);
  flight& flight_for(const K& key);
  void abandon(flight& left) noexcept;
  task<void> run(std::shared_ptr<flight> started);
  void settle(flight& ended, result<V> loaded);

  cache_options options_;
  loader load_;
  std::unordered_map<K, entry, Hash, Equal> entries_;
  intrusive_list<entry> used_;  // the least recently used first
  // Loads that newcomers may join; a load that is not in here any more is not kept.
  std::unordered_map<K, std::shared_ptr<flight>, Hash, Equal> flights_;
  std::size_t loading_ = 0;
  cache_statistics counts_;
};

template <class K, class V, class Hash, class Equal>
struct cache<K, V, Hash, Equal>::entry : list_hook<> {
  entry(V loaded, time_point expiry) : value(std::move(loaded)), stale_at(expiry) {}
  entry(const entry&) = delete;
  entry& operator=(const entry&) = delete;
  ~entry() { unlink(); }

  V value;
  time_point stale_at;
  const K* key = nullptr;
};

/// One load and those who wait for it.
template <class K, class V, class Hash, class Equal>
struct cache<K, V, Hash, Equal>::flight {
  explicit flight(K wanted) : key(std::move(wanted)) {}
  K key;
  intrusive_list<get_operation> waiters;
  std::size_t waiting = 0;
  task_handle<> task;
};

/// What get() returns, for co_await.
template <class K, class V, class Hash, class Equal>
class cache<K, V, Hash, Equal>::get_operation final : public coro::queued_operation {
 public:
  get_operation(cache& from, K key) : cache_(&from), key_(std::move(key)) {}

  [[nodiscard]] coro::wait_info describe() const override { return {"cache.get", cache_}; }
  bool try_complete() {
    const V* fresh = cache_->find_fresh(key_);
    if (fresh == nullptr) return false;
    ++cache_->counts_.hits;
    outcome_.emplace(std::in_place, *fresh);
    return true;
  }
  void enqueue() {
    flight_ = &cache_->flight_for(key_);
    ++cache_->counts_.misses;
    ++flight_->waiting;
    flight_->waiters.push_back(*this);
  }
  [[nodiscard]] V take() { return *std::move(*outcome_); }

 private:
  friend cache;
  void withdraw() noexcept override {
    if (flight_->waiting == 1) {
      cache_->abandon(*flight_);
      return;
    }
    --flight_->waiting;
    this->unlink();
    this->withdrawn();
  }

  cache* cache_;
  K key_;
  flight* flight_ = nullptr;
  std::optional<result<V>> outcome_;
};

template <class K, class V, class Hash, class Equal>
const V* cache<K, V, Hash, Equal>::find_fresh(const K& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end() || now() >= found->second.stale_at) return nullptr;
  found->second.unlink();
  used_.push_back(found->second);
  return &found->second.value;
}

template <class K, class V, class Hash, class Equal>
const V* cache<K, V, Hash, Equal>::usable_stale(const K& key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return nullptr;
  if (now() < after(found->second.stale_at, options_.stale_if_error)) return &found->second.value;
  entries_.erase(found);
  return nullptr;
}

template <class K, class V, class Hash, class Equal>
void cache<K, V, Hash, Equal>::store(const K& key, V value) {
  const time_point stale_at = after(now(), options_.ttl);
  entries_.erase(key);
  if (entries_.size() >= options_.capacity) {
    entries_.erase(K(*used_.front()->key));
    ++counts_.evictions;
  }
  const auto [at, added] = entries_.try_emplace(key, std::move(value), stale_at);
  at->second.key = &at->first;
  used_.push_back(at->second);
}

template <class K, class V, class Hash, class Equal>
auto cache<K, V, Hash, Equal>::flight_for(const K& key) -> flight& {
  std::shared_ptr<flight>& joined = flights_[key];
  if (joined != nullptr) return *joined;
  try {
    joined = std::make_shared<flight>(key);
    spawn_options named;
    named.name = "cache load";
    joined->task = spawn(run(joined), named);
  } catch (...) {
    flights_.erase(key);
    throw;
  }
  ++loading_;
  ++counts_.loads;
  return *joined;
}

template <class K, class V, class Hash, class Equal>
void cache<K, V, Hash, Equal>::abandon(flight& left) noexcept {
  const auto found = flights_.find(left.key);
  if (found != flights_.end() && found->second.get() == &left) flights_.erase(found);
  left.task.cancel(cancel_reason::requested, "nobody waits for this load any more");
}

template <class K, class V, class Hash, class Equal>
task<void> cache<K, V, Hash, Equal>::run(std::shared_ptr<flight> started) {
  auto load = [this, &started]() -> task<V> { co_return co_await load_(started->key); };
  auto loaded = co_await as_result(load());
  settle(*started, std::move(loaded));
}

template <class K, class V, class Hash, class Equal>
void cache<K, V, Hash, Equal>::settle(flight& ended, result<V> loaded) {
  --loading_;
  const auto found = flights_.find(ended.key);
  const bool kept = found != flights_.end() && found->second.get() == &ended;
  if (kept) flights_.erase(found);
  if (loaded.has_value() && kept) store(ended.key, *loaded);
  const V* stale = nullptr;
  if (loaded.has_error()) {
    ++counts_.failures;
    stale = usable_stale(ended.key);
  }
  while (get_operation* waiter = ended.waiters.pop_front()) {
    if (loaded.is_cancelled() && waiter->withdrawing()) {
      waiter->withdrawn();
      continue;
    }
    if (stale != nullptr) {
      ++counts_.stale;
      waiter->outcome_.emplace(std::in_place, *stale);
    } else if (loaded.is_cancelled()) {  // by its handle, or because the loop ends
      waiter->outcome_.emplace(std::make_exception_ptr(error(errc::task_cancelled, "cache.get")));
    } else {
      waiter->outcome_.emplace(loaded);
    }
    waiter->complete();
  }
}

}  // namespace eddy

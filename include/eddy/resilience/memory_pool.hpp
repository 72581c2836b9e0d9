// memory_pool: one shared object per key for as long as anybody uses it, and the latest ones a little longer.
//
//   eddy::memory_pool<std::string, schema> schemas(100);
//   std::shared_ptr<schema> s = schemas.get(name, [&] { return std::make_shared<schema>(parse(name)); });
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <utility>

namespace eddy {

struct memory_pool_statistics {
  std::size_t kept = 0;     ///< objects the pool itself keeps alive
  std::size_t entries = 0;  ///< keys known, among them some whose objects are gone
  std::uint64_t hits = 0;   ///< lookups that found an object
  std::uint64_t misses = 0;
  std::uint64_t evictions = 0;  ///< objects the pool stopped keeping alive
};

/// Values are weak: an object that users hold is found by its key and never made twice, however old it is. Beyond
/// that the pool keeps the `capacity` most recently used objects alive itself, so that it works as a cache of bounded
/// size; zero keeps none. Never waits; used on one loop. Entries of objects that are gone are swept: there are at
/// most about twice as many as objects alive. Destruction lets go of the objects and leaves the users theirs.
template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<K>>
class memory_pool {
 public:
  explicit memory_pool(std::size_t capacity) : capacity_(capacity) {}
  memory_pool(const memory_pool&) = delete;
  memory_pool& operator=(const memory_pool&) = delete;

  /// The object of `key`; null when there is none.
  [[nodiscard]] std::shared_ptr<V> find(const K& key) {
    const auto found = entries_.find(key);
    std::shared_ptr<V> object = found != entries_.end() ? found->second.lock() : nullptr;
    ++(object ? counts_.hits : counts_.misses);
    if (object) keep(key, object);
    return object;
  }

  /// The object of `key`; when there is none, the one that `make()` gives. What make throws passes, and nothing
  /// changed.
  template <class Make>
    requires std::is_invocable_r_v<std::shared_ptr<V>, Make&>
  [[nodiscard]] std::shared_ptr<V> get(const K& key, Make make) {
    if (auto object = find(key)) return object;
    std::shared_ptr<V> made = std::invoke(make);
    put(key, made);
    return made;
  }

  /// Makes `object` the one of `key`. Users of a former one keep it.
  void put(const K& key, const std::shared_ptr<V>& object) {
    sweep();
    entries_[key] = object;
    keep(key, object);
  }

  /// Forgets the object of `key`; users keep it.
  bool erase(const K& key) {
    forget(key);
    return entries_.erase(key) != 0;
  }
  /// Lets go of all objects that nobody else uses.
  void trim() {
    kept_by_key_.clear();
    kept_.clear();
    next_sweep_ = 0;
    sweep();
  }

  [[nodiscard]] memory_pool_statistics statistics() const noexcept {
    memory_pool_statistics all = counts_;
    all.kept = kept_.size();
    all.entries = entries_.size();
    return all;
  }

 private:
  static constexpr std::size_t smallest_sweep = 16;
  using kept_object = std::pair<K, std::shared_ptr<V>>;

  void keep(const K& key, const std::shared_ptr<V>& object) {
    if (capacity_ == 0) return;
    forget(key);
    if (kept_.size() >= capacity_) {
      // An object's destructor may use the pool, so it runs last.
      const kept_object oldest = std::move(kept_.front());
      kept_by_key_.erase(oldest.first);
      kept_.pop_front();
      ++counts_.evictions;
      add(key, object);
      return;
    }
    add(key, object);
  }
  void add(const K& key, const std::shared_ptr<V>& object) {
    kept_.emplace_back(key, object);
    kept_by_key_[key] = std::prev(kept_.end());
  }
  void forget(const K& key) {
    const auto found = kept_by_key_.find(key);
    if (found == kept_by_key_.end()) return;
    const auto position = found->second;
    kept_by_key_.erase(found);
    const kept_object former = std::move(*position);
    kept_.erase(position);
  }
  void sweep() {
    if (entries_.size() < next_sweep_) return;
    std::erase_if(entries_, [](const auto& e) { return e.second.expired(); });
    next_sweep_ = std::max(smallest_sweep, 2 * entries_.size());
  }

  std::size_t capacity_;
  std::unordered_map<K, std::weak_ptr<V>, Hash, Equal> entries_;
  std::list<kept_object> kept_;  // the least recently used first
  std::unordered_map<K, typename std::list<kept_object>::iterator, Hash, Equal> kept_by_key_;
  std::size_t next_sweep_ = smallest_sweep;
  memory_pool_statistics counts_;
};

}  // namespace eddy

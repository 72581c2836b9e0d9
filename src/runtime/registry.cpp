#include "registry.hpp"

#include <algorithm>
#include <mutex>
#include <vector>

namespace eddy::runtime::registry {
namespace {

struct loops {
  std::mutex lock;
  std::vector<loop*> all;
};

loops& instance() {
  static loops only;
  return only;
}

}  // namespace

void add(loop& l) {
  auto& [lock, all] = instance();
  const std::lock_guard guard(lock);
  all.push_back(&l);
}

void remove(loop& l) noexcept {
  auto& [lock, all] = instance();
  const std::lock_guard guard(lock);
  std::erase(all, &l);
}

void for_each(const std::function<void(loop&)>& visit) {
  auto& [lock, all] = instance();
  const std::lock_guard guard(lock);
  for (loop* l : all) visit(*l);
}

}  // namespace eddy::runtime::registry

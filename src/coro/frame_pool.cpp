#include <eddy/coro/frame_pool.hpp>

#include <array>
#include <mutex>
#include <new>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EDDY_PLAIN_FRAMES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EDDY_PLAIN_FRAMES 1
#endif
#endif

namespace eddy::coro {
namespace {

constexpr std::size_t granule = 32;
constexpr std::size_t classes = 64;  // blocks up to 2 KiB; larger ones come from the global heap
constexpr std::size_t chunk_size = std::size_t{256} << 10;

struct free_block {
  free_block* next;
};

using free_lists = std::array<free_block*, classes>;

// Lists of threads that have ended. Never destroyed: other threads may end after static destruction has begun.
struct depot {
  std::mutex lock;
  std::vector<free_lists> left_over;
};

depot& global_depot() {
  static auto* instance = new depot;
  return *instance;
}

struct thread_pool {
  free_lists lists{};
  std::byte* chunk = nullptr;
  std::size_t left = 0;
  std::int64_t live = 0;
  bool adopted = false;

  constexpr thread_pool() = default;
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;

  ~thread_pool() {
    retire_chunk();
    auto& d = global_depot();
    const std::lock_guard guard(d.lock);
    d.left_over.push_back(lists);
    lists = {};
  }

  void retire_chunk() noexcept {
    while (left >= granule) {
      const std::size_t size_class = left / granule < classes ? left / granule : classes - 1;
      auto* block = new (chunk) free_block{lists[size_class]};
      lists[size_class] = block;
      chunk += size_class * granule;
      left -= size_class * granule;
    }
    left = 0;
  }

  void* refill(std::size_t size_class) {
    if (!adopted) {
      adopted = true;
      auto& d = global_depot();
      const std::lock_guard guard(d.lock);
      if (!d.left_over.empty()) {
        lists = d.left_over.back();
        d.left_over.pop_back();
        if (auto* block = lists[size_class]) {
          lists[size_class] = block->next;
          return block;
        }
      }
    }
    const std::size_t size = size_class * granule;
    if (left < size) {
      retire_chunk();
      chunk = static_cast<std::byte*>(::operator new(chunk_size));
      left = chunk_size;
    }
    void* block = chunk;
    chunk += size;
    left -= size;
    return block;
  }
};

constinit thread_local thread_pool pool;

[[maybe_unused]] constexpr std::size_t class_of(std::size_t size) noexcept {
  return (size + granule - 1) / granule;
}

}  // namespace

void* allocate_frame(std::size_t size) {
  auto& p = pool;
#ifndef EDDY_PLAIN_FRAMES
  const std::size_t size_class = class_of(size);
  if (size_class < classes) [[likely]] {
    ++p.live;
    if (auto* block = p.lists[size_class]) [[likely]] {
      p.lists[size_class] = block->next;
      return block;
    }
    return p.refill(size_class);
  }
#endif
  void* block = ::operator new(size);
  ++p.live;
  return block;
}

void free_frame(void* block, std::size_t size) noexcept {
  auto& p = pool;
  --p.live;
#ifndef EDDY_PLAIN_FRAMES
  const std::size_t size_class = class_of(size);
  if (size_class < classes) [[likely]] {
    p.lists[size_class] = new (block) free_block{p.lists[size_class]};
    return;
  }
#endif
  ::operator delete(block, size);
}

std::int64_t live_frames() noexcept { return pool.live; }

}  // namespace eddy::coro

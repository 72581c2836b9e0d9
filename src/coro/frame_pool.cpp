#include <eddy/coro/frame_pool.hpp>

#include <cstdint>
#include <mutex>
#include <utility>
#include <vector>

#include <sys/mman.h>

namespace eddy::coro {
namespace detail {

thread_local constinit frame_lists this_threads_frames;

namespace {

// With what the global heap puts before it, a chunk fills whole pages.
constexpr std::size_t chunk_size = (std::size_t{128} << 10) - 32;

using free_lists = decltype(frame_lists::of_class);

std::int64_t count(const free_lists& lists) noexcept {
  std::int64_t blocks = 0;
  for (const free_block* block : lists) {
    for (; block != nullptr; block = block->next) ++blocks;
  }
  return blocks;
}

/// Has the kernel provide the pages that lie in a block at once, which costs half of what a fault for each does; an old
/// kernel (before 5.14) does it when they are touched.
void populate(std::byte* block, std::size_t size) noexcept {
  constexpr std::uintptr_t page = 4096;
  const auto begin = (reinterpret_cast<std::uintptr_t>(block) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(block) + size) / page * page;
  static_cast<void>(::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE));
}

// Lists of threads that have ended. Never destroyed: other threads may end after static destruction has begun.
struct depot {
  std::mutex lock;
  std::vector<free_lists> left_over;
};

depot& global_depot() {
  static auto* instance = new depot;
  return *instance;
}

// The part of a thread's pool that is not needed in steady state; its destructor is the thread's end.
class chunk_source {
 public:
  chunk_source() {
    auto& lists = this_threads_frames;
    lists.ends_with_thread = true;
    auto& d = global_depot();
    const std::lock_guard guard(d.lock);
    if (d.left_over.empty()) return;
    lists.of_class = d.left_over.back();
    lists.received += count(lists.of_class);
    d.left_over.pop_back();
  }
  chunk_source(const chunk_source&) = delete;
  chunk_source& operator=(const chunk_source&) = delete;

  ~chunk_source() {
    retire_chunk();
    auto& lists = this_threads_frames;
    lists.ends_with_thread = false;
    auto& d = global_depot();
    const std::lock_guard guard(d.lock);
    d.left_over.push_back(lists.of_class);
    lists.of_class = {};
  }

  void* carve(std::size_t size) {
    if (left_ < size) {
      retire_chunk();
      chunk_ = static_cast<std::byte*>(::operator new(chunk_size));
      left_ = chunk_size;
      populate(chunk_, chunk_size);
    }
    void* block = chunk_;
    chunk_ += size;
    left_ -= size;
    return block;
  }

 private:
  // What is left of it goes to the lists.
  void retire_chunk() noexcept {
    auto& of_class = this_threads_frames.of_class;
    while (left_ >= frame_granule) {
      const std::size_t index =
          left_ / frame_granule < frame_classes ? left_ / frame_granule : frame_classes - 1;
      of_class[index] = new (chunk_) free_block{of_class[index]};
      ++this_threads_frames.received;
      chunk_ += index * frame_granule;
      left_ -= index * frame_granule;
    }
    left_ = 0;
  }

  std::byte* chunk_ = nullptr;
  std::size_t left_ = 0;
};

[[maybe_unused]] chunk_source& this_threads_source() {
  thread_local chunk_source source;
  return source;
}

}  // namespace

void* allocate_anew(std::size_t size) {
  auto& lists = this_threads_frames;
#ifndef EDDY_PLAIN_FRAMES
  const std::size_t index = frame_class(size);
  if (index < frame_classes) {
    chunk_source& source = this_threads_source();
    if (free_block* block = lists.of_class[index]) {  // of a thread that has ended
      lists.of_class[index] = block->next;
      return block;
    }
    ++lists.received;
    return source.carve(index * frame_granule);
  }
#endif
  void* block = ::operator new(size);
  ++lists.received;
  return block;
}

void free_elsewhere(void* block, std::size_t size) noexcept {
  auto& lists = this_threads_frames;
#ifndef EDDY_PLAIN_FRAMES
  const std::size_t index = frame_class(size);
  if (index < frame_classes) {
    static_cast<void>(this_threads_source());  // a thread that has only freed so far
    lists.of_class[index] = new (block) free_block{lists.of_class[index]};
    return;
  }
#endif
  --lists.received;
  ::operator delete(block, size);
}

}  // namespace detail

std::int64_t live_frames() noexcept {
  const auto& lists = detail::this_threads_frames;
  return lists.received - detail::count(lists.of_class);
}

}  // namespace eddy::coro

// Memory for coroutine frames and task records: size-class free lists, one set per thread.
//
// Steady state allocates nothing: a freed block goes to its class's list on the freeing thread and serves the next
// frame of that class. Blocks are carved from large chunks that live as long as the process; a thread that ends hands
// its lists to the others. Under a sanitizer every block is an allocation of its own, so that misuse is seen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EDDY_PLAIN_FRAMES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define EDDY_PLAIN_FRAMES 1
#endif
#endif

namespace eddy::coro {

/// Of every block.
inline constexpr std::size_t frame_alignment = 16;

namespace detail {

inline constexpr std::size_t frame_granule = 16;
inline constexpr std::size_t frame_classes =
    128;  // up to 2 KiB; larger blocks come from the global heap

struct free_block {
  free_block* next;
};

/// One thread's free blocks. Without a destructor, so that the compiler needs no guard to reach it; frame_pool.cpp sees
/// to the thread's end.
struct frame_lists {
  std::array<free_block*, frame_classes> of_class{};
  std::int64_t received = 0;      ///< blocks that came from elsewhere minus those that went there
  bool ends_with_thread = false;  ///< the thread's end is taken care of
};

extern thread_local constinit frame_lists this_threads_frames [[gnu::tls_model("initial-exec")]];

[[nodiscard]] constexpr std::size_t frame_class(std::size_t size) noexcept {
  return (size + frame_granule - 1) / frame_granule;
}

// What the lists cannot serve.
[[nodiscard]] void* allocate_anew(std::size_t size);
void free_elsewhere(void* block, std::size_t size) noexcept;

}  // namespace detail

/// Memory for `size` bytes, aligned for any fundamental type. Throws std::bad_alloc.
[[nodiscard]] inline void* allocate_frame(std::size_t size) {
#ifndef EDDY_PLAIN_FRAMES
  const std::size_t index = detail::frame_class(size);
  if (index < detail::frame_classes) [[likely]] {
    auto& lists = detail::this_threads_frames;
    if (detail::free_block* block = lists.of_class[index]) [[likely]] {
      lists.of_class[index] = block->next;
      __builtin_prefetch(block->next, 1);
      return block;
    }
  }
#endif
  return detail::allocate_anew(size);
}

/// Gives back what allocate_frame(size) returned; any thread may do so.
inline void free_frame(void* block, std::size_t size) noexcept {
#ifndef EDDY_PLAIN_FRAMES
  const std::size_t index = detail::frame_class(size);
  auto& lists = detail::this_threads_frames;
  if (index < detail::frame_classes && lists.ends_with_thread) [[likely]] {
    lists.of_class[index] = new (block) detail::free_block{lists.of_class[index]};
    return;
  }
#endif
  detail::free_elsewhere(block, size);
}

/// Blocks of this thread that are in use: allocated minus freed here. Zero at rest when no frame changed threads. Walks
/// the free lists.
[[nodiscard]] std::int64_t live_frames() noexcept;

/// Base that gives a class its storage from the pool.
struct pooled {
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* block, std::size_t size) noexcept { free_frame(block, size); }
};

}  // namespace eddy::coro

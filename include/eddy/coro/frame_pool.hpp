// Memory for coroutine frames and task records: size-class free lists, one set per thread.
//
// Steady state allocates nothing: a freed block goes to its class's list on the freeing thread and serves the next
// frame of that class. Blocks are carved from large chunks that live as long as the process; a thread that ends hands
// its lists to the others. Under a sanitizer every block is an allocation of its own, so that misuse is seen.
#pragma once

#include <cstddef>
#include <cstdint>

namespace eddy::coro {

/// Memory for `size` bytes, aligned for any fundamental type. Throws std::bad_alloc.
[[nodiscard]] void* allocate_frame(std::size_t size);
/// Gives back what allocate_frame(size) returned; any thread may do so.
void free_frame(void* block, std::size_t size) noexcept;

/// Blocks of this thread that are in use: allocated minus freed here. Zero at rest when no frame changed threads.
[[nodiscard]] std::int64_t live_frames() noexcept;

/// Base that gives a class its storage from the pool.
struct pooled {
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* block, std::size_t size) noexcept { free_frame(block, size); }
};

}  // namespace eddy::coro

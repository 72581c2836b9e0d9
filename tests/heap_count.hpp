// Counts the calls of `operator new` in a test program, to show that something allocates nothing, and lets them fail.
// It replaces the
// operators of the whole program: included by one source of it. Sanitizers bring operators of their own and frames
// come from the heap under them on purpose: EDDY_COUNTS_HEAP is not defined there, and what measures is left out.
#pragma once

#include "sanitizers.hpp"

#include <cstddef>
#include <cstdlib>
#include <new>

#ifndef EDDY_HAS_SANITIZER
#define EDDY_COUNTS_HEAP 1

namespace eddy::tests {

/// Of this thread. Volatile because compilers take it for granted that operator new changes no variable.
inline thread_local volatile std::size_t allocations = 0;
/// Whether this thread gets no memory.
inline thread_local volatile bool out_of_memory = false;

/// While it lives, this thread gets no memory.
class no_memory {
 public:
  no_memory() noexcept { out_of_memory = true; }
  no_memory(const no_memory&) = delete;
  no_memory& operator=(const no_memory&) = delete;
  ~no_memory() { out_of_memory = false; }
};

}  // namespace eddy::tests

// Not inlined: GCC 12 warns where it sees only one half of the pair.
[[gnu::noinline]] void* operator new(std::size_t size) {
  eddy::tests::allocations = eddy::tests::allocations + 1;
  if (eddy::tests::out_of_memory) throw std::bad_alloc();
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

#endif

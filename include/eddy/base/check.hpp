// Programmer mistakes stop the program.
//
// An operating error (a peer that went away, a full disk) is thrown and handled. A mistake in the program (awaiting a
// task twice, destroying a mutex with waiters) has no handler that could put it right: it is reported with the mistake,
// the task and the place, and the process aborts.
#pragma once

#include <source_location>
#include <string_view>

namespace eddy {

/// Reports `mistake` with `where` and the running task on standard error, then aborts. Callable from any thread.
[[noreturn]] void stop_program(
    std::string_view mistake,
    std::source_location where = std::source_location::current()) noexcept;

/// What stop_program adds about the caller's surroundings: writes at most `size` characters into `out` and returns how
/// many. The runtime installs one that names the running task; it must not allocate, throw or lock.
using mistake_context = std::size_t (*)(char* out, std::size_t size) noexcept;
void set_mistake_context(mistake_context context) noexcept;

/// True in builds that also check what would cost time on the hot path (foreign threads, list links).
#ifdef NDEBUG
inline constexpr bool debug_checks = false;
#else
inline constexpr bool debug_checks = true;
#endif

/// Stops the program unless `holds`; for rules whose breach would corrupt memory or hang.
constexpr void check(bool holds, std::string_view mistake,
                     std::source_location where = std::source_location::current()) {
  if (!holds) [[unlikely]]
    stop_program(mistake, where);
}

/// As check, in debug builds only.
constexpr void debug_check(bool holds, std::string_view mistake,
                           std::source_location where = std::source_location::current()) {
  if constexpr (debug_checks) check(holds, mistake, where);
}

}  // namespace eddy

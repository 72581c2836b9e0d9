#include <eddy/base/check.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace eddy {
namespace {
std::atomic<mistake_context> context_hook{nullptr};
}  // namespace

void set_mistake_context(mistake_context context) noexcept { context_hook.store(context); }

void stop_program(std::string_view mistake, std::source_location where) noexcept {
  char surroundings[512];
  std::size_t length = 0;
  if (const auto hook = context_hook.load()) length = hook(surroundings, sizeof surroundings);
  std::fprintf(stderr, "eddy: %.*s\n  at %s:%u%s%.*s\n", static_cast<int>(mistake.size()),
               mistake.data(), where.file_name(), static_cast<unsigned>(where.line()),
               length == 0 ? "" : "\n  in ", static_cast<int>(length), surroundings);
  std::fflush(stderr);
  std::abort();
}

}  // namespace eddy

#include <eddy/io/incomplete_error.hpp>

#include <utility>

namespace eddy::io {
namespace {

std::string what_was_read(const std::string& operation, std::size_t got, std::size_t expected) {
  std::string text = operation + ": " + std::to_string(got);
  if (expected != 0) text += " of " + std::to_string(expected);
  return text + " bytes";
}

}  // namespace

incomplete_error::incomplete_error(std::string operation, std::string partial, std::size_t expected)
    : error(errc::incomplete, what_was_read(operation, partial.size(), expected)),
      partial_(std::move(partial)),
      expected_(expected) {
  set_progress(partial_.size());
}

}  // namespace eddy::io

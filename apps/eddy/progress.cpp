#include "progress.hpp"

#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

namespace command {
namespace {

constexpr std::size_t narrow = 80;  // columns, where the terminal does not say

std::size_t columns() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : narrow;
}

}  // namespace

progress_line::progress_line() : shown_(isatty(STDERR_FILENO) == 1) {}

void progress_line::show(std::string_view text) {
  if (!shown_) return;
  const std::string line = "\r\x1b[K" + std::string(text.substr(0, columns() - 1));
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
  dirty_ = true;
}

void progress_line::clear() {
  if (!dirty_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  dirty_ = false;
}

std::string bar(std::size_t done, std::size_t all) {
  constexpr std::size_t width = 30;
  const std::size_t full = all == 0 ? width : width * done / all;
  return "[" + std::string(full, '#') + std::string(width - full, '.') + "]";
}

bool output_is_terminal() { return isatty(STDOUT_FILENO) == 1; }

void write_line(std::string text) {
  text += '\n';
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace command

// A line on the terminal that is written over and over.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace command {

/// On the standard error, if that is a terminal; else nothing is shown.
class progress_line {
 public:
  progress_line();
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { clear(); }

  [[nodiscard]] bool shown() const noexcept { return shown_; }
  void show(std::string_view text);
  void clear();

 private:
  bool shown_;
  bool dirty_ = false;
};

/// "[#####.....]"
[[nodiscard]] std::string bar(std::size_t done, std::size_t all);

/// Whether the standard output is a terminal: people read it, rather than programs.
[[nodiscard]] bool output_is_terminal();

/// Writes a whole line to the standard output at once.
void write_line(std::string text);

}  // namespace command

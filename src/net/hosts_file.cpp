#include "hosts_file.hpp"

#include <algorithm>
#include <span>

#include <eddy/base/error.hpp>
#include <eddy/runtime/loop.hpp>

namespace eddy::net::detail {
namespace {

constexpr std::size_t largest_file = 4 << 20;  // bytes; more is not a hosts file
constexpr duration look_interval = std::chrono::seconds(1);

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Takes the next word off `line`; empty at the end or at a comment.
std::string_view next_word(std::string_view& line) noexcept {
  const std::size_t start = line.find_first_not_of(" \t\r");
  if (start == std::string_view::npos || line[start] == '#') return {};
  line.remove_prefix(start);
  const std::size_t end = std::min(line.find_first_of(" \t\r#"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

}  // namespace

std::string normalize_host(std::string_view name) {
  if (name.size() > 1 && name.back() == '.') name.remove_suffix(1);
  std::string normal(name);
  for (char& c : normal) c = lower(c);
  return normal;
}

host_table parse_hosts(std::string_view text) {
  host_table names;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto numeric = address::numeric(next_word(line), 0);
    if (!numeric) continue;
    for (std::string_view name = next_word(line); !name.empty(); name = next_word(line)) {
      names[normalize_host(name)].push_back(*numeric);
    }
  }
  return names;
}

const std::vector<address>* hosts_file::find(std::string_view name, time_point now) {
  if (now >= look_again_) {
    look_again_ = after(now, look_interval);
    refresh();
  }
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

// Without a thread: the system holds this small file in memory.
void hosts_file::refresh() {
  runtime::file_system& files = runtime::loop::current().io().files();
  try {
    const runtime::file_status there = files.status(path_);
    if (seen_ && there.modified == seen_->modified && there.number == seen_->number) return;
    std::string text(std::min<std::uint64_t>(there.size, largest_file), '\0');
    const auto room = std::as_writable_bytes(std::span(text));
    text.resize(files.open(path_, {})->read_at(0, room));
    names_ = parse_hosts(text);
    seen_ = there;
  } catch (const error&) {
    names_.clear();
    seen_.reset();
  }
}

}  // namespace eddy::net::detail

#include <eddy/wire/http1_fields.hpp>

#include <algorithm>
#include <limits>
#include <system_error>

#include <eddy/wire/http1_syntax.hpp>

namespace eddy::wire::http1 {
namespace {

constexpr std::size_t least_room = 128;  // bytes of the first buffer: some lines

/// Behind what `buffer` holds, which has room for it.
void append_line(std::string& buffer, std::string_view name, std::string_view value) {
  const std::size_t before = buffer.size();
  const auto write = [&](char* bytes, std::size_t size) {
    char* at = bytes + before;
    at += name.copy(at, name.size());
    *at++ = ':';
    *at++ = ' ';
    at += value.copy(at, value.size());
    *at++ = '\r';
    *at++ = '\n';
    return size;
  };
  buffer.resize_and_overwrite(before + name.size() + value.size() + 4, write);
}

// Most names that differ do so in their length.
bool is_named(field_view field, std::string_view name) noexcept {
  return field.name.size() == name.size() && equals_ignoring_case(field.name, name);
}

}  // namespace

std::optional<std::string_view> detail::field_range::find(std::string_view name) const noexcept {
  for (const field_view field : *this) {
    if (is_named(field, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t detail::field_range::count(std::string_view name) const noexcept {
  std::size_t found = 0;
  for (const field_view field : *this) {
    if (is_named(field, name)) ++found;
  }
  return found;
}

bool detail::field_range::has_token(std::string_view name, std::string_view token) const noexcept {
  for (const field_view field : *this) {
    if (is_named(field, name) && list_contains(field.value, token)) return true;
  }
  return false;
}

fields::fields(const field_table& parsed) {
  std::size_t bytes = 0;
  for (const field_view field : parsed) bytes += field.name.size() + field.value.size() + 4;
  buffer_.reserve(bytes);
  slots_.reserve(parsed.size());
  for (const field_view field : parsed) insert_line(slots_.size(), field.name, field.value);
}

bool fields::can_hold(std::string_view name, std::string_view value) const noexcept {
  // Offsets have 32 bits.
  constexpr std::size_t max_bytes = std::numeric_limits<std::uint32_t>::max() / 2;
  return is_token(name) && is_field_value(value) && name.size() < max_bytes &&
         value.size() < max_bytes && buffer_.size() + name.size() + value.size() < max_bytes;
}

std::expected<void, errc> fields::try_add(std::string_view name, std::string_view value) {
  value = trim(value);
  if (!can_hold(name, value)) return std::unexpected(errc::invalid_output);
  insert_line(slots_.size(), name, value);
  return {};
}

std::expected<void, errc> fields::try_set(std::string_view name, std::string_view value) {
  value = trim(value);
  if (!can_hold(name, value)) return std::unexpected(errc::invalid_output);
  std::size_t index = 0;
  while (index < slots_.size() && !equals_ignoring_case((*this)[index].name, name)) ++index;
  // The arguments may be views into the lines that go away.
  const std::string kept_name(name);
  const std::string kept_value(value);
  remove(kept_name);
  insert_line(index, kept_name, kept_value);
  return {};
}

fields& fields::add(std::string_view name, std::string_view value) {
  if (auto added = try_add(name, value); !added)
    throw std::system_error(added.error(), "add field");
  return *this;
}

fields& fields::set(std::string_view name, std::string_view value) {
  if (auto done = try_set(name, value); !done) throw std::system_error(done.error(), "set field");
  return *this;
}

std::size_t fields::remove(std::string_view name) noexcept {
  std::size_t removed = 0;
  for (std::size_t i = slots_.size(); i-- > 0;) {
    if (!equals_ignoring_case((*this)[i].name, name)) continue;
    erase_line(i);
    ++removed;
  }
  return removed;
}

void fields::clear() noexcept {
  buffer_.clear();
  slots_.clear();
}

void fields::insert_line(std::size_t index, std::string_view name, std::string_view value) {
  const std::size_t begin = index < slots_.size() ? slots_[index].name_begin : buffer_.size();
  const std::size_t line = name.size() + value.size() + 4;
  if (slots_.size() == slots_.capacity())
    slots_.reserve(std::max<std::size_t>(8, 2 * slots_.size()));
  if (begin == buffer_.size() && buffer_.capacity() - buffer_.size() >= line) {
    append_line(buffer_, name, value);
  } else {
    // Into a new buffer, because name and value may be views into this one.
    std::string grown;
    grown.reserve(std::max({buffer_.size() + line, 2 * buffer_.size(), least_room}));
    grown.append(buffer_, 0, begin);
    append_line(grown, name, value);
    grown.append(buffer_, begin);
    buffer_.swap(grown);
  }
  const auto offset = static_cast<std::uint32_t>(begin);
  const auto name_size = static_cast<std::uint32_t>(name.size());
  const detail::field_slot slot{offset, name_size, offset + name_size + 2,
                                static_cast<std::uint32_t>(value.size())};
  if (index == slots_.size()) {
    slots_.push_back(slot);
    return;
  }
  slots_.insert(slots_.begin() + static_cast<std::ptrdiff_t>(index), slot);
  for (std::size_t i = index + 1; i < slots_.size(); ++i) {
    slots_[i].name_begin += static_cast<std::uint32_t>(line);
    slots_[i].value_begin += static_cast<std::uint32_t>(line);
  }
}

void fields::erase_line(std::size_t index) noexcept {
  const detail::field_slot gone = slots_[index];
  const std::uint32_t line = gone.name_size + gone.value_size + 4;
  buffer_.erase(gone.name_begin, line);
  slots_.erase(slots_.begin() + static_cast<std::ptrdiff_t>(index));
  for (std::size_t i = index; i < slots_.size(); ++i) {
    slots_[i].name_begin -= line;
    slots_[i].value_begin -= line;
  }
}

}  // namespace eddy::wire::http1

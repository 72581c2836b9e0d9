// Header and trailer fields, in two shapes.
//
//   field_table  what a parser found: offsets into the bytes that were parsed, nothing copied
//   fields       what a program builds, or keeps: owns one buffer that already is the wire form
//
// Both keep the order of the lines and the case of the names, and compare names without case.
// Neither is thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/wire/http1_error.hpp>

namespace eddy::wire::http1 {

/// Views live as long as the buffer behind the container they came from stays put.
struct field_view {
  std::string_view name;
  std::string_view value;
};

namespace detail {

/// Offsets of one field line, relative to the start of the section's buffer.
struct field_slot {
  std::uint32_t name_begin;
  std::uint32_t name_size;
  std::uint32_t value_begin;
  std::uint32_t value_size;
};

/// A piece of the same buffer, as it survives the buffer's being moved.
struct text_range {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
};

/// How far an incremental scan over lines has come; carries no views, so the buffer may move.
struct section_scan {
  std::uint32_t position = 0;     ///< first byte of the line that is not complete yet
  std::uint32_t seen = 0;         ///< bytes of that line that hold no LF
  bool start_line_done = false;   ///< the start line has been parsed
  bool empty_line_taken = false;  ///< the one empty line before a request has been skipped
};

/// Lookup over a base address and slots, shared by both containers.
class field_range {
 public:
  class iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = field_view;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = field_view;

    iterator() = default;
    iterator(const char* base, const field_slot* slot) noexcept : base_(base), slot_(slot) {}

    field_view operator*() const noexcept {
      return {{base_ + slot_->name_begin, slot_->name_size},
              {base_ + slot_->value_begin, slot_->value_size}};
    }
    iterator& operator++() noexcept {
      ++slot_;
      return *this;
    }
    iterator operator++(int) noexcept {
      iterator before = *this;
      ++slot_;
      return before;
    }
    bool operator==(const iterator& other) const noexcept { return slot_ == other.slot_; }

   private:
    const char* base_ = nullptr;
    const field_slot* slot_ = nullptr;
  };

  field_range(const char* base, const std::vector<field_slot>& slots) noexcept
      : base_(base), slots_(&slots) {}

  [[nodiscard]] iterator begin() const noexcept { return {base_, slots_->data()}; }
  [[nodiscard]] iterator end() const noexcept { return {base_, slots_->data() + slots_->size()}; }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept;
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept;

 private:
  const char* base_;
  const std::vector<field_slot>* slots_;
};

class head_access;

}  // namespace detail

class request_head;
class response_head;

/// Fields as parsed. Reused from message to message, it stops allocating after the largest one.
/// Names are tokens; values are without surrounding whitespace and control bytes.
class field_table {
 public:
  using iterator = detail::field_range::iterator;

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] bool empty() const noexcept { return slots_.empty(); }
  [[nodiscard]] iterator begin() const noexcept { return range().begin(); }
  [[nodiscard]] iterator end() const noexcept { return range().end(); }
  [[nodiscard]] field_view operator[](std::size_t index) const noexcept {
    return *iterator(base_, &slots_[index]);
  }

  /// The first value of that name.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
    return range().find(name);
  }
  [[nodiscard]] bool contains(std::string_view name) const noexcept { return count(name) != 0; }
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept {
    return range().count(name);
  }
  /// True if any line of that name lists the token, in any case: `has_token("connection", "close")`.
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept {
    return range().has_token(name, token);
  }

 private:
  friend class detail::head_access;
  friend class request_head;
  friend class response_head;

  [[nodiscard]] detail::field_range range() const noexcept { return {base_, slots_}; }

  const char* base_ = nullptr;
  std::vector<detail::field_slot> slots_;
};

/// Fields a program owns. Whatever is in it can be written: names are tokens, values hold no CR, LF,
/// NUL or other control byte, so a value from outside cannot start a field or a message of its own.
/// Copies are deep. Any change may move the buffer and ends the life of views taken before.
class fields {
 public:
  using iterator = detail::field_range::iterator;

  fields() = default;
  /// A deep copy of parsed fields.
  explicit fields(const field_table& parsed);

  /// Appends a line; lines of the same name stay separate. The value is trimmed.
  /// Error: invalid_output, and nothing has changed.
  [[nodiscard]] std::expected<void, errc> try_add(std::string_view name, std::string_view value);
  /// Replaces all lines of that name by one, at the place of the first. Errors as above.
  [[nodiscard]] std::expected<void, errc> try_set(std::string_view name, std::string_view value);
  /// The same, throwing std::system_error.
  fields& add(std::string_view name, std::string_view value);
  fields& set(std::string_view name, std::string_view value);
  /// Removes all lines of that name and says how many there were. `name` must not be a view into
  /// these fields; for the functions above it may.
  std::size_t remove(std::string_view name) noexcept;
  /// Empty, with the memory kept for reuse.
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] bool empty() const noexcept { return slots_.empty(); }
  [[nodiscard]] iterator begin() const noexcept { return range().begin(); }
  [[nodiscard]] iterator end() const noexcept { return range().end(); }
  [[nodiscard]] field_view operator[](std::size_t index) const noexcept {
    return *iterator(buffer_.data(), &slots_[index]);
  }
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
    return range().find(name);
  }
  [[nodiscard]] bool contains(std::string_view name) const noexcept { return count(name) != 0; }
  [[nodiscard]] std::size_t count(std::string_view name) const noexcept {
    return range().count(name);
  }
  [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const noexcept {
    return range().has_token(name, token);
  }

  /// All lines as they go out: "name: value CRLF" each, without the empty line at the end.
  [[nodiscard]] std::string_view wire_form() const noexcept { return buffer_; }

 private:
  [[nodiscard]] detail::field_range range() const noexcept { return {buffer_.data(), slots_}; }
  [[nodiscard]] bool can_hold(std::string_view name, std::string_view value) const noexcept;
  void insert_line(std::size_t index, std::string_view name, std::string_view value);
  void erase_line(std::size_t index) noexcept;

  std::string buffer_;
  std::vector<detail::field_slot> slots_;
};

}  // namespace eddy::wire::http1

// Forms: fields and files that browsers and curl send.
//
//   auto sent = co_await eddy::web::read_form(r, how);            // small forms; files go to temporary files
//   auto name = sent.value("name");
//
//   eddy::web::multipart_reader parts(r);                         // anything large: part by part, as it arrives
//   while (auto part = co_await parts.next()) {
//     while (std::size_t n = co_await parts.read_some(into)) ...
//   }
//
// Bounds count besides the route's limit of the whole body (route_options::max_body), which has to be raised for
// uploads. What breaks them is answered 413, what is malformed 400, another media type 415.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/coro/task.hpp>
#include <eddy/fs/file.hpp>
#include <eddy/fs/paths.hpp>
#include <eddy/http/request.hpp>
#include <eddy/wire/multipart.hpp>

namespace eddy::web {

/// What precedes a part's data.
class form_part {
 public:
  form_part() = default;
  std::string name;
  std::optional<std::string> filename;  ///< as the client says: never a path to be opened
  std::string content_type;             ///< "text/plain" where none was sent
  http::fields fields;
};

/// Reads a multipart/form-data body part by part; memory is bounded by the header's limit. One task at a time.
class multipart_reader {
 public:
  /// Throws http_error(415) unless the request is multipart/form-data with a boundary.
  explicit multipart_reader(http::request& r, const wire::multipart::limits& bounds = {});

  /// The next part; what is left of the one before is skipped. nullopt at the end.
  task<std::optional<form_part>> next();
  /// The next bytes of the current part's data; 0 at its end.
  task<std::size_t> read_some(std::span<std::byte> into);
  /// All of the current part's data that is left; more than `most` bytes throws http_error(413).
  task<std::string> read_all(std::size_t most);
  /// The same into a file, from its beginning; gives the size.
  task<std::uint64_t> save(fs::file& to, std::uint64_t most);

 private:
  /// Goes on to the next event that is not "more"; its data is a view into buffer_.
  task<wire::multipart::parser::event> advance();
  [[nodiscard]] form_part described() const;

  http::request& request_;
  wire::multipart::parser parser_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::string_view data_;  // of the current part, not given out yet
  bool in_part_ = false;
  bool ended_ = false;
};

struct form_options {
  std::size_t max_fields = 1000;              ///< fields and files together
  std::size_t max_field_size = 64 * 1024;     ///< of a field's value
  std::size_t max_fields_size = 1024 * 1024;  ///< of all names and values
  std::uint64_t max_file_size = 16 << 20;
  std::uint64_t max_files_size = 64 << 20;
  /// Where files go while the form lives; empty: a form with files is answered 415.
  std::string folder = {};
};

/// A file that came with a form; removed with the form unless its temporary file is kept.
class uploaded_file {
 public:
  uploaded_file(form_part part, fs::temporary_file file, std::uint64_t bytes)
      : about(std::move(part)), content(std::move(file)), size(bytes) {}
  form_part about;
  fs::temporary_file content;
  std::uint64_t size;
};

class form {
 public:
  /// The first value of that name.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view name) const noexcept;
  [[nodiscard]] const std::vector<std::pair<std::string, std::string>>& values() const noexcept {
    return values_;
  }
  [[nodiscard]] std::deque<uploaded_file>& files() noexcept { return files_; }

 private:
  friend task<form> read_form(http::request& r, form_options options);
  friend class form_builder;
  std::vector<std::pair<std::string, std::string>> values_;
  std::deque<uploaded_file> files_;
};

/// All of a form, application/x-www-form-urlencoded or multipart/form-data. Throws http_error(415) for another type.
task<form> read_form(http::request& r, form_options options);

/// "a=1&b=2", decoded ('+' is a space); nullopt for an invalid escape or more than `most` pairs.
[[nodiscard]] std::optional<std::vector<std::pair<std::string, std::string>>> parse_urlencoded(
    std::string_view text, std::size_t most = 1000);

}  // namespace eddy::web

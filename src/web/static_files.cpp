#include <eddy/web/static_files.hpp>

#include "conditions.hpp"
#include "field_words.hpp"
#include "listing.hpp"
#include "ranges.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/wire/http1_date.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web {
namespace {

using detail::byte_range;
using http::content_coding;

/// A file chosen for an answer, and what the answer says of it.
struct representation {
  std::shared_ptr<runtime::open_file> from;
  std::uint64_t size = 0;
  std::string type;
  content_coding coding = content_coding::identity;
  bool varies = false;  // by Accept-Encoding
  detail::validators current;
};

struct sibling {
  int rank;  // among those that a client likes alike
  content_coding coding;
  std::string_view suffix;
};
constexpr std::array<sibling, 3> siblings = {{{0, content_coding::br, ".br"},
                                              {1, content_coding::zstd, ".zst"},
                                              {2, content_coding::gzip, ".gz"}}};

/// No empty segment but the last, and none that begins with a dot.
bool may_be_served(std::string_view path) noexcept {
  while (!path.empty()) {
    const std::size_t end = path.find('/');
    if (end == 0 || path.front() == '.') return false;
    if (end == std::string_view::npos) break;
    path.remove_prefix(end + 1);
  }
  return true;
}

/// The folder's own name where the path is empty.
std::string or_itself(const std::string& path) { return path.empty() ? "." : path; }

/// Errors by which a path has no file for the public, whatever the reason.
bool means_missing(const error& failure) noexcept {
  for (const std::errc code :
       {std::errc::no_such_file_or_directory, std::errc::not_a_directory,
        std::errc::too_many_symbolic_link_levels, std::errc::cross_device_link,
        std::errc::filename_too_long, std::errc::permission_denied,
        std::errc::no_such_device_or_address}) {
    if (failure.code() == code) return true;
  }
  return failure == errc::invalid_input;
}

std::string date_text(std::chrono::sys_seconds time) {
  const auto text = wire::http1::format_date(time);
  return {text.data(), text.size()};
}

/// How far apart changes have to be so that their times differ: more than the tick of the kernel's clock, or of a file
/// system that keeps whole seconds.
std::chrono::milliseconds tick_of(const fs::file_status& status) noexcept {
  using std::chrono::seconds;
  const bool whole = std::chrono::floor<seconds>(status.modified) == status.modified;
  return whole ? seconds(2) : std::chrono::milliseconds(100);
}

detail::validators validators_of(const fs::file_status& status, content_coding coding,
                                 std::chrono::system_clock::time_point now) {
  using std::chrono::seconds;
  detail::validators made;
  made.modified = std::chrono::floor<seconds>(
      std::min<decltype(now)>(std::chrono::floor<decltype(now)::duration>(status.modified), now));
  // The file may change again without a new time as long as the clock has not gone on.
  const bool settled = now - status.modified >= tick_of(status);
  std::array<char, 64> text{};
  const int size =
      std::snprintf(text.data(), text.size(), "%s\"%llx-%llx", settled ? "" : "W/",
                    static_cast<unsigned long long>(status.modified.time_since_epoch().count()),
                    static_cast<unsigned long long>(status.size));
  made.etag.assign(text.data(), static_cast<std::size_t>(size));
  if (coding != content_coding::identity) made.etag.append("-").append(http::to_string(coding));
  made.etag += '"';
  return made;
}

http::response not_found() { return http::response::error(http::status::not_found); }

task<void> write_range(std::shared_ptr<runtime::open_file> from, byte_range range,
                       http::body_writer& out) {
  co_await out.write_file(*from, range.first, range.size);
}

http::response answer_with(const representation& chosen, const byte_range& range) {
  return http::response::stream(
      chosen.type,
      [from = chosen.from, range](http::body_writer& out) { return write_range(from, range, out); },
      range.size);
}

// --- several ranges: multipart/byteranges (RFC 9110 section 14.6) ---

struct range_part {
  std::string head;  // the boundary and the part's fields
  byte_range range;
};

task<void> write_parts(std::shared_ptr<runtime::open_file> from, std::vector<range_part> parts,
                       std::string end, http::body_writer& out) {
  for (const range_part& part : parts) {
    co_await out.write(part.head);
    co_await out.write_file(*from, part.range.first, part.range.size);
  }
  co_await out.write(end);
}

http::response answer_with_parts(const representation& chosen,
                                 const std::vector<byte_range>& ranges) {
  std::array<char, 32> boundary{};
  auto& random = runtime::loop::current().random();
  const int size = std::snprintf(boundary.data(), boundary.size(), "eddy%016llx",
                                 static_cast<unsigned long long>(random()));
  const std::string_view mark(boundary.data(), static_cast<std::size_t>(size));
  std::vector<range_part> parts;
  std::uint64_t length = 0;
  for (const byte_range& range : ranges) {
    std::string head = parts.empty() ? "--" : "\r\n--";
    head.append(mark).append("\r\nContent-Type: ").append(chosen.type);
    head.append("\r\nContent-Range: ").append(detail::content_range(range, chosen.size));
    head.append("\r\n\r\n");
    length += head.size() + range.size;
    parts.push_back({std::move(head), range});
  }
  std::string end = "\r\n--";
  end.append(mark).append("--\r\n");
  length += end.size();
  return http::response::stream(
      "multipart/byteranges; boundary=" + std::string(mark),
      [from = chosen.from, parts = std::move(parts), end = std::move(end)](http::body_writer& out) {
        return write_parts(from, parts, end, out);
      },
      length);
}

}  // namespace

class static_files::folder {
 public:
  folder(fs::directory root, static_options options)
      : root_(std::move(root)), options_(std::move(options)) {}

  task<http::response> answer(http::request& r) const {
    std::string path(r.parameter(options_.parameter));
    if (!may_be_served(path)) co_return not_found();
    auto found = co_await open(or_itself(path));
    if (!found) co_return not_found();
    if (found->status().kind == fs::file_kind::directory)
      co_return co_await answer_folder(r, std::move(path));
    co_return co_await answer_file(r, std::move(*found), std::move(path));
  }

 private:
  /// A file or folder; nullopt: there is none for the public.
  task<std::optional<fs::file>> open(std::string path) const {
    try {
      fs::file found = co_await root_.open_beneath(std::move(path));
      const auto kind = found.status().kind;
      if (kind == fs::file_kind::regular || kind == fs::file_kind::directory)
        co_return std::optional(std::move(found));
    } catch (const error& failure) {
      if (!means_missing(failure)) throw;
    }
    co_return std::nullopt;
  }

  task<http::response> answer_folder(http::request& r, std::string path) const {
    if (!path.empty() && !path.ends_with('/')) {
      std::string location = detail::escaped_path(r.path()) + "/";
      if (!r.query().empty()) location.append("?").append(r.query());
      co_return http::response::redirect(location, http::status::moved_permanently);
    }
    for (const std::string& name : options_.index) {
      auto found = co_await open(path + name);
      if (found && found->status().kind == fs::file_kind::regular)
        co_return co_await answer_file(r, std::move(*found), path + name);
    }
    if (!options_.listing) co_return not_found();
    auto entries = co_await root_.entries_beneath(or_itself(path));
    http::response made = http::response::html(detail::listing_page(r.path(), std::move(entries)));
    made.set("Cache-Control", "no-store");
    co_return made;
  }

  task<http::response> answer_file(http::request& r, fs::file found, std::string path) const {
    const auto now = runtime::loop::current().io().time().calendar();
    representation chosen;
    chosen.type = type_of(path);
    chosen.from = found.handle();
    fs::file_status status = found.status();
    if (options_.precompressed && detail::is_compressible(chosen.type)) {
      chosen.varies = true;
      co_await choose_sibling(r, path, status, chosen);
    }
    chosen.size = status.size;
    chosen.current = validators_of(status, chosen.coding, now);
    co_return respond(r, chosen, std::chrono::floor<std::chrono::seconds>(now));
  }

  [[nodiscard]] std::string type_of(std::string_view path) const {
    for (const auto& [ending, type] : options_.media_types) {
      if (path.ends_with(ending)) return type;
    }
    return std::string(media_type_of(path));
  }

  /// Takes the compressed sibling that the client likes best, if there is one that is not older than the file.
  task<void> choose_sibling(http::request& r, std::string path, fs::file_status& status,
                            representation& chosen) const {
    const detail::coding_preferences wanted(detail::joined(r.fields(), "Accept-Encoding"));
    std::vector<sibling> liked;
    for (const sibling& one : siblings) {
      if (wanted.likes(one.coding)) liked.push_back(one);
    }
    std::ranges::sort(liked, [&](const sibling& a, const sibling& b) {
      const int by_quality = wanted.quality(a.coding) - wanted.quality(b.coding);
      return by_quality != 0 ? by_quality > 0 : a.rank < b.rank;
    });
    for (const sibling& one : liked) {
      auto found = co_await open(path + std::string(one.suffix));
      if (!found || found->status().kind != fs::file_kind::regular) continue;
      if (found->status().modified < status.modified) continue;
      status = found->status();
      chosen.from = found->handle();
      chosen.coding = one.coding;
      co_return;
    }
  }

  [[nodiscard]] http::response respond(const http::request& r, const representation& chosen,
                                       std::chrono::sys_seconds now) const {
    switch (detail::evaluate(r.fields(), chosen.current, now)) {
      case detail::outcome::failed: return http::response::error(http::status::precondition_failed);
      case detail::outcome::not_modified: {
        http::response made(http::status::not_modified);
        describe(made, chosen);
        return made;
      }
      case detail::outcome::proceed: break;
    }
    http::response made = with_body(r, chosen, now);
    if (made.status() == http::status::range_not_satisfiable) return made;
    describe(made, chosen);
    made.set("Accept-Ranges", "bytes");
    if (chosen.coding != content_coding::identity)
      made.set("Content-Encoding", http::to_string(chosen.coding));
    return made;
  }

  [[nodiscard]] http::response with_body(const http::request& r, const representation& chosen,
                                         std::chrono::sys_seconds now) const {
    const auto range = r.field("Range");
    const bool asked = range && r.method() == http::method::get && r.fields().count("Range") == 1 &&
                       detail::range_counts(r.fields(), chosen.current, now);
    const auto ranges =
        asked ? detail::parse_ranges(*range, chosen.size, options_.max_ranges) : std::nullopt;
    if (!ranges) return answer_with(chosen, {0, chosen.size});
    if (ranges->empty()) {
      auto made = http::response::error(http::status::range_not_satisfiable);
      made.set("Content-Range", "bytes */" + std::to_string(chosen.size));
      return made;
    }
    http::response made = ranges->size() == 1 ? answer_with(chosen, ranges->front())
                                              : answer_with_parts(chosen, *ranges);
    made.set_status(http::status::partial_content);
    if (ranges->size() == 1)
      made.set("Content-Range", detail::content_range(ranges->front(), chosen.size));
    return made;
  }

  void describe(http::response& made, const representation& chosen) const {
    made.set("ETag", chosen.current.etag);
    made.set("Last-Modified", date_text(chosen.current.modified));
    if (!options_.cache_control.empty()) made.set("Cache-Control", options_.cache_control);
    if (chosen.varies) detail::add_vary(made, "Accept-Encoding");
  }

  fs::directory root_;
  static_options options_;
};

task<static_files> static_files::open(std::string root) {
  return open(std::move(root), static_options());
}

task<static_files> static_files::open(std::string root, static_options options) {
  fs::directory opened = co_await fs::directory::open(std::move(root));
  co_return static_files(std::make_shared<folder>(std::move(opened), std::move(options)));
}

task<http::response> static_files::operator()(http::request& r) const { return folder_->answer(r); }

}  // namespace eddy::web

// Files below a folder, over HTTP.
//
//   auto files = co_await eddy::web::static_files::open("/srv/www");
//   app.get("/static/{path...}", files);
//
// GET and HEAD with validators (ETag, Last-Modified), conditions and ranges (RFC 9110 sections 13 and 14), compressed
// siblings ("page.html.br" for "page.html"), index files, and on request listings. Large files go out by sendfile
// where the connection is a plain socket, else in pieces of 64 KiB.
//
// Nothing outside the folder is reached: every file is opened by openat2, which refuses symbolic links anywhere in the
// path. Names that begin with a dot are not there.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <eddy/coro/task.hpp>
#include <eddy/fs/file.hpp>
#include <eddy/http/request.hpp>
#include <eddy/http/response.hpp>

namespace eddy::web {

struct static_options {
  std::string parameter = "path";                   ///< of the route: the path below the folder
  std::vector<std::string> index = {"index.html"};  ///< tried in a folder, in order
  bool listing = false;                             ///< of folders without an index
  bool precompressed = true;  ///< siblings .br, .zst, .gz, for compressible types
  /// Of answers with 200, 206 and 304; empty: none. "no-cache" has clients ask whether what they keep is still right.
  std::string cache_control = "no-cache";
  std::size_t max_ranges =
      16;  ///< of one request; with more, or overlapping ones, all of the file is sent
  /// Media types beyond, or other than, the known ones: {".wasm", "application/wasm"}.
  std::vector<std::pair<std::string, std::string>> media_types = {};
};

/// A handler; cheap to copy, and the copies share the open folder. Used on any loop.
///
/// A file that is replaced while it is sent is sent as it was. One that is written to is sent as it is found; if it
/// becomes shorter than announced, the connection is cut, so that no client takes a part for the whole. A file changed
/// less than a tenth of a second ago, or two seconds where its time has no fraction, has a weak ETag, as another change
/// could go unseen.
class static_files {
 public:
  /// Throws what fs::directory::open does: a missing folder, or a kernel that forbids openat2, is found out here.
  static task<static_files> open(std::string root);
  /// Name the options before the await: g++ 12 destroys such an object twice when it is made inside.
  static task<static_files> open(std::string root, static_options options);

  /// Answers 404 for whatever is not a readable file below the folder, and redirects from a folder's name to the name
  /// with a slash.
  task<http::response> operator()(http::request& r) const;

 private:
  class folder;
  explicit static_files(std::shared_ptr<const folder> from) noexcept : folder_(std::move(from)) {}

  std::shared_ptr<const folder> folder_;
};

/// The media type for a name's ending, in any case; "application/octet-stream" for an unknown one.
[[nodiscard]] std::string_view media_type_of(std::string_view name) noexcept;

}  // namespace eddy::web

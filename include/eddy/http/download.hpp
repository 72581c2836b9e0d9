// Downloads: a body of any size to a file or a sink, in constant memory, with progress, resumed where it broke off.
//
//   eddy::http::request_spec image("GET", "https://example.org/image.iso");
//   co_await eddy::http::download_file(client, std::move(image), "image.iso");
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <eddy/http/client.hpp>

namespace eddy::http {

/// Where a download goes. Each piece continues the one before, or begins anew at offset zero: then what came before is
/// void. What it throws ends the download.
using download_sink = std::function<task<void>(std::uint64_t offset, std::string_view piece)>;

struct download_options {
  /// Bytes that the sink has already, of an earlier download whose `validator` is given: the rest is asked for, and all
  /// of it when the server has another version now.
  std::uint64_t offset = 0;
  std::string validator = {};
  /// How often a download whose connection broke is taken up again.
  std::size_t resumptions = 5;
  /// Told after each piece; the size of the whole once it is known. Must not throw.
  std::function<void(std::uint64_t received, std::optional<std::uint64_t> size)> progress = {};
};

struct download_result {
  int status = 0;               ///< of the last response; 416: there was nothing left to ask for
  std::uint64_t size = 0;       ///< of the whole, with `offset`
  std::size_t resumptions = 0;  ///< that were needed
  std::string validator;  ///< the version that came: a strong ETag, or Last-Modified; may be empty
  std::string url;        ///< where the last response came from, after redirects
  http::fields fields;    ///< of the last response
};

/// Sends `spec`, usually a GET, and gives its body to `sink`. Compression is not asked for; the total time is unlimited
/// unless spec.timeouts.total says otherwise: client_timeouts::idle_read bounds each wait. When the connection breaks
/// or idles, the rest is asked for with Range and If-Range (RFC 9110, section 14), if the response had a validator. All
/// of it comes anew from a server that knows no ranges, has another version, or has less than what came already. One
/// that gives less than the rest at a time is asked again. Throws status_error for 400 and above, request_error when it
/// cannot go on, invalid_input for ranges that do not fit, and what the sink throws.
[[nodiscard]] task<download_result> download(client& with, request_spec spec, download_sink sink,
                                             download_options options = download_options());

/// The same into the file `path`, which is there only once it is whole and on the device; then it takes the place of an
/// older one. Until then the bytes are in "<path>.part", and "<path>.part-of" says of which URL and version: a further
/// call, of any process, asks for the rest only. What belongs to another URL begins anew. `offset` and `validator` are
/// what these files say, and not looked at. One download at a time to a path. Throws also what the files' calls throw.
[[nodiscard]] task<download_result> download_file(client& with, request_spec spec, std::string path,
                                                  download_options options = download_options());

}  // namespace eddy::http

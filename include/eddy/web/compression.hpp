// Bodies coded on their way: answers compressed, requests decompressed.
//
//   app.use(eddy::web::compression());
//   app.use(eddy::web::decompression());
//
// A page that shows both a secret and what a stranger sent should not be compressed (the BREACH attack): answer it with
// "Cache-Control: no-transform", or leave its route out.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include <eddy/http/content_coding.hpp>
#include <eddy/http/middleware.hpp>

namespace eddy::web {

struct compression_options {
  /// Best first, for clients that like several alike. What this build does not have is passed over.
  std::vector<http::content_coding> codings = {http::content_coding::br, http::content_coding::zstd,
                                               http::content_coding::gzip};
  std::size_t min_size = 1024;              ///< bytes of a body whose size is known
  std::optional<int> level = std::nullopt;  ///< see content_encoder
  /// Which media types; unset: texts, JSON, XML, JavaScript, SVG, WebAssembly and the like.
  std::function<bool(std::string_view content_type)> compressible = {};
};

/// Compresses what gets smaller by it, for clients that accept it. Left alone: what is coded already, partial answers
/// (206), "no-transform", answers without a body. Answers that could be compressed say "Vary: Accept-Encoding" even
/// when they are not, as 304 does; a compressed one's strong ETag becomes weak, and it offers no ranges. Where a client
/// names "identity" as what it likes better, it gets that. A streamed body goes out after each write, so
/// events are not held back. Texts of more than 128 KiB are compressed on a thread of the loop's pool.
[[nodiscard]] http::any_middleware compression(compression_options options = {});

/// Decodes request bodies with one Content-Encoding that this build has; others, and several at once, are answered 415
/// with Accept-Encoding. The route's limit of the body counts before and behind the decoder (413), and `limits` bound
/// the ratio; what is damaged is answered 400. Handlers still see the fields as they were sent.
[[nodiscard]] http::any_middleware decompression(http::decoder_limits limits = {});

}  // namespace eddy::web

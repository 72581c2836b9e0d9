#include "content_coding_engine.hpp"

#include <algorithm>
#include <cstring>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
namespace {

class identity_decoder final : public content_decoder::implementation {
 public:
  std::expected<content_decoder::step, std::error_code> decode(std::span<const std::byte> in,
                                                               std::span<std::byte> out) override {
    const std::size_t size = std::min(in.size(), out.size());
    if (size > 0) std::memcpy(out.data(), in.data(), size);
    return content_decoder::step{size, size};
  }
  [[nodiscard]] bool whole() const noexcept override { return true; }
};

class identity_encoder final : public content_encoder::implementation {
 public:
  void run(std::string_view piece, mode, std::string& out) override { out += piece; }
};

[[noreturn]] void refuse(content_coding coding) {
  throw error(errc::unsupported, "content coding " + std::string(to_string(coding)));
}

}  // namespace

#if !EDDY_HAS_BROTLI
std::unique_ptr<content_decoder::implementation> make_brotli_decoder() {
  refuse(content_coding::br);
}
std::unique_ptr<content_encoder::implementation> make_brotli_encoder(int) {
  refuse(content_coding::br);
}
#endif
#if !EDDY_HAS_ZSTD
std::unique_ptr<content_decoder::implementation> make_zstd_decoder(int) {
  refuse(content_coding::zstd);
}
std::unique_ptr<content_encoder::implementation> make_zstd_encoder(int) {
  refuse(content_coding::zstd);
}
#endif

std::unique_ptr<content_decoder::implementation> make_decoder(content_coding coding,
                                                              const decoder_limits& limits) {
  switch (coding) {
    case content_coding::identity: return std::make_unique<identity_decoder>();
    case content_coding::gzip: return make_zlib_decoder(true);
    case content_coding::deflate: return make_zlib_decoder(false);
    case content_coding::br: return make_brotli_decoder();
    case content_coding::zstd: return make_zstd_decoder(limits.max_window_log);
  }
  refuse(coding);
}

std::unique_ptr<content_encoder::implementation> make_encoder(content_coding coding,
                                                              std::optional<int> level) {
  // For content made while it is sent: about as fast as the network, most of the gain.
  constexpr int gzip_level = 5;
  constexpr int brotli_level = 4;
  constexpr int zstd_level = 3;
  switch (coding) {
    case content_coding::identity: return std::make_unique<identity_encoder>();
    case content_coding::gzip: return make_zlib_encoder(true, level.value_or(gzip_level));
    case content_coding::deflate: return make_zlib_encoder(false, level.value_or(gzip_level));
    case content_coding::br: return make_brotli_encoder(level.value_or(brotli_level));
    case content_coding::zstd: return make_zstd_encoder(level.value_or(zstd_level));
  }
  refuse(coding);
}

}  // namespace eddy::http::detail

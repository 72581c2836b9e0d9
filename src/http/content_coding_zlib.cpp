// gzip (RFC 1952) and deflate, which means the zlib format (RFC 1950) but is sent raw (RFC 1951) by some servers.
#include "content_coding_engine.hpp"

#include <algorithm>
#include <new>

#include <zlib.h>

namespace eddy::http::detail {
namespace {

constexpr int gzip_window = 15 + 16;
constexpr int zlib_window = 15;
constexpr int raw_window = -15;
constexpr std::size_t most_per_call = 1U << 30;  // zlib counts in unsigned int

Bytef* input_of(const void* bytes) noexcept {
  return const_cast<Bytef*>(static_cast<const Bytef*>(bytes));
}

class zlib_decoder final : public content_decoder::implementation {
 public:
  explicit zlib_decoder(bool gzip) : gzip_(gzip) {
    if (gzip) start(gzip_window);
  }
  ~zlib_decoder() override {
    if (started_) inflateEnd(&z_);
  }

  std::expected<content_decoder::step, std::error_code> decode(std::span<const std::byte> in,
                                                               std::span<std::byte> out) override {
    if (!started_) {
      if (in.empty()) return content_decoder::step{};
      start(looks_like_zlib(in.front()) ? zlib_window : raw_window);
    }
    if (ended_) {
      if (in.empty()) return content_decoder::step{};
      if (!gzip_) return std::unexpected(make_error_code(coding_errc::trailing_data));
      inflateReset(&z_);  // another member
      ended_ = false;
    }
    z_.next_in = input_of(in.data());
    z_.avail_in = static_cast<uInt>(std::min(in.size(), most_per_call));
    z_.next_out = reinterpret_cast<Bytef*>(out.data());
    z_.avail_out = static_cast<uInt>(std::min(out.size(), most_per_call));
    const uInt in_before = z_.avail_in;
    const uInt out_before = z_.avail_out;
    if (out_before == 0) return content_decoder::step{};
    const int result = inflate(&z_, Z_NO_FLUSH);
    if (result == Z_MEM_ERROR) throw std::bad_alloc();
    if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
      return std::unexpected(make_error_code(coding_errc::bad_data));
    }
    ended_ = result == Z_STREAM_END;
    return content_decoder::step{in_before - z_.avail_in, out_before - z_.avail_out};
  }
  [[nodiscard]] bool whole() const noexcept override { return ended_; }

 private:
  // The compression method 8 in the low nibble is what RFC 1950 begins with; raw data that begin so have a stored or
  // reserved block type, which encoders do not begin with.
  static bool looks_like_zlib(std::byte first) noexcept {
    return (first & std::byte{0x0F}) == std::byte{8};
  }
  void start(int window) {
    if (inflateInit2(&z_, window) != Z_OK) throw std::bad_alloc();
    started_ = true;
  }

  z_stream z_{};
  bool gzip_;
  bool started_ = false;
  bool ended_ = false;
};

class zlib_encoder final : public content_encoder::implementation {
 public:
  zlib_encoder(bool gzip, int level) {
    const int window = gzip ? gzip_window : zlib_window;
    constexpr int memory = 8;
    if (deflateInit2(&z_, std::clamp(level, 1, 9), Z_DEFLATED, window, memory,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::bad_alloc();
    }
  }
  ~zlib_encoder() override { deflateEnd(&z_); }

  void run(std::string_view piece, mode how, std::string& out) override {
    constexpr std::size_t room = 16 * 1024;
    const int flush = how == mode::more ? Z_NO_FLUSH : how == mode::flush ? Z_SYNC_FLUSH : Z_FINISH;
    do {
      const std::string_view part = piece.substr(0, most_per_call);
      piece.remove_prefix(part.size());
      z_.next_in = input_of(part.data());
      z_.avail_in = static_cast<uInt>(part.size());
      do {
        const std::size_t before = out.size();
        out.resize(before + room);
        z_.next_out = reinterpret_cast<Bytef*>(out.data() + before);
        z_.avail_out = static_cast<uInt>(room);
        deflate(&z_, flush);
        out.resize(before + room - z_.avail_out);
      } while (z_.avail_out == 0);
    } while (!piece.empty());
  }

 private:
  z_stream z_{};
};

}  // namespace

std::unique_ptr<content_decoder::implementation> make_zlib_decoder(bool gzip) {
  return std::make_unique<zlib_decoder>(gzip);
}
std::unique_ptr<content_encoder::implementation> make_zlib_encoder(bool gzip, int level) {
  return std::make_unique<zlib_encoder>(gzip, level);
}

}  // namespace eddy::http::detail

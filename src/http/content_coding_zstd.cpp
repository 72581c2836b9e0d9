// zstd (RFC 8878).
#include "content_coding_engine.hpp"

#if EDDY_HAS_ZSTD

#include <algorithm>
#include <new>

#include <zstd.h>
#include <zstd_errors.h>

namespace eddy::http::detail {
namespace {

class zstd_decoder final : public content_decoder::implementation {
 public:
  explicit zstd_decoder(int window_log) : state_(ZSTD_createDCtx()) {
    if (state_ == nullptr) throw std::bad_alloc();
    ZSTD_DCtx_setParameter(state_, ZSTD_d_windowLogMax, std::clamp(window_log, 10, 30));
  }
  ~zstd_decoder() override { ZSTD_freeDCtx(state_); }

  std::expected<content_decoder::step, std::error_code> decode(std::span<const std::byte> in,
                                                               std::span<std::byte> out) override {
    if (in.empty() && ended_) return content_decoder::step{};
    ZSTD_inBuffer from{in.data(), in.size(), 0};
    ZSTD_outBuffer to{out.data(), out.size(), 0};
    const std::size_t result = ZSTD_decompressStream(state_, &to, &from);
    if (ZSTD_isError(result) != 0U) return std::unexpected(reason_of(result));
    if (from.pos > 0 || to.pos > 0) ended_ = result == 0;
    return content_decoder::step{from.pos, to.pos};
  }
  [[nodiscard]] bool whole() const noexcept override { return ended_; }

 private:
  static std::error_code reason_of(std::size_t result) {
    const auto code = ZSTD_getErrorCode(result);
    if (code == ZSTD_error_memory_allocation) throw std::bad_alloc();
    const bool large = code == ZSTD_error_frameParameter_windowTooLarge;
    return large ? coding_errc::window_too_large : coding_errc::bad_data;
  }

  ZSTD_DCtx* state_;
  bool ended_ = false;
};

class zstd_encoder final : public content_encoder::implementation {
 public:
  explicit zstd_encoder(int level) : state_(ZSTD_createCCtx()) {
    if (state_ == nullptr) throw std::bad_alloc();
    constexpr int largest = 19;  // beyond, windows exceed the 8 MiB of RFC 9659
    ZSTD_CCtx_setParameter(state_, ZSTD_c_compressionLevel, std::clamp(level, 1, largest));
  }
  ~zstd_encoder() override { ZSTD_freeCCtx(state_); }

  void run(std::string_view piece, mode how, std::string& out) override {
    const auto operation = how == mode::more    ? ZSTD_e_continue
                           : how == mode::flush ? ZSTD_e_flush
                                                : ZSTD_e_end;
    constexpr std::size_t room = 16 * 1024;
    ZSTD_inBuffer from{piece.data(), piece.size(), 0};
    for (bool more = true; more;) {
      const std::size_t before = out.size();
      out.resize(before + room);
      ZSTD_outBuffer to{out.data() + before, room, 0};
      const std::size_t left = ZSTD_compressStream2(state_, &to, &from, operation);
      out.resize(before + to.pos);
      if (ZSTD_isError(left) != 0U) throw std::bad_alloc();
      more = operation == ZSTD_e_continue ? from.pos < from.size : left != 0;
    }
  }

 private:
  ZSTD_CCtx* state_;
};

}  // namespace

std::unique_ptr<content_decoder::implementation> make_zstd_decoder(int window_log) {
  return std::make_unique<zstd_decoder>(window_log);
}
std::unique_ptr<content_encoder::implementation> make_zstd_encoder(int level) {
  return std::make_unique<zstd_encoder>(level);
}

}  // namespace eddy::http::detail

#endif

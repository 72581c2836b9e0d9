// br (RFC 7932).
#include "content_coding_engine.hpp"

#if EDDY_HAS_BROTLI

#include <algorithm>
#include <new>

#include <brotli/decode.h>
#include <brotli/encode.h>

namespace eddy::http::detail {
namespace {

class brotli_decoder final : public content_decoder::implementation {
 public:
  brotli_decoder() : state_(BrotliDecoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~brotli_decoder() override { BrotliDecoderDestroyInstance(state_); }

  std::expected<content_decoder::step, std::error_code> decode(std::span<const std::byte> in,
                                                               std::span<std::byte> out) override {
    if (ended_) {
      if (in.empty()) return content_decoder::step{};
      return std::unexpected(make_error_code(coding_errc::trailing_data));
    }
    std::size_t in_left = in.size();
    std::size_t out_left = out.size();
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    auto* next_out = reinterpret_cast<std::uint8_t*>(out.data());
    const auto result =
        BrotliDecoderDecompressStream(state_, &in_left, &next_in, &out_left, &next_out, nullptr);
    if (result == BROTLI_DECODER_RESULT_ERROR) {
      return std::unexpected(make_error_code(coding_errc::bad_data));
    }
    ended_ = result == BROTLI_DECODER_RESULT_SUCCESS;
    return content_decoder::step{in.size() - in_left, out.size() - out_left};
  }
  [[nodiscard]] bool whole() const noexcept override { return ended_; }

 private:
  BrotliDecoderState* state_;
  bool ended_ = false;
};

class brotli_encoder final : public content_encoder::implementation {
 public:
  explicit brotli_encoder(int level)
      : state_(BrotliEncoderCreateInstance(nullptr, nullptr, nullptr)) {
    if (state_ == nullptr) throw std::bad_alloc();
    const int quality = std::clamp(level, BROTLI_MIN_QUALITY, BROTLI_MAX_QUALITY);
    constexpr std::uint32_t window_log = 19;  // 512 KiB on both sides: enough for pages
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY, static_cast<std::uint32_t>(quality));
    BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, window_log);
  }
  ~brotli_encoder() override { BrotliEncoderDestroyInstance(state_); }

  void run(std::string_view piece, mode how, std::string& out) override {
    const auto operation = how == mode::more    ? BROTLI_OPERATION_PROCESS
                           : how == mode::flush ? BROTLI_OPERATION_FLUSH
                                                : BROTLI_OPERATION_FINISH;
    std::size_t in_left = piece.size();
    const auto* next_in = reinterpret_cast<const std::uint8_t*>(piece.data());
    do {
      std::size_t no_room = 0;
      if (BrotliEncoderCompressStream(state_, operation, &in_left, &next_in, &no_room, nullptr,
                                      nullptr) == BROTLI_FALSE) {
        throw std::bad_alloc();
      }
      std::size_t size = 0;
      const std::uint8_t* made = BrotliEncoderTakeOutput(state_, &size);
      out.append(reinterpret_cast<const char*>(made), size);
    } while (in_left > 0 || BrotliEncoderHasMoreOutput(state_) == BROTLI_TRUE);
  }

 private:
  BrotliEncoderState* state_;
};

}  // namespace

std::unique_ptr<content_decoder::implementation> make_brotli_decoder() {
  return std::make_unique<brotli_decoder>();
}
std::unique_ptr<content_encoder::implementation> make_brotli_encoder(int level) {
  return std::make_unique<brotli_encoder>(level);
}

}  // namespace eddy::http::detail

#endif

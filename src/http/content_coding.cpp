#include <eddy/http/content_coding.hpp>

#include "content_coding_engine.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::http {
namespace {

class coding_category final : public error_category_base {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "content coding"; }
  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<coding_errc>(code)) {
      case coding_errc::bad_data: return "the coded data are damaged";
      case coding_errc::incomplete: return "the coded data end early";
      case coding_errc::ratio_exceeded: return "the data grow more than allowed when decoded";
      case coding_errc::trailing_data: return "there are bytes behind the coded data";
      case coding_errc::window_too_large: return "decoding needs a larger window than allowed";
    }
    return "unknown";
  }
  [[nodiscard]] condition condition_for(int) const noexcept override {
    return condition::invalid_input;
  }
};

std::span<const std::byte> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

}  // namespace

std::error_code make_error_code(coding_errc code) noexcept {
  static const coding_category category;
  return {static_cast<int>(code), category};
}

std::string_view to_string(content_coding coding) noexcept {
  switch (coding) {
    case content_coding::identity: return "identity";
    case content_coding::gzip: return "gzip";
    case content_coding::deflate: return "deflate";
    case content_coding::br: return "br";
    case content_coding::zstd: return "zstd";
  }
  return "identity";
}

std::optional<content_coding> content_coding_from(std::string_view name) noexcept {
  using wire::http1::equals_ignoring_case;
  if (name.empty()) return content_coding::identity;
  for (const auto coding : {content_coding::identity, content_coding::gzip, content_coding::deflate,
                            content_coding::br, content_coding::zstd}) {
    if (equals_ignoring_case(name, to_string(coding))) return coding;
  }
  if (equals_ignoring_case(name, "x-gzip")) return content_coding::gzip;
  return std::nullopt;
}

bool is_available(content_coding coding) noexcept {
  if (coding == content_coding::br) return EDDY_HAS_BROTLI != 0;
  if (coding == content_coding::zstd) return EDDY_HAS_ZSTD != 0;
  return true;
}

std::string_view accepted_codings() noexcept {
  static const std::string all = [] {
    std::string list = "gzip, deflate";
    if (is_available(content_coding::br)) list += ", br";
    if (is_available(content_coding::zstd)) list += ", zstd";
    return list;
  }();
  return all;
}

// --- decoding ---

content_decoder::content_decoder(content_coding coding, const decoder_limits& limits)
    : implementation_(detail::make_decoder(coding, limits)), limits_(limits) {}
content_decoder::content_decoder(content_decoder&&) noexcept = default;
content_decoder& content_decoder::operator=(content_decoder&&) noexcept = default;
content_decoder::~content_decoder() = default;

std::expected<content_decoder::step, std::error_code> content_decoder::decode(
    std::span<const std::byte> in, std::span<std::byte> out) {
  step done;
  for (;;) {
    const auto went =
        implementation_->decode(in.subspan(done.consumed), out.subspan(done.produced));
    if (!went) return went;
    done.consumed += went->consumed;
    done.produced += went->produced;
    const bool stuck = went->consumed == 0 && went->produced == 0;
    if (stuck || done.produced == out.size()) break;
  }
  in_total_ += done.consumed;
  out_total_ += done.produced;
  const bool bounded = limits_.max_ratio != 0 && out_total_ > limits_.ratio_from;
  if (bounded && out_total_ / limits_.max_ratio > in_total_) {
    return std::unexpected(make_error_code(coding_errc::ratio_exceeded));
  }
  return done;
}

std::expected<void, std::error_code> content_decoder::finish() const noexcept {
  if (in_total_ == 0 || implementation_->whole()) return {};
  return std::unexpected(make_error_code(coding_errc::incomplete));
}

std::expected<std::string, std::error_code> decode_whole(content_coding coding,
                                                         std::string_view text,
                                                         std::size_t max_size,
                                                         const decoder_limits& limits) {
  content_decoder decoder(coding, limits);
  std::array<std::byte, 16 * 1024> room{};
  std::string whole;
  for (;;) {
    const auto went = decoder.decode(bytes_of(text), room);
    if (!went) return std::unexpected(went.error());
    text.remove_prefix(went->consumed);
    if (went->produced > max_size - whole.size()) {
      return std::unexpected(std::make_error_code(std::errc::value_too_large));
    }
    whole.append(reinterpret_cast<const char*>(room.data()), went->produced);
    if (went->produced == 0 && text.empty()) break;
  }
  if (const auto ended = decoder.finish(); !ended) return std::unexpected(ended.error());
  return whole;
}

// --- encoding ---

content_encoder::content_encoder(content_coding coding, std::optional<int> level)
    : implementation_(detail::make_encoder(coding, level)) {}
content_encoder::content_encoder(content_encoder&&) noexcept = default;
content_encoder& content_encoder::operator=(content_encoder&&) noexcept = default;
content_encoder::~content_encoder() = default;

void content_encoder::encode(std::string_view piece, std::string& out) {
  if (!piece.empty()) implementation_->run(piece, implementation::mode::more, out);
}
void content_encoder::flush(std::string& out) {
  implementation_->run({}, implementation::mode::flush, out);
}
void content_encoder::finish(std::string& out) {
  implementation_->run({}, implementation::mode::finish, out);
}

std::string encode_whole(content_coding coding, std::string_view text, std::optional<int> level) {
  content_encoder encoder(coding, level);
  std::string out;
  encoder.encode(text, out);
  encoder.finish(out);
  return out;
}

}  // namespace eddy::http

// A body that went through several content codings, one after the other, decoded in reverse order.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <span>
#include <system_error>
#include <vector>

#include <eddy/http/content_coding.hpp>
#include <eddy/http/message.hpp>

namespace eddy::http::detail {

/// The codings that Content-Encoding names, as they were applied, without identity. Empty when nothing is to be
/// decoded, and when one is unknown, not available, or there are more than four.
[[nodiscard]] std::vector<content_coding> codings_of(const http::fields& fields);

/// As content_decoder, over all layers. The ratio of the whole is bounded as each layer's is.
class layered_decoder {
 public:
  /// `codings` as they were applied; at least one.
  explicit layered_decoder(const std::vector<content_coding>& codings);

  using outcome = std::expected<content_decoder::step, std::error_code>;
  [[nodiscard]] outcome decode(std::span<const std::byte> in, std::span<std::byte> out);
  [[nodiscard]] std::expected<void, std::error_code> finish() const noexcept;

 private:
  struct layer {
    explicit layer(content_coding coding) : decoder(coding) {}
    content_decoder decoder;
    std::vector<std::byte> room;         // what the layer before has produced
    std::span<const std::byte> pending;  // of it, not yet decoded
  };
  outcome decode_layer(std::size_t index, std::span<const std::byte> in, std::span<std::byte> out);

  std::vector<layer> layers_;  // the first takes what was sent
  std::uint64_t in_total_ = 0;
  std::uint64_t out_total_ = 0;
};

}  // namespace eddy::http::detail

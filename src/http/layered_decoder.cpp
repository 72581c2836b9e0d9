#include "layered_decoder.hpp"

#include <utility>

#include <eddy/wire/http1_syntax.hpp>

namespace eddy::http::detail {
namespace {

constexpr std::size_t most_layers = 4;
constexpr std::size_t room_between = 16 * 1024;

}  // namespace

std::vector<content_coding> codings_of(const http::fields& fields) {
  std::vector<content_coding> codings;
  for (const field_view field : fields) {
    if (!wire::http1::equals_ignoring_case(field.name, "Content-Encoding")) continue;
    wire::http1::list_elements names(field.value);
    for (auto name = names.next(); !name.empty(); name = names.next()) {
      const auto coding = content_coding_from(name);
      if (!coding || !is_available(*coding)) return {};
      if (*coding != content_coding::identity) codings.push_back(*coding);
      if (codings.size() > most_layers) return {};
    }
  }
  return codings;
}

layered_decoder::layered_decoder(const std::vector<content_coding>& codings) {
  for (auto each = codings.rbegin(); each != codings.rend(); ++each) {
    layers_.emplace_back(*each);
    if (layers_.size() > 1) layers_.back().room.resize(room_between);
  }
}

/// As decode() of the layers up to `index`. `in` goes to the first of them.
layered_decoder::outcome layered_decoder::decode_layer(std::size_t index,
                                                       std::span<const std::byte> in,
                                                       std::span<std::byte> out) {
  layer& top = layers_[index];
  if (index == 0) return top.decoder.decode(in, out);
  content_decoder::step done;
  for (;;) {
    const auto went = top.decoder.decode(top.pending, out);
    if (!went) return went;
    top.pending = top.pending.subspan(went->consumed);
    done.produced = went->produced;
    if (went->produced > 0) return done;
    const auto below = decode_layer(index - 1, in.subspan(done.consumed), top.room);
    if (!below) return below;
    done.consumed += below->consumed;
    if (below->produced == 0) return done;
    top.pending = std::span<const std::byte>(top.room).first(below->produced);
  }
}

layered_decoder::outcome layered_decoder::decode(std::span<const std::byte> in,
                                                 std::span<std::byte> out) {
  const auto went = decode_layer(layers_.size() - 1, in, out);
  if (!went) return went;
  in_total_ += went->consumed;
  out_total_ += went->produced;
  const decoder_limits limits;
  if (out_total_ > limits.ratio_from && out_total_ / limits.max_ratio > in_total_) {
    return std::unexpected(make_error_code(coding_errc::ratio_exceeded));
  }
  return went;
}

std::expected<void, std::error_code> layered_decoder::finish() const noexcept {
  for (const layer& each : layers_) {
    if (const auto whole = each.decoder.finish(); !whole) return whole;
  }
  return {};
}

}  // namespace eddy::http::detail

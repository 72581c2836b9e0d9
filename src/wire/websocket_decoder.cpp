// A data frame's payload is told as it comes, whole or in pieces; a control frame only when it is complete. So the
// state changes with complete headers and complete control frames only. Payload is unmasked in place and may be seen
// again when zlib did not take all of it: frame_unmasked_ is ahead of frame_done_ by what was unmasked, not consumed.
#include <eddy/wire/websocket_decoder.hpp>

#include <algorithm>
#include <utility>

namespace eddy::wire::websocket {
namespace {

std::uint64_t big_endian(std::span<const std::byte> bytes) noexcept {
  std::uint64_t value = 0;
  for (const std::byte byte : bytes) value = value << 8 | std::to_integer<std::uint64_t>(byte);
  return value;
}

}  // namespace

decoder::decoder(role own_role, decoder_limits limits,
                 std::optional<inflater_options> compression) noexcept
    : role_(own_role), limits_(limits) {
  if (compression) inflater_.emplace(*compression);
}

std::unexpected<errc> decoder::fail(errc code) noexcept {
  failure_ = code;
  return std::unexpected(code);
}

std::expected<decoder::event, errc> decoder::next(std::span<std::byte> input) {
  if (failure_) return std::unexpected(*failure_);
  if (in_frame_) return data(input, 0);
  const auto head = read_header(input);
  if (!head) return fail(head.error());
  if (head->size == 0) return event{};
  if (is_control(head->code)) return control(*head, input);
  if (const auto wrong = begin_frame(*head)) return fail(*wrong);
  return data(input, head->size);
}

// --- headers ---

std::optional<errc> decoder::check_opcode(unsigned first) const noexcept {
  const auto code = static_cast<opcode>(first & 0x0fU);
  const bool final = (first & 0x80U) != 0;
  const bool compressed = (first & 0x40U) != 0;
  switch (code) {
    case opcode::continuation:
      if (compressed || (first & 0x30U) != 0) return errc::reserved_bits;
      if (!message_open_) return errc::unexpected_continuation;
      return std::nullopt;
    case opcode::text:
    case opcode::binary:
      if ((compressed && !inflater_) || (first & 0x30U) != 0) return errc::reserved_bits;
      if (message_open_) return errc::interleaved_message;
      return std::nullopt;
    case opcode::close:
    case opcode::ping:
    case opcode::pong:
      if ((first & 0x70U) != 0) return errc::reserved_bits;
      if (!final) return errc::fragmented_control;
      return std::nullopt;
  }
  return (first & 0x70U) != 0 ? errc::reserved_bits : errc::reserved_opcode;
}

std::expected<decoder::header, errc> decoder::read_header(std::span<const std::byte> input) const {
  header head;
  if (input.empty()) return head;
  const auto first = std::to_integer<unsigned>(input[0]);
  if (const auto wrong = check_opcode(first)) return std::unexpected(*wrong);
  head.code = static_cast<opcode>(first & 0x0fU);
  head.final = (first & 0x80U) != 0;
  head.compressed = (first & 0x40U) != 0;
  if (input.size() < 2) return head;

  const auto second = std::to_integer<unsigned>(input[1]);
  const bool masked = (second & 0x80U) != 0;
  if (masked != (role_ == role::server)) return std::unexpected(errc::bad_masking);
  head.length = second & 0x7fU;
  if (is_control(head.code) && head.length > largest_control_payload) {
    return std::unexpected(errc::long_control);
  }
  std::size_t size = 2;
  if (head.length >= 126) {
    const std::size_t width = head.length == 126 ? 2 : 8;
    if (input.size() < size + width) return head;
    head.length = big_endian(input.subspan(size, width));
    const std::uint64_t least = width == 2 ? 126 : 0x10000;
    if (head.length < least || head.length >> 63 != 0) return std::unexpected(errc::bad_length);
    size += width;
  }
  if (masked) {
    if (input.size() < size + head.mask.size()) return head;
    std::copy_n(input.begin() + static_cast<std::ptrdiff_t>(size), head.mask.size(),
                head.mask.begin());
    size += head.mask.size();
  }
  head.size = size;
  return head;
}

// --- control frames ---

std::expected<decoder::event, errc> decoder::control(const header& head,
                                                     std::span<std::byte> input) {
  if (input.size() - head.size < head.length) return event{};
  const std::span<std::byte> payload = input.subspan(head.size, head.length);
  if (role_ == role::server) apply_mask(payload, head.mask);
  event told;
  told.payload = payload;
  told.consumed = head.size + payload.size();
  if (head.code != opcode::close) {
    told.kind = head.code == opcode::ping ? event_kind::ping : event_kind::pong;
    return told;
  }
  told.kind = event_kind::close;
  told.close_code = close_code::no_status;
  if (payload.empty()) return told;
  if (payload.size() == 1) return fail(errc::bad_close_payload);
  told.close_code = static_cast<std::uint16_t>(big_endian(payload.first(2)));
  if (!is_sendable_close_code(told.close_code)) return fail(errc::bad_close_code);
  told.payload = payload.subspan(2);
  utf8_validator reason;
  if (!reason.add(told.payload) || !reason.complete()) return fail(errc::bad_utf8);
  return told;
}

// --- data frames ---

std::optional<errc> decoder::begin_frame(const header& head) noexcept {
  if (head.length > limits_.frame) return errc::frame_too_big;
  if (head.code != opcode::continuation) {
    kind_ = head.code == opcode::text ? message_kind::text : message_kind::binary;
    compressed_ = head.compressed;
    message_size_ = 0;
    begun_ = false;
    utf8_.reset();
  }
  if (!compressed_) {
    if (head.length > limits_.message - message_size_) return errc::message_too_big;
    message_size_ += head.length;
  }
  message_open_ = true;
  in_frame_ = true;
  final_ = head.final;
  mask_ = head.mask;
  frame_length_ = head.length;
  frame_done_ = 0;
  frame_unmasked_ = 0;
  return std::nullopt;
}

void decoder::unmask(std::span<std::byte> payload) noexcept {
  const std::uint64_t ahead = frame_unmasked_ - frame_done_;
  if (payload.size() <= ahead) return;
  const std::span<std::byte> fresh = payload.subspan(ahead);
  if (role_ == role::server) apply_mask(fresh, mask_, frame_unmasked_);
  frame_unmasked_ += fresh.size();
}

std::expected<decoder::event, errc> decoder::data(std::span<std::byte> input, std::size_t used) {
  const std::uint64_t left = frame_length_ - frame_done_;
  const std::size_t size = std::min<std::uint64_t>(left, input.size() - used);
  const std::span<std::byte> available = input.subspan(used, size);
  unmask(available);
  return compressed_ ? inflated(available, used) : plain(available, used);
}

std::expected<decoder::event, errc> decoder::plain(std::span<std::byte> available,
                                                   std::size_t used) {
  frame_done_ += available.size();
  used += available.size();
  if (frame_done_ == frame_length_) {
    in_frame_ = false;
    return deliver(available, final_, used);
  }
  event waiting;
  waiting.consumed = used;
  if (available.empty()) return waiting;
  return deliver(available, false, used);
}

// Some zlib input gives no output, and some output needs no input, so this goes on until one of the two has run out.
// Output that zlib still holds at the end of a fragment comes with the next one.
std::expected<decoder::event, errc> decoder::inflated(std::span<std::byte> available,
                                                      std::size_t used) {
  for (;;) {
    const bool at_end = frame_done_ == frame_length_ && final_;
    if (!at_end && available.empty()) {
      in_frame_ = frame_done_ < frame_length_;
      return event{.consumed = used};
    }
    const auto got = at_end ? inflater_->finish() : inflater_->decompress(available);
    if (!got) return fail(got.error());
    if (!at_end) {
      available = available.subspan(got->consumed);
      used += got->consumed;
      frame_done_ += got->consumed;
      in_frame_ = frame_done_ < frame_length_ || final_;
      if (got->output.empty()) continue;
    }
    const std::uint64_t room = limits_.message - message_size_;
    if (got->output.size() > room) {
      const bool wrong = kind_ == message_kind::text && !utf8_.add(got->output.first(room));
      return fail(wrong ? errc::bad_utf8 : errc::message_too_big);
    }
    message_size_ += got->output.size();
    const bool ends = got->output.empty();
    if (ends) in_frame_ = false;
    return deliver(got->output, ends, used);
  }
}

std::expected<decoder::event, errc> decoder::deliver(std::span<const std::byte> bytes, bool ends,
                                                     std::size_t used) {
  if (kind_ == message_kind::text && (!utf8_.add(bytes) || (ends && !utf8_.complete()))) {
    return fail(errc::bad_utf8);
  }
  event told;
  told.kind = event_kind::data;
  told.message = kind_;
  told.begins = !std::exchange(begun_, true);
  told.ends = ends;
  told.payload = bytes;
  told.consumed = used;
  if (ends) message_open_ = false;
  return told;
}

}  // namespace eddy::wire::websocket

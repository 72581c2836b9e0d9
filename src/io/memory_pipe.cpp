#include "memory_pipe.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace eddy::io {
namespace {

std::error_code code_of(std::errc code) noexcept { return std::make_error_code(code); }

}  // namespace

memory_pipe::memory_pipe(memory_stream_options options)
    : bytes_(std::make_unique_for_overwrite<std::byte[]>(options.capacity)),
      capacity_(options.capacity),
      largest_transfer_(options.largest_transfer) {}

bool memory_pipe::try_read(memory_stream::read_operation& op) noexcept {
  op.count_ = 0;
  if (reader_ != nullptr) {
    op.failure_ = errc::busy;
  } else if (reading_ended_) {
    // After close or abort by this end, reads give the end.
  } else if (reset_) {
    op.failure_ = code_of(std::errc::connection_reset);
  } else if (!op.into_.empty()) {
    if (size_ == 0) return writing_ended_;
    op.count_ = copy_out(op.into_);
    if (writer_ != nullptr) finish_writer(copy_in(writer_->pieces()), {});
  }
  return true;
}

bool memory_pipe::try_write(memory_stream::write_operation& op) noexcept {
  op.count_ = 0;
  if (writer_ != nullptr) {
    op.failure_ = errc::busy;
  } else if (writing_ended_) {
    op.failure_ = errc::closed;
  } else if (reading_ended_) {
    op.failure_ = code_of(reset_ ? std::errc::connection_reset : std::errc::broken_pipe);
  } else if (size_of(op.pieces()) != 0) {
    if (size_ == capacity_) return false;
    op.count_ = copy_in(op.pieces());
    if (reader_ != nullptr) finish_reader(copy_out(reader_->into_), {});
  }
  return true;
}

void memory_pipe::end_writing() noexcept {
  if (std::exchange(writing_ended_, true)) return;
  finish_writer(0, errc::closed);
  finish_reader(0, {});
}

void memory_pipe::end_reading() noexcept {
  if (std::exchange(reading_ended_, true)) return;
  size_ = 0;
  finish_reader(0, errc::closed);
  finish_writer(0, code_of(std::errc::broken_pipe));
}

void memory_pipe::reset_by_writer() noexcept {
  size_ = 0;
  writing_ended_ = true;
  reset_ = true;
  finish_writer(0, errc::closed);
  finish_reader(0, code_of(std::errc::connection_reset));
}

void memory_pipe::reset_by_reader() noexcept {
  size_ = 0;
  reading_ended_ = true;
  reset_ = true;
  finish_reader(0, errc::closed);
  finish_writer(0, code_of(std::errc::connection_reset));
}

std::size_t memory_pipe::copy_in(const_buffers pieces) noexcept {
  const std::size_t most = std::min(largest_transfer_, capacity_ - size_);
  std::size_t copied = 0;
  for (const iovec& one : pieces) {
    const auto* from = static_cast<const std::byte*>(one.iov_base);
    for (std::size_t left = std::min(one.iov_len, most - copied); left != 0;) {
      const std::size_t at = (first_ + size_) % capacity_;
      const std::size_t n = std::min(left, capacity_ - at);
      std::memcpy(bytes_.get() + at, from, n);
      from += n;
      left -= n;
      size_ += n;
      copied += n;
    }
  }
  return copied;
}

std::size_t memory_pipe::copy_out(std::span<std::byte> into) noexcept {
  const std::size_t most = std::min({largest_transfer_, size_, into.size()});
  std::size_t copied = 0;
  while (copied < most) {
    const std::size_t n = std::min(most - copied, capacity_ - first_);
    std::memcpy(into.data() + copied, bytes_.get() + first_, n);
    first_ = (first_ + n) % capacity_;
    size_ -= n;
    copied += n;
  }
  return copied;
}

void memory_pipe::finish_reader(std::size_t count, std::error_code failure) noexcept {
  auto* const waiting = std::exchange(reader_, nullptr);
  if (waiting == nullptr) return;
  waiting->count_ = count;
  waiting->failure_ = failure;
  waiting->complete();
}

void memory_pipe::finish_writer(std::size_t count, std::error_code failure) noexcept {
  auto* const waiting = std::exchange(writer_, nullptr);
  if (waiting == nullptr) return;
  waiting->count_ = count;
  waiting->failure_ = failure;
  waiting->complete();
}

}  // namespace eddy::io

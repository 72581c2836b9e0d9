#include <eddy/io/memory_stream.hpp>

#include "memory_pipe.hpp"

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>

namespace eddy::io {

memory_stream::memory_stream(std::shared_ptr<memory_pipe> in,
                             std::shared_ptr<memory_pipe> out) noexcept
    : in_(std::move(in)), out_(std::move(out)) {}

memory_stream& memory_stream::operator=(memory_stream&& other) noexcept {
  memory_stream taken(std::move(other));
  std::swap(in_, taken.in_);
  std::swap(out_, taken.out_);
  return *this;
}

memory_stream::~memory_stream() {
  if (in_ == nullptr) return;
  check(!in_->reader_waits() && !out_->writer_waits(),
        "a memory_stream was destroyed while a task waits on it");
  close_now();
}

namespace {

const std::shared_ptr<memory_pipe>& usable(const std::shared_ptr<memory_pipe>& pipe) {
  check(pipe != nullptr, "a memory_stream was used after it had been moved from");
  return pipe;
}

}  // namespace

memory_stream::read_operation memory_stream::read_some(std::span<std::byte> into) {
  return {usable(in_), into};
}

memory_stream::write_operation memory_stream::write_some(std::span<const std::byte> bytes) {
  return {usable(out_), bytes};
}

memory_stream::write_operation memory_stream::write_some(const_buffers pieces) {
  return {usable(out_), pieces};
}

memory_stream::end_operation memory_stream::shutdown_write() {
  usable(out_);
  return {*this, false};
}

memory_stream::end_operation memory_stream::close() {
  usable(in_);
  return {*this, true};
}

void memory_stream::abort() noexcept {
  usable(in_)->reset_by_reader();
  out_->reset_by_writer();
}

std::size_t memory_stream::readable() const noexcept { return usable(in_)->size(); }

void memory_stream::close_now() noexcept {
  in_->end_reading();
  out_->end_writing();
}

void memory_stream::shutdown_now() noexcept { out_->end_writing(); }

std::pair<memory_stream, memory_stream> memory_stream_pair(memory_stream_options options) {
  if (options.capacity == 0) throw_invalid_input("memory_stream: capacity zero");
  if (options.largest_transfer == 0) throw_invalid_input("memory_stream: largest_transfer zero");
  auto forth = std::make_shared<memory_pipe>(options);
  auto back = std::make_shared<memory_pipe>(options);
  return {memory_stream(back, forth), memory_stream(forth, back)};
}

// --- operations ---

coro::wait_info memory_stream::read_operation::describe() const {
  return {"memory_stream.read_some", pipe_.get()};
}

bool memory_stream::read_operation::try_complete() { return pipe_->try_read(*this); }

void memory_stream::read_operation::enqueue() noexcept { pipe_->wait(*this); }

std::size_t memory_stream::read_operation::take() const {
  if (failure_) throw_error(failure_, "read_some");
  return count_;
}

void memory_stream::read_operation::withdraw() noexcept {
  pipe_->forget(*this);
  withdrawn();
}

coro::wait_info memory_stream::write_operation::describe() const {
  return {"memory_stream.write_some", pipe_.get()};
}

bool memory_stream::write_operation::try_complete() { return pipe_->try_write(*this); }

void memory_stream::write_operation::enqueue() noexcept { pipe_->wait(*this); }

std::size_t memory_stream::write_operation::take() const {
  if (failure_) throw_error(failure_, "write_some");
  return count_;
}

void memory_stream::write_operation::withdraw() noexcept {
  pipe_->forget(*this);
  withdrawn();
}

}  // namespace eddy::io

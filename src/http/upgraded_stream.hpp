// The stream of a connection that has left HTTP: what was read too early comes first, and bytes are counted.
#pragma once

#include "server_core.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <eddy/io/any_stream.hpp>

namespace eddy::http::detail {

template <io::byte_stream Stream>
class upgraded_stream final : public io::stream_interface {
 public:
  /// `under` and `counts` outlive this.
  upgraded_stream(Stream& under, std::string early, figures& counts)
      : under_(under), early_(std::move(early)), counts_(counts) {}

  task<std::size_t> read_some(std::span<std::byte> into) override {
    if (!early_.empty()) co_return take_early(into);
    const std::size_t count = co_await under_.read_some(into);
    counts_.bytes_received.add(count);
    co_return count;
  }
  task<std::size_t> write_some(std::span<const std::byte> bytes) override {
    const std::size_t count = co_await under_.write_some(bytes);
    counts_.bytes_sent.add(count);
    co_return count;
  }
  task<std::size_t> write_some(io::const_buffers pieces) override {
    const std::size_t count = co_await under_.write_some(pieces);
    counts_.bytes_sent.add(count);
    co_return count;
  }
  task<void> shutdown_write() override { co_await under_.shutdown_write(); }
  task<void> close() override { co_await under_.close(); }
  void abort() noexcept override { under_.abort(); }

 private:
  std::size_t take_early(std::span<std::byte> into) {
    throw_if_cancelled();
    const std::size_t count = std::min(into.size(), early_.size());
    std::memcpy(into.data(), early_.data(), count);
    early_.erase(0, count);
    if (early_.empty()) std::string().swap(early_);
    return count;
  }

  Stream& under_;
  std::string early_;
  figures& counts_;
};

}  // namespace eddy::http::detail

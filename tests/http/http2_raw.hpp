// An HTTP/2 peer made by hand, for tests; see http2_frames.hpp for what it says.
#pragma once

#include "http2_frames.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/testing/requirement.hpp>

namespace eddy::http::test {

/// One end of a connection.
class h2_peer {
 public:
  explicit h2_peer(io::memory_stream stream) : stream_(std::move(stream)) {}

  task<void> send(std::string bytes) {
    try {
      co_await io::write_all(stream_, bytes);
    } catch (const error& lost) {
      if (lost != condition::disconnected) throw;
    }
  }
  /// The preface and SETTINGS with `entries`. The other side is told not to use a dynamic table; see h2_status.
  task<void> open(std::string entries = {}) {
    std::string bytes(h2::preface);
    bytes.append(h2_settings(h2_setting(1, 0) + entries));
    co_await send(std::move(bytes));
  }

  /// As a server: takes the client's preface.
  task<void> accept() {
    while (unread_.size() < h2::preface.size() && !ended_) {
      std::string piece(1024, '\0');
      const std::size_t count = co_await read_into(piece);
      ended_ = count == 0;
      unread_.append(piece, 0, count);
    }
    testing::require(unread_.starts_with(h2::preface), "the client begins with the preface");
    unread_.erase(0, h2::preface.size());
  }

  /// The next frame; nullopt at the end of the stream, or when nothing comes for `patience`.
  task<std::optional<h2_frame>> read(duration patience = duration(1)) {
    for (;;) {
      auto found = take_frame();
      if (found || ended_) co_return found;
      std::string piece(16 * 1024, '\0');
      const auto count = co_await move_on_after(patience, read_into(piece));
      if (!count) co_return found;
      ended_ = *count == 0;
      unread_.append(piece, 0, *count);
    }
  }
  /// All frames until nothing comes any more.
  task<std::vector<h2_frame>> read_all(duration patience = duration(1)) {
    std::vector<h2_frame> all;
    for (;;) {
      auto one = co_await read(patience);
      if (!one) co_return all;
      all.push_back(std::move(*one));
    }
  }
  /// Whether the other side has ended the stream.
  [[nodiscard]] bool ended() const noexcept { return ended_; }
  [[nodiscard]] io::memory_stream& stream() noexcept { return stream_; }

 private:
  task<std::size_t> read_into(std::string& piece) {
    try {
      co_return co_await stream_.read_some(std::as_writable_bytes(std::span(piece)));
    } catch (const error& lost) {
      if (lost != condition::disconnected) throw;
    }
    co_return 0;
  }
  std::optional<h2_frame> take_frame() {
    constexpr std::size_t head = 9;
    if (unread_.size() < head) return std::nullopt;
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(unread_[at]); };
    const std::size_t size = std::size_t{byte(0)} << 16 | std::size_t{byte(1)} << 8 | byte(2);
    if (unread_.size() < head + size) return std::nullopt;
    h2_frame got;
    got.type = byte(3);
    got.flags = byte(4);
    for (std::size_t i = 5; i < head; ++i) got.stream = got.stream << 8 | byte(i);
    got.payload = unread_.substr(head, size);
    unread_.erase(0, head + size);
    return got;
  }

  io::memory_stream stream_;
  std::string unread_;
  bool ended_ = false;
};

/// Runs `body(peer)` against `app` on a connection in memory, and ends that.
template <class Body>
task<void> with_h2_peer(server& app, Body body) {
  auto [near, far] = io::memory_stream_pair();
  h2_peer peer(std::move(near));
  io::any_stream served(std::move(far));
  auto both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve_connection(std::move(served)));
    co_await body(peer);
    peer.stream().abort();
  };
  co_await with_group(both);
}

/// What a server did, from the frames it sent.
class h2_reaction {
 public:
  explicit h2_reaction(const std::vector<h2_frame>& frames) {
    for (const h2_frame& one : frames) note(one);
  }

  std::optional<std::uint32_t> goaway;                          ///< the code of the last GOAWAY
  std::uint32_t last_stream = 0;                                ///< in it
  std::vector<std::pair<std::uint32_t, std::uint32_t>> resets;  ///< stream, code
  std::vector<std::pair<std::uint32_t, int>> statuses;          ///< stream, status
  std::vector<std::pair<std::uint32_t, std::string>> bodies;    ///< stream, DATA so far
  std::vector<std::string> pongs;
  int settings = 0;
  int settings_acks = 0;
  std::uint64_t updated = 0;  ///< by WINDOW_UPDATE, streams and connection together
  std::vector<std::uint32_t> finished;

  [[nodiscard]] std::optional<std::uint32_t> reset_of(std::uint32_t stream) const {
    for (const auto& [id, code] : resets) {
      if (id == stream) return code;
    }
    return std::nullopt;
  }
  [[nodiscard]] int status_of(std::uint32_t stream) const {
    for (const auto& [id, status] : statuses) {
      if (id == stream) return status;
    }
    return 0;
  }
  [[nodiscard]] std::string body_of(std::uint32_t stream) const {
    for (const auto& [id, body] : bodies) {
      if (id == stream) return body;
    }
    return {};
  }

 private:
  void note(const h2_frame& one) {
    if (one.ends_stream() && (one.type == h2::data || one.type == h2::headers)) {
      finished.push_back(one.stream);
    }
    switch (one.type) {
      case h2::goaway:
        last_stream = one.word(0);
        goaway = one.word(4);
        break;
      case h2::rst_stream: resets.emplace_back(one.stream, one.word(0)); break;
      case h2::headers: statuses.emplace_back(one.stream, h2_status(one.payload)); break;
      case h2::data: add_body(one); break;
      case h2::ping:
        if (one.flags == h2::ack) pongs.push_back(one.payload);
        break;
      case h2::settings: ++(one.flags == h2::ack ? settings_acks : settings); break;
      case h2::window_update: updated += one.word(0); break;
      default: break;
    }
  }
  void add_body(const h2_frame& one) {
    for (auto& [id, body] : bodies) {
      if (id != one.stream) continue;
      body.append(one.payload);
      return;
    }
    bodies.emplace_back(one.stream, one.payload);
  }
};

}  // namespace eddy::http::test

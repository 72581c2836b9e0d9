// body_source: where a request's body comes from, and body_filter, for middlewares that decode bodies.
//
// A protocol's connection implements the first; handlers read through request, never from here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/coro/task.hpp>
#include <eddy/http/message.hpp>

namespace eddy::http {

/// What request's functions of the same meaning call; the contract stands there.
class body_source {
 public:
  body_source() noexcept = default;
  body_source(const body_source&) = delete;
  body_source& operator=(const body_source&) = delete;
  virtual ~body_source() = default;

  virtual task<std::size_t> read_body(std::span<std::byte> into) = 0;
  virtual task<std::string_view> whole_body() = 0;
  [[nodiscard]] virtual const field_table& body_trailers() const noexcept = 0;
  [[nodiscard]] virtual bool peer_gone() const noexcept = 0;
  /// More than that many bytes of data in all throw http_error(413), from the read that finds them.
  virtual void limit_body(std::uint64_t bytes) noexcept = 0;
};

/// Decodes what another source gives. Derived classes write read_body, which takes from under() and has to call
/// count() with what it gives out: the limit counts for both, so that a small body cannot become a huge one.
class body_filter : public body_source {
 public:
  /// `under` outlives this; usually request::source().
  explicit body_filter(body_source& under) noexcept : under_(under) {}

  task<std::string_view> whole_body() final;
  [[nodiscard]] const field_table& body_trailers() const noexcept final {
    return under_.body_trailers();
  }
  [[nodiscard]] bool peer_gone() const noexcept final { return under_.peer_gone(); }
  void limit_body(std::uint64_t bytes) noexcept final {
    limit_ = bytes;
    under_.limit_body(bytes);
  }

 protected:
  [[nodiscard]] body_source& under() noexcept { return under_; }
  /// Throws http_error(413) when these bytes are too many.
  void count(std::size_t bytes);

 private:
  body_source& under_;
  std::uint64_t limit_ = 1024 * 1024;  // until the route says another
  std::uint64_t given_ = 0;
  std::optional<std::string> whole_;
};

}  // namespace eddy::http

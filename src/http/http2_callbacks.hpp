// What nghttp2 calls, and how that reaches an http2_engine.
#pragma once

#include "http2_engine.hpp"

namespace eddy::http::detail {

struct http2_callbacks {
  /// The callbacks of every session.
  [[nodiscard]] static const nghttp2_session_callbacks* table();

  /// Runs `fn(engine)`; no exception passes through C.
  template <class Fn>
  static int guarded(void* user, Fn fn) noexcept;

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user);
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t flags, void* user);
  static int invalid_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value,
                            std::size_t value_size, std::uint8_t flags, void* user);
  static int frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user);
  static int invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int why, void* user);
  static int data_chunk(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                        const std::uint8_t* data, std::size_t size, void* user);
  static int stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user);
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                       std::size_t size, nghttp2_data_source* source, void* user);
  static int frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user);
  /// The data source of every body.
  static ssize_t read_body(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t most,
                           std::uint32_t* flags, nghttp2_data_source* source, void* user);
};

/// For nghttp2_submit_request and _response.
[[nodiscard]] inline nghttp2_data_provider http2_body_provider() noexcept {
  nghttp2_data_provider provider{};
  provider.read_callback = http2_callbacks::read_body;
  return provider;
}

}  // namespace eddy::http::detail

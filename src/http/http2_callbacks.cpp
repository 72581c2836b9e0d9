#include "http2_callbacks.hpp"

#include <algorithm>
#include <memory>
#include <new>

namespace eddy::http::detail {
namespace {

std::string_view text(const std::uint8_t* data, std::size_t size) noexcept {
  return {reinterpret_cast<const char*>(data), size};
}

std::uint8_t category_of(const nghttp2_frame& frame) noexcept {
  return static_cast<std::uint8_t>(frame.headers.cat);
}

struct table_deleter {
  void operator()(nghttp2_session_callbacks* all) const noexcept {
    nghttp2_session_callbacks_del(all);
  }
};
using table_ptr = std::unique_ptr<nghttp2_session_callbacks, table_deleter>;

table_ptr make_table() {
  nghttp2_session_callbacks* all = nullptr;
  if (nghttp2_session_callbacks_new(&all) != 0) throw std::bad_alloc();
  table_ptr made(all);
  using own = http2_callbacks;
  nghttp2_session_callbacks_set_on_begin_frame_callback(all, own::begin_frame);
  nghttp2_session_callbacks_set_on_begin_headers_callback(all, own::begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(all, own::header);
  nghttp2_session_callbacks_set_on_invalid_header_callback(all, own::invalid_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(all, own::frame_received);
  nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(all, own::invalid_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(all, own::data_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(all, own::stream_close);
  nghttp2_session_callbacks_set_send_data_callback(all, own::send_data);
  nghttp2_session_callbacks_set_on_frame_send_callback(all, own::frame_sent);
  return made;
}

}  // namespace

const nghttp2_session_callbacks* http2_callbacks::table() {
  static const table_ptr all = make_table();  // never changed
  return all.get();
}

template <class Fn>
int http2_callbacks::guarded(void* user, Fn fn) noexcept {
  auto& engine = *static_cast<http2_engine*>(user);
  try {
    fn(engine);
    return 0;
  } catch (...) {
    engine.failure_ = std::current_exception();
    return NGHTTP2_ERR_CALLBACK_FAILURE;
  }
}

int http2_callbacks::begin_frame(nghttp2_session*, const nghttp2_frame_hd* frame, void* user) {
  auto& engine = *static_cast<http2_engine*>(user);
  const bool fine = engine.pay_for(*frame) && engine.fits(*frame);
  return fine ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int http2_callbacks::begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  return guarded(user, [frame](http2_engine& engine) {
    engine.head_begins(frame->hd.stream_id, category_of(*frame));
  });
}

int http2_callbacks::header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value,
                            std::size_t value_size, std::uint8_t, void* user) {
  return guarded(user, [&](http2_engine& engine) {
    engine.field_came(frame->hd.stream_id, text(name, name_size), text(value, value_size));
  });
}

// By itself nghttp2 would leave such fields out.
int http2_callbacks::invalid_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t*,
                                    std::size_t, const std::uint8_t*, std::size_t, std::uint8_t,
                                    void*) {
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

int http2_callbacks::frame_received(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  auto& it = *static_cast<http2_engine*>(user);
  const bool ends_stream = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  const bool is_ack = (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0;
  const bool empty_data =
      frame->hd.type == NGHTTP2_DATA && !ends_stream && frame->hd.length == frame->data.padlen;
  if (empty_data && !it.pay()) return NGHTTP2_ERR_CALLBACK_FAILURE;
  return guarded(user, [&](http2_engine& engine) {
    switch (frame->hd.type) {
      case NGHTTP2_HEADERS:
        engine.head_came(frame->hd.stream_id, category_of(*frame), ends_stream);
        break;
      case NGHTTP2_DATA:
        if (ends_stream) engine.body_ended(frame->hd.stream_id);
        break;
      case NGHTTP2_SETTINGS:
        if (!is_ack) engine.settings_came();
        break;
      case NGHTTP2_PING:
        if (is_ack) engine.ping_answered();
        break;
      case NGHTTP2_GOAWAY:
        engine.goaway_came(frame->goaway.last_stream_id, frame->goaway.error_code);
        break;
      default: break;
    }
  });
}

// The peer makes us reset a stream: as costly as a reset of its own.
int http2_callbacks::invalid_frame(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
  auto& engine = *static_cast<http2_engine*>(user);
  engine.note_reset(frame->hd.stream_id);
  return engine.pay() ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

int http2_callbacks::data_chunk(nghttp2_session*, std::uint8_t, std::int32_t id,
                                const std::uint8_t* data, std::size_t size, void* user) {
  return guarded(user, [&](http2_engine& engine) {
    engine.data_came(id, std::as_bytes(std::span(data, size)));
  });
}

int http2_callbacks::stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code,
                                  void* user) {
  return guarded(user, [&](http2_engine& engine) { engine.stream_closed(id, code); });
}

int http2_callbacks::frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
  if (frame->hd.type == NGHTTP2_RST_STREAM) {
    static_cast<http2_engine*>(user)->note_reset(frame->hd.stream_id);
  }
  const bool of_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!of_message || (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return 0;
  return guarded(user, [&](http2_engine& engine) { engine.message_sent(frame->hd.stream_id); });
}

ssize_t http2_callbacks::read_body(nghttp2_session*, std::int32_t id, std::uint8_t*,
                                   std::size_t most, std::uint32_t* flags, nghttp2_data_source*,
                                   void* user) {
  auto& engine = *static_cast<http2_engine*>(user);
  http2_outbox* box = engine.outbox_of(id);
  if (box == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t size = std::min(most, box->unsent().size());
  const bool last = box->is_last() && size == box->unsent().size();
  if (size == 0 && !last) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (last) *flags |= NGHTTP2_DATA_FLAG_EOF;
  bool trailers = false;
  const auto submit = [&](http2_engine& of) { trailers = of.submit_trailers(id, *box); };
  if (last && guarded(user, submit) != 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
  if (trailers) *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  return static_cast<ssize_t>(size);
}

int http2_callbacks::send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* head,
                               std::size_t size, nghttp2_data_source*, void* user) {
  constexpr std::size_t frame_head = 9;
  auto& it = *static_cast<http2_engine*>(user);
  const int failed = guarded(user, [&](http2_engine& engine) {
    engine.out_.append(text(head, frame_head));  // never padded: nobody asks nghttp2 for that
    http2_outbox* box = engine.outbox_of(frame->hd.stream_id);
    engine.out_.append(box->unsent().substr(0, size));
    box->sent(size);
  });
  it.updates_paid_ = std::min(it.updates_paid_ + 2, http2_engine::most_updates_paid);
  if (failed != 0) return failed;
  return it.out_.size() >= http2_engine::most_collected ? NGHTTP2_ERR_PAUSE : 0;
}

}  // namespace eddy::http::detail

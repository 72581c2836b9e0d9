#include <eddy/http/body_source.hpp>

#include <algorithm>

#include <eddy/http/http_error.hpp>

namespace eddy::http {

void body_filter::count(std::size_t bytes) {
  given_ += bytes;
  if (given_ > limit_) throw http_error(status::content_too_large);
}

task<std::string_view> body_filter::whole_body() {
  if (whole_) co_return *whole_;
  std::string text;
  std::size_t size = 0;
  for (;;) {
    constexpr std::size_t step = 4096;
    if (text.size() - size < step) text.resize(std::max(size + step, 2 * size));
    const std::size_t got =
        co_await read_body(std::as_writable_bytes(std::span(text)).subspan(size));
    if (got == 0) break;
    size += got;
  }
  text.resize(size);
  whole_ = std::move(text);
  co_return *whole_;
}

}  // namespace eddy::http

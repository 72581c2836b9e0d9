#include <algorithm>
#include <cstring>

#include <eddy/http/http_error.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/web/forms.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web {
namespace {

namespace multipart = wire::multipart;

constexpr std::size_t usual_buffer = 64 * 1024;

std::string boundary_of(const http::request& r) {
  const auto type = http::media_type::parse(r.field("Content-Type").value_or(std::string_view()));
  const auto boundary =
      type && type->is("multipart", "form-data") ? type->parameter("boundary") : std::nullopt;
  if (!boundary || !multipart::parser::is_boundary(*boundary)) {
    throw http::http_error(http::status::unsupported_media_type,
                           "multipart/form-data with a boundary is expected");
  }
  return *boundary;
}

[[noreturn]] void refuse(multipart::errc why) {
  const bool too_large = why == multipart::errc::header_too_large ||
                         why == multipart::errc::preamble_too_large ||
                         why == multipart::errc::too_many_parts;
  throw http::http_error(too_large ? http::status::content_too_large : http::status::bad_request,
                         multipart::make_error_code(why).message());
}

}  // namespace

multipart_reader::multipart_reader(http::request& r, const multipart::limits& bounds)
    : request_(r),
      parser_(boundary_of(r), bounds),
      buffer_(std::max(usual_buffer, 2 * parser_.most_unconsumed())) {}

task<multipart::parser::event> multipart_reader::advance() {
  for (;;) {
    const auto event = parser_.next(std::string_view(buffer_.data() + begin_, end_ - begin_));
    if (!event) refuse(event.error());
    begin_ += event->consumed;
    if (event->what != multipart::parser::kind::more) co_return *event;
    if (event->consumed > 0) continue;
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= std::exchange(begin_, 0);
    const auto room = std::as_writable_bytes(std::span(buffer_)).subspan(end_);
    const std::size_t got = co_await request_.read_some(room);
    if (got == 0) refuse(parser_.finish().error());
    end_ += got;
  }
}

form_part multipart_reader::described() const {
  form_part part;
  part.fields = parser_.headers();
  const auto how = part.fields.find("Content-Disposition");
  const auto disposition = how ? multipart::parse_disposition(*how) : std::nullopt;
  if (!disposition || !disposition->name || part.fields.count("Content-Disposition") != 1 ||
      !wire::http1::equals_ignoring_case(disposition->type, "form-data")) {
    throw http::http_error(http::status::bad_request, "a part of the form without a name");
  }
  part.name = *disposition->name;
  part.filename = disposition->filename;
  part.content_type = part.fields.find("Content-Type").value_or("text/plain");
  return part;
}

task<std::optional<form_part>> multipart_reader::next() {
  using kind = multipart::parser::kind;
  data_ = {};
  while (!ended_) {
    const auto event = co_await advance();
    if (event.what == kind::part_begin) {
      in_part_ = true;
      co_return described();
    }
    if (event.what == kind::end) {
      ended_ = true;
      // An epilogue has no meaning, but it is part of the body.
      begin_ = end_ = 0;
      for (;;) {
        const std::size_t skipped =
            co_await request_.read_some(std::as_writable_bytes(std::span(buffer_)));
        if (skipped == 0) break;
      }
    }
    in_part_ = false;
  }
  co_return std::nullopt;
}

task<std::size_t> multipart_reader::read_some(std::span<std::byte> into) {
  if (into.empty()) co_return 0;
  while (data_.empty() && in_part_) {
    const auto event = co_await advance();
    if (event.what == multipart::parser::kind::data) data_ = event.data;
    if (event.what == multipart::parser::kind::part_end) in_part_ = false;
  }
  const std::size_t size = std::min(into.size(), data_.size());
  if (size == 0) co_return 0;
  std::memcpy(into.data(), data_.data(), size);
  data_.remove_prefix(size);
  co_return size;
}

task<std::string> multipart_reader::read_all(std::size_t most) {
  std::string text;
  std::string piece(4096, '\0');
  for (;;) {
    const std::size_t got = co_await read_some(std::as_writable_bytes(std::span(piece)));
    if (got == 0) co_return text;
    if (got > most - text.size())
      throw http::http_error(http::status::content_too_large, "a field of the form is too large");
    text.append(piece, 0, got);
  }
}

task<std::uint64_t> multipart_reader::save(fs::file& to, std::uint64_t most) {
  std::vector<std::byte> piece(usual_buffer);
  std::uint64_t size = 0;
  for (;;) {
    // Pieces arrive as the network cuts them; files are written in larger ones.
    std::size_t filled = 0;
    bool more = true;
    while (more && filled < piece.size()) {
      const std::size_t got = co_await read_some(std::span(piece).subspan(filled));
      more = got > 0;
      filled += got;
    }
    if (filled > most - size)
      throw http::http_error(http::status::content_too_large, "a file of the form is too large");
    if (filled > 0) co_await to.write_at(size, std::span<const std::byte>(piece).first(filled));
    size += filled;
    if (!more) co_return size;
  }
}

}  // namespace eddy::web

#include <eddy/http/form.hpp>

#include <array>
#include <charconv>

#include <eddy/base/error.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/wire/http1_syntax.hpp>
#include <eddy/wire/uri.hpp>

namespace eddy::http {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '*' || c == '-' || c == '.' || c == '_';
    if (plain) {
      out += c;
    } else if (c == ' ') {
      out += '+';
    } else {
      wire::append_escape(out, c);
    }
  }
}

std::string quoted(std::string_view text) {
  std::string made;
  for (const char c : text) {
    switch (c) {
      case '"': made += "%22"; break;
      case '\r': made += "%0D"; break;
      case '\n': made += "%0A"; break;
      default: made += c;
    }
  }
  return made;
}

std::string part_head(std::string_view name, std::string_view file_name, std::string_view type) {
  if (!wire::http1::is_field_value(type)) throw_invalid_input("form: content type");
  std::string head = "Content-Disposition: form-data; name=\"" + quoted(name) + "\"";
  if (!file_name.empty()) head += "; filename=\"" + quoted(file_name) + "\"";
  head += "\r\n";
  if (!type.empty()) head.append("Content-Type: ").append(type).append("\r\n");
  return head + "\r\n";
}

std::string make_boundary() {
  std::string made = "----eddy";
  auto& random = runtime::loop::current().random();
  for (int i = 0; i < 2; ++i) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), random(), 16).ptr;
    made.append(digits.data(), end);
  }
  return made;
}

}  // namespace

std::string encode_form(const std::vector<std::pair<std::string, std::string>>& pairs) {
  std::string made;
  for (const auto& [name, value] : pairs) {
    if (!made.empty()) made += '&';
    append_escaped(made, name);
    made += '=';
    append_escaped(made, value);
  }
  return made;
}

multipart_form& multipart_form::add(std::string_view name, std::string value) {
  return add_part(part_head(name, {}, {}), std::move(value), std::nullopt);
}

multipart_form& multipart_form::add_file(std::string_view name, std::string_view file_name,
                                         std::string_view type, std::string content) {
  return add_part(part_head(name, file_name, type), std::move(content), std::nullopt);
}

multipart_form& multipart_form::add_stream(std::string_view name, std::string_view file_name,
                                           std::string_view type, streamed_body content) {
  return add_part(part_head(name, file_name, type), {}, std::move(content));
}

multipart_form& multipart_form::add_part(std::string head, std::string text,
                                         std::optional<streamed_body> stream) {
  parts_.push_back(
      std::make_shared<const part>(std::move(head), std::move(text), std::move(stream)));
  return *this;
}

void multipart_form::apply(request_spec& request) const {
  const std::string boundary = make_boundary();
  streamed_body whole;
  whole.repeatable = true;
  std::optional<std::uint64_t> length = boundary.size() + 6;  // the last delimiter
  for (const auto& each : parts_) {
    const auto size =
        each->stream ? each->stream->length : std::optional<std::uint64_t>(each->text.size());
    if (each->stream && !each->stream->repeatable) whole.repeatable = false;
    const std::size_t framing = boundary.size() + 6 + each->head.size();  // "--", two line ends
    length = length && size ? std::optional(*length + *size + framing) : std::nullopt;
  }
  whole.length = length;
  whole.write = [parts = parts_, boundary](body_writer& out) -> task<void> {
    for (const auto& each : parts) {
      const std::string before = "--" + boundary + "\r\n" + each->head;
      co_await out.write(before);
      if (each->stream) {
        co_await each->stream->write(out);
      } else {
        co_await out.write(each->text);
      }
      co_await out.write("\r\n");
    }
    const std::string last = "--" + boundary + "--\r\n";
    co_await out.write(last);
  };
  request.set_stream(std::move(whole), "multipart/form-data; boundary=" + boundary);
}

}  // namespace eddy::http

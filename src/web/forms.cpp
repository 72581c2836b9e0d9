#include <eddy/web/forms.hpp>

#include <algorithm>

#include <eddy/http/http_error.hpp>
#include <eddy/wire/http1_target.hpp>

namespace eddy::web {

std::optional<std::string_view> form::value(std::string_view name) const noexcept {
  for (const auto& [key, text] : values_) {
    if (key == name) return text;
  }
  return std::nullopt;
}

/// Collects a form within its bounds.
class form_builder {
 public:
  form_builder(http::request& r, form_options options)
      : request_(r), options_(std::move(options)) {}

  task<form> read_urlencoded() {
    const std::string_view text = co_await request_.body();
    if (text.size() > options_.max_fields_size) refuse_size("the form is too large");
    auto pairs = parse_urlencoded(text, options_.max_fields);
    if (!pairs) throw http::http_error(http::status::bad_request, "a malformed form");
    for (const auto& [name, value] : *pairs) {
      if (value.size() > options_.max_field_size) refuse_size("a field of the form is too large");
    }
    form made;
    made.values_ = std::move(*pairs);
    co_return made;
  }

  task<form> read_multipart() {
    wire::multipart::limits bounds;
    bounds.parts = options_.max_fields;
    multipart_reader parts(request_, bounds);
    form made;
    for (;;) {
      auto part = co_await parts.next();
      if (!part) co_return made;
      if (part->filename) {
        co_await add_file(made, parts, std::move(*part));
      } else {
        co_await add_field(made, parts, std::move(*part));
      }
    }
  }

 private:
  [[noreturn]] static void refuse_size(const char* why) {
    throw http::http_error(http::status::content_too_large, why);
  }

  task<void> add_field(form& to, multipart_reader& parts, form_part part) {
    std::string value = co_await parts.read_all(options_.max_field_size);
    fields_size_ += part.name.size() + value.size();
    if (fields_size_ > options_.max_fields_size) refuse_size("the form is too large");
    to.values_.emplace_back(std::move(part.name), std::move(value));
  }

  task<void> add_file(form& to, multipart_reader& parts, form_part part) {
    if (options_.folder.empty()) {
      throw http::http_error(http::status::unsupported_media_type, "the form takes no files");
    }
    auto file = co_await fs::temporary_file::create(options_.folder);
    const std::uint64_t left = options_.max_files_size - files_size_;
    const std::uint64_t most = std::min(options_.max_file_size, left);
    const std::uint64_t size = co_await parts.save(file.file(), most);
    files_size_ += size;
    to.files_.emplace_back(std::move(part), std::move(file), size);
  }

  http::request& request_;
  form_options options_;
  std::size_t fields_size_ = 0;
  std::uint64_t files_size_ = 0;
};

task<form> read_form(http::request& r, form_options options) {
  form_builder builder(r, std::move(options));
  const auto type = http::media_type::parse(r.field("Content-Type").value_or(std::string_view()));
  const bool encoded = type && type->is("application", "x-www-form-urlencoded");
  if (encoded) co_return co_await builder.read_urlencoded();
  co_return co_await builder.read_multipart();
}

std::optional<std::vector<std::pair<std::string, std::string>>> parse_urlencoded(
    std::string_view text, std::size_t most) {
  std::vector<std::pair<std::string, std::string>> pairs;
  wire::http1::query_parameters all(text);
  while (const auto one = all.next()) {
    if (pairs.size() == most) return std::nullopt;
    auto& [name, value] = pairs.emplace_back();
    using wire::http1::plus_sign;
    if (!wire::http1::decode_percent(one->name, plus_sign::space, name) ||
        !wire::http1::decode_percent(one->value, plus_sign::space, value))
      return std::nullopt;
  }
  return pairs;
}

}  // namespace eddy::web

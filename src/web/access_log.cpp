#include <eddy/web/access_log.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include <eddy/http/json.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits{};
  out.append(digits.data(),
             std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void append_text(std::string& out, std::string_view key, std::string_view value) {
  if (value.empty()) return;
  out.append(",\"").append(key).append("\":");
  http::append_json_string(out, value);
}

std::string iso_time(std::chrono::system_clock::time_point at) {
  using namespace std::chrono;
  const auto whole = floor<milliseconds>(at);
  const auto day = floor<days>(whole);
  const year_month_day date(day);
  const hh_mm_ss clock(whole - day);
  std::array<char, 40> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
      static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
      static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
      static_cast<int>(clock.subseconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

std::string apache_time(std::chrono::system_clock::time_point at) {
  using namespace std::chrono;
  constexpr std::array<const char*, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = floor<days>(at);
  const year_month_day date(day);
  const hh_mm_ss clock(floor<seconds>(at - day));
  std::array<char, 40> text{};
  const int size = std::snprintf(
      text.data(), text.size(), "%02u/%s/%04d:%02d:%02d:%02d +0000",
      static_cast<unsigned>(date.day()), months[static_cast<unsigned>(date.month()) - 1],
      static_cast<int>(date.year()), static_cast<int>(clock.hours().count()),
      static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()));
  return {text.data(), static_cast<std::size_t>(size)};
}

/// In quotes, as Apache escapes: nothing that ends the quotes or the line stays.
void append_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view hexadecimal = "0123456789abcdef";
  out += '"';
  for (const char c : text.empty() ? std::string_view("-") : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (byte < 0x20 || byte >= 0x7f) {
      out.append({'\\', 'x', hexadecimal[byte >> 4], hexadecimal[byte & 15]});
    } else {
      out += c;
    }
  }
  out += '"';
}

void print_line(const access_record& record) {
  const std::string line = to_json_line(record) + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
}

/// What an answer's record needs after the request may have gone.
class pending_record {
 public:
  explicit pending_record(http::request& r)
      : client_(r.client().host()), from_(runtime::loop::current().now()) {
    record_.at = runtime::loop::current().io().time().calendar();
    record_.method = r.method_token();
    record_.target = r.target();
    record_.user_agent = r.field("User-Agent").value_or(std::string_view());
    record_.referer = r.field("Referer").value_or(std::string_view());
  }

  /// The request is still there: it lives until its answer has been sent.
  void tell(const access_sink& sink, http::request& r) {
    const auto* id = r.get<id_of_request>();
    if (id != nullptr) record_.id = id->value;
    record_.client = client_;
    record_.route = r.route();
    record_.elapsed = runtime::loop::current().now() - from_;
    sink(record_);
  }
  [[nodiscard]] access_record& record() noexcept { return record_; }

 private:
  std::string client_;
  time_point from_;
  access_record record_;
};

/// Counts what a streamed body sends.
class counting_sink final : public http::body_sink {
 public:
  explicit counting_sink(http::body_writer& to) noexcept : to_(to) {}
  task<void> send_body(std::string_view data) override {
    co_await to_.write(data);
    bytes_ += data.size();
  }
  void set_trailers(const http::fields& trailers) override { to_.trailers(trailers); }
  task<std::uint64_t> send_file(const runtime::open_file& from, std::uint64_t offset,
                                std::uint64_t size) override {
    const std::uint64_t sent = co_await to_.sink().send_file(from, offset, size);
    bytes_ += sent;
    co_return sent;
  }
  [[nodiscard]] std::uint64_t bytes() const noexcept { return bytes_; }

 private:
  http::body_writer& to_;
  std::uint64_t bytes_ = 0;
};

class access_logger {
 public:
  explicit access_logger(access_sink sink)
      : sink_(std::make_shared<access_sink>(sink ? std::move(sink) : access_sink(print_line))) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    auto pending = std::make_shared<pending_record>(r);
    std::optional<http::response> answered;
    try {
      answered.emplace(co_await rest(r));
    } catch (...) {
      pending->record().complete = false;
      pending->tell(*sink_, r);
      throw;
    }
    http::response made = std::move(*answered);
    pending->record().status = made.status();
    const bool bodiless =
        r.method() == http::method::head || wire::http1::is_bodiless(made.status());
    if (made.is_stream() && !bodiless) {
      log_at_the_end(made, r, std::move(pending));
    } else {
      pending->record().body_bytes = made.body().size();
      pending->tell(*sink_, r);
    }
    co_return made;
  }

 private:
  void log_at_the_end(http::response& made, http::request& r,
                      std::shared_ptr<pending_record> pending) const {
    auto* stream = made.stream_part();
    const auto length = stream->length;
    made.set_stream(
        [inner = std::move(stream->write), sink = sink_, pending = std::move(pending),
         &r](http::body_writer& out) mutable -> task<void> {
          counting_sink counted(out);
          http::body_writer through(counted);
          pending->record().complete = false;
          try {
            co_await inner(through);
            pending->record().complete = true;
          } catch (...) {
            pending->record().body_bytes = counted.bytes();
            pending->tell(*sink, r);
            throw;
          }
          pending->record().body_bytes = counted.bytes();
          pending->tell(*sink, r);
        },
        length);
  }

  std::shared_ptr<access_sink> sink_;
};

class request_identifier {
 public:
  explicit request_identifier(const request_id_options& options)
      : field_(options.field), trust_client_(options.trust_client) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    const std::string id = choose(r);
    r.set(id_of_request{id});
    http::response made = co_await rest(r);
    made.set(field_, id);
    co_return made;
  }

 private:
  [[nodiscard]] std::string choose(http::request& r) const {
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    if (const auto given = r.field(field_); trust_client_ && given && is_id(*given))
      return std::string(*given);
    std::string id;
    auto& random = runtime::loop::current().random();
    for (std::uint64_t half : {random(), random()}) {
      for (int i = 0; i < 16; ++i, half >>= 4) id += hexadecimal[half & 15];
    }
    return id;
  }

  static bool is_id(std::string_view text) noexcept {
    constexpr std::size_t longest = 128;
    if (text.empty() || text.size() > longest) return false;
    return std::ranges::all_of(text, [](char c) {
      return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
             c == '.' || c == '_' || c == '-';
    });
  }

  std::string field_;
  bool trust_client_;
};

}  // namespace

std::string to_json_line(const access_record& record) {
  std::string line = "{\"time\":\"" + iso_time(record.at) + "\"";
  append_text(line, "client", record.client);
  append_text(line, "method", record.method);
  append_text(line, "target", record.target);
  append_text(line, "route", record.route);
  line += ",\"status\":";
  append_number(line, static_cast<std::uint64_t>(record.status));
  line += ",\"bytes\":";
  append_number(line, record.body_bytes);
  line += ",\"micros\":";
  const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(record.elapsed).count();
  append_number(line, static_cast<std::uint64_t>(std::max<std::int64_t>(micros, 0)));
  append_text(line, "id", record.id);
  append_text(line, "user_agent", record.user_agent);
  append_text(line, "referer", record.referer);
  if (!record.complete) line += ",\"complete\":false";
  return line + "}";
}

std::string to_combined_line(const access_record& record) {
  std::string line(record.client.empty() ? "-" : record.client);
  line.append(" - - [").append(apache_time(record.at)).append("] ");
  std::string asked(record.method);
  asked.append(" ").append(record.target).append(" HTTP/1.1");
  append_quoted(line, asked);
  line += ' ';
  append_number(line, static_cast<std::uint64_t>(record.status));
  line += ' ';
  append_number(line, record.body_bytes);
  line += ' ';
  append_quoted(line, record.referer);
  line += ' ';
  append_quoted(line, record.user_agent);
  return line;
}

http::any_middleware access_log(access_sink sink) { return access_logger(std::move(sink)); }

http::any_middleware request_id(request_id_options options) { return request_identifier(options); }

}  // namespace eddy::web

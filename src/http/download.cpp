#include <eddy/http/download.hpp>

#include <charconv>
#include <utility>
#include <vector>

#include <eddy/base/error.hpp>

namespace eddy::http {
namespace {

constexpr std::size_t piece_size = 64 * 1024;

/// A strong ETag, or else Last-Modified: what If-Range takes.
std::string validator_of(const http::fields& fields) {
  const auto tag = fields.find("ETag");
  if (tag && tag->starts_with('"')) return std::string(*tag);
  if (tag) return {};
  return std::string(fields.find("Last-Modified").value_or(std::string_view()));
}

struct content_range {
  std::uint64_t first = 0;
  std::optional<std::uint64_t> size;
};

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(read.ptr - text.data()));
  return value;
}

/// "bytes 5-9/10" or "bytes 5-9/*".
std::optional<content_range> range_of(const http::fields& fields) {
  std::string_view text = fields.find("Content-Range").value_or(std::string_view());
  if (!text.starts_with("bytes ")) return std::nullopt;
  text.remove_prefix(6);
  const auto first = take_number(text);
  if (!first || !text.starts_with('-')) return std::nullopt;
  text.remove_prefix(1);
  const auto last = take_number(text);
  if (!last || *last < *first || !text.starts_with('/')) return std::nullopt;
  text.remove_prefix(1);
  content_range range{*first, std::nullopt};
  if (text != "*") {
    range.size = take_number(text);
    if (!range.size || *range.size <= *last) return std::nullopt;
  }
  return range;
}

class transfer {
 public:
  transfer(client& with, request_spec spec, download_sink sink, download_options options)
      : client_(with),
        spec_(std::move(spec)),
        sink_(std::move(sink)),
        options_(std::move(options)),
        room_(piece_size) {
    if (!spec_.timeouts.total) spec_.timeouts.total = duration::max();
    spec_.decompress = false;
    spec_.fields.set("Accept-Encoding", "identity");
    done_.size = options_.offset;
    done_.validator = options_.validator;
  }

  task<download_result> run() {
    for (;;) {
      std::optional<request_error> broken;
      try {
        co_await attempt();
      } catch (const request_error& e) {
        broken = e;
      }
      if (!broken) co_return std::move(done_);
      const bool worth = *broken == condition::disconnected || *broken == condition::timed_out;
      const bool possible = began_ && !done_.validator.empty();
      if (!worth || !possible || done_.resumptions == options_.resumptions) throw *broken;
      ++done_.resumptions;
    }
  }

 private:
  /// One request; throws request_error when it breaks off.
  task<void> attempt() {
    request_spec spec = spec_;
    if (done_.size > 0 && !done_.validator.empty()) {
      spec.fields.set("Range", "bytes=" + std::to_string(done_.size) + "-");
      spec.fields.set("If-Range", done_.validator);
    }
    const bool asked_for_rest = spec.fields.contains("If-Range");
    client_response response = co_await client_.request(std::move(spec));
    const bool complete = asked_for_rest && is_complete(response);
    if (complete) co_return;
    response.raise_for_status();
    begin(response, asked_for_rest);
    bool more = true;
    while (more) more = co_await pass_piece(response);
  }

  /// 416 for a rest that begins where the whole ends.
  [[nodiscard]] bool is_complete(const client_response& response) const {
    const auto range = response.fields().find("Content-Range");
    return response.status() == status::range_not_satisfiable && range &&
           *range == "bytes */" + std::to_string(done_.size);
  }

  void begin(const client_response& response, bool asked_for_rest) {
    done_.status = response.status();
    size_.reset();
    const auto range = range_of(response.fields());
    if (response.status() == status::partial_content && asked_for_rest) {
      if (!range || range->first != done_.size) {
        throw error(errc::invalid_input, "the server gave another range than was asked for");
      }
      size_ = range->size;
    } else {
      done_.size = 0;
      done_.validator = validator_of(response.fields());
      std::string_view length = response.fields().find("Content-Length").value_or("");
      size_ = take_number(length);
    }
    began_ = true;
  }

  task<bool> pass_piece(client_response& response) {
    const std::size_t got = co_await response.read_some(room_);
    if (got == 0) co_return false;
    const std::string_view piece(reinterpret_cast<const char*>(room_.data()), got);
    co_await sink_(done_.size, piece);
    done_.size += got;
    if (options_.progress) options_.progress(done_.size, size_);
    co_return true;
  }

  client& client_;
  request_spec spec_;
  download_sink sink_;
  download_options options_;
  std::vector<std::byte> room_;
  download_result done_;
  std::optional<std::uint64_t> size_;
  bool began_ = false;
};

}  // namespace

task<download_result> download(client& with, request_spec spec, download_sink sink,
                               download_options options) {
  transfer made(with, std::move(spec), std::move(sink), std::move(options));
  co_return co_await made.run();
}

}  // namespace eddy::http

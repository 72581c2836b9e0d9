#include "download_target.hpp"

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
  transfer(client& with, request_spec spec, detail::download_target& target,
           download_options options)
      : client_(with),
        spec_(std::move(spec)),
        target_(target),
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
      bool complete = false;
      try {
        complete = co_await attempt();
      } catch (const request_error& e) {
        broken = e;
      }
      if (complete) co_return std::move(done_);
      if (!broken) continue;
      const bool worth = *broken == condition::disconnected || *broken == condition::timed_out;
      const bool possible = began_ && !done_.validator.empty();
      if (!worth || !possible || done_.resumptions == options_.resumptions) throw *broken;
      ++done_.resumptions;
    }
  }

 private:
  /// One request; throws request_error when it breaks off. False: the rest cannot be had, so all of it is next.
  task<bool> attempt() {
    request_spec spec = spec_;
    const bool asked_for_rest = done_.size > 0 && !done_.validator.empty();
    if (asked_for_rest) {
      spec.fields.set("Range", "bytes=" + std::to_string(done_.size) + "-");
      spec.fields.set("If-Range", done_.validator);
    }
    client_response response = co_await client_.request(std::move(spec));
    done_.status = response.status();
    done_.url = response.url();
    done_.fields = response.fields();
    if (asked_for_rest) {
      if (is_complete(response)) co_return true;
      if (is_of_no_use(response)) {
        done_.size = 0;
        co_return false;
      }
    }
    response.raise_for_status();
    const bool continues = asked_for_rest && response.status() == status::partial_content;
    if (continues) {
      go_on(response);
    } else {
      require_whole(response);
      co_await begin(response);
    }
    const std::uint64_t before = done_.size;
    bool more = true;
    while (more) more = co_await pass_piece(response);
    co_return !continues || is_whole(before);
  }

  /// A part that nobody asked for is not the whole.
  void require_whole(const client_response& response) const {
    if (response.status() == status::partial_content && !spec_.fields.contains("Range")) {
      throw error(errc::invalid_input, "the server gave a range that was not asked for");
    }
  }

  /// At the end of a part. A server may give less of the rest than was asked for (RFC 9110, section 14.2): the next
  /// request then asks for what is left. `before` is the size before this response.
  [[nodiscard]] bool is_whole(std::uint64_t before) const {
    if (!size_ || done_.size == *size_) return true;
    if (done_.size > *size_ || done_.size == before) {
      throw error(errc::invalid_input, "the size of the range is not what the server says");
    }
    return false;
  }

  /// 416 for a rest that begins where the whole ends.
  [[nodiscard]] bool is_complete(const client_response& response) const {
    const auto range = response.fields().find("Content-Range");
    return response.status() == status::range_not_satisfiable && range &&
           *range == "bytes */" + std::to_string(done_.size);
  }

  /// Less than what came already, or a part of another version (RFC 9110, section 15.3.7).
  [[nodiscard]] bool is_of_no_use(const client_response& response) const {
    if (response.status() == status::range_not_satisfiable) return true;
    if (response.status() != status::partial_content) return false;
    const auto tag = response.fields().find("ETag");
    return tag && done_.validator.starts_with('"') && *tag != done_.validator;
  }

  void go_on(const client_response& response) {
    const auto range = range_of(response.fields());
    if (!range || range->first != done_.size) {
      throw error(errc::invalid_input, "the server gave another range than was asked for");
    }
    size_ = range->size;
    began_ = true;
  }

  task<void> begin(const client_response& response) {
    done_.size = 0;
    done_.validator = validator_of(response.fields());
    std::string_view length = response.fields().find("Content-Length").value_or("");
    size_ = take_number(length);
    began_ = true;
    co_await target_.begin(done_.validator);
  }

  task<bool> pass_piece(client_response& response) {
    const std::size_t got = co_await response.read_some(room_);
    if (got == 0) co_return false;
    const std::string_view piece(reinterpret_cast<const char*>(room_.data()), got);
    co_await target_.write(done_.size, piece);
    done_.size += got;
    if (options_.progress) options_.progress(done_.size, size_);
    co_return true;
  }

  client& client_;
  request_spec spec_;
  detail::download_target& target_;
  download_options options_;
  std::vector<std::byte> room_;
  download_result done_;
  std::optional<std::uint64_t> size_;
  bool began_ = false;
};

class sink_target final : public detail::download_target {
 public:
  explicit sink_target(download_sink sink) noexcept : sink_(std::move(sink)) {}
  task<void> begin(std::string) override { co_return; }
  task<void> write(std::uint64_t offset, std::string_view piece) override {
    return sink_(offset, piece);
  }

 private:
  download_sink sink_;
};

}  // namespace

task<download_result> detail::download_to(client& with, request_spec spec, download_target& target,
                                          download_options options) {
  transfer made(with, std::move(spec), target, std::move(options));
  co_return co_await made.run();
}

task<download_result> download(client& with, request_spec spec, download_sink sink,
                               download_options options) {
  sink_target target(std::move(sink));
  co_return co_await detail::download_to(with, std::move(spec), target, std::move(options));
}

}  // namespace eddy::http

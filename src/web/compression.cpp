#include <eddy/web/compression.hpp>

#include "field_words.hpp"

#include <string>
#include <utility>

#include <eddy/coro/sleep.hpp>
#include <eddy/http/http_error.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web {
namespace {

using http::content_coding;

constexpr std::size_t largest_on_loop = 128 * 1024;
// How much of a streamed body is coded before others have their turn: writes that need not wait do not let them.
constexpr std::size_t coded_per_turn = 64 * 1024;

/// Gives each piece of a streamed body to an encoder, and what that makes of it to the client at once.
class encoding_sink final : public http::body_sink {
 public:
  encoding_sink(http::body_writer& to, content_coding coding, std::optional<int> level)
      : to_(to), encoder_(coding, level) {}

  task<void> send_body(std::string_view data) override {
    if (data.empty()) co_return;
    encoder_.encode(data, coded_);
    encoder_.flush(coded_);
    co_await to_.write(coded_);
    coded_.clear();
    since_turn_ += data.size();
    if (since_turn_ < coded_per_turn) co_return;
    since_turn_ = 0;
    co_await yield();
  }
  task<void> finish() {
    encoder_.finish(coded_);
    co_await to_.write(coded_);
  }
  void set_trailers(const http::fields& trailers) override { to_.trailers(trailers); }

 private:
  http::body_writer& to_;
  http::content_encoder encoder_;
  std::string coded_;
  std::size_t since_turn_ = 0;  // bytes
};

class compressor {
 public:
  explicit compressor(compression_options options) : options_(std::move(options)) {
    std::erase_if(options_.codings, [](content_coding one) {
      return one == content_coding::identity || !http::is_available(one);
    });
    if (!options_.compressible) options_.compressible = detail::is_compressible;
  }

  task<http::response> operator()(http::request& r, http::next rest) const {
    http::response made = co_await rest(r);
    // What it stands for is known to nobody here; the complete answer may have said so.
    if (made.status() == http::status::not_modified) detail::add_vary(made, "Accept-Encoding");
    if (!may_be_coded(made)) co_return made;
    detail::add_vary(made, "Accept-Encoding");
    const content_coding chosen = choose(r);
    if (chosen == content_coding::identity || !is_worth_it(made)) co_return made;
    if (made.is_stream()) {
      encode_stream(made, chosen);
    } else if (made.body().size() <= largest_on_loop) {
      made.set_body(http::encode_whole(chosen, made.body(), options_.level));
    } else {
      const std::string_view plain = made.body();
      const std::optional<int> level = options_.level;
      std::string coded = co_await to_cpu_thread(
          [plain, chosen, level] { return http::encode_whole(chosen, plain, level); });
      made.set_body(std::move(coded));
    }
    made.set("Content-Encoding", http::to_string(chosen));
    made.fields().remove("Accept-Ranges");  // the ranges would be of other bytes
    weaken_etag(made);
    co_return made;
  }

 private:
  [[nodiscard]] bool may_be_coded(const http::response& made) const {
    const int status = made.status();
    if (made.is_upgrade() || wire::http1::is_bodiless(status)) return false;
    if (status == http::status::partial_content) return false;
    const auto& fields = made.fields();
    if (fields.contains("Content-Encoding") || fields.contains("Content-Range")) return false;
    if (fields.has_token("Cache-Control", "no-transform")) return false;
    return options_.compressible(made.content_type());
  }

  [[nodiscard]] bool is_worth_it(http::response& made) const {
    if (const auto* stream = made.stream_part())
      return !stream->length || *stream->length >= options_.min_size;
    return made.body().size() >= options_.min_size;
  }

  [[nodiscard]] content_coding choose(const http::request& r) const {
    const detail::coding_preferences wanted(detail::joined(r.fields(), "Accept-Encoding"));
    content_coding best = content_coding::identity;
    int quality = 0;
    for (const content_coding one : options_.codings) {
      if (!wanted.likes(one) || wanted.quality(one) <= quality) continue;
      quality = wanted.quality(one);
      best = one;
    }
    return best;
  }

  void encode_stream(http::response& made, content_coding chosen) const {
    made.set_stream([inner = std::move(made.stream_part()->write), chosen,
                     level = options_.level](http::body_writer& out) mutable -> task<void> {
      encoding_sink encoded(out, chosen, level);
      http::body_writer through(encoded);
      co_await inner(through);
      co_await encoded.finish();
    });
  }

  static void weaken_etag(http::response& made) {
    const auto tag = made.fields().find("ETag");
    if (tag && !tag->starts_with("W/")) made.set("ETag", "W/" + std::string(*tag));
  }

  compression_options options_;
};

/// What a decoder makes of another source.
class decoded_body final : public http::body_filter {
 public:
  decoded_body(http::body_source& under, content_coding coding, const http::decoder_limits& limits)
      : body_filter(under), decoder_(coding, limits) {}

  task<std::size_t> read_body(std::span<std::byte> into) override {
    if (into.empty()) co_return 0;
    for (;;) {
      const std::size_t produced = decode(into);
      if (produced > 0) {
        count(produced);
        co_return produced;
      }
      if (ended_) {
        if (const auto whole = decoder_.finish(); !whole) fail(whole.error());
        co_return 0;
      }
      if (begin_ < end_) continue;
      begin_ = end_ = 0;
      const std::size_t got = co_await under().read_body(coded_);
      end_ = got;
      ended_ = got == 0;
    }
  }

 private:
  std::size_t decode(std::span<std::byte> into) {
    const auto step =
        decoder_.decode(std::span<const std::byte>(coded_).subspan(begin_, end_ - begin_), into);
    if (!step) fail(step.error());
    begin_ += step->consumed;
    return step->produced;
  }

  [[noreturn]] static void fail(const std::error_code& why) {
    using http::coding_errc;
    const bool too_much =
        why == coding_errc::ratio_exceeded || why == coding_errc::window_too_large;
    throw http::http_error(too_much ? http::status::content_too_large : http::status::bad_request,
                           "the body's content coding: " + why.message());
  }

  http::content_decoder decoder_;
  std::vector<std::byte> coded_ = std::vector<std::byte>(16 * 1024);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
};

class decompressor {
 public:
  explicit decompressor(const http::decoder_limits& limits) noexcept : limits_(limits) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    const std::string name = detail::joined(r.fields(), "Content-Encoding");
    const auto coding = http::content_coding_from(name);
    if (!coding || !http::is_available(*coding)) {
      http::response made = http::response::error(http::status::unsupported_media_type,
                                                  "a content coding that is not supported");
      made.set("Accept-Encoding", http::accepted_codings());
      co_return made;
    }
    if (*coding != content_coding::identity)
      r.replace_source(std::make_unique<decoded_body>(r.source(), *coding, limits_));
    co_return co_await rest(r);
  }

 private:
  http::decoder_limits limits_;
};

}  // namespace

http::any_middleware compression(compression_options options) {
  return compressor(std::move(options));
}

http::any_middleware decompression(http::decoder_limits limits) { return decompressor(limits); }

}  // namespace eddy::web

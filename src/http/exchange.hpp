// One request and its answer in memory: parsed head, body decoder, output. No I/O.
//
// A connection borrows one from its first byte of a request until all of the answer has been sent; pipelined requests
// use the same one in turn. The input does not move between the end of a head and finish(), so that views a handler
// took stay valid.
#pragma once

#include "incoming_request.hpp"
#include "input_buffer.hpp"

#include <array>
#include <cstdint>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <eddy/http/response.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/wire/http1_request_parser.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {

class exchange {
 public:
  enum class head_state : std::uint8_t { incomplete, complete, refused };

  explicit exchange(const wire::http1::limits& bounds);
  exchange(const exchange&) = delete;
  exchange& operator=(const exchange&) = delete;

  /// For the connection that borrows it, whose input it reads.
  void bind(const request_origin& origin, body_source& source, input_buffer& input) noexcept;

  // --- head ---
  /// Takes the next head out of the input. `refused`: failure() says why.
  [[nodiscard]] head_state parse_head();
  [[nodiscard]] wire::http1::errc failure() const noexcept { return failure_; }
  [[nodiscard]] bool head_begun() const noexcept { return parser_.in_progress(); }
  [[nodiscard]] request& current() noexcept { return request_; }

  // --- body ---
  void limit_body(std::uint64_t bytes) noexcept { body_limit_ = bytes; }
  [[nodiscard]] bool body_finished() const noexcept { return decoder_.finished(); }
  /// Copies decoded data that has arrived; 0 at the end, nullopt when more has to be read. Throws http_error.
  [[nodiscard]] std::optional<std::size_t> take_body(std::span<std::byte> into);
  /// The whole body where it lies in the input, or empty when that is not so.
  [[nodiscard]] std::optional<std::string_view> body_in_place();
  /// How much of the body may be read to where it is wanted, past the input; 0: nothing.
  [[nodiscard]] std::size_t direct_size() const noexcept;
  void took_directly(std::span<const std::byte> data);
  /// Drops what has arrived of a body that nobody reads. False: its framing is broken.
  bool discard_body() noexcept;
  /// Whether the client waits for "100 Continue"; true once.
  [[nodiscard]] bool take_continue() noexcept;
  [[nodiscard]] const field_table& trailers() const noexcept { return decoder_.trailers(); }
  [[nodiscard]] std::string& collected() noexcept { return collected_; }
  [[nodiscard]] std::optional<std::string_view>& whole() noexcept { return whole_; }

  // --- output ---
  struct answer_options {
    std::string_view date;
    bool keep_alive = true;  ///< as far as the server is concerned
  };
  /// Writes the head of `made`, and its body unless it is a stream; a large one is kept and sent from where it is.
  /// What cannot be sent throws std::system_error, and nothing was written.
  void answer(response made, const answer_options& options);
  /// Answers bytes that are no request; the connection ends behind it.
  void refuse(const response& made, std::string_view date);
  void append(std::string_view bytes) { output_.append(bytes); }
  /// The same, but a large piece is not copied: false, and it has to stay until all output has been sent.
  bool append_or_refer(std::string_view bytes);
  [[nodiscard]] std::string& output() noexcept { return output_; }

  [[nodiscard]] bool has_output() const noexcept { return sent_ < output_.size() + tail_.size(); }
  /// Whether it should be sent although more may follow.
  [[nodiscard]] bool needs_flush(std::size_t most) const noexcept {
    return !tail_.empty() || output_.size() > most;
  }
  /// Whether the current exchange is not over with what stands in the output.
  [[nodiscard]] bool needs_work(std::size_t most_output) const noexcept {
    return answer_.is_stream() || answer_.is_upgrade() || needs_flush(most_output) ||
           !decoder_.finished();
  }
  /// What has to be sent; valid until the next call of anything here.
  [[nodiscard]] io::const_buffers unsent() noexcept;
  void sent(std::size_t bytes) noexcept;
  /// Forgets output of which nothing has been sent yet, back to a size from output_mark().
  [[nodiscard]] std::size_t output_mark() const noexcept { return output_.size(); }
  [[nodiscard]] bool untouched_since(std::size_t mark) const noexcept { return sent_ <= mark; }
  void rewind(std::size_t mark) noexcept {
    output_.resize(mark);
    tail_ = {};
  }

  [[nodiscard]] response::stream_body* stream_part() noexcept { return answer_.stream_part(); }
  [[nodiscard]] upgraded_handler* upgrade_part() noexcept { return answer_.upgrade_part(); }
  /// Whether the connection may leave HTTP behind the current request.
  [[nodiscard]] bool can_upgrade() const noexcept {
    return !request_.parsed().upgrade().empty() && decoder_.finished();
  }
  [[nodiscard]] int answer_status() const noexcept { return answer_.status(); }
  /// How the body goes out, and whether the connection goes on behind it.
  [[nodiscard]] const wire::http1::response_plan& plan() const noexcept { return plan_; }

  /// No further request may follow the current one.
  void end_connection() noexcept { plan_.keep_alive = false; }

  /// Ends the exchange; the next head may be parsed.
  void finish() noexcept;
  /// Drops what the connection left, answers half sent among it, and memory beyond the usual.
  void abandon() noexcept;

 private:
  void begin_body();
  [[nodiscard]] const fields& fields_of(const response& made);
  void count_body(std::size_t bytes);
  [[nodiscard]] bool can_go_on() noexcept;

  input_buffer* input_ = nullptr;
  const wire::http1::limits* limits_;
  wire::http1::request_parser parser_;
  incoming_request request_;
  wire::http1::errc failure_{};

  wire::http1::body_decoder decoder_;
  std::uint64_t body_limit_ = usual_body_limit;
  std::uint64_t body_taken_ = 0;
  bool open_ = false;  // a head has come out, and finish() has not been called
  bool continue_due_ = false;
  bool body_broken_ = false;
  std::string collected_;
  std::optional<std::string_view> whole_;  // what whole_body() gave

  std::string output_;
  std::string_view tail_;  // a large body, behind output_
  std::size_t sent_ = 0;
  std::array<iovec, 2> pieces_{};
  response answer_;
  wire::http1::response_plan plan_;
  fields scratch_;  // Content-Type alone, as last written
  std::string_view scratch_type_;
};

}  // namespace eddy::http::detail

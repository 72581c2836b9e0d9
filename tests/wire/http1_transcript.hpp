// What a server or client sees of a stream of bytes: every message it would act on, in one text,
// and how the stream ended. Two ways of cutting the same bytes have to give the same transcript.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/wire/http1.hpp>

namespace eddy::wire::http1::test {

struct transcript {
  std::vector<std::string> messages;  // one text per complete message
  std::string ending;                 // "more", "closed", or "error: ..." with the number
  std::size_t unread = 0;             // bytes behind the last complete message, if it said close

  friend bool operator==(const transcript&, const transcript&) = default;
};

[[nodiscard]] inline std::string ending_of(errc code) {
  return "error: " + make_error_code(code).message();
}

// The bytes not consumed yet, in a block of exactly their size each time more arrive, so that a
// read past their end is caught and no view into an earlier block can stay in use unnoticed.
class moving_buffer {
 public:
  void append(std::string_view more) {
    std::vector<char> next;
    next.reserve(bytes_.size() - consumed_ + more.size());
    next.insert(next.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(consumed_), bytes_.end());
    next.insert(next.end(), more.begin(), more.end());
    bytes_.swap(next);
    consumed_ = 0;
  }
  void consume(std::size_t count) { consumed_ += count; }
  [[nodiscard]] std::string_view unread() const {
    return {bytes_.data() + consumed_, bytes_.size() - consumed_};
  }

 private:
  std::vector<char> bytes_;
  std::size_t consumed_ = 0;
};

inline void describe_fields(const field_table& table, std::string& out) {
  for (const field_view field : table)
    out.append(field.name).append(": ").append(field.value) += '\n';
}

// Reads requests as a server does, in pieces of any size.
class request_reader {
 public:
  explicit request_reader(const limits& bounds = default_limits)
      : limits_(&bounds), parser_(bounds) {}

  void feed(std::string_view piece) {
    if (result_.ending == "closed") result_.unread += piece.size();
    if (result_.ending != "more") return;
    buffer_.append(piece);
    while (result_.ending == "more" && step()) {
    }
    if (result_.ending == "closed") result_.unread = buffer_.unread().size();
  }

  [[nodiscard]] transcript result() const { return result_; }

 private:
  // False when more bytes are needed.
  bool step() { return in_body_ ? step_body() : step_head(); }

  bool step_head() {
    const auto size = parser_.parse(buffer_.unread(), head_);
    if (!size) return fail(size.error());
    if (*size == 0) return false;
    text_.clear();
    text_.append(head_.method_token()).append(" ").append(head_.authority()).append(" ");
    text_.append(head_.path()).append(" ? ").append(head_.query()).append("\n");
    describe_fields(head_.fields(), text_);
    text_ += head_.expects_continue() ? "continue\n" : "";
    text_.append("upgrade=").append(head_.upgrade()).append("\n");
    keep_alive_ = head_.keep_alive();
    body_ = head_.body(*limits_);
    in_body_ = true;
    buffer_.consume(*size);
    return true;
  }

  bool step_body() {
    const auto event = body_.next(buffer_.unread());
    if (!event) return fail(event.error());
    text_.append(event->data);
    buffer_.consume(event->consumed);
    if (event->kind == body_decoder::event_kind::need_more) return false;
    if (event->kind == body_decoder::event_kind::end) {
      text_ += "\nend\n";
      describe_fields(body_.trailers(), text_);
      result_.messages.push_back(text_);
      in_body_ = false;
      if (!keep_alive_) result_.ending = "closed";
    }
    return true;
  }

  bool fail(errc code) {
    result_.ending = ending_of(code);
    return false;
  }

  const limits* limits_;
  moving_buffer buffer_;
  request_parser parser_;
  request_head head_;
  body_decoder body_;
  std::string text_;
  transcript result_{{}, "more", 0};
  bool in_body_ = false;
  bool keep_alive_ = true;
};

// Reads responses as a client does that sent `methods`, one after the other, the last one for ever.
class response_reader {
 public:
  explicit response_reader(std::vector<method> methods = {method::get},
                           const limits& bounds = default_limits)
      : limits_(&bounds), methods_(std::move(methods)), parser_(bounds) {}

  void feed(std::string_view piece) {
    if (result_.ending == "closed") result_.unread += piece.size();
    if (result_.ending != "more") return;
    buffer_.append(piece);
    while (result_.ending == "more" && step()) {
    }
    if (result_.ending == "closed") result_.unread = buffer_.unread().size();
  }

  // The server has closed.
  void finish() {
    if (result_.ending != "more") return;
    if (!in_body_) {
      if (parser_.in_progress()) result_.ending = ending_of(errc::incomplete_message);
      return;
    }
    if (auto done = body_.finish(); !done) {
      result_.ending = ending_of(done.error());
      return;
    }
    end_message();
  }

  [[nodiscard]] transcript result() const { return result_; }
  [[nodiscard]] const response_head& head() const { return head_; }

 private:
  bool step() { return in_body_ ? step_body() : step_head(); }

  [[nodiscard]] method current_method() const {
    return methods_[std::min(answered_, methods_.size() - 1)];
  }

  bool step_head() {
    const auto size = parser_.parse(buffer_.unread(), current_method(), head_);
    if (!size) return fail(size.error());
    if (*size == 0) return false;
    text_ = std::to_string(head_.status());
    text_.append(" ").append(head_.reason()).append("\n");
    describe_fields(head_.fields(), text_);
    body_ = head_.body(*limits_);
    in_body_ = true;
    buffer_.consume(*size);
    return true;
  }

  bool step_body() {
    const auto event = body_.next(buffer_.unread());
    if (!event) return fail(event.error());
    text_.append(event->data);
    buffer_.consume(event->consumed);
    if (event->kind == body_decoder::event_kind::need_more) return false;
    if (event->kind == body_decoder::event_kind::end) end_message();
    return true;
  }

  void end_message() {
    text_ += "\nend\n";
    describe_fields(body_.trailers(), text_);
    result_.messages.push_back(text_);
    in_body_ = false;
    if (!head_.is_interim()) ++answered_;
    const bool over = head_.switches_protocol() || (!head_.keep_alive() && !head_.is_interim());
    if (over) result_.ending = "closed";
  }

  bool fail(errc code) {
    result_.ending = ending_of(code);
    return false;
  }

  const limits* limits_;
  std::vector<method> methods_;
  std::size_t answered_ = 0;
  moving_buffer buffer_;
  response_parser parser_;
  response_head head_;
  body_decoder body_;
  std::string text_;
  transcript result_{{}, "more", 0};
  bool in_body_ = false;
};

// The transcript of `bytes` cut into pieces of `piece` bytes; 0 means all at once.
[[nodiscard]] inline transcript read_requests(std::string_view bytes, std::size_t piece = 0,
                                              const limits& bounds = default_limits) {
  request_reader reader(bounds);
  if (piece == 0) piece = std::max<std::size_t>(bytes.size(), 1);
  for (std::size_t i = 0; i < bytes.size(); i += piece) reader.feed(bytes.substr(i, piece));
  return reader.result();
}

[[nodiscard]] inline transcript read_responses(std::string_view bytes, std::size_t piece = 0,
                                               std::vector<method> methods = {method::get}) {
  response_reader reader(std::move(methods));
  if (piece == 0) piece = std::max<std::size_t>(bytes.size(), 1);
  for (std::size_t i = 0; i < bytes.size(); i += piece) reader.feed(bytes.substr(i, piece));
  reader.finish();
  return reader.result();
}

}  // namespace eddy::wire::http1::test

// response: what a handler gives back, and body_writer, for bodies that are made while they are sent.
//
//   return eddy::http::response::json({{"id", 7}}, 201);
//
//   return eddy::http::response::stream("text/csv", [rows](eddy::http::body_writer& out) -> eddy::task<void> {
//     for (const row& r : rows) co_await out.write(r.line());
//   });
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <boost/json/value.hpp>

#include <eddy/coro/task.hpp>
#include <eddy/http/message.hpp>
#include <eddy/http/upgrade.hpp>
#include <eddy/runtime/file_system.hpp>

namespace eddy::http {

/// Where a body_writer's pieces go: a protocol's connection, or a middleware that encodes them for the next one.
class body_sink {
 public:
  virtual task<void> send_body(std::string_view data) = 0;
  virtual void set_trailers(const fields& trailers) = 0;
  /// Sends up to `size` bytes of `from` without reading them here, and gives how many; the caller writes the rest. 0
  /// where the way to the client does not do that.
  virtual task<std::uint64_t> send_file(const runtime::open_file& from, std::uint64_t offset,
                                        std::uint64_t size);

 protected:
  ~body_sink() = default;
};

/// Sends a body piece by piece. Given to the callable of response::stream, by reference; not to be kept.
class body_writer {
 public:
  explicit body_writer(body_sink& sink) noexcept : sink_(sink) {}
  body_writer(const body_writer&) = delete;
  body_writer& operator=(const body_writer&) = delete;

  /// Sends `data`, with the head before it the first time, and waits until the connection has taken it: a slow client
  /// slows the writer down. Throws an error equal to condition::disconnected when the client is gone; more than an
  /// announced length throws invalid_input.
  [[nodiscard]] task<void> write(std::string_view data) { return sink_.send_body(data); }
  /// Sends `size` bytes of `from`, which has to live as long as the await: straight from the system's memory where that
  /// is possible, else read on a thread, in pieces of 64 KiB. A file that has become shorter throws errc::incomplete.
  [[nodiscard]] task<void> write_file(const runtime::open_file& from, std::uint64_t offset,
                                      std::uint64_t size);
  /// Sent after the last piece, where the body goes out in chunks; dropped otherwise. Fields that may not stand in a
  /// trailer throw invalid_input.
  void trailers(const fields& all) { sink_.set_trailers(all); }
  /// For middlewares whose own sink hands on what it does not change.
  [[nodiscard]] body_sink& sink() noexcept { return sink_; }

 private:
  body_sink& sink_;
};

/// A text that exists for the whole run of the program: a string literal, or one named at compile time.
class literal {
 public:
  consteval literal(const char* text) : text_(text) {}       // NOLINT: implicit by intent
  consteval literal(std::string_view text) : text_(text) {}  // NOLINT
  [[nodiscard]] constexpr std::string_view view() const noexcept { return text_; }

 private:
  std::string_view text_;
};

/// Status, fields and body. Move-only. The server adds Date, framing and Connection itself: Content-Length and
/// Transfer-Encoding among the fields are refused (the answer is 500 then).
class response {
 public:
  using writer = std::move_only_function<task<void>(body_writer&)>;

  /// No body.
  explicit response(int status = status::ok) noexcept : status_(status) {}

  /// "text/plain; charset=utf-8".
  [[nodiscard]] static response text(std::string body, int status = status::ok);
  [[nodiscard]] static response html(std::string body, int status = status::ok);
  /// application/json.
  [[nodiscard]] static response json(const boost::json::value& body, int status = status::ok);
  /// A body of any type.
  [[nodiscard]] static response of(std::string_view content_type, std::string body,
                                   int status = status::ok);
  /// A body that is never copied.
  [[nodiscard]] static response constant(std::string_view content_type, literal body,
                                         int status = status::ok);
  /// {"error":{"status":..,"message":..}}; without a message the status's phrase.
  [[nodiscard]] static response error(int status, std::string_view message = {});
  /// A redirection to `location`.
  [[nodiscard]] static response redirect(std::string_view location, int status = status::found);
  /// A body made by `write`, called after the head is settled; not called for HEAD. Goes out in chunks, or as it is
  /// where `length` announces its size. When `write` throws after something was sent the connection is cut, so that
  /// the client sees that the body is not complete.
  [[nodiscard]] static response stream(std::string_view content_type, writer write,
                                       std::optional<std::uint64_t> length = std::nullopt);

  /// 101: the connection leaves HTTP for `protocol`, with `extra` fields, and is `run`'s from then on. Answered 426 in
  /// its place when the client has not asked for an upgrade, 503 while the server ends. HTTP/1.1 only.
  [[nodiscard]] static response upgrade(std::string_view protocol, http::fields extra,
                                        upgraded_handler run);

  [[nodiscard]] int status() const noexcept { return status_; }
  response& set_status(int status) & noexcept {
    status_ = status;
    return *this;
  }
  response&& set_status(int status) && noexcept { return std::move(set_status(status)); }

  /// Empty if the body has no type.
  [[nodiscard]] std::string_view content_type() const noexcept;
  response& set_content_type(std::string_view type);

  /// Further fields. Content-Type stands here only if it is none of the well-known.
  [[nodiscard]] const http::fields& fields() const noexcept { return fields_; }
  [[nodiscard]] http::fields& fields() noexcept { return fields_; }
  /// Appends, or replaces, a field: throws for what cannot be sent (a line end in the value).
  response& add(std::string_view name, std::string_view value) &;
  response& set(std::string_view name, std::string_view value) &;
  response&& add(std::string_view name, std::string_view value) && {
    return std::move(add(name, value));
  }
  response&& set(std::string_view name, std::string_view value) && {
    return std::move(set(name, value));
  }

  /// The body, if it is not a stream.
  [[nodiscard]] std::string_view body() const noexcept;
  /// Replaces the body, whatever it was; the type stays.
  response& set_body(std::string body);
  response& set_body(literal body) noexcept;
  response& set_stream(writer write, std::optional<std::uint64_t> length = std::nullopt);
  [[nodiscard]] bool is_stream() const noexcept {
    return std::holds_alternative<stream_body>(body_);
  }
  [[nodiscard]] bool is_upgrade() const noexcept {
    return std::holds_alternative<upgraded_handler>(body_);
  }
  /// Closes the connection behind this answer.
  response& close_connection() noexcept {
    close_ = true;
    return *this;
  }

  // --- for middlewares and the server ---
  struct stream_body {
    writer write;
    std::optional<std::uint64_t> length;
  };
  /// The body, if it is a stream; else null. A middleware may take `write` out and set_stream one that calls it with a
  /// body_writer over a sink of its own.
  [[nodiscard]] stream_body* stream_part() noexcept { return std::get_if<stream_body>(&body_); }
  [[nodiscard]] upgraded_handler* upgrade_part() noexcept {
    return std::get_if<upgraded_handler>(&body_);
  }
  [[nodiscard]] bool closes() const noexcept { return close_; }
  /// The well-known type, which does not stand among the fields.
  [[nodiscard]] std::string_view known_type() const noexcept { return type_; }

 private:
  std::variant<std::string, std::string_view, stream_body, upgraded_handler> body_;
  http::fields fields_;
  std::string_view type_;  // static
  int status_;
  bool close_ = false;
};

/// What handlers may return besides response: texts become text/plain, JSON values application/json.
[[nodiscard]] inline response to_response(response made) { return made; }
[[nodiscard]] response to_response(std::string text);
[[nodiscard]] response to_response(std::string_view text);
[[nodiscard]] response to_response(const char* text);
template <class T>
  requires std::same_as<T, boost::json::value> || std::same_as<T, boost::json::object> ||
           std::same_as<T, boost::json::array>
[[nodiscard]] response to_response(T value) {
  return response::json(std::move(value));
}

template <class T>
concept makes_response = requires(T made) {
  { http::to_response(std::move(made)) } -> std::same_as<response>;
};

}  // namespace eddy::http

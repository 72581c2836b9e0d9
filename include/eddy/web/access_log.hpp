// A line for every request, and an id that goes with it.
//
//   app.use(eddy::web::request_id());
//   app.use(eddy::web::access_log());
//
// Both see every request whose head could be read; what breaks HTTP before that has no answer of the application's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <eddy/base/time.hpp>
#include <eddy/http/middleware.hpp>

namespace eddy::web {

/// One request and its answer. The views live for the call.
struct access_record {
  std::chrono::system_clock::time_point at;  ///< when the head was complete
  std::string_view client;                   ///< address, without port
  std::string_view method;
  std::string_view target;
  std::string_view route;  ///< the pattern; empty: none
  std::string_view user_agent;
  std::string_view referer;
  std::string_view id;           ///< request_id's; empty without it
  int status = 0;                ///< 0: it was cancelled before there was one
  std::uint64_t body_bytes = 0;  ///< of the answer, as the application made it
  duration elapsed{};            ///< to the answer, or to the end of a streamed body
  bool complete = true;          ///< false: a streamed body was broken off, or there was no answer
};

using access_sink = std::function<void(const access_record&)>;

/// A JSON object in one line, without its end. What a client sent is escaped, so no line can be forged.
[[nodiscard]] std::string to_json_line(const access_record& record);
/// Apache's "combined" format, with the same guarantee.
[[nodiscard]] std::string to_combined_line(const access_record& record);

/// Calls `sink` once per request: when the answer is made, when its streamed body has ended, or when the request is
/// cancelled before that (its client left or was too slow with its body, or serving ended). On the request's loop;
/// several loops call it at the same time. Without one it writes JSON lines to stdout.
[[nodiscard]] http::any_middleware access_log(access_sink sink = {});

struct request_id_options {
  std::string_view field = "X-Request-Id";  ///< copied
  /// Take the client's id where it is 1 to 128 letters, digits, '.', '_' or '-'. Only behind a proxy that sets it.
  bool trust_client = false;
};

/// What request_id leaves with the request: `r.get<eddy::web::id_of_request>()`.
struct id_of_request {
  std::string value;
};

/// Gives every request an id of 32 hexadecimal digits, which the answer bears as well. It tells requests apart; it is
/// no secret.
[[nodiscard]] http::any_middleware request_id(request_id_options options = {});

}  // namespace eddy::web

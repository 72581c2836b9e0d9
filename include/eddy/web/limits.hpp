// What a request may cost: how often, how long, how much.
//
//   eddy::web::rate_limit_options often;
//   often.count = 600;
//   often.period = 1min;
//   app.use(eddy::web::rate_limit(often));
//   app.use(eddy::web::timeout(10s));
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include <eddy/base/time.hpp>
#include <eddy/http/middleware.hpp>

namespace eddy::web {

struct rate_limit_options {
  std::size_t count = 100;  ///< requests of one key in a period, in the long run
  duration period = std::chrono::minutes(1);
  std::size_t burst = 0;  ///< at once after a rest; 0: `count`
  /// Whom a request counts for; an empty key is not limited. Unset: client_key.
  std::function<std::string(http::request&)> key = {};
  /// Keys remembered. Beyond that the one not seen for the longest time starts anew.
  std::size_t max_keys = 100'000;
  std::string name =
      "default";  ///< of the policy in the RateLimit fields: letters, digits, '-', '_'
};

/// The client's address: an IPv4 address, or the /64 of an IPv6 one, of which a single customer has many.
[[nodiscard]] std::string client_key(const http::request& r);

/// Answers 429 with Retry-After where a key has used up its right (resilience's gcra), before anything behind it runs.
/// All answers bear RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers). One table for all loops
/// that serve. Throws invalid_input for a count, period, number of keys or name that is none.
[[nodiscard]] http::any_middleware rate_limit(rate_limit_options options);

/// Cancels what is behind it after `limit`, and answers 503. A streamed body is sent afterwards and not counted.
[[nodiscard]] http::any_middleware timeout(duration limit);

/// Lowers each route's limit of the request body to `bytes`: more is answered 413, before it is read where the length
/// is announced.
[[nodiscard]] http::any_middleware body_limit(std::uint64_t bytes);

}  // namespace eddy::web

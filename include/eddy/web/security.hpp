// Fields that tell browsers to be careful, and who may come in.
//
//   app.use(eddy::web::security_headers());
//   app.use(eddy::web::bearer_auth("api", eddy::web::known_tokens({{"s3cret", "deploy"}})));
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <eddy/coro/task.hpp>
#include <eddy/http/middleware.hpp>

namespace eddy::web {

/// Values of fields; an empty one is not sent. What a handler has set stays.
struct security_options {
  std::string content_security_policy =
      "default-src 'self'; base-uri 'self'; frame-ancestors 'none'; object-src 'none'";
  /// Over https only (RFC 6797).
  std::string strict_transport_security = "max-age=31536000; includeSubDomains";
  std::string referrer_policy = "strict-origin-when-cross-origin";
  std::string frame_options = "DENY";  ///< for browsers without frame-ancestors
  std::string opener_policy = "same-origin";
  std::string resource_policy = "same-origin";  ///< "cross-origin" for what other sites may embed
  std::string permissions_policy = "";
  bool no_sniff = true;
};
[[nodiscard]] http::any_middleware security_headers(security_options options = {});

/// Who a request comes from, for handlers: `r.get<eddy::web::principal>()`.
struct principal {
  std::string name;
};

/// Gives the principal's name if the password, or the token, is right. May wait: for a database, or for to_cpu_thread,
/// where slow hashes belong. What it throws is answered 500.
using password_check =
    std::function<task<std::optional<std::string>>(std::string user, std::string password)>;
using token_check = std::function<task<std::optional<std::string>>(std::string token)>;

/// HTTP Basic (RFC 7617); over TLS only, as it sends the password. Without or with wrong credentials: 401 with a
/// challenge. OPTIONS is not exempt: put cors before it.
[[nodiscard]] http::any_middleware basic_auth(std::string realm, password_check check);
/// Bearer tokens (RFC 6750), in the Authorization field only. 401 with a challenge; "invalid_token" for a wrong one.
[[nodiscard]] http::any_middleware bearer_auth(std::string realm, token_check check);

/// Fixed users and passwords. The time a check takes does not tell how much of one was right, nor which user exists.
[[nodiscard]] password_check known_passwords(
    std::vector<std::pair<std::string, std::string>> users);
/// Fixed tokens and their principals' names, with the same property.
[[nodiscard]] token_check known_tokens(std::vector<std::pair<std::string, std::string>> tokens);

/// Whether two texts are equal, in a time that depends on the lengths only.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

}  // namespace eddy::web

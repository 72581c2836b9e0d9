// Cross-origin requests of browsers (the Fetch standard, "CORS protocol").
//
//   eddy::web::cors_options how;
//   how.origins = {"https://app.example.org"};
//   how.credentials = true;
//   app.use(eddy::web::cors(how));            // before authentication: a preflight bears no credentials
//
// Preflights are answered here, before anything behind it can refuse them; errors bear the fields as well, so that a
// page may read them. An origin that is not allowed is answered as usual, without the fields: the browser keeps the
// answer from the page. That is no access control, since others than browsers ignore it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/http/middleware.hpp>

namespace eddy::web {

struct cors_options {
  /// Exactly as browsers send them: "https://example.org", "http://localhost:3000". "null" is what sandboxed pages and
  /// files send, so it lets anybody in who puts a page into a frame.
  std::vector<std::string> origins = {};
  /// Asked for origins that are not listed. Match the whole text: a test for an ending lets "evil-example.org" in.
  std::function<bool(std::string_view origin)> allow = {};
  /// Any origin, by "*"; not together with credentials.
  bool any_origin = false;
  bool credentials = false;  ///< cookies and the like go along
  std::vector<std::string> methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
  /// Request fields beyond the safelisted ones.
  std::vector<std::string> request_fields = {"Content-Type", "Authorization"};
  std::vector<std::string> exposed_fields = {};  ///< of answers, beyond the safelisted ones
  std::chrono::seconds max_age = std::chrono::minutes(10);  ///< how long a preflight is remembered
};

/// Throws invalid_input for any_origin with credentials, and where nobody is allowed at all.
[[nodiscard]] http::any_middleware cors(cors_options options);

}  // namespace eddy::web

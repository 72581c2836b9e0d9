// Cookies of a server, and sessions kept in a signed one.
//
//   eddy::web::session_options how;
//   how.keys = {current_secret, previous_secret};
//   app.use(eddy::web::sessions(how));
//   ...
//   auto& session = eddy::web::session_of(r);
//   session.set("user", id);
//
// A session is a handful of texts in the client's own cookie: it can read them, and cannot change them. Nothing is
// stored here, so nothing can be taken back before it expires.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/http/cookies.hpp>
#include <eddy/http/middleware.hpp>

namespace eddy::web {

/// The value of the first cookie of that name that came with the request.
[[nodiscard]] std::optional<std::string> find_cookie(const http::request& r, std::string_view name);
/// Adds a Set-Cookie field. Throws invalid_input for what browsers would refuse; see http::to_set_cookie.
void set_cookie(http::response& made, const http::cookie& one);
/// Has the client drop a cookie; name, path and domain have to be those it was set with.
void delete_cookie(http::response& made, std::string name, std::string path = "/",
                   std::string domain = {});

/// Texts that bear a time and a proof that they were made here (HMAC-SHA256).
class signer {
 public:
  /// The first key signs, all of them verify: put a new key in front, and drop an old one when what it signed has
  /// expired. At least one, each of at least 32 bytes, from a source of real randomness; else invalid_input. What was
  /// signed for one purpose is not valid for another.
  signer(std::vector<std::string> keys, std::string purpose);

  /// Letters, digits, '-', '_' and '.'.
  [[nodiscard]] std::string sign(std::string_view text, std::chrono::sys_seconds expires) const;
  /// The text, if it was signed with one of the keys and has not expired. Takes the same time for every wrong proof.
  [[nodiscard]] std::optional<std::string> verify(std::string_view signed_text,
                                                  std::chrono::sys_seconds now) const;

 private:
  std::vector<std::string> keys_;
  std::string purpose_;
};

/// A request's session.
class session {
 public:
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  void set(std::string name, std::string value);
  void remove(std::string_view name);
  void clear() noexcept;
  [[nodiscard]] bool empty() const noexcept { return values_.empty(); }

 private:
  friend class session_keeper;
  std::map<std::string, std::string, std::less<>> values_;
  bool changed_ = false;
};

struct session_options {
  std::vector<std::string> keys = {};  ///< see signer
  std::string cookie = "session";      ///< its name; "__Host-session" where all is https
  std::chrono::seconds lifetime = std::chrono::hours(24 * 14);
  /// Sign anew, for another lifetime, when a request comes after this much of it.
  std::chrono::seconds renew_after = std::chrono::hours(24);
  bool secure = true;  ///< false only where browsers are to use plain http
  http::same_site same_site = http::same_site::lax;
};

/// Gives every request a session, from its cookie if that is valid, else an empty one; sends the cookie when the
/// session was changed or is due for renewal. One of more than 4000 bytes cannot be sent: that throws, which is
/// answered 500. Throws what signer throws.
[[nodiscard]] http::any_middleware sessions(session_options options);

/// The session of a request behind `sessions`; without it the program is stopped.
[[nodiscard]] session& session_of(http::request& r);

}  // namespace eddy::web

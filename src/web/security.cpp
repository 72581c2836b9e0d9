#include <eddy/web/security.hpp>

#include "crypto.hpp"
#include "field_words.hpp"

#include <memory>

#include <eddy/wire/http1_syntax.hpp>

namespace eddy::web {
namespace {

using wire::http1::equals_ignoring_case;

class careful_fields {
 public:
  explicit careful_fields(const security_options& options)
      : transport_(options.strict_transport_security) {
    keep("Content-Security-Policy", options.content_security_policy);
    keep("Referrer-Policy", options.referrer_policy);
    keep("X-Frame-Options", options.frame_options);
    keep("Cross-Origin-Opener-Policy", options.opener_policy);
    keep("Cross-Origin-Resource-Policy", options.resource_policy);
    keep("Permissions-Policy", options.permissions_policy);
    if (options.no_sniff) keep("X-Content-Type-Options", "nosniff");
  }

  task<http::response> operator()(http::request& r, http::next rest) const {
    http::response made = co_await rest(r);
    for (const http::field_view field : always_) {
      if (!made.fields().contains(field.name)) made.add(field.name, field.value);
    }
    constexpr std::string_view transport = "Strict-Transport-Security";
    if (!transport_.empty() && r.scheme() == "https" && !made.fields().contains(transport))
      made.add(transport, transport_);
    co_return made;
  }

 private:
  void keep(std::string_view name, std::string_view value) {
    if (!value.empty()) always_.add(name, value);
  }

  http::fields always_;
  std::string transport_;
};

/// What follows the scheme in a single Authorization field; nullopt: none of that scheme.
std::optional<std::string_view> credentials(const http::request& r, std::string_view scheme) {
  const auto field = r.field("Authorization");
  if (!field || r.fields().count("Authorization") != 1 || field->size() <= scheme.size() ||
      (*field)[scheme.size()] != ' ' ||
      !equals_ignoring_case(field->substr(0, scheme.size()), scheme))
    return std::nullopt;
  return wire::http1::trim(field->substr(scheme.size() + 1));
}

http::response challenge(const std::string& value) {
  http::response made = http::response::error(http::status::unauthorized);
  made.set("WWW-Authenticate", value);
  return made;
}

class basic_guard {
 public:
  basic_guard(const std::string& realm, password_check check)
      : challenge_("Basic realm=" + detail::quoted(realm) + ", charset=\"UTF-8\""),
        check_(std::move(check)) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    const auto given = credentials(r, "Basic");
    const auto plain = given ? detail::from_base64(*given) : std::nullopt;
    const std::size_t colon = plain ? plain->find(':') : std::string::npos;
    if (colon == std::string::npos) co_return challenge(challenge_);
    std::string user = plain->substr(0, colon);
    std::string password = plain->substr(colon + 1);
    auto name = co_await check_(std::move(user), std::move(password));
    if (!name) co_return challenge(challenge_);
    r.set(principal{std::move(*name)});
    co_return co_await rest(r);
  }

 private:
  std::string challenge_;
  password_check check_;
};

class bearer_guard {
 public:
  bearer_guard(const std::string& realm, token_check check)
      : challenge_("Bearer realm=" + detail::quoted(realm)), check_(std::move(check)) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    const auto given = credentials(r, "Bearer");
    if (!given || given->empty()) co_return challenge(challenge_);
    std::string token(*given);
    auto name = co_await check_(std::move(token));
    if (!name) co_return challenge(challenge_ + ", error=\"invalid_token\"");
    r.set(principal{std::move(*name)});
    co_return co_await rest(r);
  }

 private:
  std::string challenge_;
  token_check check_;
};

/// Texts as digests: comparing them takes the same time whatever their lengths.
detail::digest blinded(std::string_view text) { return detail::hmac_sha256("eddy.web", text); }

struct known_credentials {
  struct entry {
    detail::digest user{};
    detail::digest secret{};
    std::string name;
  };
  std::vector<entry> entries;

  /// Looks at all of them, whatever it finds.
  [[nodiscard]] std::optional<std::string> find(std::string_view user,
                                                std::string_view secret) const {
    const detail::digest asked_user = blinded(user);
    const detail::digest asked_secret = blinded(secret);
    const entry* found = nullptr;
    for (const entry& one : entries) {
      const bool same_user = detail::equal_digests(one.user, asked_user);
      const bool same_secret = detail::equal_digests(one.secret, asked_secret);
      if (static_cast<int>(same_user) & static_cast<int>(same_secret)) found = &one;
    }
    return found != nullptr ? std::optional(found->name) : std::nullopt;
  }
};

task<std::optional<std::string>> look_up(std::shared_ptr<const known_credentials> among,
                                         std::string user, std::string secret) {
  co_return among->find(user, secret);
}

}  // namespace

http::any_middleware security_headers(security_options options) { return careful_fields(options); }

http::any_middleware basic_auth(std::string realm, password_check check) {
  return basic_guard(realm, std::move(check));
}

http::any_middleware bearer_auth(std::string realm, token_check check) {
  return bearer_guard(realm, std::move(check));
}

password_check known_passwords(std::vector<std::pair<std::string, std::string>> users) {
  auto known = std::make_shared<known_credentials>();
  for (auto& [user, password] : users)
    known->entries.push_back({blinded(user), blinded(password), user});
  return [known](std::string user, std::string password) {
    return look_up(known, std::move(user), std::move(password));
  };
}

token_check known_tokens(std::vector<std::pair<std::string, std::string>> tokens) {
  auto known = std::make_shared<known_credentials>();
  for (auto& [token, name] : tokens) known->entries.push_back({blinded({}), blinded(token), name});
  return [known](std::string token) { return look_up(known, {}, std::move(token)); };
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return detail::equal_digests(blinded(a), blinded(b));
}

}  // namespace eddy::web

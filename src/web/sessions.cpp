#include <eddy/web/sessions.hpp>

#include "crypto.hpp"
#include "field_words.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include <eddy/base/check.hpp>
#include <eddy/base/error.hpp>
#include <eddy/runtime/loop.hpp>
#include <eddy/web/forms.hpp>
#include <eddy/wire/http1_target.hpp>

namespace eddy::web {
namespace {

std::chrono::sys_seconds calendar_now() {
  return std::chrono::floor<std::chrono::seconds>(runtime::loop::current().io().time().calendar());
}

}  // namespace

std::optional<std::string> find_cookie(const http::request& r, std::string_view name) {
  for (const http::field_view field : r.fields()) {
    if (!wire::http1::equals_ignoring_case(field.name, "Cookie")) continue;
    if (const auto value = http::find_cookie(field.value, name)) return std::string(*value);
  }
  return std::nullopt;
}

void set_cookie(http::response& made, const http::cookie& one) {
  made.add("Set-Cookie", http::to_set_cookie(one));
}

void delete_cookie(http::response& made, std::string name, std::string path, std::string domain) {
  http::cookie gone;
  gone.secure = name.starts_with("__Secure-") || name.starts_with("__Host-");
  gone.name = std::move(name);
  gone.path = std::move(path);
  gone.domain = std::move(domain);
  gone.max_age = std::chrono::seconds(0);
  set_cookie(made, gone);
}

// --- signatures: base64url(text) "." expiry in decimal "." base64url(HMAC) ---

signer::signer(std::vector<std::string> keys, std::string purpose)
    : keys_(std::move(keys)), purpose_(std::move(purpose)) {
  constexpr std::size_t shortest = 32;
  if (keys_.empty()) throw_invalid_input("signer: no key");
  if (std::ranges::any_of(keys_, [](const std::string& key) { return key.size() < shortest; }))
    throw_invalid_input("signer: a key of less than 32 bytes");
}

namespace {

detail::digest proof_of(const std::string& key, const std::string& purpose,
                        std::string_view signed_part) {
  // The purpose cannot run into the text: a zero byte is part of neither.
  std::string whole = purpose;
  whole.push_back('\0');
  whole.append(signed_part);
  return detail::hmac_sha256(key, whole);
}

}  // namespace

std::string signer::sign(std::string_view text, std::chrono::sys_seconds expires) const {
  std::string made = detail::to_base64url(text);
  made.append(".").append(std::to_string(expires.time_since_epoch().count()));
  const detail::digest proof = proof_of(keys_.front(), purpose_, made);
  made.append(".").append(detail::to_base64url(
      std::string_view(reinterpret_cast<const char*>(proof.data()), proof.size())));
  return made;
}

std::optional<std::string> signer::verify(std::string_view signed_text,
                                          std::chrono::sys_seconds now) const {
  const std::size_t end = signed_text.rfind('.');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view part = signed_text.substr(0, end);
  const auto given = detail::from_base64url(signed_text.substr(end + 1));
  detail::digest proof{};
  if (!given || given->size() != proof.size()) return std::nullopt;
  std::ranges::copy(*given, proof.begin());
  bool valid = false;
  for (const std::string& key : keys_) {
    if (detail::equal_digests(proof_of(key, purpose_, part), proof)) valid = true;
  }
  const std::size_t dot = part.rfind('.');
  if (!valid || dot == std::string_view::npos) return std::nullopt;
  std::int64_t expires = 0;
  std::from_chars(part.data() + dot + 1, part.data() + part.size(), expires);
  if (now.time_since_epoch().count() >= expires) return std::nullopt;
  return detail::from_base64url(part.substr(0, dot));
}

// --- sessions ---

std::optional<std::string_view> session::get(std::string_view name) const noexcept {
  const auto found = values_.find(name);
  return found == values_.end() ? std::nullopt : std::optional<std::string_view>(found->second);
}

void session::set(std::string name, std::string value) {
  std::string& held = values_[std::move(name)];
  if (held == value && !value.empty()) return;
  held = std::move(value);
  changed_ = true;
}

void session::remove(std::string_view name) {
  const auto found = values_.find(name);
  if (found == values_.end()) return;
  values_.erase(found);
  changed_ = true;
}

void session::clear() noexcept {
  changed_ = changed_ || !values_.empty();
  values_.clear();
}

class session_keeper {
 public:
  explicit session_keeper(session_options options)
      : signer_(options.keys, "eddy session " + options.cookie), options_(std::move(options)) {}

  task<http::response> operator()(http::request& r, http::next rest) const {
    const auto sent = find_cookie(r, options_.cookie);
    bool due = false;
    session& current = r.set(sent ? restored(*sent, due) : session());
    http::response made = co_await rest(r);
    if (current.changed_ || due) send(made, current, sent.has_value());
    // A shared cache must not give one client's answer, or its cookie, to another.
    if (sent || current.changed_) detail::add_vary(made, "Cookie");
    co_return made;
  }

 private:
  // The time of signing goes into the text, to know when renewal is due.
  [[nodiscard]] session restored(std::string_view cookie, bool& due) const {
    session made;
    const auto now = calendar_now();
    const auto text = signer_.verify(cookie, now);
    if (!text) return made;
    const auto pairs = parse_urlencoded(*text);
    if (!pairs || pairs->empty()) return made;
    std::int64_t signed_at = 0;
    const std::string& time = pairs->front().second;
    std::from_chars(time.data(), time.data() + time.size(), signed_at);
    due = now - std::chrono::sys_seconds(std::chrono::seconds(signed_at)) >= options_.renew_after;
    for (std::size_t i = 1; i < pairs->size(); ++i) made.values_.insert((*pairs)[i]);
    return made;
  }

  void send(http::response& made, const session& current, bool had_one) const {
    http::cookie out;
    out.name = options_.cookie;
    out.path = "/";
    out.secure = options_.secure;
    out.http_only = true;
    out.same_site = options_.same_site;
    if (current.empty()) {
      if (!had_one) return;
      out.max_age = std::chrono::seconds(0);
    } else {
      const auto now = calendar_now();
      std::string text = "t=" + std::to_string(now.time_since_epoch().count());
      for (const auto& [name, value] : current.values_) {
        text += '&';
        wire::http1::encode_percent(name, text);
        text += '=';
        wire::http1::encode_percent(value, text);
      }
      out.value = signer_.sign(text, now + options_.lifetime);
      out.max_age = options_.lifetime;
      constexpr std::size_t largest =
          4000;  // browsers keep 4096 bytes with the name and attributes
      if (out.value.size() > largest) throw_error(errc::limit_exceeded, "session");
    }
    set_cookie(made, out);
  }

  signer signer_;
  session_options options_;
};

http::any_middleware sessions(session_options options) {
  return session_keeper(std::move(options));
}

session& session_of(http::request& r) {
  auto* found = r.get<session>();
  check(found != nullptr, "session_of: the middleware `sessions` is not in use");
  return *found;
}

}  // namespace eddy::web

// Agreeing on permessage-deflate: RFC 6455 section 9.1, RFC 7692 sections 5 and 7.1.
#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <eddy/wire/http1_syntax.hpp>
#include <eddy/wire/websocket_deflate.hpp>

namespace eddy::wire::websocket {
namespace {

constexpr std::string_view extension_name = "permessage-deflate";
constexpr std::string_view server_takeover = "server_no_context_takeover";
constexpr std::string_view client_takeover = "client_no_context_takeover";
constexpr std::string_view server_window = "server_max_window_bits";
constexpr std::string_view client_window = "client_max_window_bits";

struct parameter {
  std::string_view name;
  std::optional<std::string_view> value;
};

struct extension {
  std::string_view name;
  std::vector<parameter> parameters;
};

constexpr std::size_t most_extensions = 16;
constexpr std::size_t most_parameters = 16;

/// Reads `1#(token *(";" token ["=" (token / quoted-string)]))`.
class extension_list {
 public:
  explicit extension_list(std::string_view text) noexcept : rest_(text) {}

  std::optional<std::vector<extension>> read() {
    std::vector<extension> all;
    for (;;) {
      while (take(',')) {  // empty elements of a list are allowed (RFC 9110 section 5.6.1)
      }
      if (rest_.empty()) return all;
      auto one = read_extension();
      if (!one || all.size() == most_extensions) return std::nullopt;
      all.push_back(std::move(*one));
      if (!rest_.empty() && rest_.front() != ',') return std::nullopt;
    }
  }

 private:
  void skip_spaces() noexcept {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }

  bool take(char c) noexcept {
    skip_spaces();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    skip_spaces();
    return true;
  }

  std::optional<std::string_view> read_token() noexcept {
    const std::string_view text = rest_.substr(0, rest_.find_first_of(" \t,;=\""));
    if (!http1::is_token(text)) return std::nullopt;
    rest_.remove_prefix(text.size());
    skip_spaces();
    return text;
  }

  // Quoted, a value still has to be a token (RFC 6455 section 9.1), so no escapes are worth reading.
  std::optional<std::string_view> read_value() noexcept {
    if (!take('"')) return read_token();
    const auto text = read_token();
    if (!text || !take('"')) return std::nullopt;
    return text;
  }

  std::optional<extension> read_extension() {
    const auto name = read_token();
    if (!name) return std::nullopt;
    extension made{*name, {}};
    while (take(';')) {
      const auto key = read_token();
      if (!key || made.parameters.size() == most_parameters) return std::nullopt;
      parameter one{*key, std::nullopt};
      if (take('=')) {
        one.value = read_value();
        if (!one.value) return std::nullopt;
      }
      made.parameters.push_back(one);
    }
    return made;
  }

  std::string_view rest_;
};

std::optional<std::uint8_t> window_bits(std::string_view text) noexcept {
  std::uint8_t bits = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  if (text.front() == '0' || bits < 8 || bits > 15) return std::nullopt;
  return bits;
}

/// The parameters of one permessage-deflate, as they were written.
struct written_parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::optional<std::uint8_t> server_max_window_bits;
  std::optional<std::uint8_t> client_max_window_bits;
  bool client_window_named = false;  // perhaps without a value
};

bool set_flag(bool& flag, const parameter& one) noexcept {
  return !one.value && !std::exchange(flag, true);
}

bool set_bits(std::optional<std::uint8_t>& bits, const parameter& one) noexcept {
  if (bits || !one.value) return false;
  bits = window_bits(*one.value);
  return bits.has_value();
}

bool read_parameter(written_parameters& into, const parameter& one) noexcept {
  if (one.name == server_takeover) return set_flag(into.server_no_context_takeover, one);
  if (one.name == client_takeover) return set_flag(into.client_no_context_takeover, one);
  if (one.name == server_window) return set_bits(into.server_max_window_bits, one);
  if (one.name != client_window || std::exchange(into.client_window_named, true)) return false;
  return !one.value || set_bits(into.client_max_window_bits, one);
}

std::optional<written_parameters> read_parameters(const extension& from) noexcept {
  written_parameters all;
  for (const parameter& one : from.parameters) {
    if (!read_parameter(all, one)) return std::nullopt;
  }
  return all;
}

void append_flag(std::string& out, std::string_view name, bool set) {
  if (set) out.append("; ").append(name);
}

void append_bits(std::string& out, std::string_view name, std::uint8_t bits) {
  out.append("; ").append(name).append("=").append(std::to_string(bits));
}

deflate_answer accept(const written_parameters& offer, const deflate_parameters& wanted) {
  deflate_answer made;
  deflate_parameters& agreed = made.agreed;
  agreed.server_no_context_takeover =
      wanted.server_no_context_takeover || offer.server_no_context_takeover;
  agreed.client_no_context_takeover =
      wanted.client_no_context_takeover || offer.client_no_context_takeover;
  agreed.server_max_window_bits =
      std::min(wanted.server_max_window_bits, offer.server_max_window_bits.value_or(15));
  if (offer.client_window_named) {
    agreed.client_max_window_bits =
        std::min(wanted.client_max_window_bits, offer.client_max_window_bits.value_or(15));
  }
  made.text = extension_name;
  append_flag(made.text, server_takeover, agreed.server_no_context_takeover);
  append_flag(made.text, client_takeover, agreed.client_no_context_takeover);
  if (offer.server_max_window_bits || agreed.server_max_window_bits < 15) {
    append_bits(made.text, server_window, agreed.server_max_window_bits);
  }
  if (offer.client_window_named && agreed.client_max_window_bits < 15) {
    append_bits(made.text, client_window, agreed.client_max_window_bits);
  }
  return made;
}

}  // namespace

std::string write_deflate_offer(const deflate_parameters& wanted) {
  std::string text(extension_name);
  append_flag(text, server_takeover, wanted.server_no_context_takeover);
  append_flag(text, client_takeover, wanted.client_no_context_takeover);
  if (wanted.server_max_window_bits < 15) {
    append_bits(text, server_window, wanted.server_max_window_bits);
  }
  if (wanted.client_max_window_bits < 15) {
    append_bits(text, client_window, wanted.client_max_window_bits);
  } else {
    append_flag(text, client_window, true);
  }
  return text;
}

std::expected<std::optional<deflate_answer>, errc> answer_deflate_offer(
    std::string_view offers, const deflate_parameters& wanted) {
  const auto list = extension_list(offers).read();
  if (!list) return std::unexpected(errc::bad_extension);
  for (const extension& one : *list) {
    if (!http1::equals_ignoring_case(one.name, extension_name)) continue;
    if (const auto offer = read_parameters(one)) return accept(*offer, wanted);
  }
  return std::nullopt;
}

std::expected<std::optional<deflate_parameters>, errc> read_deflate_answer(
    std::string_view answer, const deflate_parameters& offered) {
  const auto list = extension_list(answer).read();
  if (!list) return std::unexpected(errc::bad_extension);
  if (list->empty()) return std::nullopt;
  if (list->size() != 1 || !http1::equals_ignoring_case(list->front().name, extension_name)) {
    return std::unexpected(errc::bad_extension);
  }
  const auto written = read_parameters(list->front());
  const bool valueless =
      written && written->client_window_named && !written->client_max_window_bits;
  if (!written || valueless ||
      written->server_max_window_bits.value_or(8) > offered.server_max_window_bits ||
      written->client_max_window_bits.value_or(8) > offered.client_max_window_bits) {
    return std::unexpected(errc::bad_extension);
  }
  deflate_parameters agreed;
  agreed.server_no_context_takeover = written->server_no_context_takeover;
  // What a client does without being asked to is its own affair.
  agreed.client_no_context_takeover =
      written->client_no_context_takeover || offered.client_no_context_takeover;
  agreed.server_max_window_bits = written->server_max_window_bits.value_or(15);
  agreed.client_max_window_bits =
      std::min(offered.client_max_window_bits, written->client_max_window_bits.value_or(15));
  return agreed;
}

}  // namespace eddy::wire::websocket

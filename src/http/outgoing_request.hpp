// A request of the client as it goes out, whichever version of HTTP carries it; redirects change it.
#pragma once

#include "client_url.hpp"

#include <optional>
#include <string>

#include <eddy/http/message.hpp>
#include <eddy/http/request_spec.hpp>
#include <eddy/wire/http1_writer.hpp>

namespace eddy::http::detail {

struct outgoing_request {
  /// Throws what client_url::parse and client_url::resolve throw. `base` may be null.
  outgoing_request(const request_spec& spec, const client_url* base, const http::fields& defaults);
  /// Makes it what a redirect to `to` asks for. Throws request_errc::body_not_repeatable.
  void redirect(int status, client_url to);

  /// Whether it may be sent again when it is unknown what became of it (RFC 9110 section 9.2.2).
  [[nodiscard]] bool is_repeatable() const noexcept;
  [[nodiscard]] wire::http1::body_size body_size() const noexcept;

  client_url url;  // :scheme, :authority and :path are url.scheme(), url.authority and url.target
  std::string method;
  http::fields fields;  // with Host
  std::string body;
  std::optional<streamed_body> stream;  // in place of body
  bool expects_continue = false;
  std::string upgrade;  // the protocol asked for; empty: none
};

}  // namespace eddy::http::detail

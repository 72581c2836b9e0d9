#include "outgoing_request.hpp"

#include <utility>

#include <eddy/base/error.hpp>
#include <eddy/http/client_error.hpp>

namespace eddy::http::detail {
namespace {

namespace http1 = wire::http1;

client_url url_of(const request_spec& spec, const client_url* base) {
  return base != nullptr ? base->resolve(spec.url) : client_url::parse(spec.url);
}

}  // namespace

outgoing_request::outgoing_request(const request_spec& spec, const client_url* base,
                                   const http::fields& defaults)
    : url(url_of(spec, base)),
      method(spec.method),
      body(spec.body),
      stream(spec.stream),
      expects_continue(spec.expect_continue) {
  if (http1::method_from(method) == method::connect) {
    throw error(errc::unsupported, "CONNECT is not a request of this client");
  }
  fields.add("Host", url.authority);
  for (const field_view each : defaults) {
    if (!spec.fields.contains(each.name)) fields.add(each.name, each.value);
  }
  for (const field_view each : spec.fields) {
    if (http1::equals_ignoring_case(each.name, "Host")) {
      fields.set(each.name, each.value);
    } else {
      fields.add(each.name, each.value);
    }
  }
}

bool outgoing_request::is_repeatable() const noexcept {
  if (stream && !stream->repeatable) return false;
  switch (http1::method_from(method)) {
    case method::get:
    case method::head:
    case method::put:
    case method::delete_:
    case method::options:
    case method::trace: return true;
    default: return false;
  }
}

http1::body_size outgoing_request::body_size() const noexcept {
  if (stream) {
    return stream->length ? http1::body_size::sized(*stream->length) : http1::body_size::chunked();
  }
  const auto m = http1::method_from(method);
  const bool expected = m != method::get && m != method::head && m != method::options &&
                        m != method::trace && m != method::delete_;
  if (body.empty() && !expected) return http1::body_size::none();
  return http1::body_size::sized(body.size());
}

void outgoing_request::redirect(int status, client_url to) {
  const bool becomes_get =
      (status == status::see_other && method != "HEAD") ||
      ((status == status::moved_permanently || status == status::found) && method == "POST");
  if (becomes_get) {
    method = "GET";
    body.clear();
    stream.reset();
    expects_continue = false;
    for (const char* name : {"Content-Type", "Content-Encoding", "Content-Language",
                             "Content-Location", "Content-Range", "Digest"}) {
      fields.remove(name);
    }
  }
  if (stream && !stream->repeatable) {
    throw error(request_errc::body_not_repeatable, "redirect");
  }
  if (to.origin != url.origin) {
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization"}) fields.remove(name);
  }
  fields.set("Host", to.authority);
  url = std::move(to);
}

}  // namespace eddy::http::detail

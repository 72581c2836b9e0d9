#include "redirect.hpp"

#include "client_exchange.hpp"
#include "response_state.hpp"

#include <array>
#include <cstddef>

#include <eddy/base/error.hpp>

namespace eddy::http::detail {
namespace {

constexpr std::size_t longest_redirect_body = 64 * 1024;

}  // namespace

bool is_redirect(int status) noexcept {
  return status == status::moved_permanently || status == status::found ||
         status == status::see_other || status == status::temporary_redirect ||
         status == status::permanent_redirect;
}

void outgoing_request::redirect(int status, std::string_view location) {
  client_url next = url.resolve(location);
  const bool becomes_get =
      (status == status::see_other && method != "HEAD") ||
      ((status == status::moved_permanently || status == status::found) && method == "POST");
  if (becomes_get) {
    method = "GET";
    body.clear();
    for (const char* name : {"Content-Type", "Content-Encoding", "Content-Language",
                             "Content-Location", "Content-Range", "Digest"}) {
      fields.remove(name);
    }
  }
  if (next.origin != url.origin) {
    for (const char* name : {"Authorization", "Cookie", "Proxy-Authorization"}) fields.remove(name);
  }
  fields.set("Host", next.authority);
  url = std::move(next);
}

task<void> discard_redirect_body(response_state& response) {
  std::array<std::byte, 4096> dropped{};
  std::size_t total = 0;
  try {
    while (!response.finished() && total <= longest_redirect_body) {
      total += co_await response.read_some(dropped);
    }
  } catch (const error&) {
    // The connection is closed; the redirect itself has been understood.
  }
}

}  // namespace eddy::http::detail

// What redirects do to a request (RFC 9110 section 15.4).
#pragma once

#include <eddy/coro/task.hpp>

namespace eddy::http::detail {

class incoming_response;

/// 301, 302, 303, 307 and 308.
[[nodiscard]] bool is_redirect(int status) noexcept;

/// Reads what a redirect says besides, if it is short, so that its connection can be used again. Never fails.
task<void> discard_redirect_body(incoming_response& response);

}  // namespace eddy::http::detail

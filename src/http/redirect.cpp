#include "redirect.hpp"

#include "incoming_response.hpp"

#include <cstddef>

#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>

namespace eddy::http::detail {
namespace {

constexpr std::size_t longest_redirect_body = 64 * 1024;
constexpr duration patience =
    std::chrono::seconds(1);  // with such a body; a new connection costs less

task<void> read_redirect_body(incoming_response& response) {
  std::size_t total = 0;
  try {
    while (!response.ended && total <= longest_redirect_body) {
      const auto piece = response.take_piece(longest_redirect_body);
      if (piece) {
        total += piece->size();
        response.piece_used();
      } else {
        co_await response.wait();
      }
    }
  } catch (const error&) {
    // The connection is closed; the redirect itself has been understood.
  }
}

}  // namespace

bool is_redirect(int status) noexcept {
  return status == status::moved_permanently || status == status::found ||
         status == status::see_other || status == status::temporary_redirect ||
         status == status::permanent_redirect;
}

task<void> discard_redirect_body(incoming_response& response) {
  static_cast<void>(co_await move_on_after(patience, read_redirect_body(response)));
}

}  // namespace eddy::http::detail

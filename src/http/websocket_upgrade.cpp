// The server's side of a WebSocket: from the request to the handler.
#include "websocket_core.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/http/upgrade.hpp>

namespace eddy::http {
namespace {

namespace ws = wire::websocket;

bool is_allowed_origin(const request& r, const websocket_accept_options& options) {
  const auto origin = r.field("Origin");
  if (!origin || options.any_origin) return true;
  if (std::ranges::find(options.origins, *origin) != options.origins.end()) return true;
  const std::size_t begin = origin->find("://");
  return begin != std::string_view::npos &&
         wire::http1::equals_ignoring_case(origin->substr(begin + 3), r.authority());
}

response refusal(ws::errc why) {
  if (why == ws::errc::bad_key) {
    return response::error(status::bad_request, "Sec-WebSocket-Key is not right");
  }
  auto made = response::error(status::upgrade_required, "this is a WebSocket");
  made.set("Connection", "Upgrade");
  made.set("Upgrade", "websocket");
  made.set("Sec-WebSocket-Version", "13");
  return made;
}

task<void> close_when_draining(websocket& on, future<void> draining) {
  co_await draining;
  co_await on.close(websocket_close::going_away);
}

task<void> serve_websocket(upgraded_connection& on, websocket_handler& run,
                           const detail::websocket_setup& setup) {
  websocket served(std::make_unique<detail::websocket_core>(on.stream(), setup));
  std::exception_ptr failure;
  auto body = [&](task_group& group) -> task<void> {
    group.spawn(close_when_draining(served, on.draining()));
    try {
      co_await run(served);
    } catch (const websocket_error&) {  // the peer's affair
    } catch (...) {
      failure = std::current_exception();
    }
    group.cancel();
  };
  co_await with_group(body);
  if (failure && holds_exception<cancelled>(failure)) std::rethrow_exception(failure);
  co_await served.close(failure ? websocket_close::internal_error : websocket_close::normal);
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

response websocket_upgrade(request& r, websocket_handler run,
                           const websocket_accept_options& options) {
  if (!run) throw_invalid_input("websocket_upgrade without a handler");
  const auto key = ws::check_upgrade_request(r.head());
  if (!key) return refusal(key.error());
  if (!is_allowed_origin(r, options)) {
    return response::error(status::forbidden, "pages of this origin may not connect");
  }
  detail::websocket_setup setup;
  setup.own_role = ws::role::server;
  setup.options = options.connection;
  http::fields extra;
  extra.add("Sec-WebSocket-Accept", ws::accept_value(*key));
  setup.subprotocol = ws::choose_subprotocol(r.fields(), options.subprotocols);
  if (!setup.subprotocol.empty()) extra.add("Sec-WebSocket-Protocol", setup.subprotocol);
  const auto extensions = ws::answer_deflate_offer(
      ws::joined_values(r.fields(), "Sec-WebSocket-Extensions"), options.connection.deflate);
  if (!extensions) {
    return response::error(status::bad_request, "Sec-WebSocket-Extensions is not right");
  }
  if (*extensions && options.connection.compress) {
    setup.deflate = (*extensions)->agreed;
    extra.add("Sec-WebSocket-Extensions", (*extensions)->text);
  }
  return response::upgrade(
      "websocket", std::move(extra),
      [run = std::move(run), setup = std::move(setup)](upgraded_connection& on) mutable {
        return serve_websocket(on, run, setup);
      });
}

}  // namespace eddy::http

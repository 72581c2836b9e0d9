// Middlewares: functions around everything that a server answers.
//
//   app.use([](eddy::http::request& r, eddy::http::next rest) -> eddy::task<eddy::http::response> {
//     auto made = co_await rest(r);
//     made.set("Server-Timing", "app");
//     co_return made;
//   });
//
// They run for every request whose head could be read: around routing, 404, 405, OPTIONS and errors. The one that was
// given first is outermost. A middleware may answer by itself, change what comes back, and leave values for those
// behind it (request::set). It runs in the connection's task, at the same time for several connections and on every
// loop that serves: what it shares between loops must be safe for that.
//
// What a handler or an inner middleware throws becomes its answer inside `next`: http_error and json_error what they
// say, all else 500 with an id under which the failure goes to the loop's error hook. So awaiting `next` throws nothing
// but `cancelled` - when the client hung up, a time limit of the connection passed, or serving ends.
#pragma once

#include <concepts>
#include <cstddef>
#include <functional>
#include <type_traits>

#include <eddy/coro/task.hpp>
#include <eddy/http/request.hpp>
#include <eddy/http/response.hpp>

namespace eddy::http {

namespace detail {
class server_core;
}

/// What comes behind a middleware: the next one, or in the end routing and the handler. A value; may be called while
/// the request runs, usually once. A second call runs the rest again, with the body as the first has left it.
class next {
 public:
  [[nodiscard]] task<response> operator()(request& r) const;

 private:
  friend class detail::server_core;
  next(const detail::server_core& core, std::size_t index) noexcept : core_(&core), index_(index) {}

  const detail::server_core* core_;
  std::size_t index_;
};

/// Callable as const with a request and what is behind.
template <class Fn>
concept middleware =
    std::is_invocable_v<const std::decay_t<Fn>&, request&, next> &&
    std::same_as<std::invoke_result_t<const std::decay_t<Fn>&, request&, next>, task<response>>;

/// One of any type.
using any_middleware = std::move_only_function<task<response>(request&, next) const>;

}  // namespace eddy::http

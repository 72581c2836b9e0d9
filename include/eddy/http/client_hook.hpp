// Hooks: what a client does around each of its requests.
//
//   using namespace eddy;
//   client.use([&](http::request_spec& spec, http::client_next next) -> task<http::client_response> {
//     spec.fields.set("Authorization", "Bearer " + tokens.current());
//     auto response = co_await next(spec);
//     requests.count(response.status());
//     co_return response;
//   });
#pragma once

#include <cstddef>
#include <functional>

#include <eddy/coro/task.hpp>
#include <eddy/http/client_response.hpp>
#include <eddy/http/request_spec.hpp>

namespace eddy::http {

namespace detail {
class client_session;
}

/// The rest of the way of a request: further hooks, then the client itself with redirects, repetitions and time limits.
/// Cheap to copy; valid while the hook runs. May be called several times, each time a request of its own.
class client_next {
 public:
  task<client_response> operator()(request_spec& spec) const;

 private:
  friend class detail::client_session;
  client_next(detail::client_session& session, std::size_t hook) noexcept
      : session_(&session), hook_(hook) {}

  detail::client_session* session_;
  std::size_t hook_;
};

/// May change the request, answer it, repeat it, look at the response's head or replace it. Copyable, and called again
/// for each request, many at once.
using client_hook = std::function<task<client_response>(request_spec&, client_next)>;

}  // namespace eddy::http

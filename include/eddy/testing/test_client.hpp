// A client for an application under test: no sockets, no ports, and virtual time where the test has it.
//
//   EDDY_TEST(notes, are_kept) {
//     eddy::http::server app;
//     add_routes(app);
//     co_await eddy::testing::with_test_client(app, [](eddy::http::client& c) -> eddy::task<void> {
//       auto response = co_await c.get("/notes/7");
//       EXPECT_EQ(response.status(), 404);
//     });
//   }
#pragma once

#include <string>
#include <utility>

#include <eddy/coro/group.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/server.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/net/address.hpp>

namespace eddy::testing {

/// Connections that `app` serves in tasks of `group`, through memory. Both must outlive whoever uses it. Every scheme,
/// host and port leads to the application; its handlers see the peer 127.0.0.1:1.
[[nodiscard]] inline http::client_connector connector_to(http::server& app, task_group& group) {
  return [&app, &group](http::connect_target) -> task<io::any_stream> {
    auto ends = io::memory_stream_pair();
    io::any_stream theirs(std::move(ends.second));
    group.spawn(app.serve_connection(std::move(theirs), net::address::loopback_v4(1)));
    co_return io::any_stream(std::move(ends.first));
  };
}

/// Runs `body(client&)`, which gives a task, with a client all of whose connections lead to `app`, also those of
/// WebSockets and event sources. URLs may be relative; the base is "http://app" unless options.base_url says another.
/// When the body has ended, connections are closed and their handlers cancelled and awaited. Gives the body's value.
template <class Body>
  requires coro::makes_task<Body, http::client&>
auto with_test_client(http::server& app, Body body,
                      http::client_options options = http::client_options())
    -> task<coro::task_result<Body, http::client&>> {
  auto run = [&](task_group& group) -> task<coro::task_result<Body, http::client&>> {
    options.connector = connector_to(app, group);
    if (options.base_url.empty()) options.base_url = "http://app";
    http::client client(options);
    if constexpr (std::is_void_v<coro::task_result<Body, http::client&>>) {
      co_await std::invoke(body, client);
      group.cancel();
    } else {
      auto value = co_await std::invoke(body, client);
      group.cancel();
      co_return value;
    }
  };
  co_return co_await with_group(run);
}

}  // namespace eddy::testing

// An HTTP server with JSON, path parameters, a streamed answer and errors that explain themselves.
#include <chrono>
#include <iostream>
#include <string>

#include <boost/json.hpp>

#include <eddy/eddy.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/server.hpp>

namespace http = eddy::http;
namespace json = boost::json;

eddy::task<http::response> add(http::request& r) {
  const auto body = co_await r.json();
  const auto* numbers = body.if_array();
  if (numbers == nullptr) throw http::http_error(422, "expected an array of numbers");
  double sum = 0;
  for (const auto& number : *numbers) sum += number.to_number<double>();
  co_return http::response::json(json::object{{"sum", sum}});
}

eddy::task<void> count_down(http::body_writer& out) {
  for (int i = 3; i > 0; --i) {
    co_await out.write(std::to_string(i) + "\n");
    co_await eddy::sleep(std::chrono::milliseconds(1));
  }
}

void add_routes(http::server& app) {
  app.get("/hello/{name}",
          [](http::request& r) { return "hello, " + std::string(r.parameter("name")); });
  app.post("/add", add, {.max_body = 4096});
  app.get("/countdown",
          [](http::request&) { return http::response::stream("text/plain", count_down); });
}

eddy::task<bool> try_it(std::string base) {
  http::client client;
  auto hello = co_await client.get(base + "/hello/world");
  const std::string text = co_await hello.body();
  const json::array numbers{1, 2, 39};
  auto sum = co_await client.post_json(base + "/add", numbers);
  const std::string answer = co_await sum.body();
  const json::object no_array;
  auto refused = co_await client.post_json(base + "/add", no_array);
  const std::string reason = co_await refused.body();
  auto stream = co_await client.get(base + "/countdown");
  const std::string counted = co_await stream.body();
  std::cout << text << '\n' << answer << '\n' << reason << '\n' << counted;
  co_return text == "hello, world" && refused.status() == 422 && counted == "3\n2\n1\n";
}

eddy::task<int> async_main() {
  http::server app;
  add_routes(app);
  // A service would simply: co_await app.listen_and_serve("127.0.0.1", 8000);
  auto listener = eddy::net::tcp_listener::listen(eddy::net::address::loopback_v4(0));
  bool right = false;
  co_await eddy::with_group([&](eddy::task_group& group) -> eddy::task<void> {
    group.spawn(app.serve(listener));
    right = co_await try_it("http://" + listener.local().to_string());
    app.shutdown();
  });
  co_return right ? 0 : 1;
}

int main() { return eddy::run(async_main()); }

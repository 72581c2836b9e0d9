// The program behind 08-http.md.
#include "expect.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include <eddy/eddy.hpp>
#include <eddy/testing/virtual_run.hpp>

// [routes]
namespace http = eddy::http;
namespace json = boost::json;
using namespace std::chrono_literals;

eddy::task<http::response> add_note(http::request& r) {
  const json::value note = co_await r.json();  // 400 or 415 if it is none
  if (!note.is_object()) throw http::http_error(422, "a note is an object");
  auto made = http::response::json(note, 201);
  made.add("Location", "/notes/1");
  co_return made;
}

eddy::task<void> count(http::body_writer& out) {
  for (int i = 1; i <= 3; ++i) {
    co_await out.write(std::to_string(i) + "\n");
    co_await eddy::sleep(1s);
  }
}

void add_routes(http::server& app) {
  app.get("/hello/{name}",
          [](http::request& r) { return "hello, " + std::string(r.parameter("name")); });
  app.post("/notes", add_note, {.max_body = 64 * 1024, .timeout = 5s});
  app.get("/count", [](http::request&) { return http::response::stream("text/plain", count); });
}
// [/routes]

// [service]
eddy::task<void> service() {
  http::server app;
  add_routes(app);
  co_await app.listen_and_serve("127.0.0.1", 8000);
}
// [/service]

// [generation]
eddy::task<void> generation(std::uint16_t port) {
  http::server app;
  add_routes(app);
  eddy::net::listen_options shared;
  shared.reuse_port = true;  // beside the generation that it follows
  co_await app.listen_and_serve("127.0.0.1", port, shared);
}
// [/generation]

// [inherited]
eddy::task<void> generation_with(int listening_socket) {
  http::server app;
  add_routes(app);
  auto listener = eddy::net::tcp_listener::adopt(listening_socket);
  co_await app.serve(listener);
}
// [/inherited]

// [client]
eddy::task<std::string> get_page(http::client& client, std::string url) {
  auto response = co_await client.get(url);
  if (!response.ok()) co_return "status " + std::to_string(response.status());
  co_return co_await response.body();
}

eddy::task<std::vector<std::string>> get_pages(std::vector<std::string> urls) {
  http::client client;  // connections are pooled in it: one for many requests
  auto get = [&](const std::string& url) { return get_page(client, url); };
  co_return co_await eddy::gather_each(urls, get, {.limit = 10});
}
// [/client]

// [put]
eddy::task<int> post_note(http::client& client, std::string url, json::value note) {
  http::request_spec request("POST", url);
  request.set_json(note);
  request.fields.set("Authorization", "Bearer 1234");
  request.timeouts.total = 2s;
  auto response = co_await client.request(std::move(request));
  co_await response.discard();  // read to the end, so that the connection is used again
  co_return response.status();
}
// [/put]

// [errors]
eddy::task<std::string> why(http::client& client, std::string url) {
  try {
    co_return co_await get_page(client, url);
  } catch (const http::request_error& e) {
    if (e.phase() == http::request_phase::connecting) co_return "cannot be reached";
    if (e == eddy::condition::timed_out) co_return "too slow";
    throw;
  }
}
// [/errors]

eddy::task<void> everything() {
  const std::string base = "http://127.0.0.1:8000";
  auto serving = eddy::spawn(service());
  co_await eddy::sleep(1s);
  std::vector<std::string> urls;
  for (const char* path : {"/hello/Ada", "/count", "/nothing"}) urls.push_back(base + path);
  const auto pages = co_await get_pages(urls);
  expect(pages.at(0) == "hello, Ada" && pages.at(1) == "1\n2\n3\n" && pages.at(2) == "status 404");
  http::client client;
  const json::value note = json::parse(R"({"text": "milk"})");
  const int made = co_await post_note(client, base + "/notes", note);
  const int refused = co_await post_note(client, base + "/notes", 7);
  expect(made == 201 && refused == 422);
  const std::string reason = co_await why(client, "http://127.0.0.1:8001/");
  expect(reason == "cannot be reached");
  serving.cancel();
  const auto ended = co_await eddy::as_result(serving);
  expect(!ended.has_value());
}

int main() { eddy::testing::run_virtual(everything()); }

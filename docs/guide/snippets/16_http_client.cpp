// Chapter 16.
#include "expect.hpp"

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include <eddy/eddy.hpp>
#include <eddy/http/download.hpp>
#include <eddy/http/form.hpp>
#include <eddy/testing/test_client.hpp>
#include <eddy/testing/virtual_run.hpp>

using namespace std::chrono_literals;
namespace http = eddy::http;

// [session]
http::client_options options_for_service() {
  http::client_options options;
  options.base_url = "https://api.example.org/v1/";
  options.cookies = std::make_shared<http::cookie_jar>();
  options.timeouts.total = 10s;
  options.timeouts.idle_read = 2s;
  return options;
}
// [/session]

// [hook]
void log_in(http::client& client, const std::string& token) {
  client.use([token](http::request_spec& request,
                     http::client_next next) -> eddy::task<http::client_response> {
    request.fields.set("Authorization", "Bearer " + token);
    auto response = co_await next(request);
    response.raise_for_status();  // 400 and above: status_error
    co_return response;
  });
}
// [/hook]

// [upload]
eddy::task<int> upload(http::client& client, std::string text) {
  http::multipart_form form;
  form.add("title", "notes").add_file("file", "notes.txt", "text/plain", std::move(text));
  http::request_spec request("POST", "/upload");
  form.apply(request);
  auto response = co_await client.request(std::move(request));
  co_return response.status();
}

eddy::task<int> upload_rows(http::client& client, int rows) {
  http::streamed_body body;
  body.write = [rows](http::body_writer& out) -> eddy::task<void> {
    for (int i = 0; i < rows; ++i) {
      const std::string row = std::to_string(i) + "\n";
      co_await out.write(row);  // waits while the server is slow
    }
  };
  http::request_spec request("POST", "/upload");
  request.set_stream(body, "text/csv");
  auto response = co_await client.request(std::move(request));
  co_return response.status();
}
// [/upload]

// [download]
eddy::task<void> fetch_image(http::client& client, std::string url, std::string file) {
  http::download_options how;
  how.progress = [](std::uint64_t received, std::optional<std::uint64_t> size) {
    if (size) std::printf("\r%3.0f %%", 100.0 * double(received) / double(*size));
  };
  http::request_spec request("GET", std::move(url));
  co_await http::download_file(client, std::move(request), std::move(file), how);
}

eddy::task<std::string> fetch_large(http::client& client, std::string url) {
  std::string text;
  const http::download_sink sink = [&](std::uint64_t offset,
                                       std::string_view piece) -> eddy::task<void> {
    if (offset == 0) text.clear();  // it begins, or begins anew
    text += piece;
    co_return;
  };
  http::request_spec request("GET", std::move(url));
  co_await http::download(client, std::move(request), sink);
  co_return text;
}
// [/download]

// [rules]
http::client_options options_for_strangers_urls() {
  http::client_options options;
  options.allow_address = [](const eddy::net::address& to) { return to.host() != "127.0.0.1"; };
  options.allow_redirect = [](const http::redirect_step& step) { return step.number < 3; };
  return options;
}
// [/rules]

// [test]
eddy::task<void> test_of_the_application(http::server& app) {
  auto body = [](http::client& client) -> eddy::task<void> {
    log_in(client, "1234");
    const int parts = co_await upload(client, "a text");
    const int streamed = co_await upload_rows(client, 1000);
    expect(parts == 201 && streamed == 201);
    const std::string text = co_await fetch_large(client, "/large");
    expect(text.size() == 100'000);
  };
  co_await eddy::testing::with_test_client(app, body);
}
// [/test]

eddy::task<void> fetch_into_a_file(http::client& client) {
  const std::string pattern = (std::filesystem::temp_directory_path() / "eddy-guide-").string();
  const std::string file = pattern + std::to_string(::getpid());
  co_await fetch_image(client, "/large", file);
  expect(std::filesystem::file_size(file) == 100'000);
  std::filesystem::remove(file);
}

eddy::task<void> everything() {
  http::server app;
  app.post("/upload", [](http::request& r) -> eddy::task<http::response> {
    const auto body = co_await r.body();
    const bool known = r.fields().find("Authorization") == "Bearer 1234";
    co_return http::response(known && !body.empty() ? 201 : 400);
  });
  app.get("/large", [](http::request&) { return std::string(100'000, 'x'); });
  co_await test_of_the_application(app);
  co_await eddy::testing::with_test_client(app, fetch_into_a_file);
  const http::client service(options_for_service());
  http::client careful(options_for_strangers_urls());
  bool refused = false;
  try {
    static_cast<void>(co_await careful.get("http://127.0.0.1/"));
  } catch (const http::request_error& e) {
    refused = e.code() == http::request_errc::address_refused;
  }
  expect(refused);
}

int main() { eddy::testing::run_virtual(everything()); }

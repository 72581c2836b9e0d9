// The program behind 15-middleware.md.
#include "expect.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>

#include <eddy/eddy.hpp>
#include <eddy/testing/virtual_run.hpp>

namespace http = eddy::http;
namespace web = eddy::web;
using namespace std::chrono_literals;

// [own]
struct tenant {
  std::string name;
};

eddy::task<http::response> with_tenant(http::request& r, http::next rest) {
  const auto name = r.field("X-Tenant");
  if (!name) throw http::http_error(400, "X-Tenant is missing");
  r.set(tenant{std::string(*name)});  // for those behind: r.get<tenant>()
  http::response made = co_await rest(r);
  made.set("X-Served-For", *name);
  co_return made;
}
// [/own]

// [chain]
void add_middlewares(http::server& app, web::access_sink log) {
  app.use(web::request_id());  // outermost: everything bears an id
  app.use(web::access_log(std::move(log)));
  app.use(web::security_headers());

  web::cors_options origins;
  origins.origins = {"https://app.example.org"};
  app.use(web::cors(origins));  // before whatever may refuse: preflights bear no credentials

  web::rate_limit_options often;
  often.count = 600;
  often.period = 1min;
  app.use(web::rate_limit(often));

  app.use(web::timeout(10s));
  app.use(web::compression());
  app.use(web::decompression());
  app.use(with_tenant);
}
// [/chain]

// [files]
eddy::task<void> add_files(http::server& app, std::string folder) {
  web::static_options how;  // named: see the traps, g++ 12
  how.cache_control = "public, max-age=3600";
  auto files = co_await web::static_files::open(std::move(folder), how);
  app.get("/static/{path...}", files);
}
// [/files]

// [upload]
eddy::task<http::response> upload(http::request& r) {
  web::form_options how;
  how.folder = std::filesystem::temp_directory_path().string();
  web::form sent = co_await web::read_form(r, how);
  std::string said(sent.value("note").value_or("nothing"));
  for (web::uploaded_file& file : sent.files()) said += ", " + std::to_string(file.size) + " bytes";
  co_return http::response::text(said);  // the files that were not kept go with the form
}

void add_upload(http::server& app) {
  app.post("/upload", upload, {.max_body = 20 << 20});  // the limit of the whole body
}
// [/upload]

// [session]
http::response visits(http::request& r) {
  web::session& mine = web::session_of(r);
  const int before = std::stoi(std::string(mine.get("visits").value_or("0")));
  mine.set("visits", std::to_string(before + 1));
  return http::response::text(std::to_string(before));
}

void add_sessions(http::server& app, std::string secret, std::string older_secret) {
  web::session_options how;
  how.keys = {std::move(secret), std::move(older_secret)};  // 32 random bytes each; the first signs
  app.use(web::sessions(how));
  app.get("/visits", visits);
}
// [/session]

eddy::task<int> status_of(http::client& client, http::request_spec asked) {
  auto response = co_await client.request(std::move(asked));
  co_await response.discard();
  co_return response.status();
}

eddy::task<void> everything() {
  const auto folder = std::filesystem::temp_directory_path() / "eddy-guide-15";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "a.txt") << "text";

  http::server app;
  int logged = 0;
  add_middlewares(app, [&](const web::access_record&) { ++logged; });
  add_sessions(app, std::string(32, 'a'), std::string(32, 'b'));
  co_await add_files(app, folder.string());
  add_upload(app);
  auto serving = eddy::spawn(app.listen_and_serve("127.0.0.1", 8000));
  co_await eddy::sleep(1s);

  http::client client;
  const std::string base = "http://127.0.0.1:8000";
  const int refused = co_await status_of(client, http::request_spec("GET", base + "/visits"));
  expect(refused == 400);
  http::request_spec file("GET", base + "/static/a.txt");
  file.fields.set("X-Tenant", "acme");
  auto answer = co_await client.request(std::move(file));
  const std::string text = co_await answer.body();
  expect(text == "text" && answer.fields().find("X-Served-For") == "acme");
  expect(answer.fields().contains("RateLimit") && answer.fields().contains("X-Request-Id"));
  http::request_spec form("POST", base + "/upload");
  form.fields.set("X-Tenant", "acme");
  form.fields.set("Content-Type", "application/x-www-form-urlencoded");
  form.body = "note=hello";
  const int uploaded = co_await status_of(client, std::move(form));
  expect(uploaded == 200 && logged == 3);

  serving.cancel();
  const auto ended = co_await eddy::as_result(serving);
  expect(!ended.has_value());
  std::filesystem::remove_all(folder);
}

int main() { eddy::testing::run_virtual(everything()); }

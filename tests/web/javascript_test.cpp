// Programs in JavaScript: Node's undici, and pages in Chromium over HTTP/2 that ask other origins.
#include "http/peers.hpp"
#include "web/fixture.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/http/sse.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/tls/certificate_authority.hpp>
#include <eddy/web/compression.hpp>
#include <eddy/web/cors.hpp>
#include <eddy/web/forms.hpp>

namespace eddy::web::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

void run_for_real(task<void> main) {
  run_options options;
  options.handle_signals = false;
  run(with_timeout(100s, std::move(main)), options);
}

// --- Node ---

constexpr std::string_view undici_script = R"(
const { Pool, fetch, FormData } = require('undici');
const { Readable } = require('stream');
const { Blob } = require('buffer');
const assert = require('assert');
const base = process.argv[1];
(async () => {
  const pool = new Pool(base, { connections: 2, pipelining: 10 });
  const ask = async (path, options = {}) => {
    const { statusCode, headers, body, trailers } = await pool.request({ path, method: 'GET', ...options });
    return { statusCode, headers, text: await body.text(), trailers };
  };
  const all = await Promise.all(Array.from({ length: 500 }, (_, i) => ask('/echo/' + i)));
  all.forEach((answer, i) => assert.strictEqual(answer.text, 'echo ' + i));
  const pieces = function* () { for (let i = 0; i < 100; ++i) yield 'x'.repeat(10000); };
  const up = await ask('/count', { method: 'POST', body: Readable.from(pieces()) });
  assert.strictEqual(up.text, '1000000');
  const head = await ask('/echo/1', { method: 'HEAD' });
  assert.strictEqual(head.headers['content-length'], '6');
  assert.strictEqual((await ask('/none')).statusCode, 404);
  const streamed = await ask('/stream');
  assert.strictEqual(streamed.text, 'piece'.repeat(3));
  assert.strictEqual(streamed.trailers['x-sum'], '15');

  const page = await fetch(base + '/moved');
  assert.strictEqual(page.url, base + '/page');
  assert.strictEqual(page.headers.get('content-encoding'), 'gzip');
  assert.strictEqual(await page.text(), 'word '.repeat(1000));
  const form = new FormData();
  form.set('a', '1 & \u00fc');
  form.set('f', new Blob(['content']), 'x.txt');
  const sent = await fetch(base + '/form', { method: 'POST', body: form });
  assert.strictEqual(await sent.text(), 'a=1 & \u00fc f=x.txt:7');

  const stop = new AbortController();
  const endless = await pool.request({ path: '/endless', method: 'GET', signal: stop.signal });
  endless.body.on('error', () => {});
  await new Promise((resolve) => endless.body.once('data', resolve));
  stop.abort();
  await pool.request({ path: '/ended', method: 'GET' }).then(({ body }) => body.text())
      .then((text) => assert.strictEqual(text, 'ended'));
  await pool.close();
  console.log('right');
})().catch((problem) => { console.log(problem.stack); process.exit(1); });
)";

task<std::string> describe_form(http::request& r, std::string folder) {
  form_options how;
  how.folder = std::move(folder);
  form sent = co_await read_form(r, how);
  std::string said;
  for (const auto& [name, value] : sent.values()) said += name + "=" + value;
  for (const uploaded_file& file : sent.files()) {
    said +=
        " " + file.about.name + "=" + file.about.filename.value() + ":" + std::to_string(file.size);
  }
  co_return said;
}

void add_node_routes(http::server& app, const scratch_folder& uploads, event& ended) {
  app.use(compression());
  app.get("/echo/{n}", [](http::request& r) { return "echo " + std::string(r.parameter("n")); });
  app.post("/count", [](http::request& r) -> task<std::string> {
    co_return std::to_string((co_await r.body()).size());
  });
  app.get("/stream", [](http::request&) {
    return http::response::stream("x/y", [](http::body_writer& out) -> task<void> {
      for (int i = 0; i < 3; ++i) co_await out.write("piece");
      http::fields trailers;
      trailers.add("X-Sum", "15");
      out.trailers(trailers);
    });
  });
  app.get("/moved", [](http::request&) { return http::response::redirect("/page"); });
  app.get("/page", [](http::request&) {
    std::string text;
    for (int i = 0; i < 1000; ++i) text += "word ";
    return text;
  });
  app.post("/form", [&uploads](http::request& r) { return describe_form(r, uploads.path()); });
  app.get("/endless", [&ended](http::request&) {
    return http::response::stream("x/y", [&ended](http::body_writer& out) -> task<void> {
      const auto writing = [&]() -> task<void> {
        for (;;) {
          co_await out.write("again and again ");
          co_await sleep(1ms);
        }
      };
      const auto over = co_await as_result(writing());
      ended.set();
      if (over.is_cancelled()) throw cancelled(over.cancellation());
    });
  });
  app.get("/ended", [&ended](http::request&) -> task<std::string> {
    co_await ended.wait();
    co_return "ended";
  });
}

TEST(web_with_node, undici_pipelines_streams_and_gives_up) {
  const auto main = []() -> task<void> {
    http::server app;
    event ended;
    const scratch_folder uploads;
    add_node_routes(app, uploads, ended);
    co_await with_server(app, [](net::address at) -> task<void> {
      // Where Debian keeps modules: its own Node looks there, others have to be told.
      const std::vector<std::string> words{"/usr/bin/env",
                                           "NODE_PATH=/usr/share/nodejs",
                                           "/usr/bin/timeout",
                                           "60",
                                           "/usr/bin/node",
                                           "-e",
                                           std::string(undici_script),
                                           "http://" + at.to_string()};
      const std::string said = co_await to_thread([&] { return http::test::output_of(words); });
      EXPECT_EQ(said, "right\n");
    });
  };
  run_for_real(main());
}

// --- Chromium ---

constexpr std::string_view page = R"(<!doctype html><meta charset="utf-8"><title>x</title><script>
const [friend, stranger] = location.hash.slice(1).split(',');
const lines = [];
const note = async (name, work) => {
  try { lines.push(name + ': ' + await work()); } catch (e) { lines.push(name + ': ' + e.name); }
};
const put = (origin) => fetch(origin + '/guarded',
    { method: 'PUT', headers: { 'X-Token': 'secret' }, body: 'text', credentials: 'include' });
const events = () => new Promise((resolve) => {
  const seen = [];
  const source = new EventSource('/events');
  source.addEventListener('tick', (e) => {
    seen.push(e.data);
    if (seen.length === 3) { source.close(); resolve(seen.join(', ')); }
  });
});
(async () => {
  await note('page over', () => performance.getEntriesByType('navigation')[0].nextHopProtocol);
  await note('own origin', async () => (await fetch('/hello')).text());
  await note('friend', async () => {
    const answer = await put(friend);
    return [answer.status, await answer.text(), answer.headers.get('X-Seen'), answer.headers.get('X-Hidden')].join(' ');
  });
  await note('friend, once more', async () => (await put(friend)).status);
  await note('error of friend', async () => (await fetch(friend + '/none')).status);
  await note('wrong field', async () => (await fetch(friend + '/guarded', { headers: { 'X-Other': '1' } })).status);
  await note('stranger', async () => (await put(stranger)).status);
  await note('stranger without preflight', async () => (await fetch(stranger + '/hello')).status);
  await note('events', events);
  await fetch('/report', { method: 'POST', body: lines.join('\n') });
})();
</script>)";

/// A server of the page's or another origin, that writes down what it was asked.
class browsed_server {
 public:
  explicit browsed_server(std::vector<std::string>& asked)
      : listener_(net::tcp_listener::listen(net::address::loopback_v4(0))) {
    app.use([&asked](http::request& r, http::next rest) -> task<http::response> {
      asked.push_back(std::string(r.method_token()) + " " + std::string(r.path()));
      co_return co_await rest(r);
    });
  }
  [[nodiscard]] std::string origin() const { return "https://" + listener_.local().to_string(); }
  task<void> serve(tls::context context) { return app.serve(listener_, std::move(context)); }

  http::server app;

 private:
  net::tcp_listener listener_;
};

void add_guarded(http::server& app) {
  app.get("/hello", [](http::request&) { return "hello"; });
  app.put("/guarded", [](http::request& r) -> task<http::response> {
    const std::string text(co_await r.body());
    http::response made =
        http::response::text(text + " " + std::string(r.field("X-Token").value()));
    made.add("X-Seen", "yes");
    made.add("X-Hidden", "yes");
    co_return made;
  });
}

/// One event for each connection: the page comes back for the next, and says which it has seen.
task<void> tick_once(http::event_writer& out) {
  const std::string next = std::to_string(std::stoi("0" + out.last_event_id()) + 1);
  const std::string data = "tick " + next + " after '" + out.last_event_id() + "'";
  wire::sse::outgoing_event tick;
  tick.data = data;
  tick.type = "tick";
  tick.id = next;
  tick.retry = 10ms;
  co_await out.send(tick);
}

TEST(web_with_chromium, a_page_over_http2_asks_other_origins_and_follows_events) {
  std::string report;
  std::vector<std::string> asked_friend;
  std::vector<std::string> asked_stranger;
  const auto main = [&]() -> task<void> {
    std::vector<std::string> asked_own;
    event told;
    browsed_server own(asked_own);
    own.app.get("/", [](http::request&) { return http::response::html(std::string(page)); });
    own.app.get("/hello", [](http::request&) { return "hello"; });
    own.app.get("/events", [](http::request& r) { return http::event_stream(r, tick_once); });
    own.app.post("/report", [&](http::request& r) -> task<http::response> {
      report = std::string(co_await r.body());
      told.set();
      co_return http::response(204);
    });
    browsed_server ally(asked_friend);
    cors_options allowed;
    allowed.origins = {own.origin()};
    allowed.credentials = true;
    allowed.request_fields = {"X-Token", "Content-Type"};
    allowed.exposed_fields = {"X-Seen"};
    ally.app.use(cors(allowed));
    add_guarded(ally.app);
    browsed_server stranger(asked_stranger);
    cors_options others;
    others.origins = {"https://elsewhere.example"};
    stranger.app.use(cors(others));
    add_guarded(stranger.app);

    const tls::certificate_authority authority;
    tls::server_options shown;
    shown.certificates.push_back(authority.issue({"127.0.0.1"}));
    shown.alpn = {"h2", "http/1.1"};
    const tls::context context = tls::context::server(shown);
    auto all = [&](task_group& group) -> task<void> {
      for (browsed_server* each : {&own, &ally, &stranger}) group.spawn(each->serve(context));
      const http::test::chromium browser(
          own.origin() + "/#" + ally.origin() + "," + stranger.origin(),
          {"--ignore-certificate-errors"});
      co_await told.wait();
      for (browsed_server* each : {&own, &ally, &stranger}) each->app.shutdown();
    };
    co_await with_group(all);
  };
  run_for_real(main());
  EXPECT_EQ(report,
            "page over: h2\nown origin: hello\nfriend: 200 text secret yes \n"
            "friend, once more: 200\nerror of friend: 404\nwrong field: TypeError\n"
            "stranger: TypeError\nstranger without preflight: TypeError\n"
            "events: tick 1 after '', tick 2 after '1', tick 3 after '2'");
  EXPECT_THAT(asked_friend, ElementsAre("OPTIONS /guarded", "PUT /guarded", "PUT /guarded",
                                        "GET /none", "OPTIONS /guarded"))
      << "a preflight is remembered, and one that says no ends the matter";
  EXPECT_THAT(asked_stranger, ElementsAre("OPTIONS /guarded", "GET /hello"));
}

}  // namespace
}  // namespace eddy::web::test

// The client against real programs: nginx with TLS and gzip and dying workers, aiohttp, Node, tinyproxy.
#include "http/nginx.hpp"
#include "http/peers.hpp"
#include "http/program.hpp"
#include "sanitizers.hpp"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/download.hpp>
#include <eddy/http/form.hpp>
#include <eddy/http/server.hpp>
#include <eddy/net/serve.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/tls/certificate_authority.hpp>
#include <eddy/tls/stream.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using http::testing::free_port;
using http::testing::nginx;
using http::testing::program;
using ::testing::HasSubstr;

#ifdef EDDY_HAS_SANITIZER
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

std::string rows(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "row " + std::to_string(i) + "\n";
  return text;
}

task<std::string> fetch(client& c, std::string url) {
  client_response response = co_await c.get(std::move(url));
  response.raise_for_status();
  co_return co_await response.body();
}

/// Until somebody listens on the port of `url`.
task<void> wait_for(std::uint16_t port) {
  for (int i = 0; i < 500; ++i) {
    bool up = false;
    try {
      const auto stream = co_await net::tcp_stream::connect(net::address::loopback_v4(port));
      up = true;
    } catch (const error&) {
      // not yet
    }
    if (up) co_return;
    co_await sleep(20ms);
  }
}

void write_file(const std::filesystem::path& path, std::string_view content) {
  std::ofstream(path, std::ios::binary) << content;
}

TEST(http_client_with_frail_nginx, speaks_tls_and_decodes_gzip) {
  const tls::certificate_authority authority;
  const tls::credentials own = authority.issue({"localhost", "127.0.0.1"});
  const auto folder =
      std::filesystem::temp_directory_path() / ("eddy-client-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  write_file(folder / "chain.pem", own.chain);
  write_file(folder / "key.pem", own.key);
  const std::uint16_t port = free_port();
  const nginx server("listen 127.0.0.1:" + std::to_string(port) + " ssl; ssl_certificate " +
                     (folder / "chain.pem").string() + "; ssl_certificate_key " +
                     (folder / "key.pem").string() + ";\ngzip on; gzip_types text/plain; " +
                     "location = /down { return 302 http://localhost/; }");
  const std::string text = rows(20'000);
  server.write_file("rows.txt", text);
  auto main = [&]() -> task<void> {
    client_options options;
    tls::client_options trusting;
    trusting.authorities = authority.trusted();
    options.tls = tls::context::client(trusting);
    options.base_url = "https://localhost:" + std::to_string(port) + "/";
    client c(options);
    const std::string plain = co_await fetch(c, server.base() + "/rows.txt");
    EXPECT_EQ(plain, text);
    for (int i = 0; i < 3; ++i) {
      client_response response = co_await c.get("rows.txt");
      EXPECT_EQ(response.fields().find("Content-Encoding"), "gzip");
      const std::string body = co_await response.body();
      EXPECT_EQ(body, text);
      EXPECT_EQ(response.peer().port(), port);
    }
    EXPECT_EQ(c.statistics().connects, 2u);
    std::error_code down;
    try {
      static_cast<void>(co_await c.get("down"));
    } catch (const request_error& e) {
      down = e.code();
    }
    EXPECT_EQ(down, request_errc::insecure_redirect);
    client distrustful;
    std::string words;
    try {
      static_cast<void>(
          co_await distrustful.get("https://localhost:" + std::to_string(port) + "/"));
    } catch (const request_error& e) {
      words = e.what();
      EXPECT_EQ(e.phase(), request_phase::connecting);
      EXPECT_EQ(e.code(), tls::errc::unknown_authority);
    }
    EXPECT_THAT(words, HasSubstr("certificate"));
  };
  run(main);
  std::filesystem::remove_all(folder);
}

/// The processes whose parent is `of`.
std::vector<pid_t> children_of(pid_t of) {
  const std::string path = "/proc/" + std::to_string(of) + "/task/" + std::to_string(of);
  std::ifstream list(path + "/children");
  std::vector<pid_t> found;
  for (pid_t each = 0; list >> each;) found.push_back(each);
  return found;
}

/// Kills the workers of `server` again and again while pages are fetched, each time after some progress: so how many
/// requests fail does not depend on how fast the machine starts new ones.
void fetch_while_workers_die(const nginx& server, const client_options& options,
                             std::size_t count) {
  server.write_file("page.txt", "a page\n");
  auto main = [&]() -> task<void> {
    constexpr std::size_t pages_between_kills = 200;
    client c(options);
    std::size_t answered = 0;
    std::size_t failed = 0;
    std::size_t kills = 0;
    auto ask = [&](const std::string& url) -> task<void> {
      const time_point began = now();
      bool fine = false;
      try {
        const std::string page = co_await fetch(c, url);
        EXPECT_EQ(page, "a page\n");
        fine = true;
      } catch (const request_error& e) {
        EXPECT_TRUE(e == condition::disconnected || e == condition::timed_out) << e.what();
      }
      EXPECT_LT(now() - began, options.timeouts.total + 5s);
      ++(fine ? answered : failed);
      if (!fine || answered % pages_between_kills != 0) co_return;
      for (const pid_t worker : children_of(server.pid())) {
        if (kill(worker, SIGKILL) == 0) ++kills;
      }
    };
    const std::vector<std::string> urls(count, server.base() + "/page.txt");
    co_await gather_each(urls, ask, {.limit = 64});
    EXPECT_EQ(answered + failed, count);
    EXPECT_GE(kills, count / pages_between_kills / 2);
    // Repeated on new connections twice, a GET fails only when three workers in a row died under it.
    EXPECT_LE(failed, count / 100);
    EXPECT_EQ(c.statistics().connections, c.statistics().idle);
    EXPECT_EQ(c.statistics().waiting, 0u);
    c.close();
    EXPECT_EQ(c.statistics().connections, 0u);
    ::testing::Test::RecordProperty("failed", static_cast<int>(failed));
    ::testing::Test::RecordProperty("kills", static_cast<int>(kills));
  };
  run(main);
}

constexpr std::size_t many_requests = sanitized ? 4000 : 50'000;

TEST(http_client_with_frail_nginx,
     whose_workers_are_killed_loses_no_request_and_leaks_no_connection) {
  client_options options;
  options.timeouts.total = 20s;
  fetch_while_workers_die(nginx(), options, many_requests);
}

TEST(http_client_with_frail_nginx, whose_workers_are_killed_loses_no_request_over_http2) {
  client_options options;
  options.timeouts.total = 20s;
  options.http2_prior_knowledge = true;
  fetch_while_workers_die(nginx({}, "http2"), options, many_requests);
}

TEST(http_client_with_frail_nginx,
     that_says_goaway_and_closes_all_the_time_loses_no_request_over_http2) {
  // After 20 requests nginx says GOAWAY, and it closes after a millisecond without one: a new request may meet either.
  const nginx server("keepalive_requests 20; keepalive_timeout 1ms;", "http2");
  server.write_file("page.txt", "a page\n");
  auto main = [&]() -> task<void> {
    client_options options;
    options.http2_prior_knowledge = true;
    client c(options);
    auto ask = [&](const std::string& url) -> task<void> {
      const std::string page = co_await fetch(c, url);
      EXPECT_EQ(page, "a page\n");
    };
    const std::vector<std::string> urls(sanitized ? 1000 : 5000, server.base() + "/page.txt");
    co_await gather_each(urls, ask, {.limit = 16});
    EXPECT_GE(c.statistics().connects, urls.size() / 20);
    for (int i = 0; i < 100; ++i) {
      co_await ask(urls[0]);
      co_await sleep(std::chrono::microseconds(500 + i * 10));  // about when nginx closes
    }
    EXPECT_EQ(c.statistics().connections, c.statistics().idle);
  };
  run(main);
}

/// Peak resident memory in bytes, of this process.
std::size_t peak_memory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * 1024;
  }
  return 0;
}

TEST(http_client_memory, is_constant_for_large_downloads_and_uploads) {
  static constexpr std::size_t size = sanitized ? 20 << 20 : 200 << 20;
  const nginx server;
  server.write_file("large", "");
  std::filesystem::resize_file(server.files() / "large", size);
  auto main = [&]() -> task<void> {
    client c;
    http::server app;
    route_options unlimited;
    unlimited.max_body = size;
    std::size_t taken = 0;
    auto take = [&](request& r) -> task<response> {
      std::vector<std::byte> room(64 * 1024);
      for (;;) {
        const std::size_t got = co_await r.read_some(room);
        if (got == 0) break;
        taken += got;
      }
      co_return response();
    };
    app.post("/", take, unlimited);
    auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
    const std::size_t before = peak_memory();
    std::uint64_t received = 0;
    const download_sink count = [&](std::uint64_t, std::string_view piece) -> task<void> {
      received += piece.size();
      co_return;
    };
    const download_result done =
        co_await download(c, request_spec("GET", server.base() + "/large"), count);
    EXPECT_EQ(done.size, size);
    EXPECT_EQ(received, size);
    auto upload = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(listener));
      request_spec post("POST", "http://" + listener.local().to_string() + "/");
      streamed_body content;
      content.write = [](body_writer& out) -> task<void> {
        const std::string piece(64 * 1024, 'x');
        for (std::size_t sent = 0; sent < size; sent += piece.size()) co_await out.write(piece);
      };
      post.set_stream(content, content_type::octets);
      post.timeouts.total = duration::max();
      const client_response response = co_await c.request(std::move(post));
      EXPECT_EQ(response.status(), 200);
      app.shutdown();
    };
    co_await with_group(upload);
    EXPECT_EQ(taken, size);
    EXPECT_LT(peak_memory(), before + (16u << 20));
  };
  run(main);
}

constexpr const char* aiohttp_server = R"(
import asyncio, sys
from aiohttp import web
async def form(request):
    data = await request.post()
    upload = data['f']
    text = upload.file.read().decode() if hasattr(upload, 'file') else upload
    return web.json_response({'a': data['a'], 'f': text})
async def echo(request):
    response = web.StreamResponse()
    response.enable_compression()
    await response.prepare(request)
    async for piece in request.content.iter_any():
        await response.write(piece)
    return response
async def cookies(request):
    if 'sid' in request.cookies:
        return web.Response(text='known ' + request.cookies['sid'])
    response = web.HTTPFound('/cookies')
    response.set_cookie('sid', '42', httponly=True)
    raise response
async def main():
    app = web.Application()
    app.router.add_post('/form', form)
    app.router.add_post('/echo', echo)
    app.router.add_get('/cookies', cookies)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, '127.0.0.1', 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
)";

TEST(http_client_with_aiohttp, sends_forms_and_streams_and_reads_streams) {
  program server({"/usr/bin/python3", "-c", aiohttp_server});
  const std::string port = server.read_line();
  ASSERT_FALSE(port.empty()) << "aiohttp is not installed: run tools/setup test";
  auto main = [&]() -> task<void> {
    client_options options;
    options.base_url = "http://127.0.0.1:" + port + "/";
    options.cookies = std::make_shared<cookie_jar>();
    client c(options);
    request_spec post("POST", "form");
    multipart_form form;
    form.add("a", "one \"two\"").add_file("f", "x.txt", "text/plain", "content");
    form.apply(post);
    client_response parts = co_await c.request(std::move(post));
    const std::string seen = co_await parts.body();
    EXPECT_EQ(seen, R"({"a": "one \"two\"", "f": "content"})");
    request_spec plain("POST", "form");
    plain.set_body(encode_form({{"a", "x&y"}, {"f", "\xC3\xA9"}}), content_type::form);
    client_response fields = co_await c.request(std::move(plain));
    const std::string decoded = co_await fields.body();
    EXPECT_EQ(decoded, R"({"a": "x&y", "f": "\u00e9"})");
    const std::string text = rows(10'000);
    request_spec streamed("POST", "echo");
    streamed_body content;
    content.write = [&](body_writer& out) -> task<void> {
      for (std::size_t at = 0; at < text.size(); at += 1000) {
        co_await out.write(std::string_view(text).substr(at, 1000));
      }
    };
    streamed.set_stream(content, "text/plain");
    streamed.expect_continue = true;
    client_response echoed = co_await c.request(std::move(streamed));
    EXPECT_TRUE(echoed.fields().contains("Content-Encoding"));
    const std::string back = co_await echoed.body();
    EXPECT_EQ(back, text);
    const std::string known = co_await fetch(c, "cookies");
    EXPECT_EQ(known, "known 42");
  };
  run(main);
}

TEST(http_client_with_node, decodes_brotli_and_survives_short_keep_alives) {
  constexpr const char* script = R"(
const http = require('http'), zlib = require('zlib');
const server = http.createServer((request, response) => {
  response.setHeader('Content-Encoding', 'br');
  response.end(zlib.brotliCompressSync('page ' + request.url));
});
server.keepAliveTimeout = 1;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
)";
  program server({"/usr/bin/node", "-e", script});
  const std::string port = server.read_line();
  ASSERT_FALSE(port.empty()) << "node is not installed: run tools/setup test";
  auto main = [&]() -> task<void> {
    client c;
    for (int i = 0; i < 200; ++i) {
      const std::string path = "/" + std::to_string(i);
      const std::string page = co_await fetch(c, "http://127.0.0.1:" + port + path);
      EXPECT_EQ(page, "page " + path);
      co_await sleep(std::chrono::milliseconds(i % 4));  // now and then just when Node closes
    }
    EXPECT_EQ(c.statistics().connections, c.statistics().idle);
  };
  run(main);
}

TEST(http_client_with_tinyproxy, goes_through_for_http_and_https) {
  const tls::certificate_authority authority;
  const auto folder =
      std::filesystem::temp_directory_path() / ("eddy-proxy-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const std::uint16_t port = free_port();
  write_file(folder / "conf", "Port " + std::to_string(port) +
                                  "\nListen 127.0.0.1\nTimeout 60\nAllow 127.0.0.1\n"
                                  "BasicAuth me secret\nLogFile \"" +
                                  (folder / "log").string() + "\"\n");
  const program proxy({"/usr/bin/tinyproxy", "-d", "-c", (folder / "conf").string()});
  auto main = [&]() -> task<void> {
    co_await wait_for(port);
    http::server app;
    app.get("/", [](request& r) {
      return "served " + std::string(r.fields().contains("Via") ? "by proxy" : "by tunnel");
    });
    auto plain = net::tcp_listener::listen(net::address::loopback_v4(0));
    auto secure = net::tcp_listener::listen(net::address::loopback_v4(0));
    tls::server_options shown;
    shown.certificates.push_back(authority.issue({"127.0.0.1"}));
    const tls::context context = tls::context::server(shown);
    auto serve_securely = [&](net::tcp_stream peer) -> task<void> {
      io::any_stream under(std::move(peer));
      tls::stream stream = co_await tls::stream::accept(std::move(under), context);
      co_await app.serve_connection(io::any_stream(std::move(stream)));
    };
    client_options options;
    tls::client_options trusting;
    trusting.authorities = authority.trusted();
    options.tls = tls::context::client(trusting);
    options.proxy = "http://me:secret@127.0.0.1:" + std::to_string(port);
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(plain));
      group.spawn(net::serve(secure, serve_securely));
      client c(options);
      const std::string by_proxy = co_await fetch(c, "http://" + plain.local().to_string() + "/");
      EXPECT_EQ(by_proxy, "served by proxy");
      const std::string tunnel = co_await fetch(c, "https://" + secure.local().to_string() + "/");
      EXPECT_EQ(tunnel, "served by tunnel");
      options.proxy = "http://me:wrong@127.0.0.1:" + std::to_string(port);
      client refused(options);
      std::error_code code;
      try {
        static_cast<void>(co_await refused.get("https://" + secure.local().to_string() + "/"));
      } catch (const request_error& e) {
        code = e.code();
      }
      EXPECT_EQ(code, request_errc::proxy_refused);
      c.close();
      group.cancel();
    };
    co_await with_group(both);
  };
  run(main);
  std::filesystem::remove_all(folder);
}

TEST(http_client_with_microsocks, goes_through_with_and_without_credentials) {
  const tls::certificate_authority authority;
  const std::uint16_t port = free_port();
  const std::uint16_t guarded_port = free_port();
  const program open({"/usr/bin/microsocks", "-i", "127.0.0.1", "-p", std::to_string(port)});
  const program guarded({"/usr/bin/microsocks", "-i", "127.0.0.1", "-p",
                         std::to_string(guarded_port), "-u", "me", "-P", "secret"});
  auto main = [&]() -> task<void> {
    co_await wait_for(port);
    co_await wait_for(guarded_port);
    http::server app;
    app.get("/", [](request& r) { return "for " + std::string(r.authority()); });
    auto plain = net::tcp_listener::listen(net::address::loopback_v4(0));
    auto secure = net::tcp_listener::listen(net::address::loopback_v4(0));
    tls::server_options shown;
    // The proxy resolves the name: a bare chroot has no /etc/hosts.
    const std::string name = test::output_of({"/usr/bin/getent", "hosts", "localhost"}).empty()
                                 ? "127.0.0.1"
                                 : "localhost";
    shown.certificates.push_back(authority.issue({name}));
    tls::client_options trusting;
    trusting.authorities = authority.trusted();
    client_options options;
    options.tls = tls::context::client(trusting);
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(plain));
      group.spawn(app.serve(secure, tls::context::server(shown)));
      const std::vector<std::string> proxies{
          "socks5://127.0.0.1:" + std::to_string(port),
          "socks5://me:secret@127.0.0.1:" + std::to_string(guarded_port)};
      const std::string port_of_plain = std::to_string(plain.local().port());
      const std::vector<std::string> hosts{
          "http://" + name + ":" + port_of_plain, "http://127.0.0.1:" + port_of_plain,
          "https://" + name + ":" + std::to_string(secure.local().port())};
      for (const std::string& proxy : proxies) {
        options.proxy = proxy;
        client c(options);
        for (const std::string& base : hosts) {
          const std::string seen = co_await fetch(c, base + "/");
          EXPECT_EQ(seen, "for " + base.substr(base.find("//") + 2));
        }
      }
      for (const char* const credentials : {"", "me:wrong@"}) {
        options.proxy =
            std::string("socks5://") + credentials + "127.0.0.1:" + std::to_string(guarded_port);
        client c(options);
        std::error_code code;
        try {
          static_cast<void>(co_await c.get("http://" + plain.local().to_string() + "/"));
        } catch (const request_error& e) {
          code = e.code();
        }
        EXPECT_EQ(code, request_errc::proxy_refused) << options.proxy;
      }
      group.cancel();
    };
    co_await with_group(both);
  };
  run(main);
}

}  // namespace
}  // namespace eddy::http

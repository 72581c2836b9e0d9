// Real peers: Python's websockets and aiohttp and Node's ws as clients and as servers, and Chromium with fetch,
// EventSource and WebSocket.
#include "peers.hpp"
#include "websocket_fixture.hpp"

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/http/sse.hpp>
#include <eddy/http/websocket.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;

/// Runs a test's body on a real loop.
template <class Fn>
void run_for_real(Fn body) {
  run(with_timeout(60s, body()));
}

constexpr std::string_view websockets_client = R"(
import asyncio, sys, websockets
async def main():
    for compression in (None, 'deflate'):
        async with websockets.connect(sys.argv[1], compression=compression, max_size=None) as ws:
            for size in (0, 1, 125, 126, 300, 65535, 65536, 1000000):
                text = ('äb' * size)[:size]
                await ws.send(text)
                assert await ws.recv() == text, size
                await ws.send(b'\xff' * size)
                assert await ws.recv() == b'\xff' * size, size
            await ws.send(['frag', 'men', 'ted'])
            assert await ws.recv() == 'fragmented'
            await asyncio.wait_for(await ws.ping(b'x'), 5)
        assert ws.close_code == 1000, ws.close_code
    print('right')
asyncio.run(main())
)";

constexpr std::string_view aiohttp_client = R"(
import asyncio, sys, aiohttp
async def main():
    async with aiohttp.ClientSession() as session:
        for compress in (0, 15, 9):
            async with session.ws_connect(sys.argv[1].replace('ws:', 'http:'), compress=compress, max_msg_size=0) as ws:
                for size in (0, 1, 300, 70000):
                    await ws.send_str('ä' * size)
                    assert (await ws.receive_str()) == 'ä' * size
                    await ws.send_bytes(b'\xff' * size)
                    assert (await ws.receive_bytes()) == b'\xff' * size
                await ws.ping()
                await ws.close(code=4001, message=b'bye')
                assert ws.close_code == 4001, ws.close_code
        async with session.get(sys.argv[1].replace('ws:', 'http:').replace('/echo', '/events')) as response:
            assert response.content_type == 'text/event-stream'
            body = await response.text()
            assert 'id: 7\ndata: second\ndata: line\n\n' in body, body
    print('right')
asyncio.run(main())
)";

constexpr std::string_view node_client = R"(
const WebSocket = require('/usr/share/nodejs/ws');
const talk = (options) => new Promise((resolve, reject) => {
  const ws = new WebSocket(process.argv[1], options);
  const sizes = [0, 1, 125, 126, 300, 65535, 65536, 500000];
  let at = 0;
  const next = () => at < sizes.length ? ws.send('x'.repeat(sizes[at])) : ws.close(1000, 'done');
  ws.on('open', next);
  ws.on('message', (data) => {
    if (data.toString() !== 'x'.repeat(sizes[at])) reject(new Error('size ' + sizes[at]));
    ++at;
    next();
  });
  ws.on('close', (code) => code === 1000 ? resolve() : reject(new Error('code ' + code)));
  ws.on('error', reject);
});
(async () => {
  await talk({ perMessageDeflate: false });
  await talk({ perMessageDeflate: { threshold: 0 } });
  await talk({ perMessageDeflate: { threshold: 0, clientMaxWindowBits: 9, serverMaxWindowBits: 9 } });
  console.log('right');
})();
)";

constexpr std::string_view websockets_server = R"(
import asyncio, sys, websockets
async def echo(ws, path=None):
    async for message in ws:
        await ws.send(message)
async def main():
    async with websockets.serve(echo, '127.0.0.1', 0, max_size=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()
asyncio.run(main())
)";

constexpr std::string_view aiohttp_server = R"(
import asyncio, sys
from aiohttp import web
async def echo(request):
    ws = web.WebSocketResponse(max_msg_size=0)
    await ws.prepare(request)
    async for message in ws:
        if message.type.name == 'TEXT': await ws.send_str(message.data)
        else: await ws.send_bytes(message.data)
    return ws
async def events(request):
    response = web.StreamResponse(headers={'Content-Type': 'text/event-stream'})
    await response.prepare(request)
    seen = int(request.headers.get('Last-Event-ID', '0'))
    await response.write(f'retry: 10\nid: {seen + 1}\nevent: tick\ndata: after {seen}\n\n'.encode())
    return response
async def main():
    app = web.Application()
    app.add_routes([web.get('/echo', echo), web.get('/events', events)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, '127.0.0.1', 0)
    await site.start()
    print(site._server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Future()
asyncio.run(main())
)";

constexpr std::string_view node_server = R"(
const { WebSocketServer } = require('/usr/share/nodejs/ws');
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0 } });
server.on('connection', (ws) => ws.on('message', (data, binary) => ws.send(data, { binary })));
server.on('listening', () => console.log(server.address().port));
)";

task<void> send_events(event_writer& out) {
  co_await out.send("first");
  wire::sse::outgoing_event second;
  second.data = "second\nline";
  second.id = "7";
  co_await out.send(second);
}

constexpr std::string_view page =
    R"(<!doctype html><meta charset="utf-8"><title>waiting</title><script>
const report = (text) => fetch('/report', { method: 'POST', body: text });
const over = (text) => { document.title = text; report(text); };
addEventListener('error', (e) => over('error ' + e.message));
const websocket = () => new Promise((resolve, reject) => {
  const ws = new WebSocket(`ws://${location.host}/echo`);
  const text = 'wörd '.repeat(20000);
  ws.onopen = () => ws.send(text);
  ws.onmessage = (e) => e.data === text ? ws.close(1000, 'done') : reject(new Error('echo'));
  ws.onclose = (e) => e.wasClean && e.code === 1000 ? resolve(ws.extensions) : reject(new Error('close ' + e.code));
});
const events = () => new Promise((resolve) => {
  const seen = [];
  const source = new EventSource('/events');
  source.onmessage = (e) => {
    seen.push(e.data + '/' + e.lastEventId);
    if (seen.length === 2) { source.close(); resolve(seen.join('|')); }
  };
});
(async () => {
  try {
    const hello = await (await fetch('/hello')).text();
    over(`${hello}; ${await events()}; ${await websocket()}`);
  } catch (e) { over('failed ' + e); }
})();
</script>)";

/// Our server with everything the clients ask for, while `body(port)` runs.
template <class Body>
task<void> with_our_server(Body body, std::string* reported = nullptr) {
  server app;
  websocket_accept_options options;
  options.connection.max_message = 4'000'000;
  app.get("/echo", [options](request& r) { return websocket_upgrade(r, echo, options); });
  app.get("/events", [](request& r) { return event_stream(r, send_events); });
  app.get("/hello", [](request&) { return "hello"; });
  app.get("/", [](request&) { return response::html(std::string(page)); });
  event told;
  app.post("/report", [&](request& r) -> task<response> {
    const auto text = co_await r.body();
    if (reported != nullptr) *reported = std::string(text);
    told.set();
    co_return response(204);
  });
  auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
  auto run_both = [&](task_group& group) -> task<void> {
    group.spawn(app.serve(listener));
    co_await body(std::to_string(listener.local().port()));
    if (reported != nullptr) co_await told.wait();
    app.shutdown();
  };
  co_await with_group(run_both);
}

/// An interpreter with a script, and what the script is told.
std::vector<std::string> program(std::string_view script, std::string_view argument = {}) {
  const bool javascript = script.find("require(") != std::string_view::npos;
  std::vector<std::string> words{"/usr/bin/timeout", "50",
                                 javascript ? "/usr/bin/node" : "/usr/bin/python3",
                                 javascript ? "-e" : "-c", std::string(script)};
  if (!argument.empty()) words.emplace_back(argument);
  return words;
}

void expect_right(std::string_view script) {
  run_for_real([&]() -> task<void> {
    auto body = [&](std::string port) -> task<void> {
      const std::string said = co_await to_thread(
          [&] { return output_of(program(script, "ws://127.0.0.1:" + port + "/echo")); });
      EXPECT_EQ(said, "right\n");
    };
    co_await with_our_server(body);
  });
}

task<void> talk_to(std::string url, bool compress) {
  websocket_connect_options options;
  options.connection.compress = compress;
  options.connection.max_message = 4'000'000;
  auto on = co_await websocket_connect(url, options);
  EXPECT_EQ(on.is_compressed(), compress);
  for (const std::size_t size : {0U, 1U, 125U, 126U, 300U, 65535U, 65536U, 1'000'000U}) {
    websocket_message message;
    message.data = std::string(size, 'x');
    for (const websocket_kind kind : {websocket_kind::text, websocket_kind::binary}) {
      message.kind = kind;
      co_await on.send(message);
      const auto back = co_await on.receive();
      EXPECT_TRUE(back && back->data == message.data && back->kind == kind) << size;
    }
  }
  co_await on.close(1000, "done");
  EXPECT_EQ(on.close_code(), 1000);
}

TEST(websocket_with_peers, python_websockets_talks_to_our_server) {
  expect_right(websockets_client);
}

TEST(websocket_with_peers, aiohttp_talks_to_our_server_and_reads_its_events) {
  expect_right(aiohttp_client);
}

TEST(websocket_with_peers, node_ws_talks_to_our_server) { expect_right(node_client); }

TEST(websocket_with_peers, our_client_talks_to_python_websockets) {
  const peer_process peer(program(websockets_server));
  const std::string url = "ws://127.0.0.1:" + peer.first_line() + "/";
  run_for_real([&]() -> task<void> {
    co_await talk_to(url, true);
    co_await talk_to(url, false);
  });
}

TEST(websocket_with_peers, our_client_talks_to_aiohttp_and_follows_its_events) {
  const peer_process peer(program(aiohttp_server));
  const std::string port = peer.first_line();
  run_for_real([&]() -> task<void> {
    co_await talk_to("ws://127.0.0.1:" + port + "/echo", true);
    co_await talk_to("ws://127.0.0.1:" + port + "/echo", false);
    client through;
    event_source source(through, "http://127.0.0.1:" + port + "/events");
    for (int i = 0; i < 3; ++i) {
      const auto got = co_await source.next();
      EXPECT_TRUE(got && got->type == "tick" && got->data == "after " + std::to_string(i));
    }
  });
}

TEST(websocket_with_peers, our_client_talks_to_node_ws) {
  const peer_process peer(program(node_server));
  const std::string url = "ws://127.0.0.1:" + peer.first_line() + "/";
  run_for_real([&]() -> task<void> {
    co_await talk_to(url, true);
    co_await talk_to(url, false);
  });
}

TEST(websocket_with_peers, a_page_in_chromium_fetches_follows_events_and_talks_compressed) {
  std::string reported;
  run_for_real([&]() -> task<void> {
    std::optional<chromium> browser;
    auto body = [&](std::string port) -> task<void> {
      browser.emplace("http://127.0.0.1:" + port + "/");
      co_return;
    };
    co_await with_our_server(body, &reported);
  });
  EXPECT_EQ(reported,
            "hello; first/|second\nline/7; permessage-deflate; server_no_context_takeover; "
            "client_no_context_takeover");
}

}  // namespace
}  // namespace eddy::http::test

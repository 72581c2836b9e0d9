// HTTP/2 with programs that are not ours, on the system's sockets: nghttp, h2load, curl and httpx as clients, nghttpd
// and nginx as servers.
#include "http/nginx.hpp"
#include "http/server_fixture.hpp"

#include <array>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/http/client.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/tls/tls.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using http::testing::nginx;
using ::testing::HasSubstr;

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string text;
  std::array<char, 4096> piece;
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe)) {
    text.append(piece.data(), count);
  }
  ::pclose(pipe);
  return text;
}

class folder {
 public:
  folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "eddy-h2-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
    std::filesystem::permissions(path_, std::filesystem::perms(0755));
  }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  ~folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string write(const std::string& name, std::string_view content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::string large_text() {
  std::string text(3'000'000, 'x');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

void add_routes(server& app) {
  app.get("/", [](request&) { return "hello"; });
  app.get("/large", [](request&) { return large_text(); });
  app.get("/slow", [](request&) -> task<std::string> {
    co_await sleep(1ms);
    co_return "slow";
  });
  app.get("/stream", [](request&) {
    return response::stream("text/plain", [](body_writer& out) -> task<void> {
      for (int i = 0; i < 100; ++i) co_await out.write("0123456789");
    });
  });
  route_options options;
  options.max_body = 10'000'000;
  const auto echo = [](request& r) -> task<std::string> {
    const std::string_view body = co_await r.body();
    co_return std::string(body);
  };
  app.post("/echo", echo, options);
}

/// What `command` says while a server runs; "BASE" in it stands for "http://127.0.0.1:port".
std::string said_by(std::string command) {
  server app;
  add_routes(app);
  std::string said;
  auto body = [&](net::address at) -> task<void> {
    const std::string base = "http://127.0.0.1:" + std::to_string(at.port());
    for (std::size_t i = command.find("BASE"); i != std::string::npos; i = command.find("BASE")) {
      command.replace(i, 4, base);
    }
    said = co_await to_thread([&] { return output_of(command); });
  };
  run_options options;
  options.handle_signals = false;
  run(with_timeout(60s, with_server(app, body)), options);
  EXPECT_EQ(app.statistics().requests_running, 0U);
  return said;
}

TEST(http2_with_programs, curl_gets_and_posts) {
  const folder files;
  const std::string upload = files.write("upload", large_text());
  const std::string down = files.path() + "/down";
  const std::string said = said_by(
      "curl -s --http2-prior-knowledge BASE/ -w ' %{http_version} %{http_code}\\n'"
      " && curl -sI --http2-prior-knowledge BASE/large | head -1"
      " && curl -s --http2-prior-knowledge --data-binary @" +
      upload + " BASE/echo -o " + down + " && cmp " + upload + " " + down +
      " && echo same"
      " && curl -s --http2-prior-knowledge -H 'Expect: 100-continue' -d abc BASE/echo"
      " && curl -s --http2-prior-knowledge BASE/stream | wc -c");
  EXPECT_THAT(said, HasSubstr("hello 2 200\n"));
  EXPECT_THAT(said, HasSubstr("HTTP/2 200"));
  EXPECT_THAT(said, HasSubstr("same\nabc1000\n"));
}

TEST(http2_with_programs, nghttp_reads_a_page_and_its_own_upload) {
  const folder files;
  const std::string upload = files.write("upload", "some data");
  const std::string said = said_by("nghttp -v BASE/ && nghttp --data=" + upload +
                                   " BASE/echo && nghttp -m 20 BASE/stream | wc -c");
  EXPECT_THAT(said, HasSubstr(":status: 200"));
  EXPECT_THAT(said, HasSubstr("hello"));
  EXPECT_THAT(said, HasSubstr("some data"));
  EXPECT_THAT(said, HasSubstr("20000"));
}

TEST(http2_with_programs, h2load_has_all_its_requests_answered) {
  for (const std::string_view path : {"/", "/slow", "/stream"}) {
    const std::string said = said_by("h2load -n 3000 -c 3 -m 100 BASE" + std::string(path));
    EXPECT_THAT(said, HasSubstr("3000 done, 3000 succeeded, 0 failed, 0 errored, 0 timeout"));
  }
}

TEST(http2_with_programs, httpx_asks_by_prior_knowledge) {
  const std::string said = said_by(
      "/usr/bin/python3 -c \"\n"
      "import httpx\n"
      "with httpx.Client(http1=False, http2=True) as c:\n"
      "    r = c.get('BASE/')\n"
      "    print(r.http_version, r.status_code, r.text)\n"
      "    print(c.post('BASE/echo', content=b'x' * 500000).text == 'x' * 500000)\n"
      "    print(c.get('BASE/none').status_code)\n"
      "\"");
  EXPECT_EQ(said, "HTTP/2 200 hello\nTrue\n404\n");
}

// --- over TLS ---

/// What `command` says while a server runs over TLS; "BASE" stands for "https://127.0.0.1:port", "CA" for the file of
/// the authority. Then `body(base, authority)` runs.
template <class Body>
std::string said_over_tls(std::string command, Body body) {
  const tls::certificate_authority authority;
  const folder keys;
  const std::string trusted = keys.write("ca.pem", authority.pem());
  tls::server_options secure;
  secure.certificates.push_back(authority.issue({"127.0.0.1"}));
  secure.alpn = {"h2", "http/1.1"};
  const tls::context context = tls::context::server(secure);
  server app;
  add_routes(app);
  std::string said;
  auto main = [&]() -> task<void> {
    net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
    const std::string base = "https://127.0.0.1:" + std::to_string(listener.local().port());
    for (const auto& [name, value] : {std::pair("BASE", base), std::pair("CA", trusted)}) {
      const std::string_view word = name;
      for (auto i = command.find(word); i != std::string::npos; i = command.find(word)) {
        command.replace(i, word.size(), value);
      }
    }
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(listener, context));
      said = co_await to_thread([&] { return output_of(command); });
      co_await body(base, authority);
      app.shutdown();
    };
    co_await with_group(both);
  };
  run_options options;
  options.handle_signals = false;
  run(with_timeout(60s, main()), options);
  return said;
}

TEST(http2_with_programs, clients_agree_with_the_server_on_a_version) {
  const std::string python =
      "/usr/bin/python3 -c \"\n"
      "import httpx\n"
      "for two in (True, False):\n"
      "    with httpx.Client(http2=two, verify='CA') as c:\n"
      "        r = c.get('BASE/')\n"
      "        print(r.http_version, r.text)\n"
      "\"";
  auto own_client = [](std::string base,
                       const tls::certificate_authority& authority) -> task<void> {
    client_options options;
    tls::client_options trust;
    trust.authorities = authority.trusted();
    options.tls = tls::context::client(trust);
    client web(options);
    std::vector<task<int>> all;
    auto ask = [&]() -> task<int> {
      auto response = co_await web.get(base + "/slow");
      co_await response.discard();
      co_return response.status();
    };
    for (int i = 0; i < 100; ++i) all.push_back(ask());
    const std::vector<int> statuses = co_await gather(std::move(all));
    EXPECT_EQ(statuses.size(), 100U);
    EXPECT_EQ(web.statistics().connects, 1U);
  };
  const std::string said = said_over_tls(
      "curl -s --http2 --cacert CA BASE/ -w ' %{http_version}\\n'"
      " && curl -s --http1.1 --cacert CA BASE/ -w ' %{http_version}\\n'"
      " && curl -s --http2 --cacert CA BASE/large | wc -c"
      " && h2load -n 1000 -c 2 -m 50 BASE/ && nghttp BASE/ && " +
          python,
      own_client);
  EXPECT_THAT(said, HasSubstr("hello 2\nhello 1.1\n3000000\n"));
  EXPECT_THAT(said, HasSubstr("1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout"));
  EXPECT_THAT(said, HasSubstr("Application protocol: h2"));
  EXPECT_THAT(said, HasSubstr("HTTP/2 hello\nHTTP/1.1 hello\n"));
}

// --- servers ---

/// nghttpd with one folder of files, from construction to destruction.
class nghttpd {
 public:
  explicit nghttpd(const std::string& files) {
    const int probe = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(probe, generic, size) != 0 || ::getsockname(probe, generic, &size) != 0) {
      throw std::runtime_error("no free port");
    }
    ::close(probe);
    port_ = ntohs(address.sin_port);
    const std::string port = std::to_string(port_);
    const std::string where = "--htdocs=" + files;
    process_ = fork();
    if (process_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGTERM);
      execlp("nghttpd", "nghttpd", "--no-tls", "-a", "127.0.0.1", where.c_str(), port.c_str(),
             nullptr);
      _exit(127);
    }
  }
  nghttpd(const nghttpd&) = delete;
  nghttpd& operator=(const nghttpd&) = delete;
  ~nghttpd() {
    kill(process_, SIGTERM);
    waitpid(process_, nullptr, 0);
  }
  [[nodiscard]] std::string base() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  std::uint16_t port_ = 0;
  pid_t process_ = -1;
};

task<std::string> page(client& web, std::string url) {
  auto response = co_await web.get(std::move(url));
  co_return co_await response.body();
}

/// Pages, large and small, one after the other and together.
task<void> ask_for_files(client& web, std::string base) {
  const std::string small = co_await page(web, base + "/page.txt");
  EXPECT_EQ(small, "a page\n");
  auto missing = co_await web.get(base + "/missing");
  EXPECT_EQ(missing.status(), 404);
  co_await missing.discard();
  auto head = co_await web.head(base + "/large");
  EXPECT_EQ(head.fields().find("content-length"), "3000000");
  std::vector<task<std::string>> all;
  for (int i = 0; i < 200; ++i)
    all.push_back(page(web, base + (i % 20 == 0 ? "/large" : "/page.txt")));
  const std::vector<std::string> got = co_await gather(std::move(all));
  EXPECT_TRUE(got[0] == large_text());
  EXPECT_EQ(got[199], "a page\n");
  EXPECT_EQ(web.statistics().connects, 1U);
}

void run_client(task<void> main) {
  run_options options;
  options.handle_signals = false;
  run(with_timeout(60s, std::move(main)), options);
}

TEST(http2_with_programs, the_client_reads_from_nghttpd) {
  const folder files;
  static_cast<void>(files.write("page.txt", "a page\n"));
  static_cast<void>(files.write("large", large_text()));
  const nghttpd other(files.path());
  auto main = [&]() -> task<void> {
    client_options options;
    options.http2_prior_knowledge = true;
    for (int attempt = 0; attempt < 200; ++attempt) {  // until it listens
      client probe(options);
      const auto up = co_await as_result(probe.get(other.base() + "/page.txt"));
      if (up.has_value()) break;
      co_await sleep(50ms);
    }
    client web(options);
    co_await ask_for_files(web, other.base());
  };
  run_client(main());
}

void write_files(const nginx& other) {
  other.write_file("page.txt", "a page\n");
  other.write_file("large", large_text());
}

TEST(http2_with_programs, the_client_reads_from_nginx_without_tls) {
  const nginx other({}, "http2");
  write_files(other);
  auto main = [&]() -> task<void> {
    client_options options;
    options.http2_prior_knowledge = true;
    client web(options);
    co_await ask_for_files(web, other.base());
  };
  run_client(main());
}

TEST(http2_with_programs, the_client_agrees_with_nginx_on_http2) {
  const tls::certificate_authority authority;
  const tls::credentials own = authority.issue({"127.0.0.1"});
  const folder keys;
  const std::string certificate = keys.write("chain.pem", own.chain);
  const std::string key = keys.write("key.pem", own.key);
  for (const std::string how : {"ssl http2", "ssl"}) {
    const nginx other("ssl_certificate " + certificate + "; ssl_certificate_key " + key +
                          ";"
                          "keepalive_requests 150;",
                      how);
    write_files(other);
    auto main = [&]() -> task<void> {
      client_options options;
      tls::client_options trust;
      trust.authorities = authority.trusted();
      options.tls = tls::context::client(trust);
      client web(options);
      std::vector<task<std::string>> all;
      for (int i = 0; i < 60; ++i) all.push_back(page(web, other.base() + "/page.txt"));
      const std::vector<std::string> got = co_await gather(std::move(all));
      EXPECT_EQ(got[59], "a page\n");
      const bool one = web.statistics().connects == 1;
      EXPECT_EQ(one, how == "ssl http2");
      // nginx says GOAWAY meanwhile.
      for (int i = 0; i < 300; ++i) {
        const std::string text = co_await page(web, other.base() + "/page.txt");
        EXPECT_EQ(text, "a page\n");
      }
    };
    run_client(main());
  }
}

}  // namespace
}  // namespace eddy::http::test

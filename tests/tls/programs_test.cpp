// Against programs that are not ours, on the system's sockets and on both drivers: openssl, curl, nginx, sslscan.
#include "connected.hpp"
#include "http/nginx.hpp"
#include "temporary_folder.hpp"

#include <array>
#include <functional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/group.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/buffered_reader.hpp>
#include <eddy/net/net.hpp>
#include <eddy/process/run.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::tls {
namespace {

using namespace std::chrono_literals;
using namespace eddy::tls::testing;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

/// Certificates as files, made once.
struct certificate_files {
  temporary_folder folder;
  std::string authority;
  std::string chain;
  std::string key;

  certificate_files() {
    const credentials own = testing::authority().issue({"example.org", "127.0.0.1"});
    authority = folder.write("ca.pem", testing::authority().pem());
    chain = folder.write("chain.pem", own.chain);
    key = folder.write("key.pem", own.key);
  }
};

const certificate_files& files() {
  static const certificate_files made;
  return made;
}

server_options file_server() {
  server_options options;
  options.certificates.push_back(credentials::files(files().chain, files().key));
  return options;
}

/// What a server's connections came to.
struct record {
  std::vector<std::string> seen;
  std::vector<std::error_code> failures;
};

/// Answers each line with what the connection is, until the client goes; a request for a page with a page.
task<void> answer_lines(stream& peer, record& notes) {
  io::buffered_reader reader(peer);
  while (auto line = co_await reader.read_line()) {
    if (line->starts_with("GET ")) {
      const std::string page = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\npage\n";
      co_await io::write_all(peer, page);
      while (!line->empty()) line = co_await reader.read_line();
      continue;
    }
    notes.seen.push_back(*line);
    const auto shown = peer.peer_certificate();
    const std::string answer = "heard " + *line + " over " + std::string(peer.cipher()) +
                               " alpn=" + std::string(peer.alpn()) + " sni=" + peer.server_name() +
                               (peer.session_reused() ? " resumed" : " new") +
                               (shown ? " from " + shown->subject : "") + "\n";
    co_await io::write_all(peer, answer);
    if (*line == "bye") break;
  }
  co_await peer.close();
}

using server_body = std::function<task<void>(const std::string& address, record& notes)>;

/// Runs `body("127.0.0.1:port", record)` beside a server on a real loop.
void with_server(const server_options& options, const server_body& body) {
  const context own = context::server(options);
  record notes;
  const auto handle = [&](net::tcp_stream tcp) -> task<void> {
    std::exception_ptr failed;
    try {
      io::any_stream any(std::move(tcp));
      auto peer = co_await stream::accept(std::move(any), own);
      EXPECT_FALSE(peer.peer().empty());
      co_await answer_lines(peer, notes);
    } catch (const error& failure) {
      notes.failures.push_back(failure.code());
    }
  };
  const auto main = [&]() -> task<void> {
    auto listener = net::tcp_listener::listen(net::address::loopback_v4(0));
    const std::string address = "127.0.0.1:" + std::to_string(listener.local().port());
    const auto both = [&](task_group& group) -> task<void> {
      group.spawn(net::serve(listener, handle));
      co_await body(address, notes);
      listener.close();
    };
    co_await with_timeout(90s, with_group(both));
  };
  run(main);
}

task<process::output> run_program(std::vector<std::string> words, std::string input = {}) {
  std::vector<std::string> arguments(words.begin() + 1, words.end());
  process::options what(words.front(), std::move(arguments));
  co_return co_await process::run(what, std::move(input));
}

/// `openssl s_client` that says `lines`; the last should be "bye".
task<std::string> s_client(const std::string& address, const std::vector<std::string>& more,
                           std::string lines = "bye\n") {
  std::vector<std::string> words{"openssl",
                                 "s_client",
                                 "-connect",
                                 address,
                                 "-CAfile",
                                 files().authority,
                                 "-verify_return_error",
                                 "-ign_eof"};
  words.insert(words.end(), more.begin(), more.end());
  const process::output said = co_await run_program(std::move(words), std::move(lines));
  co_return said.out + said.err;
}

// --- our server ---

TEST(tls_with_programs, s_client_talks_to_the_server_in_both_versions) {
  auto options = file_server();
  options.alpn = {"h2", "http/1.1"};
  with_server(options, [](const std::string& address, record&) -> task<void> {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      const std::vector<std::string> more{
          version,       "-servername", "example.org", "-verify_hostname",
          "example.org", "-alpn",       "http/1.1,h2"};
      const std::string said = co_await s_client(address, more, "one\nbye\n");
      EXPECT_THAT(said, HasSubstr("Verification: OK"));
      EXPECT_THAT(said, HasSubstr("ALPN protocol: h2"));
      EXPECT_THAT(said, HasSubstr("heard one over TLS_"));
      EXPECT_THAT(said, HasSubstr("alpn=h2 sni=example.org new"));
      EXPECT_THAT(said, HasSubstr("heard bye"));
      EXPECT_THAT(said, AllOf(HasSubstr("Compression: NONE"), HasSubstr("Secure Renegotiation")));
    }
  });
}

TEST(tls_with_programs, s_client_resumes_sessions_in_both_versions) {
  with_server(file_server(), [](const std::string& address, record&) -> task<void> {
    for (const char* version : {"-tls1_2", "-tls1_3"}) {
      const temporary_folder folder;
      const std::string session = folder.write("session", "");
      const std::vector<std::string> first{version, "-sess_out", session};
      const std::string fresh = co_await s_client(address, first);
      EXPECT_THAT(fresh, HasSubstr(" new"));
      const std::vector<std::string> second{version, "-sess_in", session};
      const std::string resumed = co_await s_client(address, second);
      EXPECT_THAT(resumed, HasSubstr("Reused, TLSv1."));
      EXPECT_THAT(resumed, HasSubstr(" resumed"));
    }
  });
}

TEST(tls_with_programs, old_versions_and_weak_ciphers_are_refused) {
  with_server(file_server(), [](const std::string& address, record& notes) -> task<void> {
    const std::vector<std::string> old{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"};
    const std::string by_version = co_await s_client(address, old);
    EXPECT_THAT(by_version, HasSubstr("alert protocol version"));
    const std::vector<std::string> weak{"-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"};
    const std::string by_cipher = co_await s_client(address, weak);
    EXPECT_THAT(by_cipher, HasSubstr("alert handshake failure"));
    EXPECT_THAT(notes.failures, Contains(make_error_code(errc::no_common_version)));
    EXPECT_THAT(notes.failures, Contains(make_error_code(errc::no_common_cipher)));
    const std::string fine = co_await s_client(address, {});
    EXPECT_THAT(fine, HasSubstr("heard bye"));
  });
}

TEST(tls_with_programs, s_client_shows_its_certificate) {
  auto options = file_server();
  options.clients = client_certificates::required;
  options.client_authorities = trust::file(files().authority);
  with_server(options, [](const std::string& address, record& notes) -> task<void> {
    const temporary_folder folder;
    const credentials alice = issued("alice");
    const std::vector<std::string> more{"-cert", folder.write("alice.pem", alice.chain), "-key",
                                        folder.write("alice.key", alice.key)};
    const std::string with = co_await s_client(address, more);
    EXPECT_THAT(with, HasSubstr("from CN=alice"));
    const std::string without = co_await s_client(address, {});
    EXPECT_THAT(without, HasSubstr("alert certificate required"));
    EXPECT_THAT(notes.failures, Contains(make_error_code(errc::certificate_missing)));
  });
}

TEST(tls_with_programs, curl_gets_a_page) {
  with_server(file_server(), [](const std::string& address, record& notes) -> task<void> {
    const std::string port = address.substr(address.find(':') + 1);
    const std::vector<std::string> curl{"curl",      "-q", "-s",         "-S",
                                        "--noproxy", "*",  "--max-time", "20"};
    for (const char* version : {"1.2", "1.3"}) {
      auto trusting = curl;
      for (const std::string& word :
           {std::string("--tls-max"), std::string(version), std::string("--cacert"),
            files().authority, std::string("--resolve"), "example.org:" + port + ":127.0.0.1",
            "https://example.org:" + port + "/"}) {
        trusting.push_back(word);
      }
      const process::output said = co_await run_program(trusting);
      EXPECT_EQ(said.out, "page\n") << said.err;
    }
    auto untrusting = curl;
    untrusting.push_back("https://127.0.0.1:" + port + "/");
    const process::output refused = co_await run_program(untrusting);
    EXPECT_EQ(refused.status.code(), 60) << "curl: the certificate is not trusted";
    auto plain = curl;
    plain.push_back("http://127.0.0.1:" + port + "/");
    const process::output unencrypted = co_await run_program(plain);
    EXPECT_FALSE(unencrypted.status.success());
    EXPECT_THAT(notes.failures, Contains(make_error_code(errc::alert_received)));
    EXPECT_THAT(notes.failures, Contains(make_error_code(errc::not_tls)));
  });
}

TEST(tls_with_programs, sslscan_finds_nothing_weak) {
  with_server(file_server(), [](const std::string& address, record&) -> task<void> {
    const std::vector<std::string> sslscan{"sslscan", "--no-colour", "--sni-name=example.org",
                                           address};
    const process::output scan = co_await run_program(sslscan);
    for (const char* off :
         {"SSLv2     disabled", "SSLv3     disabled", "TLSv1.0   disabled", "TLSv1.1   disabled",
          "TLSv1.2   enabled", "TLSv1.3   enabled", "Session renegotiation not supported",
          "TLSv1.3 not vulnerable to heartbleed", "TLSv1.2 not vulnerable to heartbleed"}) {
      EXPECT_THAT(scan.out, HasSubstr(off));
    }
    std::istringstream lines(scan.out);
    int ciphers = 0;
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("Preferred ") && !line.starts_with("Accepted ")) continue;
      ++ciphers;
      const bool good = line.find("TLS_") != std::string::npos ||
                        (line.find("ECDHE-") != std::string::npos &&
                         (line.find("-GCM-") != std::string::npos ||
                          line.find("CHACHA20-POLY1305") != std::string::npos));
      EXPECT_TRUE(good) << line;
    }
    EXPECT_GE(ciphers, 6) << scan.out;
  });
}

// --- our client ---

/// `openssl s_server -www` on a free port, for the time of `body(port)`.
task<void> with_s_server(std::vector<std::string> more,
                         std::function<task<void>(std::uint16_t)> body) {
  process::options what("openssl", {"s_server", "-accept", "0", "-www", "-cert", files().chain,
                                    "-key", files().key, "-CAfile", files().authority});
  what.args.insert(what.args.end(), more.begin(), more.end());
  what.standard_output = process::stdio::pipe;
  what.standard_error = process::stdio::null;
  auto child = process::spawn(what);
  io::buffered_reader said(child.out());
  const std::string all = co_await said.read_until("ACCEPT ");
  const auto address = co_await said.read_line();
  const auto port = std::stoi(address->substr(address->rfind(':') + 1));
  auto drained = spawn([&] { return as_result(said.read_to_end(std::size_t{1} << 24)); });
  const auto ended = co_await as_result(body(static_cast<std::uint16_t>(port)));
  child.kill();
  static_cast<void>(co_await child.wait());
  static_cast<void>(co_await drained);
  if (ended.has_error()) std::rethrow_exception(ended.error());
}

/// GET / over a new connection; the client reads the goodbye.
task<std::string> get(stream& from) {
  co_await io::write_all(from, "GET / HTTP/1.0\r\n\r\n");
  co_return co_await drain(from);
}

client_options file_client() {
  client_options options;
  options.authorities = trust::file(files().authority);
  return options;
}

TEST(tls_with_programs, the_client_gets_a_page_from_s_server_and_resumes) {
  const auto main = []() -> task<void> {
    for (const auto highest : {version::tls_1_2, version::tls_1_3}) {
      auto options = file_client();
      options.highest = highest;
      const context own = context::client(options);
      co_await with_s_server({}, [&](std::uint16_t port) -> task<void> {
        for (const bool again : {false, true}) {
          auto secure = co_await connect("127.0.0.1", port, own);
          EXPECT_EQ(secure.version(), highest);
          EXPECT_EQ(secure.session_reused(), again);
          EXPECT_EQ(secure.peer().port(), port);
          const std::string page = co_await get(secure);
          EXPECT_THAT(page, HasSubstr("Secure Renegotiation IS"));
        }
      });
    }
  };
  run(main);
}

TEST(tls_with_programs, the_client_says_why_it_does_not_like_s_server) {
  const auto main = []() -> task<void> {
    const auto failure = [](std::uint16_t port, client_options options) -> task<std::error_code> {
      try {
        auto secure = co_await connect("127.0.0.1", port, context::client(std::move(options)));
        static_cast<void>(co_await get(secure));
      } catch (const tls_error& failed) {
        co_return failed.code();
      }
      co_return std::error_code();
    };
    co_await with_s_server({}, [&](std::uint16_t port) -> task<void> {
      const auto distrust = co_await failure(port, client_options());
      EXPECT_EQ(distrust, errc::unknown_authority);
      const auto fine = co_await failure(port, file_client());
      EXPECT_EQ(fine, std::error_code());
    });
    const std::vector<std::string> old_only{"-tls1_1", "-cipher", "ALL:@SECLEVEL=0"};
    co_await with_s_server(old_only, [&](std::uint16_t port) -> task<void> {
      const auto old = co_await failure(port, file_client());
      EXPECT_EQ(old, errc::no_common_version);
    });
    const std::vector<std::string> asking{"-Verify", "1", "-verify_return_error"};
    co_await with_s_server(asking, [&](std::uint16_t port) -> task<void> {
      const auto unshown = co_await failure(port, file_client());
      EXPECT_EQ(unshown, errc::alert_received);
      auto shown = file_client();
      shown.certificates.push_back(issued("alice"));
      const auto fine = co_await failure(port, shown);
      EXPECT_EQ(fine, std::error_code());
    });
  };
  run(main);
}

TEST(tls_with_programs, the_client_gets_a_large_file_from_nginx) {
  ASSERT_TRUE(http::testing::nginx::is_installed()) << "run tools/setup test";
  const http::testing::nginx server("ssl on; ssl_protocols TLSv1.2 TLSv1.3; ssl_certificate " +
                                    files().chain + "; ssl_certificate_key " + files().key + ";");
  std::string large(3'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  server.write_file("large", large);
  const std::string base = server.base();
  const auto port = static_cast<std::uint16_t>(std::stoi(base.substr(base.rfind(':') + 1)));
  const auto main = [&]() -> task<void> {
    auto options = file_client();
    options.alpn = {"http/1.1"};
    auto secure = co_await connect("127.0.0.1", port, context::client(options));
    EXPECT_EQ(secure.alpn(), "http/1.1");
    co_await io::write_all(secure, "GET /large HTTP/1.0\r\n\r\n");
    const std::string response = co_await drain(secure);
    EXPECT_TRUE(response.ends_with("\r\n\r\n" + large));
  };
  run(main);
}

TEST(tls_with_programs, connect_to_a_server_of_ours_by_name) {
  with_server(file_server(), [](const std::string& address, record&) -> task<void> {
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.find(':') + 1)));
    try {
      auto wrong = co_await connect("localhost", port, context::client(file_client()));
      ADD_FAILURE() << "the certificate is not for localhost";
    } catch (const tls_error& failed) {
      EXPECT_EQ(failed.code(), errc::wrong_host);
      EXPECT_THAT(std::string(failed.what()), HasSubstr("tls connect localhost 127.0.0.1:"));
    }
  });
}

}  // namespace
}  // namespace eddy::tls

// The server over TLS, looked at by testssl.sh: protocols, ciphers and known weaknesses.
#include "scratch_folder.hpp"
#include "server_fixture.hpp"
#include "tls/connected.hpp"

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/timeout.hpp>
#include <eddy/http/server.hpp>
#include <eddy/process/run.hpp>
#include <eddy/runtime/run.hpp>

namespace eddy::http::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// The lines of a report in testssl's CSV form that are more than a remark.
std::vector<std::string> findings_in(const std::string& report) {
  std::vector<std::string> found;
  std::istringstream lines(report);
  for (std::string line; std::getline(lines, line);) {
    for (const char* severity :
         {"\"LOW\"", "\"MEDIUM\"", "\"HIGH\"", "\"CRITICAL\"", "\"FATAL\""}) {
      if (line.find(severity) != std::string::npos) found.push_back(line);
    }
  }
  return found;
}

TEST(http_server_tls_with_testssl, finds_nothing_weak) {
  const tests::scratch_folder folder;
  const std::string report = folder / "report.csv";
  server app;
  app.get("/", [](request&) { return "root"; });
  tls::server_options options = tls::testing::server_for({"localhost"});
  options.alpn = {"h2", "http/1.1"};
  const tls::context context = tls::context::server(options);
  auto main = [&]() -> task<void> {
    net::tcp_listener listener = net::tcp_listener::listen(net::address::loopback_v4(0));
    auto both = [&](task_group& group) -> task<void> {
      group.spawn(app.serve(listener, context));
      // Protocols, ciphers, forward secrecy; Heartbleed, CCS, renegotiation, CRIME, POODLE, SWEET32, FREAK, LOGJAM.
      std::vector<std::string> words{"--quiet",    "--color",   "0",
                                     "--warnings", "off",       "--openssl-timeout",
                                     "5",          "--csvfile", report};
      for (const char* check : {"-p", "-s", "-f", "-H", "-I", "-R", "-C", "-O", "-W", "-F", "-J"}) {
        words.emplace_back(check);
      }
      words.push_back("localhost:" + std::to_string(listener.local().port()));
      process::options what("testssl", std::move(words));
      const process::output scan = co_await process::run(what);
      const std::string found = text_of(report);
      EXPECT_EQ(findings_in(found), std::vector<std::string>()) << scan.out << scan.err;
      EXPECT_THAT(found, HasSubstr("\"TLS1_3\""));
      EXPECT_THAT(found, HasSubstr("\"heartbleed\""));
      app.shutdown();
    };
    co_await with_timeout(5min, with_group(both));
  };
  run_options real;
  real.handle_signals = false;
  run(main(), real);
}

}  // namespace
}  // namespace eddy::http::test

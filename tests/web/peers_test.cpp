// The module over real sockets, with the programs of the trade: curl, aiohttp, httpx, wrk, and slowhttptest.
#include "web/fixture.hpp"

#include <array>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <gmock/gmock.h>
#include <openssl/sha.h>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/web/compression.hpp>
#include <eddy/web/forms.hpp>
#include <eddy/web/security.hpp>
#include <eddy/web/sessions.hpp>
#include <eddy/web/static_files.hpp>

namespace eddy::web::test {
namespace {

using namespace std::chrono_literals;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string output_of(const std::string& command) {
  std::FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("popen failed");
  std::string text;
  std::array<char, 4096> piece{};
  while (const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe)) {
    text.append(piece.data(), count);
  }
  ::pclose(pipe);
  return text;
}

std::string checksum(std::string_view text) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  ::SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  std::string hexadecimal;
  for (std::size_t i = 0; i < 8; ++i) {
    constexpr std::string_view digits = "0123456789abcdef";
    hexadecimal += digits[digest[i] >> 4];
    hexadecimal += digits[digest[i] & 15];
  }
  return hexadecimal;
}

std::string words() {
  std::string text = "<p>";
  while (text.size() < 20'000) text += "word " + std::to_string(text.size()) + " ";
  return text;
}

/// A site with a bit of everything, and the files it serves.
class site {
 public:
  site() : large(pattern(5'000'003)) {
    files.write("large.bin", large);
    files.write("page.html", words());
    files.write("sub/index.html", "sub");
  }

  task<void> set_up(http::server& app) const {
    compression_options coded;
    coded.codings = {http::content_coding::gzip, http::content_coding::br,
                     http::content_coding::zstd};
    app.use(compression(coded));
    app.use(decompression());
    session_options kept;
    kept.keys = {std::string(32, 'k')};
    kept.secure = false;
    app.use(sessions(kept));
    app.use(guard_secret());
    app.get("/f/{path...}", co_await static_files::open(files.path()));
    http::route_options upload;
    upload.max_body = 64 << 20;
    app.post("/upload", [this](http::request& r) { return take_upload(r); }, upload);
    app.post("/echo", [](http::request& r) -> task<std::string> {
      co_return std::to_string((co_await r.body()).size());
    });
    app.get("/secret", [](http::request& r) { return r.get<principal>()->name; });
    app.get("/count", [](http::request& r) {
      session& mine = session_of(r);
      const int count = std::stoi(std::string(mine.get("n").value_or("0"))) + 1;
      mine.set("n", std::to_string(count));
      return std::to_string(count);
    });
  }

  scratch_folder files;
  scratch_folder uploads;
  scratch_folder out;
  std::string large;

 private:
  static http::any_middleware guard_secret() {
    auto guard = std::make_shared<http::any_middleware>(
        basic_auth("secret", known_passwords({{"ada", "lovelace"}})));
    return [guard](http::request& r, http::next rest) {
      return r.path() == "/secret" ? (*guard)(r, rest) : rest(r);
    };
  }

  task<std::string> take_upload(http::request& r) const {
    form_options how;
    how.folder = uploads.path();
    form sent = co_await read_form(r, how);
    std::string said;
    for (const auto& [name, value] : sent.values()) said += name + "=" + value + "\n";
    for (uploaded_file& file : sent.files()) {
      const std::string text = co_await fs::read_file(file.content.path());
      said += file.about.name + "<" + file.about.filename.value() + ">" +
              std::to_string(file.size) + " " + checksum(text) + "\n";
    }
    co_return said;
  }
};

/// Runs `body(base URL)` beside a server on a real loop.
template <class Body>
void serve_real(const site& what, Body body) {
  run_options options;
  options.handle_signals = false;
  const auto main = [&]() -> task<void> {
    http::server app;
    co_await what.set_up(app);
    auto asked = [&](net::address at) -> task<void> { co_await body("http://" + at.to_string()); };
    co_await with_server(app, asked);
  };
  run(with_timeout(100s, main()), options);
}

task<std::string> curl(std::string arguments) {
  co_return co_await to_thread(output_of, "curl -s -S --max-time 50 " + arguments);
}

TEST(web_with_curl, files_whole_in_parts_and_resumed) {
  const site what;
  serve_real(what, [&](std::string base) -> task<void> {
    const std::string url = base + "/f/large.bin";
    co_await curl("-o " + (what.out / "whole") + " " + url);
    EXPECT_TRUE(what.out.read("whole") == what.large);
    std::string got = co_await curl("-r 1000-1099 " + url);
    EXPECT_TRUE(got == what.large.substr(1000, 100));
    got = co_await curl("-r -5 " + url);
    EXPECT_TRUE(got == what.large.substr(what.large.size() - 5));
    got = co_await curl("-r 0-1,100-101 -o /dev/null -w '%{content_type} %{http_code}' " + url);
    EXPECT_THAT(got, HasSubstr("multipart/byteranges; boundary="));
    what.out.write("begun", what.large.substr(0, 1'234'567));
    co_await curl("-C - -o " + (what.out / "begun") + " " + url);
    EXPECT_TRUE(what.out.read("begun") == what.large);
    got = co_await curl("-I " + url);
    EXPECT_THAT(got, HasSubstr("Content-Length: 5000003\r\n"));
    got = co_await curl("--path-as-is -o /dev/null -w '%{http_code}' " + base +
                        "/f/%2e%2e/etc/passwd");
    EXPECT_EQ(got, "404");
  });
}

TEST(web_with_curl, conditions_and_codings) {
  const site what;
  serve_real(what, [&](std::string base) -> task<void> {
    const std::string url = base + "/f/page.html";
    const std::string tag = what.out / "tag";
    co_await curl("--etag-save " + tag + " -o " + (what.out / "page") + " " + url);
    EXPECT_EQ(what.out.read("page"), words());
    std::string got =
        co_await curl("--etag-compare " + tag + " -o /dev/null -w '%{http_code}' " + url);
    EXPECT_EQ(got, "304");
    got = co_await curl("-R -o " + (what.out / "dated") + " " + url);
    got = co_await curl("-z " + (what.out / "dated") + " -o /dev/null -w '%{http_code}' " + url);
    EXPECT_EQ(got, "304");
    for (const std::string coding : {"gzip", "br", "zstd"}) {
      const std::string head = what.out / ("head-" + coding);
      got =
          co_await curl("--compressed -D " + head + " -H 'Accept-Encoding: " + coding + "' " + url);
      EXPECT_EQ(got, words()) << coding;
      EXPECT_THAT(what.out.read("head-" + coding), HasSubstr("Content-Encoding: " + coding));
    }
  });
}

TEST(web_with_curl, uploads) {
  const site what;
  serve_real(what, [&](std::string base) -> task<void> {
    const std::string file = what.files / "large.bin";
    std::string got = co_await curl("-F note=hello -F 'f=@" + file + ";filename=my \"file\".bin' " +
                                    base + "/upload");
    EXPECT_EQ(got, "note=hello\nf<my \"file\".bin>5000003 " + checksum(what.large) + "\n");
    got = co_await curl("--data-urlencode 'a=1 & 2' -d b=3 " + base + "/upload");
    EXPECT_EQ(got, "a=1 & 2\nb=3\n");
    got = co_await curl("-d x -o /dev/null -w '%{http_code}' -H 'Content-Type: text/x' " + base +
                        "/upload");
    EXPECT_EQ(got, "415");
  });
  EXPECT_EQ(what.uploads.count(), 0U);
}

TEST(web_with_python, aiohttp_and_httpx_agree) {
  const site what;
  const std::string script = EDDY_PEERS;
  serve_real(what, [&](std::string base) -> task<void> {
    const std::string got = co_await to_thread(
        output_of, "/usr/bin/python3 -B " + script + " " + base + " " + (what.files / "large.bin"));
    EXPECT_EQ(got, "ok\n");
  });
}

TEST(web_with_wrk, requests_of_many_connections_are_all_answered) {
  const site what;
  serve_real(what, [&](std::string base) -> task<void> {
    for (const std::string path : {"/f/sub/", "/count"}) {
      const std::string said =
          co_await to_thread(output_of, "wrk -t2 -c64 -d1s --timeout 30s " + base + path);
      EXPECT_THAT(said, HasSubstr(" requests in ")) << path;
      EXPECT_THAT(said, Not(AnyOf(HasSubstr("Socket errors"), HasSubstr("Non-2xx")))) << path;
    }
  });
}

// --- slow clients ---

/// Asks for a small page again and again while there are attacks; the longest time one took.
task<duration> ask_meanwhile(std::string base, const std::atomic<int>& attacks) {
  const std::string command =
      "curl -s -o /dev/null --max-time 10 -w '%{http_code} %{time_total}' " + base + "/f/sub/";
  duration longest{};
  while (attacks > 0) {
    const std::string got = co_await to_thread(output_of, command);
    EXPECT_THAT(got, ::testing::StartsWith("200 "));
    longest =
        std::max(longest, to_duration(std::chrono::duration<double>(std::stod(got.substr(4)))));
    co_await sleep(100ms);
  }
  co_return longest;
}

task<void> attack(std::string arguments, std::string url, std::atomic<int>& attacks) {
  const std::string command = "slowhttptest " + arguments + " -c 300 -r 300 -l 6 -p 3 -u " + url;
  const std::string said = co_await to_thread(output_of, command);
  --attacks;
  EXPECT_THAT(said, HasSubstr("service available")) << arguments;
}

// All at once: each takes its time, whatever the server does.
TEST(web_with_slowhttptest, slow_heads_bodies_and_readers_do_not_keep_others_out) {
  const site what;
  serve_real(what, [&](std::string base) -> task<void> {
    std::atomic<int> attacks = 3;
    duration longest{};
    const auto ask = [&]() -> task<void> { longest = co_await ask_meanwhile(base, attacks); };
    co_await gather(attack("-H -i 1", base + "/f/sub/", attacks),
                    attack("-B -i 1 -s 8192", base + "/echo", attacks),
                    attack("-X -w 512 -y 1024 -n 1 -z 32", base + "/f/large.bin", attacks), ask());
    // A server that is kept busy answers when the attack is over. The machine may be busy with other tests.
    EXPECT_LT(longest, 4s);
  });
}

}  // namespace
}  // namespace eddy::web::test

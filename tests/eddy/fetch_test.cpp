// `eddy fetch` against nginx, `eddy serve` against curl.
#include "http/nginx.hpp"
#include "scratch_folder.hpp"
#include "service/programs.hpp"

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/tls/certificate_authority.hpp>

namespace command::testing {
namespace {

using eddy::http::testing::nginx;
using ::service::testing::answer;
using ::service::testing::child_process;
using ::service::testing::curl;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

struct finished {
  int code = 0;
  std::vector<boost::json::value> lines;  // those that are JSON
};

finished fetch(const std::vector<std::string>& more) {
  std::vector<std::string> words{EDDY_PROGRAM, "fetch"};
  words.insert(words.end(), more.begin(), more.end());
  child_process process(words);
  finished result;
  result.code = process.wait();
  std::string_view text = process.output();
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with('{'))
      result.lines.push_back(boost::json::parse({line.data(), line.size()}));
  }
  return result;
}

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST(eddy_fetch, writes_what_it_fetched) {
  const nginx site(
      "location /gone { return 404; } location /moved { return 302 /a.txt; } gzip on;");
  const eddy::tests::scratch_folder folder;
  const std::string large(3'000'000, 'x');
  site.write_file("a.txt", "first");
  site.write_file("b.txt", large);
  const std::string to = folder / "out";
  const finished all =
      fetch({site.base() + "/a.txt", site.base() + "/b.txt", site.base() + "/moved", "-o", to});
  EXPECT_EQ(all.code, 0);
  ASSERT_THAT(all.lines, SizeIs(3));
  for (const boost::json::value& line : all.lines) {
    EXPECT_EQ(line.at("status").as_int64(), 200);
    const std::string file(line.at("file").as_string().c_str());
    const std::string url(line.at("url").as_string().c_str());
    EXPECT_EQ(content_of(file), url.ends_with("/b.txt") ? large : "first") << file;
    if (url.ends_with("/moved")) {
      EXPECT_EQ(line.at("final_url").as_string(), site.base() + "/a.txt");
    }
  }
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& each : std::filesystem::directory_iterator(to)) ++files;
  EXPECT_EQ(files, 3U) << "no parts are left";
}

TEST(eddy_fetch, goes_on_where_it_broke_off) {
  const nginx site("limit_rate 500k;");
  const eddy::tests::scratch_folder folder;
  std::string large;
  for (int i = 0; large.size() < 2'500'000; ++i) large += std::to_string(i) + "\n";
  site.write_file("large.txt", large);
  const std::string to = folder / "out";
  const finished broken =
      fetch({site.base() + "/large.txt", "-o", to, "--timeout=2", "--retries=0"});
  EXPECT_EQ(broken.code, 1);
  ASSERT_THAT(broken.lines, SizeIs(1));
  EXPECT_THAT(broken.lines[0].at("error").as_string().c_str(), HasSubstr("total time"));
  EXPECT_FALSE(broken.lines[0].as_object().contains("file"));

  std::string part;
  for (const auto& each : std::filesystem::directory_iterator(to)) {
    if (each.path().extension() == ".part") part = each.path().string();
  }
  ASSERT_FALSE(part.empty());
  // What is there is kept, and only the rest is asked for: this shows in the result.
  std::fstream(part, std::ios::in | std::ios::out | std::ios::binary).put('!');
  const finished rest =
      fetch({site.base() + "/large.txt", "-o", to, "--timeout=2", "--retries=20"});
  EXPECT_EQ(rest.code, 0);
  ASSERT_THAT(rest.lines, SizeIs(1));
  EXPECT_EQ(rest.lines[0].at("bytes").as_int64(), static_cast<std::int64_t>(large.size()));
  EXPECT_EQ(rest.lines[0].at("type").as_string(), "text/plain");
  large[0] = '!';
  EXPECT_EQ(content_of(rest.lines[0].at("file").as_string().c_str()), large);
  EXPECT_FALSE(std::filesystem::exists(part));
}

TEST(eddy_fetch, says_by_its_exit_code_whether_all_went_well) {
  const nginx site("location /gone { return 404; } location /busy { return 503; }");
  site.write_file("a.txt", "first");
  const finished gone = fetch({site.base() + "/a.txt", site.base() + "/gone"});
  EXPECT_EQ(gone.code, 1);
  EXPECT_THAT(gone.lines, SizeIs(2));

  const finished busy = fetch({site.base() + "/busy", "--retries=1"});
  EXPECT_EQ(busy.code, 1);
  ASSERT_THAT(busy.lines, SizeIs(1));
  EXPECT_EQ(busy.lines[0].at("status").as_int64(), 503);
  EXPECT_EQ(busy.lines[0].at("attempts").as_int64(), 2);

  const finished nobody = fetch({"http://127.0.0.1:1/", "ftp://x/", "--retries=0", "--timeout=5"});
  EXPECT_EQ(nobody.code, 1);
  ASSERT_THAT(nobody.lines, SizeIs(2));
  for (const boost::json::value& line : nobody.lines) {
    EXPECT_EQ(line.at("status").as_int64(), 0);
    EXPECT_FALSE(line.at("error").as_string().empty());
  }
  EXPECT_EQ(fetch({}).code, 2);
  EXPECT_EQ(fetch({site.base(), "--concurrency=0"}).code, 2);
}

TEST(eddy_fetch, shows_a_bar_on_a_terminal) {
  const nginx site;
  site.write_file("a.txt", "first");
  child_process terminal({"script", "-qec",
                          std::string(EDDY_PROGRAM) + " fetch " + site.base() + "/a.txt",
                          "/dev/null"});
  EXPECT_EQ(terminal.wait(), 0);
  const std::string& shown = terminal.output();
  EXPECT_THAT(shown, HasSubstr("\r\x1b[K[..............................] 0/1  0 KiB"));
  EXPECT_THAT(shown, HasSubstr("\r\x1b[K200  5 B  "));
  EXPECT_THAT(shown, Not(HasSubstr("{\"url\"")));
}

TEST(eddy_fetch, fetches_many_at_once) {
  const nginx site;
  std::vector<std::string> words{"--concurrency=20"};
  for (int i = 0; i < 200; ++i) {
    const std::string name = std::to_string(i) + ".txt";
    site.write_file(name, name);
    words.push_back(site.base() + "/" + name);
  }
  const finished all = fetch(words);
  EXPECT_EQ(all.code, 0);
  EXPECT_THAT(all.lines, SizeIs(200));
}

/// `eddy serve` on a free port.
class serve_process : public child_process {
 public:
  explicit serve_process(std::vector<std::string> more) : child_process(command(std::move(more))) {
    if (!wait_for("/\n")) throw std::runtime_error("eddy serve does not start: " + output());
    const std::size_t begin = output().find("http");
    base_ = output().substr(begin, output().rfind('/') - begin);
  }
  [[nodiscard]] const std::string& base() const noexcept { return base_; }

 private:
  static std::vector<std::string> command(std::vector<std::string> more) {
    more.insert(more.begin(), {EDDY_PROGRAM, "serve", "--port=0"});
    return more;
  }
  std::string base_;
};

TEST(eddy_serve, serves_files_until_it_is_interrupted) {
  const eddy::tests::scratch_folder folder;
  folder.write("index.html", "<p>home");
  folder.write("docs/a.txt", "0123456789");
  folder.write(".secret", "no");
  serve_process server({folder.path(), "--listing"});
  EXPECT_EQ(curl({server.base() + "/"}).body, "<p>home");
  EXPECT_EQ(curl({"-r", "2-4", server.base() + "/docs/a.txt"}).body, "234");
  EXPECT_THAT(curl({server.base() + "/docs/"}).body, HasSubstr("a.txt"));
  EXPECT_EQ(curl({server.base() + "/.secret"}).status, 404);
  EXPECT_EQ(curl({"--path-as-is", server.base() + "/../etc/passwd"}).status / 100, 4);
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 0) << server.output();

  child_process missing({EDDY_PROGRAM, "serve", folder / "missing"});
  EXPECT_EQ(missing.wait(), 1);
}

TEST(eddy_serve, serves_https_and_http_2) {
  const eddy::tests::scratch_folder folder;
  folder.write("files/index.html", "<p>home");
  const eddy::tls::certificate_authority authority;
  const eddy::tls::credentials own = authority.issue({"127.0.0.1"});
  const std::string certificate = folder.write("own.pem", own.chain);
  const std::string key = folder.write("own.key", own.key);
  const std::string trusted = folder.write("ca.pem", authority.pem());
  serve_process server({folder / "files", "--cert", certificate, "--key", key});
  EXPECT_THAT(server.base(), HasSubstr("https://"));
  for (const auto& [wanted, version] : {std::pair("--http2", "2"), std::pair("--http1.1", "1.1")}) {
    const answer got = curl(
        {"--cacert", trusted, wanted, "-w", "%{http_version}\n%{http_code}", server.base() + "/"});
    EXPECT_EQ(got.status, 200) << server.output();
    EXPECT_EQ(got.body, std::string("<p>home") + version);
  }
  server.signal(SIGTERM);
  EXPECT_EQ(server.wait(), 0) << server.output();

  child_process keyless({EDDY_PROGRAM, "serve", folder / "files", "--cert", certificate});
  EXPECT_EQ(keyless.wait(), 2);
  child_process wrong({EDDY_PROGRAM, "serve", folder / "files", "--cert", key, "--key", key});
  EXPECT_EQ(wrong.wait(), 1);
  EXPECT_THAT(wrong.output(), HasSubstr("own.key"));
}

}  // namespace
}  // namespace command::testing

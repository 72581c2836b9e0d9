// Forms and downloads.
#include "http/scripted_server.hpp"
#include "scratch_folder.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/client.hpp>
#include <eddy/http/download.hpp>
#include <eddy/http/form.hpp>
#include <eddy/http/server.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/testing/test_client.hpp>

namespace eddy::http {
namespace {

using namespace std::chrono_literals;
using eddy::testing::with_test_client;
using http::testing::scripted_peer;
using http::testing::with_scripted_server;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(form, is_encoded_as_browsers_do) {
  EXPECT_EQ(encode_form({{"a", "1"}, {"b c", "x&y=z+\xC3\xA9\n"}, {"", "*-._"}}),
            "a=1&b+c=x%26y%3Dz%2B%C3%A9%0A&=*-._");
  EXPECT_EQ(encode_form({}), "");
}

EDDY_TEST(multipart_form, is_sent_part_by_part) {
  server app;
  app.post("/", [](request& r) -> task<response> {
    std::string text(r.fields().find("Content-Type").value_or("none"));
    text += r.fields().contains("Content-Length") ? "|sized|" : "|chunked|";
    text += co_await r.body();
    co_return response::text(text);
  });
  auto body = [](client& c) -> task<void> {
    for (const bool sized : {true, false}) {
      multipart_form form;
      form.add("ti\"tle", "notes").add_file("f", "a\r\nb.txt", "text/plain", "content");
      streamed_body content;
      content.write = [](body_writer& out) -> task<void> {
        co_await out.write("first,");
        co_await out.write("second");
      };
      if (sized) content.length = 12;
      form.add_stream("s", "s.bin", "application/octet-stream", content);
      request_spec spec("POST", "/");
      form.apply(spec);
      client_response response = co_await c.request(std::move(spec));
      const std::string seen = co_await response.body();
      constexpr std::string_view prefix = "multipart/form-data; boundary=";
      EDDY_REQUIRE(seen.starts_with(prefix));
      const std::string boundary = seen.substr(prefix.size(), seen.find('|') - prefix.size());
      const std::string expected =
          (sized ? "|sized|--" : "|chunked|--") + boundary +
          "\r\nContent-Disposition: form-data; name=\"ti%22tle\"\r\n\r\nnotes\r\n--" + boundary +
          "\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a%0D%0Ab.txt\"\r\n"
          "Content-Type: text/plain\r\n\r\ncontent\r\n--" +
          boundary +
          "\r\nContent-Disposition: form-data; name=\"s\"; filename=\"s.bin\"\r\n"
          "Content-Type: application/octet-stream\r\n\r\nfirst,second\r\n--" +
          boundary + "--\r\n";
      EXPECT_EQ(seen.substr(prefix.size() + boundary.size()), expected);
    }
  };
  co_await with_test_client(app, body);
}

// --- downloads ---

/// Keeps what a download gives.
download_sink into(std::string& text) {
  return [&text](std::uint64_t offset, std::string_view piece) -> task<void> {
    if (offset == 0) text.clear();
    EXPECT_EQ(offset, text.size());
    text += piece;
    co_return;
  };
}

EDDY_TEST(download, is_taken_up_where_it_broke_off) {
  std::vector<std::string> heads;
  auto script = [&](scripted_peer& peer) -> task<void> {
    const auto head = co_await peer.read_head();
    heads.push_back(*head);
    if (peer.number() == 0) {
      co_await peer.send("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\n01234");
    } else if (peer.number() == 1) {
      co_await peer.send(
          "HTTP/1.1 206 P\r\nContent-Range: bytes 5-9/10\r\nContent-Length: 5\r\n\r\n56");
    } else {
      co_await peer.send(
          "HTTP/1.1 206 P\r\nContent-Range: bytes 7-9/10\r\nContent-Length: 3\r\n\r\n789");
    }
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    std::string text;
    download_options options;
    std::uint64_t last = 0;
    options.progress = [&](std::uint64_t received, std::optional<std::uint64_t> size) {
      EXPECT_GT(received, last);
      EXPECT_EQ(size, 10u);
      last = received;
    };
    const download_result done =
        co_await download(c, request_spec("GET", base), into(text), options);
    EXPECT_EQ(text, "0123456789");
    EXPECT_EQ(done.size, 10u);
    EXPECT_EQ(done.resumptions, 2u);
    EXPECT_EQ(done.validator, "\"v1\"");
    EXPECT_EQ(last, 10u);
  };
  co_await with_scripted_server(script, body);
  EDDY_REQUIRE(heads.size() == 3);
  EXPECT_THAT(heads[0], HasSubstr("Accept-Encoding: identity\r\n"));
  EXPECT_THAT(heads[0], Not(HasSubstr("Range")));
  EXPECT_THAT(heads[2], HasSubstr("Range: bytes=7-\r\n"));
  EXPECT_THAT(heads[2], HasSubstr("If-Range: \"v1\"\r\n"));
}

EDDY_TEST(download, begins_anew_when_the_server_has_another_version) {
  auto script = [](scripted_peer& peer) -> task<void> {
    if (peer.number() == 0) {
      co_await peer.answer("HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: 10\r\n\r\nold");
    } else {
      co_await peer.answer("HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 3\r\n\r\nnew");
    }
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    std::string text;
    const download_result done = co_await download(c, request_spec("GET", base), into(text));
    EXPECT_EQ(text, "new");
    EXPECT_EQ(done.size, 3u);
    EXPECT_EQ(done.validator, "\"v2\"");
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(download, without_a_validator_or_with_a_wrong_range_fails) {
  auto script = [](scripted_peer& peer) -> task<void> {
    const auto head = co_await peer.read_head();
    const bool weak = head->find("/weak") != std::string::npos;
    if (head->find("Range:") != std::string::npos) {
      co_await peer.send(
          "HTTP/1.1 206 P\r\nContent-Range: bytes 1-9/10\r\nContent-Length: 9\r\n\r\n123456789");
    } else {
      co_await peer.send(std::string("HTTP/1.1 200 OK\r\nETag: ") + (weak ? "W/" : "") +
                         "\"v\"\r\nContent-Length: 10\r\n\r\n01234");
    }
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    for (const auto& [path, what] : std::vector<std::pair<std::string, condition>>{
             {"/weak", condition::disconnected}, {"/wrong", condition::invalid_input}}) {
      std::string text;
      std::optional<error> failure;
      try {
        static_cast<void>(co_await download(c, request_spec("GET", base + path), into(text)));
      } catch (const error& e) {
        failure = e;
      }
      EDDY_REQUIRE(failure);
      EXPECT_EQ(*failure, what) << path;
      EXPECT_EQ(text, "01234");
    }
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(download, that_is_complete_already_ends_at_once) {
  auto script = [](scripted_peer& peer) -> task<void> {
    co_await peer.answer("HTTP/1.1 416 R\r\nContent-Range: bytes */5\r\nContent-Length: 0\r\n\r\n");
  };
  auto body = [](const std::string& base) -> task<void> {
    client c;
    std::string text = "01234";
    download_options options;
    options.offset = 5;
    options.validator = "\"v\"";
    const download_result done =
        co_await download(c, request_spec("GET", base), into(text), options);
    EXPECT_EQ(done.size, 5u);
    std::optional<status_error> failure;
    try {
      static_cast<void>(co_await download(c, request_spec("GET", base), into(text)));
    } catch (const status_error& e) {
      failure = e;
    }
    EDDY_REQUIRE(failure);
    EXPECT_EQ(failure->status(), 416);
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(download, takes_what_a_server_without_ranges_or_with_other_bytes_gives) {
  struct row {
    const char* name;
    std::string answer;
  };
  const std::string whole = "HTTP/1.1 200 OK\r\nETag: \"v2\"\r\nContent-Length: 3\r\n\r\nnew";
  for (const row& each :
       {row{"no ranges", whole},
        row{"less than came",
            "HTTP/1.1 416 R\r\nContent-Range: bytes */3\r\nContent-Length: 0\r\n\r\n"},
        row{"If-Range not understood",
            "HTTP/1.1 206 P\r\nETag: \"v2\"\r\nContent-Range: bytes 5-9/10\r\n"
            "Content-Length: 5\r\n\r\nWRONG"}}) {
    auto script = [&](scripted_peer& peer) -> task<void> {
      const auto head = co_await peer.read_head();
      const bool for_rest = head->find("Range: bytes=5-") != std::string::npos;
      co_await peer.send(for_rest ? each.answer : whole);
    };
    auto body = [&](const std::string& base) -> task<void> {
      client c;
      std::string text = "01234";
      download_options options;
      options.offset = 5;
      options.validator = "\"v1\"";
      const download_result done =
          co_await download(c, request_spec("GET", base), into(text), options);
      EXPECT_EQ(text, "new") << each.name;
      EXPECT_EQ(done.size, 3u) << each.name;
      EXPECT_EQ(done.status, 200) << each.name;
      EXPECT_EQ(done.validator, "\"v2\"") << each.name;
      EXPECT_EQ(done.resumptions, 0u) << each.name;
    };
    co_await with_scripted_server(script, body);
  }
}

EDDY_TEST(download, asks_again_when_less_than_the_rest_comes) {
  const std::string content = "0123456789";
  auto script = [&](scripted_peer& peer) -> task<void> {
    for (;;) {
      const auto head = co_await peer.read_head();
      if (!head) co_return;
      const std::size_t at = head->find("Range: bytes=");
      const std::size_t from = std::stoul(head->substr(at + 13));
      const std::string part = content.substr(from, 3);
      co_await peer.send("HTTP/1.1 206 P\r\nETag: \"v\"\r\nContent-Range: bytes " +
                         std::to_string(from) + "-" + std::to_string(from + part.size() - 1) +
                         "/10\r\nContent-Length: " + std::to_string(part.size()) + "\r\n\r\n" +
                         part);
    }
  };
  auto body = [&](const std::string& base) -> task<void> {
    client c;
    std::string text = "01";
    download_options options;
    options.offset = 2;
    options.validator = "\"v\"";
    const download_result done =
        co_await download(c, request_spec("GET", base), into(text), options);
    EXPECT_EQ(text, content);
    EXPECT_EQ(done.size, 10u);
    EXPECT_EQ(done.resumptions, 0u);
    EXPECT_EQ(done.url, base);
    EXPECT_EQ(done.fields.find("ETag"), "\"v\"");
  };
  co_await with_scripted_server(script, body);
}

EDDY_TEST(download, refuses_ranges_that_do_not_fit) {
  struct row {
    const char* name;
    std::uint64_t offset;
    std::string answer;
  };
  for (const row& each :
       {row{"not asked for", 0, "Content-Range: bytes 0-2/10\r\nContent-Length: 3\r\n\r\n012"},
        row{"nothing", 5, "Content-Range: bytes 5-9/10\r\nContent-Length: 0\r\n\r\n"},
        row{"too much", 5, "Content-Range: bytes 5-6/7\r\nContent-Length: 5\r\n\r\n56789"}}) {
    auto script = [&](scripted_peer& peer) -> task<void> {
      co_await peer.answer("HTTP/1.1 206 P\r\nETag: \"v\"\r\n" + each.answer);
    };
    auto body = [&](const std::string& base) -> task<void> {
      client c;
      std::string text(each.offset, 'x');
      download_options options;
      options.offset = each.offset;
      if (each.offset > 0) options.validator = "\"v\"";
      const auto done = co_await as_result(
          download(c, request_spec("GET", base), into(text), std::move(options)));
      EDDY_REQUIRE(done.has_error());
      EXPECT_THROW(std::rethrow_exception(done.error()), error) << each.name;
    };
    co_await with_scripted_server(script, body);
  }
}

// --- into files ---

/// A file of a server with ranges, which breaks off after some bytes of each answer.
class ranged_file {
 public:
  explicit ranged_file(std::string content) : content_(std::move(content)) {}

  task<void> serve(scripted_peer& peer) {
    const auto head = co_await peer.read_head();
    heads.push_back(*head);
    std::size_t from = 0;
    constexpr std::string_view field = "Range: bytes=";
    const bool same = head->find("If-Range: " + tag) != std::string::npos;
    if (const std::size_t at = head->find(field); same && at != std::string::npos) {
      from = std::stoul(head->substr(at + field.size()));
    }
    const std::string size = std::to_string(content_.size());
    std::string said = "HTTP/1.1 200 OK\r\n";
    if (from > 0) {
      said = "HTTP/1.1 206 P\r\nContent-Range: bytes " + std::to_string(from) + "-" +
             std::to_string(content_.size() - 1) + "/" + size + "\r\n";
    }
    if (from > 0 && from >= content_.size()) {
      said = "HTTP/1.1 416 R\r\nContent-Range: bytes */" + size + "\r\n";
    }
    const std::string rest = content_.substr(std::min(from, content_.size()));
    said += "ETag: " + tag + "\r\nContent-Length: " + std::to_string(rest.size()) + "\r\n\r\n";
    co_await peer.send(said + rest.substr(0, breaks_after));
  }

  std::string tag = "\"v1\"";
  std::size_t breaks_after = SIZE_MAX;
  std::vector<std::string> heads;

 private:
  std::string content_;
};

/// Downloads what `served` has from `path` to the file "out" of `folder`; whether it came to its end.
task<bool> download_out(ranged_file& served, const tests::scratch_folder& folder, std::string path,
                        std::size_t resumptions) {
  bool ended = false;
  auto script = [&](scripted_peer& peer) { return served.serve(peer); };
  auto body = [&](const std::string& base) -> task<void> {
    client_options options;
    options.base_url = "http://files/";
    options.proxy = base;  // so that the URL is the same each time
    client c(options);
    download_options how;
    how.resumptions = resumptions;
    request_spec spec("GET", "http://files" + path);
    const auto done = co_await as_result(download_file(c, std::move(spec), folder / "out", how));
    ended = done.has_value();
  };
  co_await with_scripted_server(script, body);
  co_return ended;
}

EDDY_TEST(download_file, has_its_name_only_once_it_is_whole_and_goes_on_in_a_later_call) {
  const tests::scratch_folder folder;
  folder.write("out", "an older one");
  ranged_file served("0123456789");
  served.breaks_after = 3;
  const bool first = co_await download_out(served, folder, "/a", 1);
  EXPECT_FALSE(first);
  EXPECT_EQ(folder.read("out"), "an older one");
  EXPECT_EQ(folder.read("out.part"), "012345");
  // As if the process had been killed: the next call begins with what is there, and less of it than was written.
  folder.write("out.part", "0123");
  served.breaks_after = SIZE_MAX;
  const bool second = co_await download_out(served, folder, "/a", 0);
  EXPECT_TRUE(second);
  EXPECT_EQ(folder.read("out"), "0123456789");
  EXPECT_EQ(folder.count(), 1u);
  EXPECT_THAT(served.heads.back(), HasSubstr("Range: bytes=4-\r\n"));
}

EDDY_TEST(download_file, begins_anew_for_another_version_another_url_or_too_many_bytes) {
  struct row {
    const char* path;
    const char* tag;
    const char* part;
    bool asks_for_rest;
  };
  for (const row& each : {row{"/a", "\"v2\"", "old", true}, row{"/b", "\"v1\"", "old", false},
                          row{"/a", "\"v1\"", "more than there is", true}}) {
    const tests::scratch_folder folder;
    ranged_file served("0123456789");
    served.breaks_after = 3;
    const bool first = co_await download_out(served, folder, "/a", 0);
    EXPECT_FALSE(first);
    folder.write("out.part", each.part);
    served.breaks_after = SIZE_MAX;
    served.tag = each.tag;
    served.heads.clear();
    const bool second = co_await download_out(served, folder, each.path, 0);
    EXPECT_TRUE(second);
    EXPECT_EQ(folder.read("out"), "0123456789");
    EXPECT_EQ(folder.count(), 1u);
    EXPECT_EQ(served.heads.front().find("Range:") != std::string::npos, each.asks_for_rest);
  }
}

EDDY_TEST(download_file, that_came_whole_but_was_not_named_is_not_fetched_again) {
  const tests::scratch_folder folder;
  ranged_file served("0123456789");
  served.breaks_after = 3;
  const bool first = co_await download_out(served, folder, "/a", 0);
  EXPECT_FALSE(first);
  folder.write("out.part", "0123456789");
  const bool second = co_await download_out(served, folder, "/a", 0);
  EXPECT_TRUE(second);
  EXPECT_EQ(folder.read("out"), "0123456789");
  EXPECT_EQ(folder.count(), 1u);
}

EDDY_TEST(download_file, may_be_empty_or_missing) {
  const tests::scratch_folder folder;
  ranged_file nothing("");
  const bool empty = co_await download_out(nothing, folder, "/a", 0);
  EXPECT_TRUE(empty);
  EXPECT_EQ(folder.count(), 1u);
  EXPECT_EQ(folder.read("out"), "");
  server app;
  auto body = [&](client& c) -> task<void> {
    const auto missing =
        co_await as_result(download_file(c, request_spec("GET", "/none"), folder / "none"));
    EXPECT_TRUE(missing.has_error());
    EXPECT_EQ(folder.count(), 1u);
    const auto nowhere =
        co_await as_result(download_file(c, request_spec("GET", "/none"), folder / "no/where"));
    EXPECT_TRUE(nowhere.has_error());
  };
  co_await with_test_client(app, body);
}

}  // namespace
}  // namespace eddy::http

// Files over HTTP, in virtual time: what a client may ask, and what it gets.
#include <eddy/web/static_files.hpp>

#include "web/fixture.hpp"

#include <filesystem>

#include <gmock/gmock.h>

#include <eddy/coro/result.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/http/content_coding.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/web/compression.hpp>

namespace eddy::web::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A file of a known age.
void put(const scratch_folder& folder, std::string_view name, std::string_view text) {
  set_time(folder.write(name, text), last_summer);
}

/// Serves `folder` at "/f/" while `body(client)` runs.
template <class Body>
task<void> with_files(const scratch_folder& folder, Body body,
                      static_options options = static_options()) {
  http::server app;
  static_files files = co_await static_files::open(folder.path(), std::move(options));
  app.get("/f/{path...}", files);
  auto connected = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await body(client);
  };
  co_await with_server(app, connected);
}

EDDY_TEST(static_files, a_file_has_type_length_and_validators) {
  const scratch_folder folder;
  put(folder, "page.html", "<p>hello</p>");
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/f/page.html"));
    EXPECT_EQ(got.status, 200);
    EXPECT_EQ(got.body, "<p>hello</p>");
    EXPECT_EQ(got.field("content-type"), "text/html; charset=utf-8");
    EXPECT_EQ(got.field("content-length"), "12");
    EXPECT_EQ(got.field("last-modified"), last_summer_text);
    EXPECT_THAT(got.field("etag"), StartsWith("\""));
    EXPECT_EQ(got.field("accept-ranges"), "bytes");
    EXPECT_EQ(got.field("cache-control"), "no-cache");
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, head_has_the_fields_and_no_body) {
  const scratch_folder folder;
  put(folder, "data.bin", std::string(5000, 'x'));
  auto body = [](raw_client& client) -> task<void> {
    const answer head =
        co_await client.ask("HEAD /f/data.bin HTTP/1.1\r\nHost: h\r\n\r\n", http::method::head);
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.field("content-length"), "5000");
    EXPECT_EQ(head.field("content-type"), "application/octet-stream");
    const answer next = co_await client.ask(get("/f/none"));
    EXPECT_EQ(next.status, 404);
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, what_is_not_below_the_folder_is_not_there) {
  const scratch_folder outside;
  outside.write("secret", "secret");
  const scratch_folder folder;
  put(folder, "ok.txt", "ok");
  put(folder, ".hidden", "secret");
  put(folder, "sub/.git/config", "secret");
  std::filesystem::create_symlink(outside / "secret", folder / "link.txt");
  std::filesystem::create_symlink(folder / "ok.txt", folder / "inner.txt");
  std::filesystem::create_directory_symlink(outside.path(), folder / "linked");
  auto body = [](raw_client& client) -> task<void> {
    for (const char* target :
         {"/f/../secret", "/f/%2e%2e/secret", "/f/sub/../../secret", "/f//etc/passwd",
          "/f/link.txt", "/f/inner.txt", "/f/linked/secret", "/f/.hidden", "/f/sub/.git/config",
          "/f/ok.txt/", "/f/ok.txt/x", "/f/sub//.git", "/f/ok.txt%20", "/f/...", "/f/OK.TXT"}) {
      const answer got = co_await client.ask(get(target));
      EXPECT_EQ(got.status, 404) << target;
      EXPECT_THAT(got.body, Not(HasSubstr("secret"))) << target;
    }
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, special_files_are_not_there_and_do_not_block) {
  const scratch_folder folder;
  ::mkfifo((folder / "pipe").c_str(), 0600);
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/f/pipe"));
    EXPECT_EQ(got.status, 404);
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, conditions_are_weighed_in_the_standards_order) {
  const scratch_folder folder;
  put(folder, "a.txt", "text");
  auto body = [](raw_client& client) -> task<void> {
    const answer first = co_await client.ask(get("/f/a.txt"));
    const std::string tag = first.field("etag");
    struct condition {
      std::string lines;
      int status;
    };
    const std::vector<condition> cases = {
        {"If-None-Match: " + tag, 304},
        {"If-None-Match: W/" + tag, 304},
        {"If-None-Match: \"x\", " + tag, 304},
        {"If-None-Match: *", 304},
        {"If-None-Match: \"x\"", 200},
        {"If-Modified-Since: Sun, 01 Jun 2025 12:00:00 GMT", 304},
        {"If-Modified-Since: Mon, 02 Jun 2025 12:00:00 GMT", 304},
        {"If-Modified-Since: Sat, 31 May 2025 12:00:00 GMT", 200},
        {"If-Modified-Since: yesterday", 200},
        // The tag says more than the date.
        {"If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 01 Jun 2025 12:00:00 GMT", 200},
        {"If-Match: " + tag, 200},
        {"If-Match: *", 200},
        {"If-Match: \"x\"", 412},
        {"If-Match: W/" + tag, 412},
        {"If-Unmodified-Since: Sun, 01 Jun 2025 12:00:00 GMT", 200},
        {"If-Unmodified-Since: Sat, 31 May 2025 12:00:00 GMT", 412},
        {"If-Match: \"x\"\r\nIf-None-Match: " + tag, 412},
    };
    for (const condition& one : cases) {
      const answer got = co_await client.ask(get_with("/f/a.txt", one.lines));
      EXPECT_EQ(got.status, one.status) << one.lines;
      if (one.status == 304) {
        EXPECT_EQ(got.field("etag"), tag);
        EXPECT_EQ(got.body, "");
        EXPECT_EQ(got.field("content-length"), "");
      }
    }
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_range_is_a_part) {
  const scratch_folder folder;
  put(folder, "a.txt", "0123456789");
  auto body = [](raw_client& client) -> task<void> {
    struct range {
      std::string field;
      std::string body;
      std::string where;
    };
    const std::vector<range> cases = {
        {"bytes=0-3", "0123", "bytes 0-3/10"},
        {"bytes=4-", "456789", "bytes 4-9/10"},
        {"bytes=-2", "89", "bytes 8-9/10"},
        {"bytes=9-9", "9", "bytes 9-9/10"},
        {"bytes=5-100", "56789", "bytes 5-9/10"},
        {"bytes=-100", "0123456789", "bytes 0-9/10"},
        {"BYTES=0-0", "0", "bytes 0-0/10"},
        {"bytes=0-1,50-60", "01", "bytes 0-1/10"},  // one of the two can be satisfied
        {"bytes=0-99999999999999999999999", "0123456789", "bytes 0-9/10"},
    };
    for (const range& one : cases) {
      const answer got = co_await client.ask(get_with("/f/a.txt", "Range: " + one.field));
      EXPECT_EQ(got.status, 206) << one.field;
      EXPECT_EQ(got.body, one.body) << one.field;
      EXPECT_EQ(got.field("content-range"), one.where);
      EXPECT_EQ(got.field("content-type"), "text/plain; charset=utf-8");
    }
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, ranges_that_are_none_are_ignored_or_refused) {
  const scratch_folder folder;
  put(folder, "a.txt", "0123456789");
  put(folder, "empty.txt", "");
  auto body = [](raw_client& client) -> task<void> {
    for (const std::string field :
         {"bytes=", "bytes=x-y", "bytes=5-4", "bytes=--1", "lines=1-2", "bytes=1-2;3-4",
          "bytes=0-5,3-8", "bytes=0-,0-,0-", "bytes=0-0,1-1,2-2,3-3,4-4"}) {
      const answer got = co_await client.ask(get_with("/f/a.txt", "Range: " + field));
      EXPECT_EQ(got.status, 200) << field;
      EXPECT_EQ(got.body, "0123456789") << field;
    }
    for (const std::string field : {"bytes=10-", "bytes=99-100", "bytes=-0"}) {
      const answer got = co_await client.ask(get_with("/f/a.txt", "Range: " + field));
      EXPECT_EQ(got.status, 416) << field;
      EXPECT_EQ(got.field("content-range"), "bytes */10");
    }
    const answer none = co_await client.ask(get_with("/f/empty.txt", "Range: bytes=0-"));
    EXPECT_EQ(none.status, 416);
    const answer last = co_await client.ask(get_with("/f/empty.txt", "Range: bytes=-5"));
    EXPECT_EQ(last.status, 200);
    const answer whole = co_await client.ask(get("/f/empty.txt"));
    EXPECT_EQ(whole.status, 200);
    EXPECT_EQ(whole.field("content-length"), "0");
  };
  static_options few;
  few.max_ranges = 4;
  co_await with_files(folder, body, few);
}

EDDY_TEST(static_files, several_ranges_come_as_parts) {
  const scratch_folder folder;
  put(folder, "a.txt", "0123456789");
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get_with("/f/a.txt", "Range: bytes=7-8, 0-1"));
    EXPECT_EQ(got.status, 206);
    const std::string type = got.field("content-type");
    EDDY_REQUIRE(type.starts_with("multipart/byteranges; boundary="));
    const std::string mark = "--" + type.substr(type.find('=') + 1);
    EXPECT_EQ(got.body, mark +
                            "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                            "Content-Range: bytes 7-8/10\r\n\r\n78\r\n" +
                            mark +
                            "\r\nContent-Type: text/plain; charset=utf-8\r\n"
                            "Content-Range: bytes 0-1/10\r\n\r\n01\r\n" +
                            mark + "--\r\n");
    EXPECT_EQ(got.field("content-length"), std::to_string(got.body.size()));
    EXPECT_EQ(got.field("content-range"), "");
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_range_counts_only_of_what_the_client_has) {
  const scratch_folder folder;
  put(folder, "a.txt", "0123456789");
  auto body = [](raw_client& client) -> task<void> {
    const std::string tag = (co_await client.ask(get("/f/a.txt"))).field("etag");
    struct condition {
      std::string value;
      int status;
    };
    const std::vector<condition> cases = {
        {tag, 206},
        {"\"other\"", 200},
        {"W/" + tag, 200},
        {std::string(last_summer_text), 206},
        {"Mon, 02 Jun 2025 12:00:00 GMT", 200},
        {"Sat, 31 May 2025 12:00:00 GMT", 200},
        {"nonsense", 200},
    };
    for (const condition& one : cases) {
      const answer got =
          co_await client.ask(get_with("/f/a.txt", "Range: bytes=0-0", "If-Range: " + one.value));
      EXPECT_EQ(got.status, one.status) << one.value;
    }
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_recent_change_makes_the_tag_weak) {
  const scratch_folder folder;
  constexpr std::int64_t start = 1'767'225'600;  // of the clock
  set_time(folder.write("new.txt", "new"), start - 1);
  set_time(folder.write("newer.txt", "new"), start - 1, 950'000'000);
  set_time(folder.write("settled.txt", "new"), start - 1, 800'000'000);
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/f/new.txt"));
    EXPECT_THAT(got.field("etag"), StartsWith("W/\""));
    const answer part = co_await client.ask(
        get_with("/f/new.txt", "Range: bytes=0-0", "If-Range: " + got.field("etag")));
    EXPECT_EQ(part.status, 200);
    const answer newer = co_await client.ask(get("/f/newer.txt"));
    EXPECT_THAT(newer.field("etag"), StartsWith("W/\""));
    const answer settled = co_await client.ask(get("/f/settled.txt"));
    EXPECT_THAT(settled.field("etag"), StartsWith("\""));
    // Its date has no fraction: a change within the same second could go unseen.
    for (const std::string name : {"etag", "last-modified"}) {
      const answer piece = co_await client.ask(
          get_with("/f/settled.txt", "Range: bytes=0-0", "If-Range: " + settled.field(name)));
      EXPECT_EQ(piece.status, name == "etag" ? 206 : 200) << name;
    }
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_compressed_sibling_goes_to_those_who_accept_it) {
  const scratch_folder folder;
  put(folder, "app.js", "plain");
  put(folder, "app.js.br", "as brotli");
  put(folder, "app.js.gz", "as gzip");
  set_time(folder.write("app.js.zst", "stale"), last_summer - 5);
  put(folder, "photo.png", "png");
  put(folder, "photo.png.gz", "never");
  auto body = [](raw_client& client) -> task<void> {
    struct preference {
      std::string accepts;
      std::string coding;
      std::string body;
    };
    const std::vector<preference> cases = {
        {"gzip, deflate, br, zstd", "br", "as brotli"},
        {"gzip", "gzip", "as gzip"},
        {"br;q=0.5, gzip;q=0.8", "gzip", "as gzip"},
        {"br;q=0, gzip;q=0", "", "plain"},
        {"zstd", "", "plain"},
        {"*", "br", "as brotli"},
        {"identity", "", "plain"},
        {"identity, br;q=0.5", "", "plain"},
        {"identity;q=0.5, gzip", "gzip", "as gzip"},
    };
    std::string plain_tag = (co_await client.ask(get("/f/app.js"))).field("etag");
    for (const preference& one : cases) {
      const answer got =
          co_await client.ask(get_with("/f/app.js", "Accept-Encoding: " + one.accepts));
      EXPECT_EQ(got.field("content-encoding"), one.coding) << one.accepts;
      EXPECT_EQ(got.body, one.body) << one.accepts;
      EXPECT_EQ(got.field("content-type"), "text/javascript; charset=utf-8");
      EXPECT_EQ(got.field("vary"), "Accept-Encoding");
      EXPECT_EQ(got.field("etag") == plain_tag, one.coding.empty());
    }
    const answer image = co_await client.ask(get_with("/f/photo.png", "Accept-Encoding: gzip"));
    EXPECT_EQ(image.body, "png");
    EXPECT_EQ(image.field("vary"), "");
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_folder_has_an_index_or_is_not_there) {
  const scratch_folder folder;
  put(folder, "index.html", "root");
  put(folder, "sub/index.html", "sub");
  put(folder, "bare/x.txt", "x");
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/f/"));
    EXPECT_EQ(got.body, "root");
    got = co_await client.ask(get("/f/sub/"));
    EXPECT_EQ(got.body, "sub");
    EXPECT_EQ(got.field("content-type"), "text/html; charset=utf-8");
    got = co_await client.ask(get("/f/sub?a=1&b"));
    EXPECT_EQ(got.status, 301);
    EXPECT_EQ(got.field("location"), "/f/sub/?a=1&b");
    got = co_await client.ask(get("/f/bare/"));
    EXPECT_EQ(got.status, 404);
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_listing_escapes_names) {
  const scratch_folder folder;
  put(folder, "b.txt", "");
  put(folder, "a<b>&\"'.txt", "");
  put(folder, "javascript:alert(1)", "");
  put(folder, "sub/x", "");
  put(folder, ".hidden", "");
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/f/"));
    EXPECT_EQ(got.status, 200);
    EXPECT_THAT(got.body, HasSubstr("<a href=\"./sub/\">sub/</a>"));
    EXPECT_THAT(got.body, HasSubstr("<a href=\"./a%3Cb%3E%26%22%27.txt\">a&lt;b&gt;&amp;&quot;"));
    EXPECT_THAT(got.body, HasSubstr("href=\"./javascript%3Aalert%281%29\""));
    EXPECT_THAT(got.body, Not(HasSubstr(".hidden")));
    EXPECT_LT(got.body.find("sub/"), got.body.find("b.txt"));
  };
  static_options listed;
  listed.listing = true;
  co_await with_files(folder, body, listed);
}

EDDY_TEST(static_files, media_types_go_by_the_ending) {
  EXPECT_EQ(media_type_of("a/b.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type_of("style.min.css"), "text/css; charset=utf-8");
  EXPECT_EQ(media_type_of("folder.js/file"), "application/octet-stream");
  EXPECT_EQ(media_type_of("none"), "application/octet-stream");
  const scratch_folder folder;
  put(folder, "a.txt", "x");
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/f/a.txt"));
    EXPECT_EQ(got.field("content-type"), "text/x-own");
    EXPECT_EQ(got.field("cache-control"), "public, max-age=60");
  };
  static_options own;
  own.media_types = {{".txt", "text/x-own"}};
  own.cache_control = "public, max-age=60";
  co_await with_files(folder, body, own);
}

EDDY_TEST(static_files, a_large_file_arrives_whole) {
  const scratch_folder folder;
  const std::string text = pattern(300'007);
  put(folder, "large.bin", text);
  auto body = [&](raw_client& client) -> task<void> {
    const answer whole = co_await client.ask(get("/f/large.bin"));
    EXPECT_TRUE(whole.body == text);
    const answer part = co_await client.ask(get_with("/f/large.bin", "Range: bytes=65530-200000"));
    EXPECT_TRUE(part.body == text.substr(65530, 200000 - 65530 + 1));
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_file_that_shrinks_while_it_is_sent_cuts_the_connection) {
  const scratch_folder folder;
  put(folder, "large.bin", pattern(1'000'000));
  auto body = [&](raw_client& client) -> task<void> {
    co_await client.send(get("/f/large.bin"));
    std::string first(1000, '\0');
    const std::size_t got =
        co_await client.stream().read_some(std::as_writable_bytes(std::span(first)));
    EXPECT_GT(got, 0U);
    std::filesystem::resize_file(folder / "large.bin", 2000);
    const std::string rest = co_await client.read_rest();
    EXPECT_LT(got + rest.size(), 1'000'000U);
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_replaced_file_is_sent_as_it_was) {
  const scratch_folder folder;
  const std::string old = pattern(500'000);
  put(folder, "large.bin", old);
  auto body = [&](raw_client& client) -> task<void> {
    co_await client.send(get("/f/large.bin"));
    co_await sleep(std::chrono::milliseconds(1));
    folder.write("next", std::string(500'000, 'n'));
    std::filesystem::rename(folder / "next", folder / "large.bin");
    const answer got = co_await client.read();
    EXPECT_TRUE(got.body == old);
    const answer after = co_await client.ask(get("/f/large.bin"));
    EXPECT_TRUE(after.body == std::string(500'000, 'n'));
  };
  co_await with_files(folder, body);
}

EDDY_TEST(static_files, a_missing_folder_is_found_out_at_the_start) {
  const scratch_folder folder;
  const auto opened = co_await as_result(static_files::open(folder / "none"));
  EXPECT_TRUE(opened.has_error());
}

EDDY_TEST(static_files, are_compressed_once) {
  const scratch_folder folder;
  put(folder, "a.txt", std::string(5000, 'a'));
  put(folder, "b.txt", std::string(5000, 'b'));
  put(folder, "b.txt.gz", "sibling");
  http::server app;
  app.use(compression());
  app.get("/f/{path...}", co_await static_files::open(folder.path()));
  auto body = [](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    answer got = co_await client.ask(get_with("/f/a.txt", "Accept-Encoding: gzip"));
    EXPECT_EQ(got.field("content-encoding"), "gzip");
    EXPECT_THAT(got.field("etag"), StartsWith("W/\""));
    EXPECT_EQ(http::decode_whole(http::content_coding::gzip, got.body, 10'000),
              std::string(5000, 'a'));
    got = co_await client.ask(get_with("/f/b.txt", "Accept-Encoding: gzip"));
    EXPECT_EQ(got.body, "sibling");
    got = co_await client.ask(get_with("/f/a.txt", "Accept-Encoding: gzip", "Range: bytes=0-1999"));
    EXPECT_EQ(got.status, 206);
    EXPECT_EQ(got.body, std::string(2000, 'a'));
    EXPECT_EQ(got.field("content-encoding"), "");
  };
  co_await with_server(app, body);
}

}  // namespace
}  // namespace eddy::web::test

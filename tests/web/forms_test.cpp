// Forms as browsers and curl send them; cookies and sessions.
#include <eddy/web/forms.hpp>

#include "web/fixture.hpp"

#include <filesystem>

#include <gmock/gmock.h>

#include <eddy/base/error.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/web/sessions.hpp>

namespace eddy::web::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

template <class Body>
task<void> with_client(http::server& app, Body body) {
  auto connected = [&](net::address at) -> task<void> {
    raw_client client = co_await raw_client::connect(at);
    co_await body(client);
  };
  co_await with_server(app, connected);
}

constexpr std::string_view multipart_type =
    "Content-Type: multipart/form-data; boundary=\"a b\"\r\n";
const std::string two_parts =
    "--a b\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nhello\r\n"
    "--a b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.bin\"\r\n"
    "Content-Type: application/x-test\r\n\r\n\r\n--a\r\nbytes\r\n--a b--\r\nepilogue";

/// What a form holds, as one text.
std::string describe(form& sent, const scratch_folder& folder) {
  std::string text;
  for (const auto& [name, value] : sent.values()) text += name + "=" + value + ";";
  for (uploaded_file& file : sent.files()) {
    text += file.about.name + "<" + file.about.filename.value() + "," + file.about.content_type +
            "," + std::to_string(file.size) + ">";
    text += folder.read(std::filesystem::path(file.content.path()).filename().string());
  }
  return text;
}

void add_form(http::server& app, const scratch_folder& folder, form_options how) {
  http::route_options large;
  large.max_body = 100 << 20;
  app.post(
      "/",
      [&folder, how](http::request& r) -> task<std::string> {
        form sent = co_await read_form(r, how);
        co_return describe(sent, folder);
      },
      large);
}

EDDY_TEST(form, of_either_kind_is_read) {
  const scratch_folder folder;
  http::server app;
  form_options how;
  how.folder = folder.path();
  add_form(app, folder, how);
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(
        post("/", "a=1&b=x+y%26&&c", "Content-Type: application/x-www-form-urlencoded\r\n"));
    EXPECT_EQ(got.body, "a=1;b=x y&;c=;");
    got = co_await client.ask(post("/", two_parts, multipart_type));
    EXPECT_EQ(got.body, "text=hello;f<x.bin,application/x-test,12>\r\n--a\r\nbytes");
    // The same in single bytes, and another request behind it.
    std::string pieces = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n";
    pieces.append(multipart_type).append("\r\n");
    for (const char c : two_parts) pieces.append("1\r\n").append(1, c).append("\r\n");
    got = co_await client.ask(pieces + "0\r\n\r\n");
    EXPECT_EQ(got.body, "text=hello;f<x.bin,application/x-test,12>\r\n--a\r\nbytes");
    got = co_await client.ask(
        post("/", "x=1", "Content-Type: application/x-www-form-urlencoded\r\n"));
    EXPECT_EQ(got.body, "x=1;");
  };
  co_await with_client(app, body);
  EXPECT_EQ(folder.count(), 0U);  // the files went with the form
}

EDDY_TEST(form, bounds_are_answered_413_and_nonsense_400_or_415) {
  const scratch_folder folder;
  http::server app;
  form_options how;
  how.folder = folder.path();
  how.max_fields = 3;
  how.max_field_size = 8;
  how.max_fields_size = 24;
  how.max_file_size = 11;
  add_form(app, folder, how);
  auto body = [](net::address at) -> task<void> {
    const std::string encoded = "Content-Type: application/x-www-form-urlencoded\r\n";
    const std::string parts(multipart_type);
    const auto field = [](const std::string& name, const std::string& value) {
      return "--a b\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + value + "\r\n";
    };
    const std::string end = "--a b--";
    struct refusal {
      std::string body;
      std::string type;
      int status;
    };
    const std::vector<refusal> cases = {
        {"a=1", "Content-Type: text/plain\r\n", 415},
        {"a=1", "", 415},
        {"a=1", "Content-Type: multipart/form-data\r\n", 415},
        {"a=1", "Content-Type: multipart/form-data; boundary=" + std::string(71, 'x') + "\r\n",
         415},
        {"a=%zz", encoded, 400},
        {"a=1&b=2&c=3&d=4", encoded, 400},
        {"a=123456789", encoded, 413},
        {"a=12345678&b=12345678&c=12", encoded, 413},
        {two_parts, parts, 413},  // a file of 12 bytes
        {field("a", "123456789") + end, parts, 413},
        {field("a", "1") + field("b", "2") + field("c", "3") + field("d", "4") + end, parts, 413},
        {field("a", "1"), parts, 400},
        {"--a b\r\nX: y\r\n\r\n\r\n" + end, parts, 400},
        {"--a b\r\nContent-Disposition: attachment; name=x\r\n\r\n\r\n" + end, parts, 400},
        {"no form at all", parts, 400},
        {"--a b\r\nX: " + std::string(20'000, 'x'), parts, 413},
    };
    for (const refusal& one : cases) {
      raw_client client = co_await raw_client::connect(at);
      const answer got = co_await client.ask(post("/", one.body, one.type));
      EXPECT_EQ(got.status, one.status) << one.body.substr(0, 100);
    }
    raw_client client = co_await raw_client::connect(at);
    const answer fine = co_await client.ask(post("/", field("a", "12345678") + end, parts));
    EXPECT_EQ(fine.body, "a=12345678;");
  };
  co_await with_server(app, body);
  EXPECT_EQ(folder.count(), 0U);
}

EDDY_TEST(form, takes_no_files_where_they_have_no_place) {
  const scratch_folder folder;
  http::server app;
  add_form(app, folder, form_options());
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(post("/", two_parts, multipart_type));
    EXPECT_EQ(got.status, 415);
  };
  co_await with_client(app, body);
}

EDDY_TEST(form, gives_the_first_value_of_a_name) {
  const auto pairs = parse_urlencoded("a=1&a=2&b");
  EDDY_REQUIRE(pairs && pairs->size() == 3U);
  EXPECT_EQ((*pairs)[1].second, "2");
  EXPECT_FALSE(parse_urlencoded("a=1&b=2", 1));
  EXPECT_FALSE(parse_urlencoded("a=%f"));
  http::server app;
  app.post("/", [](http::request& r) -> task<std::string> {
    const form sent = co_await read_form(r, form_options());
    co_return std::string(sent.value("a").value_or("none")) +
        std::string(sent.value("z").value_or("none"));
  });
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(
        post("/", "a=1&a=2", "Content-Type: application/x-www-form-urlencoded\r\n"));
    EXPECT_EQ(got.body, "1none");
  };
  co_await with_client(app, body);
}

EDDY_TEST(multipart_reader, gives_parts_as_they_arrive) {
  http::server app;
  app.post("/", [](http::request& r) -> task<std::string> {
    multipart_reader parts(r);
    std::string seen;
    for (;;) {
      auto part = co_await parts.next();
      if (!part) break;
      seen += part->name + ":";
      if (part->name == "skipped") continue;
      std::string piece(3, '\0');
      for (;;) {
        const std::size_t got = co_await parts.read_some(std::as_writable_bytes(std::span(piece)));
        if (got == 0) break;
        seen += piece.substr(0, got) + "|";
      }
    }
    const auto after = co_await parts.next();
    co_return seen + (after ? "more" : "end");
  });
  auto body = [](raw_client& client) -> task<void> {
    const auto part = [](const std::string& name, const std::string& data) {
      return "--a b\r\nContent-Disposition: form-data; name=" + name + "\r\n\r\n" + data + "\r\n";
    };
    const answer got =
        co_await client.ask(post("/",
                                 part("one", "12345") + part("skipped", std::string(500'000, 's')) +
                                     part("empty", "") + "--a b--",
                                 multipart_type));
    EXPECT_EQ(got.body, "one:123|45|skipped:empty:end");
  };
  co_await with_client(app, body);
}

EDDY_TEST(multipart_reader, a_client_that_breaks_off_leaves_no_file) {
  const scratch_folder folder;
  http::server app;
  form_options how;
  how.folder = folder.path();
  add_form(app, folder, how);
  auto body = [](raw_client& client) -> task<void> {
    std::string begun = post("/", two_parts, multipart_type);
    begun.resize(begun.size() - 20);
    co_await client.send(begun);
    co_await sleep(1s);
    client.stream().abort();
    co_await sleep(1s);
  };
  co_await with_client(app, body);
  EXPECT_EQ(folder.count(), 0U);
}

// --- cookies and sessions ---

EDDY_TEST(cookies, come_and_go) {
  http::server app;
  app.get("/", [](http::request& r) {
    auto made = http::response::text(find_cookie(r, "a").value_or("none"));
    http::cookie one;
    one.name = "a";
    one.value = "1";
    one.path = "/";
    one.http_only = true;
    set_cookie(made, one);
    delete_cookie(made, "old");
    return made;
  });
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/"));
    EXPECT_EQ(got.body, "none");
    EXPECT_EQ(got.fields.count("Set-Cookie"), 2U);
    EXPECT_THAT(got.field("set-cookie"), StartsWith("a=1; "));
    got = co_await client.ask(get_with("/", "Cookie: b=2", "Cookie: c=3; a=7"));
    EXPECT_EQ(got.body, "7");
  };
  co_await with_client(app, body);
}

const std::string key_one(32, 'k');
const std::string key_two(32, 'q');

TEST(signer, gives_back_what_it_signed_until_it_expires) {
  const signer by({key_one}, "test");
  const std::chrono::sys_seconds now{1000s};
  const std::string text("a\0b.&=\xff", 8);
  const std::string made = by.sign(text, now + 10s);
  EXPECT_EQ(
      made.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."),
      std::string::npos);
  EXPECT_EQ(by.verify(made, now), text);
  EXPECT_EQ(by.verify(made, now + 9s), text);
  EXPECT_FALSE(by.verify(made, now + 10s));
  EXPECT_EQ(by.verify(by.sign("", now + 1s), now), "");
}

TEST(signer, takes_nothing_that_was_changed) {
  const signer by({key_one}, "test");
  const std::chrono::sys_seconds now{1000s};
  const std::string made = by.sign("user=1", now + 10s);
  for (std::size_t i = 0; i < made.size(); ++i) {
    std::string changed = made;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(by.verify(changed, now)) << i;
  }
  // 32 bytes leave two bits of the last character: they are no part of the proof, and have to be zero all the same.
  for (const char last :
       std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
    const std::string changed = made.substr(0, made.size() - 1) + last;
    EXPECT_EQ(by.verify(changed, now).has_value(), last == made.back()) << last;
  }
  for (const std::string& text : {std::string(), std::string("."), std::string(".."), made + "x",
                                  made.substr(1), made.substr(0, made.rfind('.')), "x" + made}) {
    EXPECT_FALSE(by.verify(text, now)) << text;
  }
}

TEST(signer, keys_can_be_replaced_and_purposes_differ) {
  const std::chrono::sys_seconds now{1000s};
  const std::string old = signer({key_one}, "test").sign("x", now + 10s);
  EXPECT_EQ(signer({key_two, key_one}, "test").verify(old, now), "x");
  EXPECT_FALSE(signer({key_two}, "test").verify(old, now));
  EXPECT_FALSE(signer({key_one}, "other").verify(old, now));
  EXPECT_THROW(signer({}, "test"), error);
  EXPECT_THROW(signer({"short"}, "test"), error);
}

session_options with_key() {
  session_options how;
  how.keys = {key_one};
  how.secure = false;
  return how;
}

void add_counter(http::server& app) {
  app.get("/count", [](http::request& r) {
    session& mine = session_of(r);
    const int count = std::stoi(std::string(mine.get("n").value_or("0"))) + 1;
    mine.set("n", std::to_string(count));
    return std::to_string(count);
  });
  app.get("/look",
          [](http::request& r) { return std::string(session_of(r).get("n").value_or("none")); });
  app.get("/leave", [](http::request& r) {
    session_of(r).clear();
    return "";
  });
  app.get("/huge", [](http::request& r) {
    session_of(r).set("n", std::string(5000, 'x'));
    return "";
  });
}

/// "Cookie: session=..." for what a Set-Cookie field says.
std::string cookie_of(const answer& got) {
  const std::string field = got.field("set-cookie");
  return "Cookie: " + field.substr(0, field.find(';'));
}

EDDY_TEST(sessions, live_in_the_clients_cookie) {
  http::server app;
  app.use(sessions(with_key()));
  add_counter(app);
  auto body = [](raw_client& client) -> task<void> {
    answer got = co_await client.ask(get("/look"));
    EXPECT_EQ(got.body, "none");
    EXPECT_EQ(got.field("set-cookie"), "");
    got = co_await client.ask(get("/count"));
    EXPECT_EQ(got.body, "1");
    const std::string first = got.field("set-cookie");
    EXPECT_THAT(first, HasSubstr("HttpOnly"));
    EXPECT_THAT(first, HasSubstr("SameSite=Lax"));
    EXPECT_THAT(first, HasSubstr("Max-Age=1209600"));
    EXPECT_EQ(got.field("vary"), "Cookie");
    const std::string cookie = cookie_of(got);
    got = co_await client.ask(get_with("/count", cookie));
    EXPECT_EQ(got.body, "2");
    got = co_await client.ask(get_with("/look", cookie_of(got)));
    EXPECT_EQ(got.body, "2");
    EXPECT_EQ(got.field("set-cookie"), "");
    got = co_await client.ask(get_with("/look", cookie + "x"));
    EXPECT_EQ(got.body, "none");
    got = co_await client.ask(get_with("/leave", cookie));
    EXPECT_THAT(got.field("set-cookie"), HasSubstr("Max-Age=0"));
    // Renewed after a day, gone after two weeks.
    co_await sleep(25h);
    raw_client later = co_await raw_client::connect(client.stream().peer());
    got = co_await later.ask(get_with("/look", cookie));
    EXPECT_EQ(got.body, "1");
    EXPECT_THAT(got.field("set-cookie"), StartsWith("session="));
    co_await sleep(24h * 14);
    raw_client last = co_await raw_client::connect(client.stream().peer());
    got = co_await last.ask(get_with("/look", cookie));
    EXPECT_EQ(got.body, "none");
  };
  co_await with_client(app, body);
}

EDDY_TEST(sessions, that_do_not_fit_a_cookie_are_a_failure) {
  const eddy::testing::error_recorder reported;
  http::server app;
  app.use(sessions(with_key()));
  add_counter(app);
  auto body = [](raw_client& client) -> task<void> {
    const answer got = co_await client.ask(get("/huge"));
    EXPECT_EQ(got.status, 500);
  };
  co_await with_client(app, body);
  EXPECT_EQ(reported.count(), 1U);
}

TEST(session, tells_what_it_holds) {
  session one;
  EXPECT_TRUE(one.empty());
  one.set("a", "1");
  EXPECT_EQ(one.get("a"), "1");
  one.remove("a");
  EXPECT_FALSE(one.get("a"));
  one.remove("a");
  EXPECT_TRUE(one.empty());
}

}  // namespace
}  // namespace eddy::web::test

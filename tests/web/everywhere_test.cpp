// Forms and static files, cancelled and made to fail at every point: no temporary file is left, and the server goes on.
#include <eddy/testing/everywhere.hpp>

#include "everywhere_on_system.hpp"
#include "undisturbed.hpp"
#include "web/fixture.hpp"

#include <array>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include <eddy/coro/result.hpp>
#include <eddy/fs/paths.hpp>
#include <eddy/testing/gtest.hpp>
#include <eddy/web/forms.hpp>
#include <eddy/web/static_files.hpp>

namespace eddy::web::test {
namespace {

using ::eddy::testing::cancel_everywhere;
using ::eddy::testing::trial;
using tests::descriptors_in_use;
using tests::expect_value_when_undisturbed;

constexpr std::string_view multipart = "Content-Type: multipart/form-data; boundary=b\r\n";
const std::string parts =
    "--b\r\nContent-Disposition: form-data; name=text\r\n\r\nhello\r\n"
    "--b\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\nfirst file\r\n"
    "--b\r\nContent-Disposition: form-data; name=g; filename=y\r\n\r\nsecond file\r\n--b--";

/// Exposes `read(request&)`, which gives a text, in a handler that gets the parts above; gives what the client saw. The
/// handler answers even when the reading was disturbed, and a further request is answered as well.
template <class Read>
task<std::string> expose_in_a_handler(trial& t, Read read) {
  std::string said;
  http::server app;
  app.post("/", [&](http::request& r) -> task<std::string> {
    const auto ended = co_await t.expose(read(r));
    expect_value_when_undisturbed(t, ended);
    co_return ended.has_value() ? *ended : "disturbed";
  });
  app.get("/next", [](http::request&) { return "next"; });
  auto body = [&](net::address at) -> task<void> {
    {
      raw_client client = co_await raw_client::connect(at);
      const answer got = co_await client.ask(post("/", parts, multipart));
      EXPECT_EQ(got.status, 200);
      said = got.body;
    }
    raw_client client = co_await raw_client::connect(at);
    const answer got = co_await client.ask(get("/next"));
    EXPECT_EQ(got.body, "next");
  };
  co_await with_server(app, body);
  EXPECT_EQ(app.statistics().requests_running, 0U);
  co_return said;
}

// clk.6
// Exposes: web/forms.read_form
TEST(everywhere, a_form_takes_its_files_along) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    const std::size_t descriptors = descriptors_in_use();
    form_options how;
    how.folder = folder.path();
    const std::string said =
        co_await expose_in_a_handler(t, [&](http::request& r) -> task<std::string> {
          form sent = co_await read_form(r, how);
          EXPECT_EQ(folder.count(), 2U);
          std::string text(sent.value("text").value_or("none"));
          for (uploaded_file& file : sent.files()) text += " " + std::to_string(file.size);
          co_return text;
        });
    EXPECT_TRUE(said == "hello 10 11" || said == "disturbed") << said;
    EXPECT_EQ(folder.count(), 0U);
    EXPECT_EQ(descriptors_in_use(), descriptors);
  });
}

// clk.6
// Exposes: web/forms.next web/forms.read_some web/forms.read_all web/forms.save
TEST(everywhere, parts_are_read_in_order_up_to_where_their_reader_came) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    const std::size_t descriptors = descriptors_in_use();
    const std::string said =
        co_await expose_in_a_handler(t, [&](http::request& r) -> task<std::string> {
          multipart_reader reader(r);
          std::string text;
          auto part = co_await reader.next();
          text += part.value().name + "=" + co_await reader.read_all(100) + " ";
          part = co_await reader.next();
          text += part.value().name + "=";
          std::array<std::byte, 4> piece;
          for (;;) {
            const std::size_t n = co_await reader.read_some(piece);
            if (n == 0) break;
            text += io::text_of(std::span<const std::byte>(piece).first(n));
          }
          part = co_await reader.next();
          auto file = co_await fs::temporary_file::create(folder.path());
          const std::uint64_t size = co_await reader.save(file.file(), 100);
          text += " " + part.value().name + "=" + std::to_string(size);
          part = co_await reader.next();
          EXPECT_FALSE(part.has_value());
          co_return text;
        });
    EXPECT_TRUE(said == "text=hello f=first file g=11" || said == "disturbed") << said;
    EXPECT_EQ(folder.count(), 0U);
    EXPECT_EQ(descriptors_in_use(), descriptors);
  });
}

// clk.6
// Exposes: web/static_files.open web/static_files.operator
TEST(everywhere, static_files_leave_no_descriptor) {
  cancel_everywhere([](trial& t) -> task<void> {
    const scratch_folder folder;
    folder.write("page.txt", "a page");
    const std::size_t descriptors = descriptors_in_use();
    http::server app;
    app.get("/f/{path...}", [&](http::request& r) -> task<http::response> {
      const auto serve = [&]() -> task<http::response> {
        const static_files files = co_await static_files::open(folder.path());
        co_return co_await files(r);
      };
      auto ended = co_await t.expose(serve());
      expect_value_when_undisturbed(t, ended);
      if (!ended.has_value()) co_return http::response::error(503);
      co_return *std::move(ended);
    });
    auto body = [&](net::address at) -> task<void> {
      raw_client client = co_await raw_client::connect(at);
      const answer got = co_await client.ask(get("/f/page.txt"));
      EXPECT_TRUE(got.status == 503 || got.body == "a page") << got.status;
    };
    co_await with_server(app, body);
    EXPECT_EQ(descriptors_in_use(), descriptors);
  });
}

}  // namespace
}  // namespace eddy::web::test

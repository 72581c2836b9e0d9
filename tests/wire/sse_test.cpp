#include <eddy/wire/sse.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/base/error.hpp>

namespace eddy::wire::sse {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// "type|data|id" of each event, with the stream given in pieces.
std::vector<std::string> events_of(std::string_view stream,
                                   std::size_t piece = std::string_view::npos) {
  parser reading;
  std::vector<std::string> all;
  while (!stream.empty()) {
    std::string_view part = stream.substr(0, piece);
    stream.remove_prefix(part.size());
    while (!part.empty()) {
      const auto got = reading.parse(part);
      if (!got) return {"failed"};
      part.remove_prefix(got->consumed);
      if (!got->complete) continue;
      all.push_back(reading.event().type + "|" + reading.event().data + "|" + reading.event().id);
    }
  }
  return all;
}

TEST(sse_parser, reads_the_examples_of_the_standard) {
  EXPECT_THAT(events_of("data: YHOO\ndata: +2\ndata: 10\n\n"),
              ElementsAre("message|YHOO\n+2\n10|"));
  EXPECT_THAT(
      events_of(": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  "
                "third event\n\n"),
      ElementsAre("message|first event|1", "message|second event|", "message| third event|"));
  EXPECT_THAT(events_of("data\n\ndata\ndata\n\ndata:"), ElementsAre("message||", "message|\n|"));
  EXPECT_THAT(events_of("data:test\n\ndata: test\n\n"),
              ElementsAre("message|test|", "message|test|"));
  EXPECT_THAT(events_of("event: add\ndata: 73857293\n\nevent: remove\ndata: 2153\n\n"),
              ElementsAre("add|73857293|", "remove|2153|"));
}

TEST(sse_parser, means_the_same_with_all_line_ends_and_however_it_is_cut) {
  const std::string text =
      "\xef\xbb\xbfid: 7\nevent: x\ndata: a\ndata: b\n\n:c\n\nunknown: y\ndata: c\n\n";
  for (const std::string_view line_end : {"\n", "\r", "\r\n"}) {
    std::string stream;
    for (const char c : text) c == '\n' ? stream.append(line_end) : stream.append(1, c);
    for (const std::size_t piece : {1U, 2U, 3U, 100U}) {
      EXPECT_THAT(events_of(stream, piece), ElementsAre("x|a\nb|7", "message|c|7")) << piece;
    }
  }
}

TEST(sse_parser, an_event_without_data_is_none_but_its_id_counts) {
  parser reading;
  EXPECT_TRUE(reading.parse("event: x\nid: 5\n\n"));
  EXPECT_EQ(reading.last_id(), "5");
  const auto got = reading.parse("data: y\n\n");
  ASSERT_TRUE(got && got->complete);
  EXPECT_EQ(reading.event().type, "message");
  EXPECT_EQ(reading.event().id, "5");
}

TEST(sse_parser, ids_with_nul_and_retries_that_are_no_numbers_are_ignored) {
  parser reading;
  EXPECT_TRUE(reading.parse("id: a\nid: b\0c\nretry: 1500\nretry: 2s\nretry: \n\n"s));
  EXPECT_EQ(reading.last_id(), "a");
  EXPECT_EQ(reading.retry(), 1500ms);
}

TEST(sse_parser, a_restart_forgets_what_has_not_ended_and_keeps_id_and_retry) {
  parser reading;
  EXPECT_TRUE(reading.parse("id: 1\nretry: 10\n\nid: 2\ndata: lost"));
  reading.restart();
  const auto got = reading.parse("data: new\n\n");
  ASSERT_TRUE(got && got->complete);
  EXPECT_EQ(reading.event().data, "new");
  EXPECT_EQ(reading.event().id, "1");
  EXPECT_EQ(reading.retry(), 10ms);
  reading.set_last_id("9");
  EXPECT_EQ(reading.last_id(), "9");
}

TEST(sse_parser, lines_and_data_have_a_limit) {
  parser lines(10);
  EXPECT_EQ(lines.parse("data: 12345").error(), errc::event_too_big);
  parser data(10);
  EXPECT_EQ(data.parse("data:1234\ndata:1234\ndata:1234\n").error(), errc::event_too_big);
  EXPECT_EQ(make_error_code(errc::event_too_big).message(), "event too big");
}

TEST(sse_writer, what_is_written_is_read_back) {
  std::string out;
  write_comment(out, "hello\nthere");
  EXPECT_EQ(out, ": hello\n: there\n\n");
  outgoing_event event;
  event.data = "a\nb\r\nc\rd\n";
  event.type = "t";
  event.id = "7";
  event.retry = 2s;
  ASSERT_TRUE(write_event(out, event));
  EXPECT_THAT(events_of(out), ElementsAre("t|a\nb\nc\nd\n|7"));
  std::string empty;
  ASSERT_TRUE(write_event(empty, {}));
  EXPECT_EQ(empty, "data: \n\n");
}

TEST(sse_writer, refuses_what_would_break_the_stream) {
  std::string out;
  EXPECT_FALSE(write_event(out, {.data = "x", .type = "a\nb"}));
  EXPECT_FALSE(write_event(out, {.data = "x", .id = "a\rb"}));
  const auto nul = write_event(out, {.data = "x", .id = std::string_view("a\0b", 3)});
  ASSERT_FALSE(nul);
  EXPECT_EQ(make_error_code(nul.error()), condition::invalid_input);
  EXPECT_THAT(out, IsEmpty());
}

}  // namespace
}  // namespace eddy::wire::sse

#include "websocket_cases.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <eddy/io/stream.hpp>
#include <eddy/wire/websocket.hpp>

namespace eddy::http::test {
namespace {

namespace ws = wire::websocket;
using frames = std::vector<raw_frame>;
using answers = std::vector<std::string>;

raw_frame text(std::string payload) { return {.opcode = 1, .payload = std::move(payload)}; }
raw_frame ping(std::string payload = {}) { return {.opcode = 9, .payload = std::move(payload)}; }
raw_frame part(unsigned opcode, std::string payload, bool final) {
  return {.opcode = opcode, .payload = std::move(payload), .final = final};
}
raw_frame closing(std::uint16_t code, std::string_view reason = {}) {
  return {.opcode = 8, .payload = ws::close_payload(code, reason)};
}

class case_list {
 public:
  websocket_case& add(std::string id, std::string what, frames sent, answers expected) {
    return add_made(
        std::move(id), std::move(what), [sent = std::move(sent)] { return sent; },
        [expected = std::move(expected)] { return expected; });
  }
  websocket_case& add_made(std::string id, std::string what, std::function<frames()> sent,
                           std::function<answers()> expected) {
    websocket_case one;
    one.id = std::move(id);
    one.what = std::move(what);
    one.frames = std::move(sent);
    one.answers = std::move(expected);
    all_.push_back(std::move(one));
    return all_.back();
  }
  /// The endpoint closes with `code`.
  websocket_case& add_refused(std::string id, std::string what, frames sent, answers expected = {},
                              std::uint16_t code = 1002) {
    websocket_case& one = add(std::move(id), std::move(what), std::move(sent), std::move(expected));
    one.close = code;
    one.goodbye = false;
    return one;
  }
  std::vector<websocket_case> take() { return std::move(all_); }

 private:
  std::vector<websocket_case> all_;
};

std::string numbered(std::string_view section, std::size_t index) {
  return std::string(section) + "." + std::to_string(index + 1);
}

frames fragments(unsigned opcode, const std::string& payload, std::size_t size,
                 unsigned reserved = 0) {
  frames all;
  for (std::size_t at = 0; at == 0 || at < payload.size(); at += size) {
    raw_frame one =
        part(at == 0 ? opcode : 0, payload.substr(at, size), at + size >= payload.size());
    if (at == 0) one.reserved = reserved;
    all.push_back(std::move(one));
  }
  return all;
}

// --- sections 1 to 5 ---

void add_sizes(case_list& list, std::string_view section, unsigned opcode, std::string_view kind) {
  const std::array<std::size_t, 8> sizes{0, 125, 126, 127, 128, 65535, 65536, 65536};
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    std::string what = std::string(kind) + " of " + std::to_string(sizes[i]) + " bytes";
    const bool chopped = i == 7;
    if (chopped) what += ", 997 at a time";
    const std::string payload(sizes[i], opcode == 1 ? '*' : '\xfe');
    websocket_case& one =
        list.add(numbered(section, i), what, {{.opcode = opcode, .payload = payload}},
                 {std::string(kind) + ":" + payload});
    if (chopped) one.chop = 997;
  }
}

void add_pings(case_list& list) {
  const std::string binary{"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", 8};
  const std::string longest(125, '\xfe');
  list.add("2.1", "ping without payload", {ping()}, {"pong:"});
  list.add("2.2", "ping with a text", {ping("Hello, world!")}, {"pong:Hello, world!"});
  list.add("2.3", "ping with bytes", {ping(binary)}, {"pong:" + binary});
  list.add("2.4", "ping of 125 bytes", {ping(longest)}, {"pong:" + longest});
  list.add_refused("2.5", "ping of 126 bytes", {ping(longest + "x")});
  list.add("2.6", "ping of 125 bytes, byte by byte", {ping(longest)}, {"pong:" + longest}).chop = 1;
  list.add("2.7", "pong that nobody asked for", {{.opcode = 10}}, {});
  list.add("2.8", "pong with payload that nobody asked for", {{.opcode = 10, .payload = "x"}}, {});
  list.add("2.9", "pong that nobody asked for, then ping",
           {{.opcode = 10, .payload = "x"}, ping("y")}, {"pong:y"});
  frames ten;
  answers ten_pongs;
  for (int i = 0; i < 10; ++i) {
    ten.push_back(ping("payload-" + std::to_string(i)));
    ten_pongs.push_back("pong:payload-" + std::to_string(i));
  }
  list.add("2.10", "ten pings", ten, ten_pongs).chop = 19;  // one frame a client sends, at a time
  list.add("2.11", "ten pings, byte by byte", ten, ten_pongs).chop = 1;
}

void add_reserved(case_list& list) {
  const raw_frame hello = text("Hello");
  const auto reserved = [](raw_frame frame, unsigned bits) {
    frame.reserved = bits;
    return frame;
  };
  list.add_refused("3.1", "text with RSV 1", {reserved(hello, 1)});
  list.add_refused("3.2", "text, text with RSV 2, ping", {hello, reserved(hello, 2), ping()},
                   {"text:Hello"});
  list.add_refused("3.3", "text, text with RSV 3, ping, frame by frame",
                   {hello, reserved(hello, 3), ping()}, {"text:Hello"})
      .chop = 11;
  list.add_refused("3.4", "text, text with RSV 4, ping, byte by byte",
                   {hello, reserved({.opcode = 1, .payload = "Hello"}, 2), ping()}, {"text:Hello"})
      .chop = 1;
  list.add_refused("3.5", "binary with RSV 5", {reserved({.opcode = 2, .payload = "x"}, 5)});
  list.add_refused("3.6", "ping with RSV 6", {reserved(ping(), 6)});
  list.add_refused("3.7", "close with RSV 7", {reserved(closing(1000), 7)});
}

void add_opcodes(case_list& list) {
  for (unsigned i = 0; i < 5; ++i) {
    const std::string id = std::to_string(i + 1);
    for (const unsigned base : {3U, 11U}) {
      const raw_frame wrong{.opcode = base + i, .payload = i % 2 == 1 ? "payload" : ""};
      const std::string section = base == 3 ? "4.1." : "4.2.";
      const std::string name = "opcode " + std::to_string(base + i);
      if (i < 2) {
        list.add_refused(section + id, name, {wrong});
      } else {
        const bool chopped = i == 4;
        list.add_refused(section + id,
                         "text, " + name + ", ping" + (chopped ? ", byte by byte" : ""),
                         {text("Hello"), wrong, ping()}, {"text:Hello"})
            .chop = chopped ? 1 : 0;
      }
    }
  }
}

// The same frames as they come, frame by frame and byte by byte.
void add_cut(case_list& list, std::string_view section, std::size_t first, const std::string& what,
             const frames& sent, const answers& expected, bool refused = false) {
  const std::array<std::size_t, 3> chops{0, 9, 1};
  const std::array<std::string_view, 3> names{"", ", in pieces", ", byte by byte"};
  for (std::size_t i = 0; i < chops.size(); ++i) {
    const std::string id = numbered(section, first + i - 1);
    const std::string told = what + std::string(names[i]);
    websocket_case& one =
        refused ? list.add_refused(id, told, sent, expected) : list.add(id, told, sent, expected);
    one.chop = chops[i];
  }
}

void add_fragments(case_list& list) {
  list.add_refused("5.1", "ping in two fragments", {part(9, "a", false), part(0, "b", true)});
  list.add_refused("5.2", "pong in two fragments", {part(10, "a", false), part(0, "b", true)});
  add_cut(list, "5", 3, "text in two fragments", {part(1, "frag1", false), part(0, "frag2", true)},
          {"text:frag1frag2"});
  add_cut(list, "5", 6, "text in two fragments around a ping",
          {part(1, "frag1", false), ping("x"), part(0, "frag2", true)},
          {"pong:x", "text:frag1frag2"});
  add_cut(list, "5", 9, "continuation with FIN of nothing, then text",
          {part(0, "x", true), text("y")}, {}, true);
  add_cut(list, "5", 12, "continuation without FIN of nothing, then text",
          {part(0, "x", false), text("y")}, {}, true);
  list.add_refused("5.15", "text in two fragments, continuation of nothing, text",
                   {part(1, "a", false), part(0, "b", true), part(0, "c", false), text("d")},
                   {"text:ab"});
  list.add_refused("5.16", "continuation without FIN of nothing, text fragments, twice",
                   {part(0, "a", false), part(1, "b", false), part(0, "c", true)});
  list.add_refused("5.17", "continuation with FIN of nothing, text fragments, twice",
                   {part(0, "a", true), part(1, "b", false), part(0, "c", true)});
  list.add_refused("5.18", "text in two frames that both begin a message",
                   {part(1, "a", false), part(1, "b", true)});
  const frames five{part(1, "1", false), part(0, "2", false), ping("p"),
                    part(0, "3", false), part(0, "4", false), ping("q"),
                    part(0, "5", true)};
  list.add("5.19", "text in five fragments with two pings", five,
           {"pong:p", "pong:q", "text:12345"})
      .chop = 7;
  list.add("5.20", "text in five fragments with two pings, byte by byte", five,
           {"pong:p", "pong:q", "text:12345"})
      .chop = 1;
}

// --- section 6 ---

struct text_group {
  std::string_view section;
  std::string_view what;
  bool valid;
  std::vector<std::string> texts;
};

std::vector<text_group> sequences() {
  return {{"6.7",
           "first sequence of its length",
           true,
           {std::string(1, '\0'), "\xc2\x80", "\xe0\xa0\x80", "\xf0\x90\x80\x80"}},
          {"6.8",
           "first sequence of five and six bytes",
           false,
           {"\xf8\x88\x80\x80\x80", "\xfc\x84\x80\x80\x80\x80"}},
          {"6.9",
           "last sequence of its length",
           true,
           {"\x7f", "\xdf\xbf", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf"}},
          {"6.10",
           "last sequence of four, five and six bytes",
           false,
           {"\xf7\xbf\xbf\xbf", "\xfb\xbf\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf\xbf"}},
          {"6.11",
           "other boundaries",
           true,
           {"\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"}},
          {"6.12",
           "unexpected continuation bytes",
           false,
           {"\x80", "\xbf", "\x80\xbf", "\x80\xbf\x80", "\x80\xbf\x80\xbf", "\x80\xbf\x80\xbf\x80",
            "\x80\xbf\x80\xbf\x80\xbf", "\x80\x81\x82\x83\x84\x85\x86\x87"}},
          {"6.13",
           "lonely start bytes",
           false,
           {"\xc3 \xc4 ", "\xe1 \xe2 ", "\xf0 \xf1 ", "\xf8 \xf9 ", "\xfc "}},
          {"6.14",
           "sequences without their last byte",
           false,
           {"\xc0", "\xe0\x80", "\xf0\x80\x80", "\xf8\x80\x80\x80", "\xfc\x80\x80\x80\x80", "\xdf",
            "\xef\xbf", "\xf7\xbf\xbf", "\xfb\xbf\xbf\xbf", "\xfd\xbf\xbf\xbf\xbf"}}};
}

std::vector<text_group> wrong_forms() {
  return {{"6.15",
           "incomplete sequences, one behind the other",
           false,
           {"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf"}},
          {"6.16", "impossible bytes", false, {"\xfe", "\xff", "\xfe\xfe\xff\xff"}},
          {"6.17",
           "overlong forms of '/'",
           false,
           {"\xc0\xaf", "\xe0\x80\xaf", "\xf0\x80\x80\xaf", "\xf8\x80\x80\x80\xaf",
            "\xfc\x80\x80\x80\x80\xaf"}},
          {"6.18",
           "longest overlong forms",
           false,
           {"\xc1\xbf", "\xe0\x9f\xbf", "\xf0\x8f\xbf\xbf", "\xf8\x87\xbf\xbf\xbf",
            "\xfc\x83\xbf\xbf\xbf\xbf"}},
          {"6.19",
           "overlong forms of NUL",
           false,
           {"\xc0\x80", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xf8\x80\x80\x80\x80",
            "\xfc\x80\x80\x80\x80\x80"}},
          {"6.20",
           "single surrogates",
           false,
           {"\xed\xa0\x80", "\xed\xad\xbf", "\xed\xae\x80", "\xed\xaf\xbf", "\xed\xb0\x80",
            "\xed\xbe\x80", "\xed\xbf\xbf"}},
          {"6.21",
           "pairs of surrogates",
           false,
           {"\xed\xa0\x80\xed\xb0\x80", "\xed\xa0\x80\xed\xbf\xbf", "\xed\xad\xbf\xed\xb0\x80",
            "\xed\xad\xbf\xed\xbf\xbf", "\xed\xae\x80\xed\xb0\x80", "\xed\xae\x80\xed\xbf\xbf",
            "\xed\xaf\xbf\xed\xb0\x80", "\xed\xaf\xbf\xed\xbf\xbf"}}};
}

text_group no_characters() {
  text_group none{
      "6.22", "code points that are no characters", true, {"\xef\xbf\xbe", "\xef\xbf\xbf"}};
  for (unsigned plane = 1; plane <= 16; ++plane) {
    for (const unsigned last : {0xbeU, 0xbfU}) {
      const unsigned point = plane << 16 | 0xffc0U;
      none.texts.push_back(
          {static_cast<char>(0xf0U | point >> 18), static_cast<char>(0x80U | (point >> 12 & 0x3fU)),
           static_cast<char>(0x80U | (point >> 6 & 0x3fU)), static_cast<char>(last)});
    }
  }
  return none;
}

text_group specials() {
  return {"6.23",
          "specials",
          true,
          {"\xef\xbf\xb9", "\xef\xbf\xba", "\xef\xbf\xbb", "\xef\xbf\xbc", "\xef\xbf\xbd",
           "\xef\xbf\xbe", "\xef\xbf\xbf"}};
}

std::vector<text_group> text_groups() {
  std::vector<text_group> all = sequences();
  for (text_group& one : wrong_forms()) all.push_back(std::move(one));
  all.push_back(no_characters());
  all.push_back(specials());
  return all;
}

const std::string kosme = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";

void add_valid_texts(case_list& list) {
  const std::string hello =
      "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!";
  list.add("6.1.1", "empty text", {text("")}, {"text:"});
  list.add("6.1.2", "text in three empty fragments",
           {part(1, "", false), part(0, "", false), part(0, "", true)}, {"text:"});
  list.add("6.1.3", "text between two empty fragments",
           {part(1, "", false), part(0, "middle", false), part(0, "", true)}, {"text:middle"});
  list.add("6.2.1", "text with characters of two bytes", {text(hello)}, {"text:" + hello});
  list.add("6.2.2", "the same in two fragments",
           {part(1, hello.substr(0, 12), false), part(0, hello.substr(12), true)},
           {"text:" + hello});
  list.add("6.2.3", "the same in fragments of one byte", fragments(1, hello, 1), {"text:" + hello});
  list.add("6.2.4", "characters of three bytes in fragments of one", fragments(1, kosme, 1),
           {"text:" + kosme});
}

void add_invalid_texts(case_list& list) {
  const std::string edited = kosme + "\xed\xa0\x80" + "edited";
  list.add_refused("6.3.1", "text with a surrogate", {text(edited)}, {}, 1007);
  list.add_refused("6.3.2", "the same in fragments of one byte", fragments(1, edited, 1), {}, 1007);
  const std::string beyond = "\xf4\x90\x80\x80";
  list.add_refused("6.4.1", "a fragment beyond U+10FFFF; the last fragment never comes",
                   {part(1, kosme, false), part(0, beyond, false)}, {}, 1007);
  list.add_refused("6.4.2", "the same, cut inside the character",
                   {part(1, kosme + "\xf4", false), part(0, "\x90", false)}, {}, 1007);
  raw_frame cut = text(kosme + beyond + "rest");
  cut.sent = kosme.size() + beyond.size();
  list.add_refused("6.4.3", "the same in a frame whose rest never comes", {cut}, {}, 1007);
  cut.sent = kosme.size() + 2;
  list.add_refused("6.4.4", "the same, ending with the first wrong byte", {cut}, {}, 1007);
  for (std::size_t i = 1; i <= 5; ++i) {
    const std::string wrong = edited.substr(0, kosme.size() + 1 + std::min<std::size_t>(i, 3));
    list.add_refused(numbered("6.5", i - 1), "text that ends within or behind a surrogate",
                     {text(i < 2 ? kosme + "\xed" : wrong)}, {}, 1007);
  }
  for (std::size_t size = 1; size <= kosme.size(); ++size) {
    const std::string prefix = kosme.substr(0, size);
    const std::string what = "the first " + std::to_string(size) + " bytes of a Greek word";
    if (wire::is_utf8(prefix)) {
      list.add(numbered("6.6", size - 1), what, {text(prefix)}, {"text:" + prefix});
    } else {
      list.add_refused(numbered("6.6", size - 1), what, {text(prefix)}, {}, 1007);
    }
  }
}

// --- section 12 and 13 ---

// What Autobahn takes from files: JSON, a bitmap, prose, HTML, a PDF.
enum content : unsigned { json, bitmap, prose, html, pdf };
constexpr std::array<std::string_view, 5> content_names{"JSON", "a bitmap", "prose", "HTML",
                                                        "a PDF"};
constexpr bool is_binary(unsigned kind) noexcept { return kind == bitmap || kind == pdf; }

// Message `number` of a case: the messages differ, as pieces of a file do.
std::string content_of(unsigned kind, std::size_t size, std::size_t number) {
  static constexpr std::array<std::string_view, 5> words{
      R"({"id":73,"name":"item","tags":["a","b"],"price":12.5},)", "",
      "Habe nun, ach! Philosophie, Juristerei und Medizin durchaus studiert mit hei\xc3\x9f"
      "em Bem\xc3\xbchn. ",
      "<div class=\"row\"><a href=\"/page\">link</a><p>paragraph</p></div>\n",
      "<< /Type /Page /Parent 3 0 R /Resources 6 0 R >> endobj\n"};
  std::string made;
  std::uint64_t state = size + kind + 1000 * number;
  while (made.size() < size) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    const bool compressed_already = kind == pdf && made.size() / 256 % 2 == 1;
    if (kind == bitmap) {
      made.push_back(static_cast<char>(made.size() / 16 + (state >> 62)));
    } else if (compressed_already) {
      made.push_back(static_cast<char>(state >> 56));
    } else {
      made.append(words.at(kind)).append(std::to_string(state >> 54));
    }
  }
  made.resize(size);
  while (!is_binary(kind) && !wire::is_utf8(made)) made.back() = '.';
  return made;
}

struct message_shape {
  std::size_t size;
  std::size_t fragment;  // 0: whole
};
constexpr std::array<message_shape, 18> shapes{{{16, 0},
                                                {64, 0},
                                                {256, 0},
                                                {1024, 0},
                                                {4096, 0},
                                                {8192, 0},
                                                {16384, 0},
                                                {32768, 0},
                                                {65536, 0},
                                                {131072, 0},
                                                {8192, 256},
                                                {16384, 256},
                                                {32768, 256},
                                                {65536, 256},
                                                {131072, 256},
                                                {131072, 1024},
                                                {131072, 4096},
                                                {131072, 32768}}};

// Autobahn sends 1000 of each.
std::size_t messages_of(const message_shape& shape) { return shape.size > 16384 ? 3 : 20; }

void add_compressed(case_list& list, const std::string& section, unsigned kind,
                    const std::string& name, const ws::deflate_parameters& agreed,
                    const std::string& offer) {
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const message_shape shape = shapes[i];
    const unsigned opcode = is_binary(kind) ? 2 : 1;
    std::string what = std::to_string(messages_of(shape)) + " messages of " +
                       std::to_string(shape.size) + " bytes, " + name;
    if (shape.fragment > 0) what += ", in fragments of " + std::to_string(shape.fragment);
    auto sent = [=] {
      // Smaller than any window that may have been agreed on, and without takeover if either side has none.
      ws::deflater packing({.window_bits = 9,
                            .keep_context = !agreed.client_no_context_takeover &&
                                            !agreed.server_no_context_takeover});
      frames all;
      for (std::size_t n = 0; n < messages_of(shape); ++n) {
        std::string packed;
        packing.compress(io::bytes_of(content_of(kind, shape.size, n)), packed);
        for (raw_frame& one :
             fragments(opcode, packed, shape.fragment > 0 ? shape.fragment : packed.size(), 4)) {
          all.push_back(std::move(one));
        }
      }
      return all;
    };
    auto expected = [=] {
      answers all;
      for (std::size_t n = 0; n < messages_of(shape); ++n) {
        all.push_back((opcode == 2 ? "binary:" : "text:") + content_of(kind, shape.size, n));
      }
      return all;
    };
    websocket_case& one = list.add_made(numbered(section, i), what, sent, expected);
    one.deflate = agreed;
    one.offer = offer;
  }
}

std::string escaped(std::string_view what) {
  std::string made;
  for (const char c : what) {
    if (c == '|') made += '\\';
    made += c;
  }
  return made;
}

}  // namespace

std::vector<websocket_case> framing_cases() {
  case_list list;
  add_sizes(list, "1.1", 1, "text");
  add_sizes(list, "1.2", 2, "binary");
  add_pings(list);
  add_reserved(list);
  add_opcodes(list);
  add_fragments(list);
  const std::string payload(65536, '*');
  list.add("10.1.1", "text of 65536 bytes in fragments of 1300", fragments(1, payload, 1300),
           {"text:" + payload});
  return list.take();
}

std::vector<websocket_case> utf8_cases() {
  case_list list;
  add_valid_texts(list);
  add_invalid_texts(list);
  for (const text_group& group : text_groups()) {
    for (std::size_t i = 0; i < group.texts.size(); ++i) {
      const std::string id = numbered(group.section, i);
      const std::string what(group.what);
      if (group.valid) {
        list.add(id, what, {text(group.texts[i])}, {"text:" + group.texts[i]});
      } else {
        list.add_refused(id, what, {text(group.texts[i])}, {}, 1007);
      }
    }
  }
  return list.take();
}

std::vector<websocket_case> close_cases() {
  case_list list;
  const std::string large(256 * 1024, 'x');
  const auto closed = [&](std::string id, std::string what, frames sent, answers expected,
                          std::uint16_t code) {
    websocket_case& one =
        list.add(std::move(id), std::move(what), std::move(sent), std::move(expected));
    one.goodbye = false;
    one.close = code;
  };
  closed("7.1.1", "text, close", {text("x"), closing(1000)}, {"text:x"}, 1000);
  closed("7.1.2", "close, close", {closing(1000), closing(1000)}, {}, 1000);
  closed("7.1.3", "close, ping", {closing(1000), ping()}, {}, 1000);
  closed("7.1.4", "close, text", {closing(1000), text("x")}, {}, 1000);
  closed("7.1.5", "first fragment, close, last fragment",
         {part(1, "a", false), closing(1000), part(0, "b", true)}, {}, 1000);
  closed("7.1.6", "text of 256 KiB, close, ping", {text(large), closing(1000), ping()},
         {"text:" + large}, 1000);
  closed("7.3.1", "close without payload", {{.opcode = 8}}, {}, 1005);
  list.add_refused("7.3.2", "close with one byte", {{.opcode = 8, .payload = "a"}});
  closed("7.3.3", "close with a code", {closing(1000)}, {}, 1000);
  closed("7.3.4", "close with code and reason", {closing(1000, "Hello")}, {}, 1000);
  closed("7.3.5", "close with the longest reason", {closing(1000, std::string(123, '*'))}, {},
         1000);
  list.add_refused("7.3.6", "close with a reason of 124 bytes",
                   {{.opcode = 8, .payload = "\x03\xe8" + std::string(124, '*')}});
  list.add_refused("7.5.1", "close with a reason that is not UTF-8",
                   {{.opcode = 8, .payload = "\x03\xe8\xce\xba\xed\xa0\x80"}}, {}, 1007);
  const std::array<std::uint16_t, 16> good{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                           1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
  for (std::size_t i = 0; i < good.size(); ++i) {
    closed(numbered("7.7", i), "close with " + std::to_string(good[i]), {closing(good[i])}, {},
           good[i]);
  }
  const std::array<std::uint16_t, 9> bad{0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999};
  const auto code_frame = [](unsigned code) {
    return raw_frame{.opcode = 8,
                     .payload = {static_cast<char>(code >> 8), static_cast<char>(code)}};
  };
  for (std::size_t i = 0; i < bad.size(); ++i) {
    list.add_refused(numbered("7.9", i), "close with " + std::to_string(bad[i]),
                     {code_frame(bad[i])});
  }
  list.add_refused("7.13.1", "close with 5000", {code_frame(5000)});
  list.add_refused("7.13.2", "close with 65535", {code_frame(65535)});
  return list.take();
}

std::vector<websocket_case> large_cases() {
  case_list list;
  constexpr std::size_t kib = 1024;
  const std::array<std::size_t, 6> sizes{64, 256, 1024, 4096, 8192, 16384};
  const std::array<std::size_t, 9> pieces{64,       256,       kib,        4 * kib,   16 * kib,
                                          64 * kib, 256 * kib, 1024 * kib, 4096 * kib};
  const std::array<std::size_t, 6> chops{64, 128, 256, 512, 1024, 2048};
  const std::array<std::size_t, 6> small{0, 16, 64, 256, 1024, 4096};
  for (const unsigned opcode : {1U, 2U}) {
    const std::string kind = opcode == 1 ? "text" : "binary";
    const auto of = [=](std::size_t size) { return kind + ":" + std::string(size, '*'); };
    const auto add = [&](std::string_view section, std::size_t i, const std::string& what,
                         std::size_t size, std::size_t fragment, std::size_t count) -> auto& {
      return list.add_made(
          numbered(section, i), what,
          [=] {
            frames all;
            for (std::size_t n = 0; n < count; ++n) {
              for (raw_frame& one : fragments(opcode, std::string(size, '*'), fragment))
                all.push_back(std::move(one));
            }
            return all;
          },
          [=] { return answers(count, of(size)); });
    };
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      add(opcode == 1 ? "9.1" : "9.2", i, kind + " of " + std::to_string(sizes[i]) + " KiB",
          sizes[i] * kib, sizes[i] * kib, 1);
    }
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      add(opcode == 1 ? "9.3" : "9.4", i,
          kind + " of 4 MiB in fragments of " + std::to_string(pieces[i]) + " bytes", 4096 * kib,
          pieces[i], 1);
    }
    for (std::size_t i = 0; i < chops.size(); ++i) {
      add(opcode == 1 ? "9.5" : "9.6", i,
          kind + " of 1 MiB, " + std::to_string(chops[i]) + " bytes at a time", 1024 * kib,
          1024 * kib, 1)
          .chop = chops[i];
    }
    for (std::size_t i = 0; i < small.size(); ++i) {
      add(opcode == 1 ? "9.7" : "9.8", i,
          "1000 messages (" + kind + ") of " + std::to_string(small[i]) + " bytes", small[i],
          small[i] + 1, 1000);
    }
  }
  return list.take();
}

std::vector<websocket_case> compression_cases() {
  case_list list;
  for (unsigned kind = 0; kind < content_names.size(); ++kind) {
    add_compressed(list, numbered("12", kind), kind, std::string(content_names.at(kind)), {},
                   "permessage-deflate");
  }
  struct agreement {
    bool no_takeover;
    std::uint8_t bits;  // 0: not asked for
  };
  const std::array<agreement, 6> all{
      {{false, 0}, {true, 0}, {false, 9}, {false, 15}, {true, 9}, {true, 15}}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    ws::deflate_parameters agreed;
    agreed.server_no_context_takeover = all[i].no_takeover;
    if (all[i].bits > 0) agreed.server_max_window_bits = all[i].bits;
    std::string offer = "permessage-deflate";
    if (all[i].no_takeover) offer += "; server_no_context_takeover";
    if (all[i].bits > 0) offer += "; server_max_window_bits=" + std::to_string(all[i].bits);
    add_compressed(list, numbered("13", i), json, "`" + offer + "`", agreed, offer);
  }
  const std::string several =
      "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, "
      "permessage-deflate; server_no_context_takeover, permessage-deflate";
  ws::deflate_parameters first;
  first.server_no_context_takeover = true;
  first.server_max_window_bits = 9;
  add_compressed(list, "13.7", json, "three offers", first, several);
  return list.take();
}

std::string websocket_cases_report() {
  std::string report =
      "# WebSocket: the cases\n\n"
      "The case list of the Autobahn test suite, sections 1 to 7, 9, 10, 12 and 13, run by a "
      "raw-frame driver of our\n"
      "own against both of our sides: the server (driven by a raw client) and the client (driven "
      "by a raw server),\n"
      "each echoing what it receives. Written by the test `websocket_cases`, which runs every line "
      "and fails when one\n"
      "does not end as it says, or when this page is not what it would write.\n\n"
      "Where it differs from Autobahn's list: the 216 cases of sections 12 and 13 send 20 messages "
      "of up to 16 KiB, or 3\n"
      "larger ones, where Autobahn sends 1000; their contents are of the same kinds but made, not "
      "files (12.1 JSON, 12.2\n"
      "a bitmap, 12.3 prose, 12.4 HTML, 12.5 a PDF; section 13 JSON). The numbers, sizes, "
      "fragments "
      "and parameters of\n"
      "section 13 are Autobahn's.\n\n"
      "| case | the peer sends | both sides answer, and close with |\n|---|---|---|\n";
  for (const auto& section :
       {framing_cases(), utf8_cases(), close_cases(), large_cases(), compression_cases()}) {
    for (const websocket_case& one : section) {
      const std::size_t count = one.answers().size();
      std::string outcome =
          count == 0 ? "nothing" : std::to_string(count) + (count == 1 ? " message" : " messages");
      const std::string first = count == 0 ? "" : one.answers().front();
      if (first.starts_with("pong"))
        outcome = count == 1 ? "a pong" : "pongs and messages: " + std::to_string(count);
      report += "| " + one.id + " | " + escaped(one.what) + " | " + outcome + ", " +
                (one.close == 1005 ? "no code" : std::to_string(one.close)) + " |\n";
    }
  }
  return report;
}

}  // namespace eddy::http::test

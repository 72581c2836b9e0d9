#include "websocket_invariants.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>

#include <eddy/base/error.hpp>
#include <eddy/wire/http1_request_parser.hpp>

namespace eddy::wire::websocket {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string frame(opcode code, std::string_view payload, bool final = true,
                  bool compressed = false) {
  std::string out;
  write_frame(out, {.code = code, .final = final, .compressed = compressed}, bytes_of(payload));
  return out;
}

std::string raw(std::initializer_list<int> bytes) {
  std::string text;
  for (const int byte : bytes) text.push_back(static_cast<char>(byte));
  return text;
}

test::transcript as_client(std::string_view bytes, bool deflate = false) {
  return test::decode(bytes, role::client, deflate);
}

// --- UTF-8 ---

TEST(utf8, accepts_what_rfc_3629_allows) {
  for (const std::string_view good :
       {"", "plain ascii, longer than one word", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf",
        "k\xc3\xb6nnen \xe2\x82\xac \xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_utf8(good)) << good;
  }
}

TEST(utf8, refuses_the_first_wrong_byte) {
  struct wrong {
    std::string_view bytes;
    std::size_t at;  // of the first byte that cannot be
  };
  for (const auto& [bytes, at] : std::vector<wrong>{{"\x80", 0},
                                                    {"\xc0\x80", 0},
                                                    {"\xc1\xbf", 0},
                                                    {"\xe0\x9f\xbf", 1},
                                                    {"\xed\xa0\x80", 1},
                                                    {"\xf0\x8f\xbf\xbf", 1},
                                                    {"\xf4\x90\x80\x80", 1},
                                                    {"\xf5\x80", 0},
                                                    {"\xff", 0},
                                                    {"\xe2\x82 ", 2},
                                                    {"abcdefghijklm\xc3(", 14}}) {
    utf8_validator check;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      EXPECT_EQ(check.add(bytes_of(bytes.substr(i, 1))), i < at) << bytes << " at " << i;
    }
    EXPECT_FALSE(is_utf8(bytes));
  }
}

TEST(utf8, is_complete_only_between_characters) {
  utf8_validator check;
  EXPECT_TRUE(check.add(bytes_of("\xe2\x82")));
  EXPECT_FALSE(check.complete());
  EXPECT_TRUE(check.add(bytes_of("\xac")));
  EXPECT_TRUE(check.complete());
  EXPECT_FALSE(is_utf8("\xe2\x82"));
}

// --- frames ---

TEST(websocket_frame, writes_the_examples_of_rfc_6455) {
  EXPECT_EQ(frame(opcode::text, "Hello"), raw({0x81, 0x05}) + "Hello");
  std::string masked;
  const masking_key key{std::byte{0x37}, std::byte{0xfa}, std::byte{0x21}, std::byte{0x3d}};
  write_frame(masked, {.code = opcode::text, .mask = key}, bytes_of("Hello"));
  EXPECT_EQ(masked, raw({0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58}));
  EXPECT_EQ(frame(opcode::text, "Hel", false), raw({0x01, 0x03}) + "Hel");
  EXPECT_EQ(frame(opcode::continuation, "lo"), raw({0x80, 0x02}) + "lo");
  EXPECT_EQ(frame(opcode::binary, std::string(256, 'x')).substr(0, 4),
            raw({0x82, 0x7e, 0x01, 0x00}));
  EXPECT_EQ(frame(opcode::binary, std::string(65536, 'x')).substr(0, 10),
            raw({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0}));
}

TEST(websocket_frame, masks_from_any_offset_and_twice_is_nothing) {
  const masking_key key = make_masking_key(0x1234567890abcdef);
  for (const std::size_t size : {0U, 1U, 3U, 7U, 8U, 9U, 31U, 64U}) {
    for (std::uint64_t offset = 0; offset < 9; ++offset) {
      std::string text(size, 'a');
      apply_mask(std::as_writable_bytes(std::span(text)), key, offset);
      for (std::size_t i = 0; i < size; ++i) {
        EXPECT_EQ(static_cast<std::byte>(text[i]), std::byte{'a'} ^ key[(offset + i) % 4]);
      }
      apply_mask(std::as_writable_bytes(std::span(text)), key, offset);
      EXPECT_EQ(text, std::string(size, 'a'));
    }
  }
}

TEST(websocket_frame, close_payloads_have_code_and_a_reason_that_fits) {
  EXPECT_EQ(close_payload(1000, "bye"), raw({0x03, 0xe8}) + "bye");
  EXPECT_EQ(close_payload(close_code::no_status, "lost"), "");
  std::string reason(122, 'x');
  reason += "\xe2\x82\xac";
  const std::string cut = close_payload(1000, reason);
  EXPECT_EQ(cut.size(), 124U);
  EXPECT_TRUE(is_utf8(std::string_view(cut).substr(2)));
}

TEST(websocket_frame, only_some_close_codes_may_be_sent) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1014, 3000, 4999}) {
    EXPECT_TRUE(is_sendable_close_code(static_cast<std::uint16_t>(code))) << code;
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2999, 5000, 65535}) {
    EXPECT_FALSE(is_sendable_close_code(static_cast<std::uint16_t>(code))) << code;
  }
}

// --- decoding ---

TEST(websocket_decoder, gives_a_whole_message_at_once_and_without_copying_it) {
  std::string input = frame(opcode::text, "Hello") + frame(opcode::binary, "next");
  decoder decoding(role::client, {});
  const auto event = decoding.next(std::as_writable_bytes(std::span(input)));
  ASSERT_TRUE(event);
  EXPECT_EQ(event->kind, decoder::event_kind::data);
  EXPECT_TRUE(event->begins && event->ends);
  EXPECT_EQ(event->consumed, 7U);
  EXPECT_EQ(static_cast<const void*>(event->payload.data()), input.data() + 2);
  EXPECT_FALSE(decoding.in_message());
}

TEST(websocket_decoder, joins_fragments_around_control_frames) {
  const auto got = as_client(frame(opcode::text, "k\xc3", false) + frame(opcode::ping, "p") +
                             frame(opcode::continuation, "\xb6", false) + frame(opcode::pong, "") +
                             frame(opcode::continuation, "nnen") +
                             frame(opcode::close, close_payload(1001, "x")));
  EXPECT_THAT(got.told, ElementsAre("ping:p", "pong:", "text:k\xc3\xb6nnen", "close 1001:x"));
  EXPECT_EQ(got.failure, std::nullopt);
}

TEST(websocket_decoder, refuses_what_rfc_6455_forbids) {
  struct wrong {
    std::string bytes;
    errc code;
  };
  const std::vector<wrong> all{
      {raw({0xc1}), errc::reserved_bits},
      {raw({0xa1}), errc::reserved_bits},
      {raw({0x91}), errc::reserved_bits},
      {raw({0xc9}), errc::reserved_bits},
      {raw({0x83}), errc::reserved_opcode},
      {raw({0x8b}), errc::reserved_opcode},
      {raw({0x81, 0x80}), errc::bad_masking},
      {raw({0x81, 0x7e, 0x00, 0x7d}), errc::bad_length},
      {raw({0x81, 0x7f, 0, 0, 0, 0, 0, 0, 0xff, 0xff}), errc::bad_length},
      {raw({0x81, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0}), errc::bad_length},
      {raw({0x09}), errc::fragmented_control},
      {raw({0x89, 0x7e}), errc::long_control},
      {raw({0x80}), errc::unexpected_continuation},
      {raw({0x01, 0x00, 0x81}), errc::interleaved_message},
      {raw({0x88, 0x01, 0x03}), errc::bad_close_payload},
      {raw({0x88, 0x02, 0x03, 0xed}), errc::bad_close_code},
      {raw({0x88, 0x03, 0x03, 0xe8, 0xff}), errc::bad_utf8},
      {raw({0x81, 0x05, 'a', 0xff}), errc::bad_utf8},
      {raw({0x81, 0x01, 0xc3}), errc::bad_utf8},
      {raw({0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0x11, 0x71}), errc::frame_too_big},
  };
  for (const auto& [bytes, code] : all) {
    const auto got = as_client(bytes);
    EXPECT_EQ(got.failure, code) << ::testing::PrintToString(bytes);
    EXPECT_THAT(got.told, IsEmpty());
    EXPECT_EQ(test::check_decoding(bytes, role::client, false, 1), "");
  }
  EXPECT_EQ(test::decode(frame(opcode::text, "x"), role::server, false).failure, errc::bad_masking);
}

TEST(websocket_decoder, a_failure_is_final) {
  decoder decoding(role::client, {});
  std::string wrong = raw({0x83});
  std::string right = frame(opcode::text, "x");
  EXPECT_FALSE(decoding.next(std::as_writable_bytes(std::span(wrong))));
  const auto again = decoding.next(std::as_writable_bytes(std::span(right)));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error(), errc::reserved_opcode);
}

TEST(websocket_decoder, counts_a_message_over_its_fragments_and_refuses_at_the_header) {
  const std::string half(60'000, 'x');
  const std::string announced = raw({0x80, 0x7e, 0xea, 0x60});  // 60 000 more, not sent
  EXPECT_EQ(as_client(frame(opcode::binary, half, false) + announced).failure,
            errc::message_too_big);
}

TEST(websocket_decoder, means_the_same_however_the_input_is_cut) {
  std::string stream;
  for (const int size : {0, 1, 125, 126, 300, 65535, 66000}) {
    std::string payload(static_cast<std::size_t>(size), 'x');
    write_frame(stream, {.code = opcode::text, .final = false, .mask = make_masking_key(77)},
                bytes_of(payload));
    write_frame(stream, {.code = opcode::ping, .mask = make_masking_key(78)}, bytes_of("now"));
    write_frame(stream, {.code = opcode::continuation, .mask = make_masking_key(79)},
                bytes_of("\xc3\xb6"));
  }
  EXPECT_EQ(test::decode(stream, role::server, false).told.size(), 14U);
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 500U, 16384U}) {
    EXPECT_EQ(test::check_decoding(stream, role::server, false, piece), "");
  }
}

TEST(websocket_error, codes_lead_to_close_codes) {
  EXPECT_EQ(close_code_for(errc::reserved_bits), 1002);
  EXPECT_EQ(close_code_for(errc::bad_utf8), 1007);
  EXPECT_EQ(close_code_for(errc::bad_compressed_data), 1007);
  EXPECT_EQ(close_code_for(errc::message_too_big), 1009);
  EXPECT_EQ(close_code_for(errc::bad_extension), 1010);
  EXPECT_EQ(make_error_code(errc::bad_utf8), condition::failed);
  EXPECT_EQ(make_error_code(errc::bad_utf8).message(), "not UTF-8");
}

// --- handshake ---

TEST(websocket_handshake, answers_the_key_of_rfc_6455) {
  EXPECT_EQ(accept_value("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  std::array<std::byte, 16> random{};
  for (std::size_t i = 0; i < random.size(); ++i)
    random[i] = static_cast<std::byte>("the sample nonce"[i]);
  EXPECT_EQ(make_key(random), "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_TRUE(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
  EXPECT_FALSE(is_key("dGhlIHNhbXBsZSBub25jZQ="));
  EXPECT_FALSE(is_key("dGhlIHNhbXBsZSBub25jZQAA"));
  EXPECT_FALSE(is_key("dGhlIHNhbXBsZSBub25j!Q=="));
}

template <class T>
errc failure_of(const std::expected<T, errc>& outcome) {
  return outcome ? errc() : outcome.error();
}

class request {
 public:
  explicit request(std::string_view fields, std::string_view line = "GET /chat HTTP/1.1") {
    bytes_ = std::string(line) + "\r\nHost: h\r\n" + std::string(fields) + "\r\n";
    http1::request_parser parser;
    const auto size = parser.parse(bytes_, head);
    EXPECT_TRUE(size && *size > 0);
  }
  http1::request_head head;

 private:
  std::string bytes_;
};

constexpr std::string_view right =
    "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

std::string without(std::string_view name, std::string_view instead = {}) {
  std::string text(right);
  const std::size_t begin = text.find(name);
  text.replace(begin, text.find('\n', begin) + 1 - begin, instead);
  return text;
}

TEST(websocket_handshake, a_right_request_has_a_key) {
  EXPECT_EQ(check_upgrade_request(request(right).head), "dGhlIHNhbXBsZSBub25jZQ==");
  EXPECT_TRUE(asks_for_websocket(request(right).head));
}

TEST(websocket_handshake, wrong_requests_are_told_apart) {
  const auto failure = [](const request& r) { return failure_of(check_upgrade_request(r.head)); };
  EXPECT_EQ(failure(request(right, "POST /chat HTTP/1.1")), errc::bad_handshake);
  EXPECT_EQ(failure(request(right, "GET /chat HTTP/1.0")), errc::bad_handshake);
  EXPECT_EQ(failure(request(without("Connection"))), errc::bad_handshake);
  EXPECT_EQ(failure(request(without("Upgrade: "))), errc::bad_handshake);
  EXPECT_EQ(failure(request(without("Sec-WebSocket-Version"))), errc::bad_version);
  EXPECT_EQ(failure(request(without("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n"))),
            errc::bad_version);
  EXPECT_EQ(failure(request(without("Sec-WebSocket-Key"))), errc::bad_key);
  EXPECT_EQ(failure(request(without("Sec-WebSocket-Key", "Sec-WebSocket-Key: abc\r\n"))),
            errc::bad_key);
}

TEST(websocket_handshake, the_clients_first_subprotocol_that_is_supported_is_chosen) {
  const request asked(
      "Sec-WebSocket-Protocol: mqtt, chat.v2\r\nSec-WebSocket-Protocol: chat.v1\r\n");
  const std::array<std::string_view, 2> supported{"chat.v1", "chat.v2"};
  EXPECT_EQ(choose_subprotocol(asked.head.fields(), supported), "chat.v2");
  EXPECT_EQ(choose_subprotocol(asked.head.fields(), {}), "");
  EXPECT_EQ(joined_values(asked.head.fields(), "sec-websocket-protocol"), "mqtt, chat.v2, chat.v1");
}

errc response_failure(std::string_view fields, int status = 101) {
  static constexpr std::array<std::string_view, 1> subprotocols{"chat"};
  const std::string bytes =
      "HTTP/1.1 " + std::to_string(status) + " x\r\n" + std::string(fields) + "\r\n";
  http1::response_parser parser;
  http1::response_head head;
  EXPECT_TRUE(parser.parse(bytes, http1::method::get, head).value_or(0) > 0);
  client_offer offer;
  offer.key = "dGhlIHNhbXBsZSBub25jZQ==";
  offer.subprotocols = subprotocols;
  offer.compression = deflate_parameters();
  return failure_of(check_upgrade_response(head, offer));
}

TEST(websocket_handshake, a_client_checks_all_of_the_response) {
  const std::string good =
      "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "
      "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
  EXPECT_EQ(response_failure(good), errc());
  EXPECT_EQ(response_failure(good + "Sec-WebSocket-Protocol: chat\r\n"), errc());
  EXPECT_EQ(response_failure(good + "Sec-WebSocket-Extensions: permessage-deflate\r\n"), errc());
  EXPECT_EQ(response_failure(good, 200), errc::bad_handshake);
  EXPECT_EQ(response_failure("Upgrade: websocket\r\n"), errc::bad_handshake);
  EXPECT_EQ(response_failure("Connection: upgrade\r\nUpgrade: websocket\r\n"), errc::bad_accept);
  EXPECT_EQ(
      response_failure("Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n"),
      errc::bad_accept);
  EXPECT_EQ(response_failure(good + "Sec-WebSocket-Protocol: mqtt\r\n"), errc::bad_subprotocol);
  EXPECT_EQ(response_failure(good + "Sec-WebSocket-Extensions: x-snappy\r\n"), errc::bad_extension);
}

TEST(websocket_handshake, a_client_offers_what_it_was_told_to) {
  static constexpr std::array<std::string_view, 2> subprotocols{"a", "b"};
  client_offer offer;
  offer.key = "k";
  offer.subprotocols = subprotocols;
  http1::fields made;
  add_offer(made, offer);
  EXPECT_EQ(made.find("Sec-WebSocket-Protocol"), "a, b");
  EXPECT_EQ(made.find("Sec-WebSocket-Extensions"), std::nullopt);
  static constexpr std::array<std::string_view, 1> wrong{"a b"};
  offer.subprotocols = wrong;
  EXPECT_THROW(add_offer(made, offer), std::system_error);
}

}  // namespace
}  // namespace eddy::wire::websocket

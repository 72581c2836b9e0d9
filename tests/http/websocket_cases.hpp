// The cases of the Autobahn test suite's list, sections 1 to 7, 9, 10, 12 and 13, as data: what a raw peer sends, and
// what an endpoint that echoes messages has to answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/wire/websocket_deflate.hpp>

namespace eddy::http::test {

/// A frame, right or wrong.
struct raw_frame {
  unsigned opcode = 1;
  std::string payload = {};
  bool final = true;
  unsigned reserved = 0;  // the three bits, as a number
  /// Bytes of the payload that are sent; the rest never comes.
  std::size_t sent = std::string::npos;
};

struct websocket_case {
  std::string id;
  std::string what;
  std::function<std::vector<raw_frame>()> frames;
  /// Before the close frame: "text:..", "binary:..", "pong:..".
  std::function<std::vector<std::string>()> answers;
  std::uint16_t close = 1000;  ///< code of the endpoint's close frame
  bool goodbye = true;         ///< the peer ends with a close frame of its own, with 1000
  std::size_t chop = 0;        ///< bytes that arrive at once; 0: as they come
  std::optional<wire::websocket::deflate_parameters> deflate = std::nullopt;  ///< as agreed
  std::string offer = {};  ///< with deflate: what a client offers
};

[[nodiscard]] std::vector<websocket_case> framing_cases();      ///< sections 1 to 5, 10
[[nodiscard]] std::vector<websocket_case> utf8_cases();         ///< section 6
[[nodiscard]] std::vector<websocket_case> close_cases();        ///< section 7
[[nodiscard]] std::vector<websocket_case> large_cases();        ///< section 9
[[nodiscard]] std::vector<websocket_case> compression_cases();  ///< sections 12, 13

/// The report: a table of all of them.
[[nodiscard]] std::string websocket_cases_report();

}  // namespace eddy::http::test

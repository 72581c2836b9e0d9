// Any bytes as what a WebSocket's peer sends. The first byte chooses the size of the pieces, the second the role,
// whether there is compression, and what else is tried.
#include "fuzz_check.hpp"
#include "wire/websocket_invariants.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace test = eddy::wire::websocket::test;
  using eddy::wire::websocket::role;
  if (size < 3) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
  const std::size_t piece = 1U + data[0];
  const bool deflate = (data[1] & 2U) != 0;
  if ((data[1] & 4U) != 0) eddy::fuzz::expect_empty(test::check_round_trip(bytes, deflate, piece));
  if ((data[1] & 8U) != 0) {
    eddy::wire::websocket::deflate_parameters wanted;
    wanted.server_max_window_bits = static_cast<std::uint8_t>(8 + data[0] % 8);
    wanted.client_no_context_takeover = (data[1] & 16U) != 0;
    eddy::fuzz::expect_empty(test::check_extensions(bytes, wanted));
  }
  const role own = (data[1] & 1U) != 0 ? role::server : role::client;
  eddy::fuzz::expect_empty(test::check_decoding(bytes, own, deflate, piece));
  return 0;
}

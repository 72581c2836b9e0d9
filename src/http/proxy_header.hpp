// Reads the PROXY header in front of a connection, and not a byte more.
#pragma once

#include "forwarded.hpp"
#include "server_loop.hpp"

#include <algorithm>
#include <array>
#include <memory>

#include <eddy/base/error.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/io/stream.hpp>
#include <eddy/wire/proxy_protocol.hpp>

namespace eddy::http::detail {

/// Whether the connection may go on: its peer is trusted, and began with a header in the time of a head. `client` is
/// whom that names, or null when the proxy speaks for itself.
template <io::byte_stream Stream>
task<bool> read_proxy_header(server_loop& server, Stream& stream,
                             std::unique_ptr<net::address>& client) {
  if (!is_trusted(server.options(), stream.peer())) co_return false;
  std::array<std::byte, wire::largest_proxy_header> bytes{};
  std::size_t size = 0;
  std::size_t wanted = 15;  // no header is shorter; version 2 says its length in 16
  const auto read = [&]() -> task<bool> {
    for (;;) {
      const auto room = std::span(bytes).subspan(size, wanted - size);
      const std::size_t count = co_await stream.read_some(room);
      if (count == 0) co_return false;
      size += count;
      const auto text = io::text_of(std::span(bytes).first(size));
      const auto header = wire::parse_proxy_header(text);
      if (!header || header->size > size) co_return false;
      if (header->size == size) {
        if (header->local) co_return true;
        const auto named = net::address::numeric(header->source, header->source_port);
        if (!named) co_return false;
        client = std::make_unique<net::address>(*named);
        co_return true;
      }
      if (size < wanted) continue;
      const bool second = text.front() == '\r';
      const auto low = std::to_integer<std::size_t>(bytes[15]);
      const auto high = std::to_integer<std::size_t>(bytes[14]);
      // A line does not say its length.
      wanted = second && size >= 16 ? 16 + (high << 8U | low) : size + 1;
      if (wanted > bytes.size()) co_return false;
    }
  };
  try {
    const auto good = co_await move_on_after(server.options().head_timeout, read());
    co_return good.value_or(false);
  } catch (const error&) {  // it has gone
    co_return false;
  }
}

}  // namespace eddy::http::detail

// The server's side of the load.
#pragma once

#include "world.hpp"

#include <cstddef>
#include <string_view>

#include <boost/json/array.hpp>

#include <eddy/http/server.hpp>

namespace soak {

/// What /json/{from}/{count} answers.
boost::json::array items(const world& w, std::size_t from, std::size_t count);
/// What /sum/{from}/{size} answers.
std::uint64_t checksum(std::string_view bytes);
/// Writes `all` piece by piece.
eddy::task<void> write_pieces(std::string_view all, eddy::http::body_writer& out);

/// `w` has to live as long as the server.
void add_routes(eddy::http::server& app, const world& w);

}  // namespace soak

// The clients' side of the load: what one of them does at a time.
#pragma once

#include "world.hpp"

#include <string>
#include <utility>

#include <eddy/http/client.hpp>
#include <eddy/net/address.hpp>

namespace soak {

/// A client and the server that it asks.
struct session {
  session(const eddy::http::client_options& options, std::string where)
      : client(options), base(std::move(where)) {}
  eddy::http::client client;
  std::string base;
};

/// A request of any kind.
eddy::task<void> ask_anything(world& w, session& s);
/// Opens a WebSocket, exchanges messages, and ends it in one way or another.
eddy::task<void> converse(world& w, const std::string& url);
/// A client that leaves in the middle of something.
eddy::task<void> drop(world& w, const eddy::net::address& server);

}  // namespace soak

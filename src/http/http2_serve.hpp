// HTTP/2 connections of a server, without what they are made of.
#pragma once

#include "incoming_request.hpp"

#include <string>

#include <eddy/coro/task.hpp>
#include <eddy/io/any_stream.hpp>

namespace eddy::http::detail {

class server_loop;

/// Serves `stream`, whose client speaks HTTP/2, to its end. `already_read` is what has been read from it. What `origin`
/// refers to lives as long.
task<void> serve_http2(server_loop& server, io::any_stream stream, request_origin origin,
                       std::string already_read = {});

}  // namespace eddy::http::detail

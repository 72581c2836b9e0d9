// The WebSocket protocol (RFC 6455, with permessage-deflate of RFC 7692) as pure functions and state machines: bytes
// in, events out. No I/O, no clock, no randomness; usable on any thread.
#pragma once

#include <eddy/wire/utf8.hpp>
#include <eddy/wire/websocket_decoder.hpp>
#include <eddy/wire/websocket_deflate.hpp>
#include <eddy/wire/websocket_error.hpp>
#include <eddy/wire/websocket_frame.hpp>
#include <eddy/wire/websocket_handshake.hpp>

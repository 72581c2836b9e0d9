// All of eddy::net.
#pragma once

#include <eddy/net/address.hpp>
#include <eddy/net/connection_spread.hpp>
#include <eddy/net/dns_resolver.hpp>
#include <eddy/net/happy_eyeballs.hpp>
#include <eddy/net/resolver.hpp>
#include <eddy/net/serve.hpp>
#include <eddy/net/serve_state.hpp>
#include <eddy/net/socket.hpp>
#include <eddy/net/stream_listener.hpp>
#include <eddy/net/stream_socket.hpp>
#include <eddy/net/tcp.hpp>
#include <eddy/net/udp.hpp>
#include <eddy/net/unix.hpp>

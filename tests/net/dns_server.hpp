// A small DNS server (RFC 1035) for tests: answers A and AAAA questions from a table, over UDP and TCP.
#pragma once

#include "on_every_network.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/coro/group.hpp>

namespace eddy::net {

/// One name of the table.
struct dns_record {
  std::vector<std::string> v4 = {};
  std::vector<std::string> v6 = {};
  std::uint32_t ttl = 300;  ///< seconds
  int code = 0;             ///< the response code: 2 server failure, 3 no such name
  int ignored = 0;          ///< questions to leave unanswered first
  bool truncated = false;   ///< over UDP, only say that it does not fit
};

class dns_server {
 public:
  dns_server() : dns_server(bind_both()) {}

  /// Names that are not in the table do not exist.
  std::map<std::string, dns_record> table;
  /// "name/type" of every question so far; "tcp" behind it when it came that way.
  std::vector<std::string> questions;

  [[nodiscard]] address local() const { return datagrams_.local(); }
  task<void> serve() {
    auto both = [this](task_group& group) -> task<void> {
      group.spawn(serve_streams());
      co_await serve_datagrams();
    };
    co_await with_group(both);
  }

 private:
  struct sockets {
    udp_socket datagrams;
    tcp_listener streams;
  };

  explicit dns_server(sockets bound)
      : datagrams_(std::move(bound.datagrams)), streams_(std::move(bound.streams)) {}

  /// A port that is free for both.
  static sockets bind_both() {
    for (int attempts = 100;; --attempts) {
      udp_socket datagrams = udp_socket::bind(address::loopback_v4(0));
      try {
        tcp_listener streams = tcp_listener::listen(datagrams.local());
        return {std::move(datagrams), std::move(streams)};
      } catch (const error&) {
        if (attempts == 0) throw;
      }
    }
  }

  task<void> serve_datagrams() {
    std::array<std::byte, 512> buffer;
    for (;;) {
      const datagram query = co_await datagrams_.receive_from(buffer);
      const std::string reply = answer(io::text_of(std::span(buffer).first(query.size)), false);
      if (!reply.empty()) co_await datagrams_.send_to(io::bytes_of(reply), query.from);
    }
  }

  task<void> serve_streams() {
    auto handler = [this](tcp_stream peer) -> task<void> {
      std::string received;
      std::array<std::byte, 512> buffer;
      for (;;) {
        const std::size_t count = co_await peer.read_some(buffer);
        if (count == 0) co_return;
        received += io::text_of(std::span(buffer).first(count));
        while (received.size() >= 2 && received.size() >= 2 + number(received, 0)) {
          const std::size_t size = number(received, 0);
          const std::string reply = answer(std::string_view(received).substr(2, size), true);
          received.erase(0, 2 + size);
          std::string framed;
          append(framed, reply.size());
          framed += reply;
          co_await peer.write_all(framed);
        }
      }
    };
    co_await net::serve(streams_, handler);
  }

  static std::size_t number(std::string_view bytes, std::size_t at) {
    return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])) << 8 |
           static_cast<unsigned char>(bytes[at + 1]);
  }
  static void append(std::string& to, std::size_t value) {
    to += static_cast<char>(value >> 8 & 0xff);
    to += static_cast<char>(value & 0xff);
  }

  std::string answer(std::string_view query, bool tcp) {
    std::size_t at = 12;
    std::string name;
    while (query[at] != 0) {
      const auto length = static_cast<unsigned char>(query[at]);
      name += (name.empty() ? "" : ".") + std::string(query.substr(at + 1, length));
      at += 1 + length;
    }
    const std::size_t type = number(query, at + 1);
    const std::string_view question = query.substr(12, at + 5 - 12);
    questions.push_back(name + (type == 28 ? "/AAAA" : "/A") + (tcp ? "/tcp" : ""));

    const auto found = table.find(name);
    if (found != table.end() && found->second.ignored > 0) {
      --found->second.ignored;
      return {};
    }
    static const dns_record unknown{.code = 3};
    const dns_record& record = found == table.end() ? unknown : found->second;
    const bool truncated = record.truncated && !tcp;
    const auto& numbers = type == 28 ? record.v6 : record.v4;
    const std::size_t count = truncated || record.code != 0 ? 0 : numbers.size();

    std::string reply(query.substr(0, 2));
    append(reply, 0x8180U | (truncated ? 0x0200U : 0U) | static_cast<std::size_t>(record.code));
    append(reply, 1);
    append(reply, count);
    append(reply, 0);
    append(reply, 0);
    reply += question;
    for (std::size_t i = 0; i < count; ++i) {
      append(reply, 0xc00c);  // the name of the question
      append(reply, type);
      append(reply, 1);
      append(reply, record.ttl >> 16);
      append(reply, record.ttl & 0xffff);
      const address one = *address::numeric(numbers[i], 0);
      const auto* raw = reinterpret_cast<const char*>(one.data());
      const std::size_t size = type == 28 ? 16 : 4;
      append(reply, size);
      reply.append(raw + (type == 28 ? 8 : 4), size);  // sin6_addr, sin_addr
    }
    return reply;
  }

  udp_socket datagrams_;
  tcp_listener streams_;
};

}  // namespace eddy::net

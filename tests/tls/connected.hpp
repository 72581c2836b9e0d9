// Both sides of a TLS connection over memory streams, for tests in virtual time.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include <eddy/coro/gather.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/io/any_stream.hpp>
#include <eddy/io/memory_stream.hpp>
#include <eddy/tls/tls.hpp>

namespace eddy::tls::testing {

/// One authority for all tests of a program: keys take time.
inline const certificate_authority& authority() {
  static const certificate_authority made;
  return made;
}

/// The same with one name: g++ 12 takes no initializer list in a co_await expression.
inline credentials issued(const char* name, const issue_options& options = issue_options(),
                          const certificate_authority& by = authority()) {
  return by.issue({name}, options);
}

inline server_options server_for(const std::vector<std::string>& names) {
  server_options options;
  options.certificates.push_back(authority().issue(names));
  return options;
}

inline client_options trusting_client() {
  client_options options;
  options.authorities = authority().trusted();
  return options;
}

/// Made once: contexts that most tests can share.
inline const context& plain_server() {
  static const context made = context::server(server_for({"example.org"}));
  return made;
}
inline const context& plain_client() {
  static const context made = context::client(trusting_client());
  return made;
}

/// How the handshakes of both sides ended.
struct handshakes {
  result<stream> client;
  result<stream> server;

  /// The client's failure as a tls_error; one with code zero when it did not fail so.
  [[nodiscard]] tls_error client_error() const { return error_of(client); }
  [[nodiscard]] tls_error server_error() const { return error_of(server); }

 private:
  static tls_error error_of(const result<stream>& ended) {
    try {
      if (ended.has_error()) std::rethrow_exception(ended.error());
    } catch (const tls_error& failure) {
      return failure;
    } catch (const std::exception& other) {
      return {errc(), "another error", {}, other.what()};
    }
    return {errc(), "no error", {}, {}};
  }
};

inline task<handshakes> shake_hands(context client, context server,
                                    std::string name = "example.org",
                                    io::memory_stream_options how = {}) {
  auto [near, far] = io::memory_stream_pair(how);
  auto accepted = spawn(
      [](io::memory_stream under, context own) -> task<result<stream>> {
        io::any_stream any(std::move(under));
        co_return co_await as_result(stream::accept(std::move(any), std::move(own)));
      },
      std::move(far), std::move(server));
  io::any_stream any(std::move(near));
  auto made =
      co_await as_result(stream::connect(std::move(any), std::move(client), std::move(name)));
  auto& theirs = const_cast<result<stream>&>(co_await accepted);
  co_return handshakes{std::move(made), std::move(theirs)};
}

/// Both ends of a connection.
struct ends {
  stream client;
  stream server;
};

inline task<ends> connect_ends(context client, context server, io::memory_stream_options how = {}) {
  auto both = co_await shake_hands(std::move(client), std::move(server), "example.org", how);
  stream near = std::move(both.client).value();
  co_return ends{std::move(near), std::move(both.server).value()};
}
inline task<ends> connect_ends(io::memory_stream_options how = {}) {
  return connect_ends(plain_client(), plain_server(), how);
}

/// All bytes up to the end.
template <class Stream>
task<std::string> drain(Stream& from) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t n = co_await from.read_some(buffer);
    if (n == 0) co_return text;
    text.append(io::text_of(std::span(buffer).first(n)));
  }
}

}  // namespace eddy::tls::testing

// What the tests of this module share: requests with further fields, and files of a known age.
#pragma once

#include "http/server_fixture.hpp"
#include "scratch_folder.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>

#include <eddy/http/server.hpp>

namespace eddy::web::test {

using eddy::tests::scratch_folder;
using http::test::answer;
using http::test::get;
using http::test::post;
using http::test::raw_client;
using http::test::with_server;

/// "GET /target" with these fields, each "Name: value".
template <class... Fields>
[[nodiscard]] std::string get_with(std::string_view target, Fields... lines) {
  std::string text;
  (text.append(lines).append("\r\n"), ...);
  return get(target, text);
}

/// Sets a file's time of change, in seconds since 1970 and a fraction.
inline void set_time(const std::string& path, std::int64_t seconds, long nanoseconds = 0) {
  std::array<timespec, 2> times{};
  times[0].tv_sec = times[1].tv_sec = seconds;
  times[0].tv_nsec = times[1].tv_nsec = nanoseconds;
  ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0);
}

/// 2025-06-01 12:00:00 UTC: before the virtual clock's beginning.
inline constexpr std::int64_t last_summer = 1'748'779'200;
inline constexpr std::string_view last_summer_text = "Sun, 01 Jun 2025 12:00:00 GMT";

/// Bytes that do not repeat soon.
[[nodiscard]] inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * 7 + i / 251) & 0xff);
  return text;
}

}  // namespace eddy::web::test

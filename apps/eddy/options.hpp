// The command line.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/scrape/crawler.hpp>

namespace command {

struct fetch_options {
  std::vector<std::string> urls;
  std::string output;  ///< folder for the bodies; empty: they are not kept
  std::size_t concurrency = 8;
  eddy::duration timeout{};
  std::size_t retries = 2;
};

struct crawl_options {
  std::vector<std::string> urls;
  std::string out;  ///< empty: JSON lines on the standard output
  eddy::scrape::crawl_options how;
};

struct serve_options {
  std::string folder;
  std::string host = "127.0.0.1";
  std::uint16_t port = 8000;
  bool listing = false;
  std::string certificate;  ///< PEM; empty: without TLS
  std::string key;
};

/// Nothing when the program is to end at once, with `exit_code`: help was asked for, or the line is wrong.
[[nodiscard]] std::variant<std::monostate, fetch_options, crawl_options, serve_options>
read_options(int argc, char** argv, int& exit_code);

}  // namespace command

// The names of a hosts file (hosts(5)).
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/base/time.hpp>
#include <eddy/net/address.hpp>
#include <eddy/runtime/file_system.hpp>

namespace eddy::net::detail {

using host_table = std::map<std::string, std::vector<address>, std::less<>>;

/// Names in lower case, each with its addresses in the order of the lines. Lines that are not understood are skipped.
[[nodiscard]] host_table parse_hosts(std::string_view text);

/// `name` in lower case (ASCII), without a final dot.
[[nodiscard]] std::string normalize_host(std::string_view name);

/// A hosts file of the running loop's world, read again when it has changed. A file that is missing or cannot be read
/// has no names.
class hosts_file {
 public:
  explicit hosts_file(std::string path) : path_(std::move(path)) {}

  /// The addresses of a normalized name; null when it is not there. Valid until the next call.
  [[nodiscard]] const std::vector<address>* find(std::string_view name, time_point now);

 private:
  void refresh();

  std::string path_;
  std::optional<runtime::file_status> seen_;  // as it was read
  time_point look_again_ = time_point::min();
  host_table names_;
};

}  // namespace eddy::net::detail

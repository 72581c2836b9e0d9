// What downloads have in common, wherever they go.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <eddy/http/download.hpp>

namespace eddy::http::detail {

/// Where a download goes. What it throws ends the download.
class download_target {
 public:
  /// What came before is void: all of a version comes now. `validator` is what asks for its rest later; empty: nothing
  /// does.
  virtual task<void> begin(std::string validator) = 0;
  /// Continues the piece before.
  virtual task<void> write(std::uint64_t offset, std::string_view piece) = 0;

 protected:
  ~download_target() = default;
};

/// See download().
task<download_result> download_to(client& with, request_spec spec, download_target& target,
                                  download_options options);

}  // namespace eddy::http::detail

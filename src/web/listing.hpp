// A folder as a page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <eddy/fs/file.hpp>

namespace eddy::web::detail {

/// Folders first, then files, each in order of their names; names with a dot in front and what is neither are left out.
[[nodiscard]] std::string listing_page(std::string_view path,
                                       std::vector<fs::directory_entry> entries);

/// `path` with everything escaped that is not a letter, digit, "-._~" or "/".
[[nodiscard]] std::string escaped_path(std::string_view path);

}  // namespace eddy::web::detail

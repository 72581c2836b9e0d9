#include "public_suffix.hpp"

#if EDDY_HAS_PSL
#include <libpsl.h>
#endif

namespace eddy::http::detail {

bool is_public_suffix(const std::string& name) {
#if EDDY_HAS_PSL
  if (const psl_ctx_t* list = psl_builtin()) return psl_is_public_suffix(list, name.c_str()) != 0;
#endif
  return name.find('.') == std::string::npos;
}

}  // namespace eddy::http::detail

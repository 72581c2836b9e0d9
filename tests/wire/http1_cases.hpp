// The gate's inputs as data: what must be refused and why, and what must be accepted. Read by the
// parser tests, the segmentation and mutation tests, and as seeds by the fuzz targets.
#pragma once

#include <string>
#include <vector>

#include <eddy/wire/http1_error.hpp>

namespace eddy::wire::http1::test {

struct refused_case {
  std::string bytes;
  errc why;
};

struct accepted_case {
  std::string bytes;
  std::string method;
  std::string authority;
  std::string path;
  std::string body;
};

// Streams in which the first message already has to be refused; nothing may be read as a message.
[[nodiscard]] std::vector<refused_case> refused_requests();
// Streams of exactly one good request.
[[nodiscard]] std::vector<accepted_case> accepted_requests();

// The same for responses to GET.
[[nodiscard]] std::vector<refused_case> refused_responses();
[[nodiscard]] std::vector<std::string> accepted_responses();

}  // namespace eddy::wire::http1::test

// What holds for every multipart body, however it is divided; used by tests and by the fuzz target.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <eddy/wire/multipart.hpp>

namespace eddy::wire::multipart::test {

struct part {
  std::string headers;
  std::string data;
  bool operator==(const part&) const = default;
};

struct transcript {
  std::vector<part> parts;
  std::optional<errc> failure;
  bool ended = false;
  std::string breach;  // of an invariant
  bool operator==(const transcript&) const = default;
};

/// Reads `body`, of which each time `size` bytes more arrive.
inline transcript read(std::string_view boundary, std::string_view body, std::size_t size,
                       const limits& bounds = {}) {
  transcript got;
  parser p(boundary, bounds);
  std::size_t begin = 0;
  std::size_t end = 0;
  bool in_part = false;
  for (;;) {
    const std::string_view here = body.substr(begin, end - begin);
    const auto event = p.next(here);
    if (!event) {
      got.failure = event.error();
      return got;
    }
    if (event->consumed > here.size()) got.breach = "consumed more than there was";
    if (event->data.size() > event->consumed) got.breach = "gave more data than it consumed";
    begin += event->consumed;
    switch (event->what) {
      case parser::kind::part_begin:
        if (in_part) got.breach = "a part inside a part";
        in_part = true;
        got.parts.push_back({std::string(p.headers().wire_form()), {}});
        break;
      case parser::kind::data:
        if (!in_part || event->data.empty()) got.breach = "data outside a part, or none";
        if (!got.parts.empty()) got.parts.back().data += event->data;
        break;
      case parser::kind::part_end:
        if (!in_part) got.breach = "the end of no part";
        in_part = false;
        break;
      case parser::kind::end:
        if (in_part) got.breach = "the end inside a part";
        got.ended = true;
        return got;
      case parser::kind::more:
        if (event->consumed > 0) break;
        if (here.size() > p.most_unconsumed()) got.breach = "leaves too much";
        if (end == body.size()) {
          got.failure = p.finish().error();
          return got;
        }
        end = std::min(body.size(), end + size);
        break;
    }
    if (!got.breach.empty()) return got;
  }
}

/// Empty, or what does not hold.
inline std::string check(std::string_view boundary, std::string_view body, std::size_t size) {
  const transcript whole = read(boundary, body, body.size() + 1);
  const transcript divided = read(boundary, body, size);
  if (!whole.breach.empty()) return whole.breach;
  if (!divided.breach.empty()) return divided.breach;
  const bool same_parts = whole.ended ? whole == divided : whole.failure == divided.failure;
  return same_parts ? std::string() : "the division of the input matters";
}

}  // namespace eddy::wire::multipart::test

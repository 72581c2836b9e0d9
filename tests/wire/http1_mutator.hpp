// Random damage to messages, from a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <eddy/base/random.hpp>

namespace eddy::wire::http1::test {

class mutator {
 public:
  explicit mutator(std::uint64_t seed) : random_(seed) {}

  std::string mutate(std::string text, const std::string& other) {
    const std::size_t count = 1 + below(3);
    for (std::size_t i = 0; i < count; ++i) change(text, other);
    return text;
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_.below(bound)); }

 private:
  void change(std::string& text, const std::string& other) {
    using namespace std::string_literals;
    static const std::vector<std::string> words = {"\r",
                                                   "\n",
                                                   "\r\n",
                                                   "\r\n\r\n",
                                                   " ",
                                                   "\t",
                                                   ":",
                                                   ";",
                                                   ",",
                                                   "0",
                                                   "\0"s,
                                                   "\xff",
                                                   "%",
                                                   "%2e",
                                                   "..",
                                                   "/",
                                                   "//",
                                                   "\\",
                                                   "chunked",
                                                   "Content-Length: 5\r\n",
                                                   "Transfer-Encoding: chunked\r\n",
                                                   "Host: x\r\n",
                                                   "HTTP/1.0",
                                                   "Connection: close\r\n",
                                                   "0\r\n\r\n",
                                                   "5\r\n",
                                                   "Expect: 100-continue\r\n",
                                                   "http://"};
    const std::size_t at = below(text.size() + 1);
    switch (below(6)) {
      case 0: text.insert(at, words[below(words.size())]); break;
      case 1: text.erase(at, 1 + below(4)); break;
      case 2:
        if (at < text.size()) text[at] = static_cast<char>(below(256));
        break;
      case 3: text.resize(at); break;
      case 4: text.insert(at, other, below(other.size()), 1 + below(30)); break;
      default:
        if (at < text.size()) text.insert(at, text, at, 1 + below(20));
        break;
    }
    if (text.empty()) text = "\r";
  }

  random_source random_;
};

/// Those of `all` that are short enough for much damage to be likely to matter.
[[nodiscard]] inline std::vector<std::string> short_ones(const std::vector<std::string>& all) {
  std::vector<std::string> out;
  for (const auto& bytes : all) {
    if (bytes.size() <= 600) out.push_back(bytes);
  }
  return out;
}

}  // namespace eddy::wire::http1::test

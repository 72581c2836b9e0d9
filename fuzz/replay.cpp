// Runs the corpora through the fuzz targets in builds without libFuzzer: replay <folder with a folder for each target>.
// Ends at the first input that breaks something, as the fuzzer does, after its name has been written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

// The targets' functions go by the names of their files here; the build knows which there are.
#define EDDY_FUZZ_TARGET(name) \
  extern "C" int eddy_fuzz_##name(const std::uint8_t* data, std::size_t size);
EDDY_FUZZ_TARGETS
#undef EDDY_FUZZ_TARGET

namespace {

struct target {
  const char* name;
  int (*run)(const std::uint8_t* data, std::size_t size);
};

#define EDDY_FUZZ_TARGET(name) {#name, eddy_fuzz_##name},
constexpr target targets[] = {EDDY_FUZZ_TARGETS};
#undef EDDY_FUZZ_TARGET

std::size_t replay(const target& one, const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry);
  std::ranges::sort(files);
  for (const auto& path : files) {
    std::printf("%s\n", path.c_str());
    std::fflush(stdout);
    std::ifstream file(path, std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    one.run(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  }
  return files.size();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: replay <folder>\n");
    return 2;
  }
  std::size_t empty = 0;
  for (const target& one : targets) {
    if (replay(one, std::filesystem::path(argv[1]) / one.name) > 0) continue;
    std::fprintf(stderr, "no input for %s\n", one.name);
    ++empty;
  }
  return empty == 0 ? 0 : 1;
}

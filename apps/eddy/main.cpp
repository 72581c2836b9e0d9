// eddy: fetches, crawls and serves web pages; see README.md beside this file.
#include "crawl.hpp"
#include "fetch.hpp"
#include "options.hpp"
#include "serve.hpp"

#include <cstdio>
#include <exception>

#include <eddy/runtime/run.hpp>

namespace {

/// What a signal asked for: shells say 128 + 2 for Ctrl-C.
constexpr int interrupted = 130;

/// Reports of the event loop are for those who write programs, not for those who use them.
eddy::run_options quietly() {
  eddy::run_options how;
  how.watchdog = eddy::duration::zero();
  return how;
}

struct runner {
  int operator()(std::monostate) const { return 0; }
  int operator()(command::fetch_options& options) const {
    return eddy::run(command::fetch(std::move(options)), quietly());
  }
  int operator()(command::crawl_options& options) const {
    const bool resumes = !options.out.empty();
    try {
      return eddy::run(command::crawl(std::move(options)), quietly());
    } catch (const eddy::error& e) {
      if (!(e == eddy::errc::interrupted) || !resumes) throw;
      std::fputs("eddy: interrupted; the same command goes on where this one stopped\n", stderr);
      return interrupted;
    }
  }
  int operator()(command::serve_options& options) const {
    try {
      return eddy::run(command::serve(std::move(options)), quietly());
    } catch (const eddy::error& e) {
      if (e == eddy::errc::interrupted) return 0;  // the usual end
      throw;
    }
  }
};

}  // namespace

int main(int argc, char** argv) {
  int exit_code = 0;
  auto options = command::read_options(argc, argv, exit_code);
  if (std::holds_alternative<std::monostate>(options)) return exit_code;
  try {
    return std::visit(runner(), options);
  } catch (const eddy::error& e) {
    if (e == eddy::errc::interrupted) return interrupted;
    std::fprintf(stderr, "eddy: %s\n", e.what());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "eddy: %s\n", e.what());
  }
  return 1;
}

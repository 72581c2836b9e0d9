// The reference service; see README.md beside this file.
#include "options.hpp"
#include "service.hpp"

#include <cstdio>
#include <exception>

#include <eddy/runtime/run.hpp>

int main(int argc, char** argv) {
  int exit_code = 0;
  const auto options = service::read_options(argc, argv, exit_code);
  if (!options) return exit_code;
  try {
    service::reference_service app(*options);
    eddy::run_options how;
    how.loops = options->loops;
    how.dump_on_sigusr1 = true;
    eddy::run([&app] { return app.serve_on_this_loop(); }, how);
  } catch (const eddy::error& e) {
    // What a signal asked for has been done: requests have been finished.
    if (e == eddy::errc::interrupted) return 0;
    std::fprintf(stderr, "eddy_service: %s\n", e.what());
    return 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "eddy_service: %s\n", e.what());
    return 1;
  }
  return 0;
}

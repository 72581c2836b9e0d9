#include <eddy/process/run.hpp>

#include <eddy/coro/finally.hpp>

namespace eddy::process {

task<output> run(options what, std::string input, run_limits limits, std::source_location where) {
  if (!what.standard_input && !input.empty()) what.standard_input = stdio::pipe;
  if (!what.standard_output) what.standard_output = stdio::pipe;
  if (!what.standard_error) what.standard_error = stdio::pipe;
  child started = spawn(std::move(what), where);
  const communicate_limits bounds{.output = limits.output};
  auto talk = started.communicate(std::move(input), bounds);
  auto end = [&]() -> task<void> { co_await started.terminate(limits.grace); };
  co_return co_await finally(std::move(talk), end);
}

}  // namespace eddy::process

#include <eddy/process/pipe.hpp>

#include <cerrno>

namespace eddy::process {

bool pipe_read_operation::try_complete() {
  if (into_.iov_len == 0) return true;
  buffers = {&into_, 1};
  return io_operation::try_complete();
}

std::size_t pipe_read_operation::take() {
  // Closed here before the read began: the reader sees the end.
  return outcome() == -EBADF ? 0 : take_count("read");
}

bool pipe_write_operation::try_complete() {
  buffers = pieces_.data() != nullptr ? pieces_ : io::const_buffers(&single_, 1);
  return io::size_of(buffers) == 0 || io_operation::try_complete();
}

}  // namespace eddy::process

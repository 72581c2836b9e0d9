#include <eddy/net/happy_eyeballs.hpp>

#include <eddy/coro/scheduler.hpp>

namespace eddy::net {
namespace {

std::error_code code_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::system_error& known) {
    return known.code();
  } catch (...) {
    return make_error_code(errc::resolve_failed);
  }
}

}  // namespace

connect_error::connect_error(std::string host, std::vector<attempt> attempts)
    : error(code_of(attempts.front().failure), "connect", std::move(host)),
      attempts_(std::move(attempts)),
      text_(error::what()) {
  if (attempts_.size() == 1) return;
  text_ += " (all " + std::to_string(attempts_.size()) + " addresses failed:";
  for (const attempt& one : attempts_) text_ += "\n  " + describe_exception(one.failure);
  text_ += ")";
}

std::vector<address> interleave_families(std::vector<address> addresses) {
  if (addresses.empty()) return addresses;
  const int first_family = addresses.front().family();
  std::vector<address> firsts;
  std::vector<address> others;
  for (const address& one : addresses)
    (one.family() == first_family ? firsts : others).push_back(one);
  addresses.clear();
  for (std::size_t i = 0; i < firsts.size() || i < others.size(); ++i) {
    if (i < firsts.size()) addresses.push_back(firsts[i]);
    if (i < others.size()) addresses.push_back(others[i]);
  }
  return addresses;
}

}  // namespace eddy::net

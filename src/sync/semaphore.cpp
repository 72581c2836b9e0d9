#include <eddy/sync/semaphore.hpp>

#include <string>

#include <eddy/base/error.hpp>

namespace eddy {

semaphore::semaphore(std::ptrdiff_t initial, std::ptrdiff_t bound)
    : available_(initial), bound_(bound) {
  if (initial < 0) throw_invalid_input("semaphore: negative initial count");
  if (bound < 1) throw_invalid_input("semaphore: bound below one");
  if (initial > bound) throw_invalid_input("semaphore: initial count above the bound");
}

std::optional<semaphore::guard> semaphore::try_acquire(std::ptrdiff_t n) {
  require_possible(n);
  if (!try_take(n)) return std::nullopt;
  return guard(*this, n);
}

void semaphore::release(std::ptrdiff_t n) {
  if (n < 1) throw_invalid_input("semaphore: release of less than one permit");
  give_back(n);
}

void semaphore::set_bound(std::ptrdiff_t bound) {
  if (bound < 1) throw_invalid_input("semaphore: bound below one");
  if (bound_ == unbounded || bound == unbounded) {
    throw_invalid_input("semaphore: a bound can be changed, but neither added nor removed");
  }
  available_ += bound - bound_;
  bound_ = bound;
  grant();
}

void semaphore::throw_impossible(std::ptrdiff_t n) const {
  throw_invalid_input("semaphore: acquire of " + std::to_string(n) + " permits, bound " +
                      std::to_string(bound_));
}

coro::wait_info semaphore::acquire_operation::describe() const {
  return {"semaphore.acquire", semaphore_, nullptr,
          std::to_string(n_) + " permits, " + std::to_string(semaphore_->available_) + " free"};
}

void semaphore::acquire_operation::withdraw() noexcept {
  unlink();
  withdrawn();
  semaphore_->grant();  // this one may have been all that kept those behind it waiting
}

}  // namespace eddy

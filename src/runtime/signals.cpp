#include <eddy/runtime/signals.hpp>

#include "signal_table.hpp"

#include <vector>

#include <eddy/base/error.hpp>

namespace eddy {
namespace runtime {

class signal_receiver final : public signal_listener {
 public:
  signal_receiver(loop& on, signal_set wanted, std::vector<signal_lease> leases)
      : signal_listener(on, wanted, count_signals()), leases_(std::move(leases)), claim_(wanted) {}
  ~signal_receiver() {
    check(waiters_.empty(), "a signal stream was destroyed while a task waits");
  }

  /// A signal that has come, in turn after the last one given; zero when none has.
  int take_next() noexcept {
    for (int step = 1; pending_ != 0 && step <= last_signal; ++step) {
      const int number = (last_given_ - 1 + step) % last_signal + 1;
      if ((pending_ & signal_bit(number)) == 0) continue;
      pending_ &= ~signal_bit(number);
      last_given_ = number;
      return number;
    }
    return 0;
  }
  void wait(next_signal& waiter) noexcept { waiters_.push_back(waiter); }

 private:
  void signal_arrived(int number, std::uint64_t) noexcept override {
    pending_ |= signal_bit(number);
    while (pending_ != 0 && !waiters_.empty()) {
      auto& waiter = static_cast<next_signal&>(*waiters_.pop_front());
      waiter.number_ = take_next();
      waiter.complete();
    }
  }

  signal_set pending_ = 0;
  int last_given_ = last_signal;
  intrusive_list<coro::queued_operation> waiters_;
  std::vector<signal_lease> leases_;
  signal_claim claim_;
};

bool next_signal::try_complete() noexcept {
  number_ = receiver_->take_next();
  return number_ != 0;
}

void next_signal::enqueue() noexcept { receiver_->wait(*this); }

}  // namespace runtime

signal_stream::signal_stream(std::unique_ptr<runtime::signal_receiver> receiver) noexcept
    : receiver_(std::move(receiver)) {}
signal_stream::signal_stream(signal_stream&&) noexcept = default;
signal_stream& signal_stream::operator=(signal_stream&&) noexcept = default;
signal_stream::~signal_stream() = default;

signal_stream signals(std::initializer_list<int> numbers) {
  runtime::loop& here = runtime::loop::current();
  if (numbers.size() == 0) throw_invalid_input("signals: none was named");
  if (!runtime::on_first_thread()) throw_error(errc::unsupported, "signals off the first thread");
  std::vector<runtime::signal_lease> leases;
  runtime::signal_set wanted = 0;
  for (const int number : numbers) {
    leases.emplace_back(number);
    wanted |= runtime::signal_bit(number);
  }
  return signal_stream(std::make_unique<runtime::signal_receiver>(here, wanted, std::move(leases)));
}

}  // namespace eddy

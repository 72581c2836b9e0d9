#include <eddy/resilience/prepared_task.hpp>

#include <coroutine>
#include <exception>
#include <memory>
#include <string>

#include <eddy/coro/scheduler.hpp>
#include <eddy/coro/task_state.hpp>

namespace eddy::resilience::detail {

class prepared_task::record final : public coro::task_state {
 public:
  using frame = coro::frame_owner<coro::task_promise<void>>;

  record(frame body, std::source_location where) noexcept
      : task_state(where), body_(std::move(body)) {}

  void begin() noexcept {
    const auto entry = body_.release();
    task_state::start(coro::scheduler::require().root(), entry.promise(), entry);
  }
  void discard() noexcept { delete this; }

 private:
  ~record() override = default;

  std::exception_ptr take_outcome(std::coroutine_handle<> body) noexcept override {
    const frame ended(
        std::coroutine_handle<coro::task_promise<void>>::from_address(body.address()));
    auto& outcome = ended.get().promise().result();
    return outcome.has_value() ? nullptr : outcome.take_exception();
  }

  frame body_;
};

prepared_task::prepared_task(task<void> body, std::string_view name, std::source_location where) {
  auto text = std::make_unique<std::string>(name);
  record_ = new record(std::move(body).release_frame(), where);
  record_->set_name(std::move(text));
}

prepared_task::~prepared_task() {
  if (record_ != nullptr) record_->discard();
}

any_task_handle prepared_task::start() && noexcept {
  record& started = *std::exchange(record_, nullptr);
  any_task_handle handle(started);
  started.begin();
  return handle;
}

}  // namespace eddy::resilience::detail

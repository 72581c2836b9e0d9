#include <eddy/resilience/prepared_task.hpp>

#include <coroutine>
#include <exception>
#include <memory>

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

  void take_outcome(std::coroutine_handle<> body) noexcept override {
    std::exception_ptr thrown;
    {
      const frame ended(
          std::coroutine_handle<coro::task_promise<void>>::from_address(body.address()));
      auto& outcome = ended.get().promise().result();
      if (!outcome.has_value()) thrown = outcome.take_exception();
    }
    if (thrown != nullptr) ended_by(std::move(thrown));
  }

  frame body_;
};

prepared_task::prepared_task(task<void> body, std::string_view name, std::source_location where) {
  auto details = std::make_unique<coro::task_details>();
  details->name = name;
  record_ = new record(std::move(body).release_frame(), where);
  record_->set_details(std::move(details));
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

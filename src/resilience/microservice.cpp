#include <eddy/resilience/microservice.hpp>

namespace eddy {
namespace {

bool was_rejected(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const error& e) {
    return e.code() == make_error_code(resilience::errc::circuit_open) ||
           e.code() == make_error_code(resilience::errc::bulkhead_full);
  } catch (...) {
    return false;
  }
}

retry_policy policy_of(const microservice_options& options) {
  return retry_policy()
      .attempts(options.retry_count + 1)
      .pause(full_jitter(wait_exponential(options.backoff)))
      .on_failure([](const std::exception_ptr& failure) {
        return !was_rejected(failure) && is_worth_retrying(failure);
      });
}

bulkhead_options places_of(const microservice_options& options) {
  bulkhead_options places;
  places.name = options.name;
  places.max_concurrent = options.max_concurrent;
  places.max_waiting = options.max_waiting;
  return places;
}

}  // namespace

microservice::microservice(const microservice_options& options)
    : options_(options), policy_(policy_of(options)), bulkhead_(places_of(options)) {
  options_.name = {};  // what it refers to may go away
  if (options.failure_threshold != 0) {
    circuit_breaker_options circuit;
    circuit.name = options.name;
    circuit.failure_threshold = options.failure_threshold;
    circuit.reset_time = options.reset_time;
    breaker_.emplace(circuit);
  }
  if (options.rate_limit != 0) limiter_.emplace(options.rate_limit, options.rate_period);
}

microservice_statistics microservice::statistics() {
  microservice_statistics all = statistics_;
  all.places = bulkhead_.statistics();
  if (breaker_) all.circuit = breaker_->statistics();
  return all;
}

}  // namespace eddy

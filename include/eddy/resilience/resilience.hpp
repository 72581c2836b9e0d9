// All of the module: retry, circuit breaker, rate limiters, bulkhead, batcher, pools, cache, and their composition.
#pragma once

#include <eddy/resilience/batcher.hpp>
#include <eddy/resilience/bulkhead.hpp>
#include <eddy/resilience/cache.hpp>
#include <eddy/resilience/circuit_breaker.hpp>
#include <eddy/resilience/error.hpp>
#include <eddy/resilience/keyed_pool.hpp>
#include <eddy/resilience/memory_pool.hpp>
#include <eddy/resilience/microservice.hpp>
#include <eddy/resilience/object_pool.hpp>
#include <eddy/resilience/process_in_batches.hpp>
#include <eddy/resilience/rate_limiter.hpp>
#include <eddy/resilience/retry.hpp>
#include <eddy/resilience/retry_budget.hpp>

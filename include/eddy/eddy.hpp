// All of eddy's everyday vocabulary. Each header also stands alone: a program that includes what it uses builds faster.
#pragma once

#include <eddy/base/error.hpp>
#include <eddy/base/time.hpp>
#include <eddy/coro/cancelled.hpp>
#include <eddy/coro/exception_group.hpp>
#include <eddy/coro/finally.hpp>
#include <eddy/coro/future.hpp>
#include <eddy/coro/gather.hpp>
#include <eddy/coro/generator.hpp>
#include <eddy/coro/group.hpp>
#include <eddy/coro/handle.hpp>
#include <eddy/coro/race.hpp>
#include <eddy/coro/result.hpp>
#include <eddy/coro/scope.hpp>
#include <eddy/coro/sleep.hpp>
#include <eddy/coro/task.hpp>
#include <eddy/coro/task_local.hpp>
#include <eddy/coro/timeout.hpp>
#include <eddy/net/net.hpp>
#include <eddy/runtime/dump.hpp>
#include <eddy/runtime/offload.hpp>
#include <eddy/runtime/run.hpp>
#include <eddy/sync/event.hpp>
#include <eddy/sync/mutex.hpp>
#include <eddy/sync/queue.hpp>
#include <eddy/sync/semaphore.hpp>

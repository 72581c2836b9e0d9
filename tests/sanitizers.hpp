// Which sanitizer this build has: EDDY_HAS_ASAN, EDDY_HAS_TSAN, and EDDY_HAS_SANITIZER for either.
#pragma once

#if defined(__SANITIZE_ADDRESS__)
#define EDDY_HAS_ASAN 1
#elif defined(__SANITIZE_THREAD__)
#define EDDY_HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define EDDY_HAS_ASAN 1
#elif __has_feature(thread_sanitizer)
#define EDDY_HAS_TSAN 1
#endif
#endif

#if defined(EDDY_HAS_ASAN) || defined(EDDY_HAS_TSAN)
#define EDDY_HAS_SANITIZER 1
#endif

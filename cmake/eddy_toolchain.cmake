# What the compiler and linker are told for the whole build, and the warnings of the project's own targets.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(PROJECT_IS_TOP_LEVEL)
  find_program(EDDY_CCACHE ccache)
  if(EDDY_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${EDDY_CCACHE})
  endif()
endif()

if(PROJECT_IS_TOP_LEVEL AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  include(CheckLinkerFlag)
  check_linker_flag(CXX -fuse-ld=lld EDDY_HAS_LLD)
  if(EDDY_HAS_LLD)
    add_link_options(-fuse-ld=lld)
  endif()
endif()

# Sanitizers change the layout and the code of everything in a build, so they are the directory's, not a target's.
set(EDDY_SANITIZE_FLAGS "")
if(EDDY_SANITIZE STREQUAL "address")
  set(EDDY_SANITIZE_FLAGS -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
elseif(EDDY_SANITIZE STREQUAL "thread")
  set(EDDY_SANITIZE_FLAGS -fsanitize=thread -fno-omit-frame-pointer)
elseif(EDDY_SANITIZE)
  message(FATAL_ERROR "EDDY_SANITIZE=${EDDY_SANITIZE}: expected address or thread")
endif()
# The build type `Sanitize`: asserts stay on, frames stay readable, line tables only, which is all that a report needs.
# GCC 12 compiles a test source with much JSON in 7.2 s at -Og, 8.1 s at -O0 and 10.6 s at -O1. Clang has no -Og of its
# own; its -O1 takes more than twice as long as its -O0 for a source with many coroutines.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  set(CMAKE_CXX_FLAGS_SANITIZE "-O0 -gline-tables-only")
else()
  set(CMAKE_CXX_FLAGS_SANITIZE "-Og -g1")
endif()
add_compile_options(${EDDY_SANITIZE_FLAGS})
add_link_options(${EDDY_SANITIZE_FLAGS})

# For the project's own targets only: never exported, so a user's build is not held to our warnings.
add_library(eddy_warnings INTERFACE)
target_compile_options(eddy_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports false overlaps where a literal is appended to a string it has just inlined (PR 105651), and false "may
  # be used uninitialized" on optionals (PR 80635) and on the code that its sanitizers insert (PR 105562).
  target_compile_options(eddy_warnings INTERFACE -Wno-restrict -Wno-maybe-uninitialized)
endif()

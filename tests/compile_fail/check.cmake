# Compiles one file; fails unless it fails with the diagnostic that its line "// expect: <regular expression>" asks for.
# A file without such a line has to compile. -D SOURCE, COMPILER, INCLUDE.

file(STRINGS ${SOURCE} expected REGEX "^// expect: ")
execute_process(
  COMMAND ${COMPILER} -std=c++23 -Wall -Wextra -Werror -fsyntax-only -I${INCLUDE} ${SOURCE}
  RESULT_VARIABLE failed OUTPUT_VARIABLE said ERROR_VARIABLE said)
if(NOT expected)
  if(failed)
    message(FATAL_ERROR "does not compile:\n${said}")
  endif()
  return()
endif()
string(REPLACE "// expect: " "" expected "${expected}")
if(NOT failed)
  message(FATAL_ERROR "compiles, but should fail with: ${expected}")
endif()
if(NOT said MATCHES "error: " OR NOT said MATCHES "${expected}")
  message(FATAL_ERROR "fails, but not with: ${expected}\n${said}")
endif()
